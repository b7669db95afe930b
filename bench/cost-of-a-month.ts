import { round } from './figures.ts';

/** `node bench/cost-of-a-month.ts` prints the tables of docs/cost.md: an estimate by list prices, since no month has been billed yet. */

interface Figure {
  readonly is: number;
  readonly what: string;
  readonly from: string;
}

const bench = 'bench/README.md';
/** The lifecycle `expire` of test/replay: an hour's access, two approvers, one of whom approves. A test counts again. */
const counted = 'counted';
/** Once, in the traces of a lifecycle like that of test/telemetry. */
const spans = 'read off its traces';
const deployed = 'infra/, host.json';
const source = 'shared/domain/timeline.ts';
const guess = 'a guess';

/** Requests that have not ended, and the request units that the reconciler reads each minute then. More can be added, in order. */
const readings = [
  { standing: 0, units: 16, from: spans },
  { standing: 100, units: 93, from: bench },
  { standing: 1_000, units: 1_780.7, from: bench },
  { standing: 10_000, units: 28_989.9, from: bench },
] as const;

export const figures = {
  life: { is: 151.8, what: 'request units from the submission to the deadline', from: bench },
  reads: { is: 37, what: 'of these for reading, which strong consistency charges twice', from: spans },
  open: { is: 5, what: 'hours from the submission to the end', from: guess },
  gauges: { is: 3.3, what: 'request units each minute to look up the gauges, by each instance', from: spans },
  instances: { is: 2, what: 'instances that send them', from: guess },
  kept: { is: 6.5, what: 'KiB of events and projection', from: counted },
  overhead: { is: 2, what: 'times that in Cosmos DB, with the index', from: guess },
  history: { is: 16.5, what: 'KiB in the task hub', from: bench },
  turns: { is: 10, what: 'turns of the orchestrator', from: counted },
  activities: { is: 6, what: 'activities', from: counted },
  timers: { is: 4, what: 'durable timers', from: counted },
  events: { is: 2, what: 'events raised: the decision, and the report of the revocation', from: counted },
  tables: { is: 3, what: 'requests to tables for each turn', from: bench },
  busy: { is: 5, what: 'seconds for which it keeps the instance for orchestrations busy', from: guess },
  calls: { is: 8, what: 'calls: the approver’s page and sign-in, and polling', from: guess },
  call: { is: 1, what: 'second for which a call keeps an instance busy', from: guess },
  run: { is: 2, what: 'seconds for which a run of the reconciler does', from: guess },
  feed: {
    is: 1,
    what: 'second for which the minute timer of the deadline scheduler does while nothing ends',
    from: guess,
  },
  feedOpen: { is: 45, what: 'seconds that it stays open at most, until the last deadline it has read', from: source },
  feedQuery: { is: 3, what: 'request units for its one query each minute', from: guess },
  mails: { is: 8, what: 'mails', from: counted },
  mail: { is: 2, what: 'KiB in a mail', from: counted },
  telemetry: { is: 120, what: 'KiB of telemetry: spans, and what the host logs of each execution', from: guess },
  background: { is: 45, what: 'KiB of telemetry each minute while there are no requests', from: guess },
  memory: { is: 2, what: 'GB in an instance', from: deployed },
  queues: { is: 5, what: 'queues that are polled each second', from: deployed },
  minuteAlerts: { is: 1, what: 'alert each minute', from: deployed },
  alerts: { is: 7, what: 'alerts every five minutes', from: deployed },
} as const satisfies Record<string, Figure>;

interface Price {
  readonly usd: number;
  readonly per: string;
  readonly from: string;
}

// No price list could be read: these are what public repositories say that they read there.
const retail = 'Retail Prices API, East US 2, read by others in September and October 2026';
const others = 'read by others in 2026, US';
const remembered = '**remembered** on 21 November 2026, to be checked';

const prices = {
  ready: { usd: 0.000004, per: 'GB-second of an instance always ready', from: retail },
  busy: { usd: 0.000016, per: 'GB-second of the same while it works', from: retail },
  onDemand: { usd: 0.000026, per: 'GB-second of other instances while they work', from: retail },
  execution: { usd: 0.4, per: 'million executions', from: retail },
  unit: { usd: 0.25, per: 'million request units, serverless', from: `${retail}; Microsoft’s documentation` },
  stored: { usd: 0.25, per: 'GB and month in Cosmos DB', from: retail },
  backup: {
    usd: 0.2,
    per: 'GB and month of its backup of 30 days',
    from: 'Microsoft’s documentation of 2023, West US',
  },
  autoscale: { usd: 0.012, per: 'hour of 100 request units a second, autoscale', from: remembered },
  queue: { usd: 0.004, per: '10,000 requests to queues', from: 'Retail Prices API, read by others, LRS; ours is ZRS' },
  table: {
    usd: 0.00036,
    per: '10,000 requests to tables',
    from: 'read by others on 22 September 2026, LRS; ours is ZRS',
  },
  tables: { usd: 0.045, per: 'GB and month in tables', from: 'the same' },
  mail: { usd: 0.00025, per: 'mail', from: 'Microsoft’s documentation of 2022; read by others on 12 May 2026' },
  mailed: { usd: 0.00012, per: 'MB of mail', from: 'the same' },
  logs: { usd: 2.3, per: 'GB of logs, traces and metrics, kept for 90 days', from: others },
  alert: { usd: 1.5, per: 'month of an alert every five minutes', from: others },
  minuteAlert: { usd: 3, per: 'month of an alert each minute', from: remembered },
} as const satisfies Record<string, Price>;

const hours = 730;
const minutes = hours * 60;
const seconds = minutes * 60;
const million = 1e6;
const kibInGb = 1e9 / 1024;

/** Request units that the reconciler reads in a minute: below the least that was measured as many, above the most in proportion. */
function readEachMinute(standing: number): number {
  const points: readonly { readonly standing: number; readonly units: number }[] = readings;
  const above = points.findIndex((point) => standing <= point.standing);
  const [before, after] = [points[(above < 0 ? points.length : above) - 1], points[above]];
  if (!before) return after?.units ?? 0;
  if (!after) return (before.units * standing) / before.standing;
  const part = (standing - before.standing) / (after.standing - before.standing);
  return before.units + part * (after.units - before.units);
}

const unitsOfRequests = (requests: number) => requests * (figures.life.is + figures.reads.is);
const unitsOfMinutes = (requests: number) =>
  2 *
  minutes *
  (readEachMinute((requests * figures.open.is) / hours) +
    figures.gauges.is * figures.instances.is +
    figures.feedQuery.is);
/**
 * Seconds for which a run of the minute timer stays open: until the last of the deadlines before its limit. They are taken to
 * come evenly, all day and all week, which keeps it open longer than deadlines that come together.
 */
function openSeconds(requests: number): number {
  const perSecond = requests / seconds;
  const any = 1 - Math.exp(-perSecond * figures.feedOpen.is);
  return figures.feedOpen.is - any / perSecond;
}
const gigabytesOfMemory = (requests: number, each: Figure, fixed = 0) =>
  (requests * each.is + fixed) * figures.memory.is;
const executions = (count: number) => (count * prices.execution.usd) / million;
/** Each is put, fetched and deleted: an activity's call and its result, a timer even where it was cancelled, an event, the start. */
const messages = 2 * figures.activities.is + figures.timers.is + figures.events.is + 1;

/** USD for a month of so many requests. */
const parts: readonly (readonly [what: string, usd: (requests: number) => number])[] = [
  ['Functions: one instance always ready', () => seconds * figures.memory.is * prices.ready.usd],
  [
    'Functions: orchestrations and activities',
    (requests) =>
      gigabytesOfMemory(requests, figures.busy) * prices.busy.usd +
      executions(requests * (figures.turns.is + figures.activities.is)),
  ],
  [
    'Functions: calls',
    (requests) =>
      gigabytesOfMemory(requests * figures.calls.is, figures.call) * prices.onDemand.usd +
      executions(requests * figures.calls.is),
  ],
  [
    'Functions: the reconciler',
    () => gigabytesOfMemory(minutes, figures.run) * prices.onDemand.usd + executions(minutes),
  ],
  [
    'Functions: the minute timer of the deadline scheduler',
    (requests) =>
      gigabytesOfMemory(minutes, figures.feed, minutes * openSeconds(requests)) * prices.onDemand.usd +
      executions(minutes),
  ],
  ['Cosmos DB: the requests', (requests) => (unitsOfRequests(requests) * prices.unit.usd) / million],
  [
    'Cosmos DB: the reconciler, the minute timer and the gauges',
    (requests) => (unitsOfMinutes(requests) * prices.unit.usd) / million,
  ],
  [
    'Cosmos DB: to keep what that month leaves',
    (requests) =>
      ((requests * figures.kept.is * figures.overhead.is) / kibInGb) * (prices.stored.usd + prices.backup.usd),
  ],
  ['Task hub: empty queues', () => (figures.queues.is * seconds * prices.queue.usd) / 10_000],
  [
    'Task hub: all else',
    (requests) =>
      (requests * (3 * messages * prices.queue.usd + figures.turns.is * figures.tables.is * prices.table.usd)) /
        10_000 +
      ((requests * figures.history.is) / kibInGb) * prices.tables.usd,
  ],
  [
    'Mail',
    (requests) => requests * figures.mails.is * (prices.mail.usd + (figures.mail.is / 1024) * prices.mailed.usd),
  ],
  [
    'Logs, traces and metrics',
    (requests) => ((requests * figures.telemetry.is + minutes * figures.background.is) / kibInGb) * prices.logs.usd,
  ],
  ['Alerts', () => figures.minuteAlerts.is * prices.minuteAlert.usd + figures.alerts.is * prices.alert.usd],
];

const total = (requests: number) => parts.reduce((sum, [, usd]) => sum + usd(requests), 0);
const months = [10, 1_000, 100_000];
const dollars = (usd: number) => usd.toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const table = (rule: string, rows: readonly (readonly (string | number)[])[]) =>
  rows.map((cells, row) => `| ${cells.join(' | ')} |${row === 0 ? `\n${rule}` : ''}`).join('\n');

export const costs = table('|---|--:|--:|--:|', [
  ['USD for a month of so many requests', ...months.map((requests) => round(requests))],
  ...parts.map(([what, usd]) => [what, ...months.map((requests) => dollars(usd(requests)))]),
  ['**All**', ...months.map((requests) => `**${dollars(total(requests))}**`)],
]);

export const inputs = table('|--:|---|---|', [
  ['For a request, or of what is deployed', '', 'From'],
  ...readings.map(({ standing, units, from }) => [
    units,
    `request units that the reconciler reads each minute, ${round(standing)} requests standing; strong consistency charges them twice`,
    from,
  ]),
  ...Object.values(figures).map(({ is, what, from }) => [is, what, from]),
]);

export const priceList = table('|--:|---|---|', [
  ['USD', 'for a', 'From'],
  ...Object.values(prices).map(({ usd, per, from }) => [usd, per, from]),
]);

/** Serverless against autoscale, which all containers would share. */
export function breakEven(): string {
  const least = hours * prices.autoscale.usd;
  const serverless = (requests: number) =>
    ((unitsOfRequests(requests) + unitsOfMinutes(requests)) * prices.unit.usd) / million;
  let requests = 0;
  while (serverless(requests) < least) requests += 1_000;
  return `Autoscale at its least is USD ${dollars(least)} a month: what the request units of ${round(requests)} requests cost serverless.`;
}

if (import.meta.main) console.log([costs, breakEven(), inputs, priceList].join('\n\n'));

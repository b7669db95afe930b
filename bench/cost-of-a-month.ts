import { round } from './figures.ts';

/** `node bench/cost-of-a-month.ts` prints the tables of docs/cost.md: an estimate by list prices, since no month has been billed yet. */

/** From bench/README.md. The charges are those of the stand-in for Cosmos DB, which counts each read once. */
export const measured = {
  /** Request units from asking to the deadline. */
  life: 149.9,
  /** Request units each minute, with so many requests that have not ended. More counts can be added, in order. */
  reconciler: [{ standing: 100, units: 60.2 }],
  /** KiB in the task hub, of a whole life. */
  history: 13.9 + 2.2,
} as const;

/** Of the story `expire`: an hour's access, with two people asked, one of whom approves. A test plays it and counts again. */
export const counted = { turns: 23, activities: 16, timers: 11, events: 2, mails: 8, kib: 11.5 } as const;

/** What nobody has counted yet. */
const guessed = {
  /** Hours from asking to the end. */
  open: 5,
  /** Of a life's request units, those that read: strong consistency charges them twice. */
  reads: 30,
  /** Bytes in Cosmos DB for each byte of a document: its index and its own properties. */
  overhead: 2,
  /** Request units each minute to look up the gauges, on each instance, and how many instances there are. */
  gauges: 3.3,
  instances: 2,
  /** Calls from asking to the end: the approver's page and sign-in, and whoever polls. */
  calls: 8,
  /** Seconds for which a life keeps the instance for orchestrations busy; a call and a run of the reconciler keep others. */
  busy: 12,
  call: 1,
  run: 2,
  /** KiB in a mail. */
  mail: 30,
  /** Requests to tables for each turn. */
  tables: 3,
  /** KiB of telemetry, Curfew's and the host's: of a life, and each minute of the reconciler, the figures and the host itself. */
  telemetry: 220,
  telemetryEachMinute: 40,
} as const;

/** As infra/ and host.json have it; a test compares. */
export const deployed = { memory: 2, queues: 5, alertsEachMinute: 1, alertsEachFiveMinutes: 6 } as const;

interface Price {
  readonly usd: number;
  readonly per: string;
  readonly from: string;
}

// Nobody could be asked: these are what public repositories say that they read.
const retail = 'Retail Prices API, East US 2, read by others in September and October 2026';
const remembered = '**remembered** on 21 November 2026, to be checked';
const prices = {
  ready: { usd: 0.000004, per: 'GB-s, an instance always ready', from: retail },
  busy: { usd: 0.000016, per: 'GB-s, the same while it works', from: retail },
  onDemand: { usd: 0.000026, per: 'GB-s, other instances while they work', from: retail },
  execution: { usd: 0.4, per: 'million executions', from: retail },
  unit: { usd: 0.25, per: 'million request units, serverless', from: `${retail}; the same in Microsoft’s documentation` },
  stored: { usd: 0.25, per: 'GB and month in Cosmos DB', from: retail },
  backup: { usd: 0.2, per: 'GB and month of its 30 days’ backup', from: 'Microsoft’s documentation, West US, April 2023' },
  autoscale: {
    usd: 0.012,
    per: '100 request units a second and hour, autoscale',
    from: `${remembered}: half as much again as the 0.008 of provisioned ones in Microsoft’s documentation`,
  },
  queue: { usd: 0.004, per: '10,000 requests to queues', from: 'Retail Prices API, LRS, read by others; infra/ has ZRS' },
  table: { usd: 0.00036, per: '10,000 requests to tables', from: 'read by others on 22 September 2026, LRS' },
  tables: { usd: 0.045, per: 'GB and month in tables', from: 'read by others on 22 September 2026, LRS' },
  mail: { usd: 0.00025, per: 'mail', from: 'Microsoft’s documentation; read by others on 12 May 2026' },
  mailed: { usd: 0.00012, per: 'MB of mail', from: 'the same' },
  logs: { usd: 2.3, per: 'GB of logs, traces and metrics', from: 'read by others in 2026, US; 90 days are kept for that' },
  alertEachFiveMinutes: { usd: 1.5, per: 'month of an alert, every 5 minutes', from: 'read by others in 2026, US' },
  alertEachMinute: { usd: 3, per: 'month of an alert, every minute', from: remembered },
} as const satisfies Record<string, Price>;

const hours = 730;
const minutes = hours * 60;
const seconds = minutes * 60;
const million = 1e6;
const kibPerGb = million;

const standing = (requests: number) => (requests * guessed.open) / hours;

/** Request units that the reconciler reads in a minute. Below the least that was measured it is that, above the most it grows evenly. */
function readEachMinute(count: number): number {
  const points: readonly { readonly standing: number; readonly units: number }[] = measured.reconciler;
  const next = points.findIndex((point) => count <= point.standing);
  const [before, after] = [points.at(next - 1), points[next]];
  if (!before || next === 0) return after?.units ?? 0;
  if (!after) return (before.units * count) / before.standing;
  const part = (count - before.standing) / (after.standing - before.standing);
  return before.units + part * (after.units - before.units);
}

const unitsOfLives = (requests: number) => requests * (measured.life + guessed.reads);
const unitsOfMinutes = (requests: number) =>
  minutes * 2 * (readEachMinute(standing(requests)) + guessed.gauges * guessed.instances);
const queueRequests = 6 * counted.activities + 3 * (counted.timers + counted.events + 1);

/** What a month costs in USD, part by part. */
const parts: readonly (readonly [what: string, usd: (requests: number) => number])[] = [
  ['Functions: one instance always ready', () => seconds * deployed.memory * prices.ready.usd],
  [
    'Functions: orchestrations and activities',
    (requests) =>
      requests *
      (guessed.busy * deployed.memory * prices.busy.usd +
        ((counted.turns + counted.activities) * prices.execution.usd) / million),
  ],
  [
    'Functions: calls, and the reconciler',
    (requests) =>
      (requests * guessed.calls * guessed.call + minutes * guessed.run) * deployed.memory * prices.onDemand.usd +
      ((requests * guessed.calls + minutes) * prices.execution.usd) / million,
  ],
  ['Cosmos DB: the requests', (requests) => (unitsOfLives(requests) * prices.unit.usd) / million],
  ['Cosmos DB: the reconciler and the gauges', (requests) => (unitsOfMinutes(requests) * prices.unit.usd) / million],
  [
    'Cosmos DB: what is kept of that month, each month',
    (requests) =>
      ((requests * counted.kib * guessed.overhead) / kibPerGb) * (prices.stored.usd + prices.backup.usd),
  ],
  ['Task hub: looking into empty queues', () => ((deployed.queues * seconds) / 10_000) * prices.queue.usd],
  [
    'Task hub: all else',
    (requests) =>
      requests *
      ((queueRequests * prices.queue.usd + counted.turns * guessed.tables * prices.table.usd) / 10_000 +
        (measured.history / kibPerGb) * prices.tables.usd),
  ],
  [
    'Mail',
    (requests) => requests * counted.mails * (prices.mail.usd + (guessed.mail / 1_000) * prices.mailed.usd),
  ],
  [
    'Logs, traces and metrics',
    (requests) =>
      ((requests * guessed.telemetry + minutes * guessed.telemetryEachMinute) / kibPerGb) * prices.logs.usd,
  ],
  [
    'Alerts',
    () =>
      deployed.alertsEachMinute * prices.alertEachMinute.usd +
      deployed.alertsEachFiveMinutes * prices.alertEachFiveMinutes.usd,
  ],
];

const total = (requests: number) => parts.reduce((sum, [, usd]) => sum + usd(requests), 0);
const months = [10, 1_000, 100_000];
const dollars = (usd: number) =>
  usd < 0.005 ? '0' : usd.toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });

const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [head, head.map((_, column) => (column === 0 ? '---' : '--:')), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');

export const costs = table(
  ['USD for a month of so many requests', ...months.map((requests) => round(requests))],
  [
    ...parts.map(([what, usd]) => [what, ...months.map((requests) => dollars(usd(requests)))]),
    ['**all**', ...months.map((requests) => `**${dollars(total(requests))}**`)],
  ],
);

export const priceList = [
  '| USD | for a | from |\n|--:|---|---|',
  ...Object.values(prices).map(({ usd, per, from }) => `| ${usd} | ${per} | ${from} |`),
].join('\n');

/** Serverless against autoscale at its least, shared by all containers, in whole thousands of requests. */
export function breakEven(): string {
  const least = hours * prices.autoscale.usd;
  const serverless = (requests: number) => ((unitsOfLives(requests) + unitsOfMinutes(requests)) * prices.unit.usd) / million;
  let requests = 0;
  while (serverless(requests) < least) requests += 1_000;
  return `Autoscale at its least is ${dollars(least)} a month, what the request units of ${round(requests)} requests cost serverless.`;
}

if (import.meta.main) console.log([costs, priceList, breakEven()].join('\n\n'));

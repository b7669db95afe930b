import { type Attributes, type MetricOptions, metrics } from '@opentelemetry/api';
import type { AccessRequest } from './domain/access-request.ts';
import { apiStateOf } from './domain/api-states.ts';
import { CurfewError } from './domain/errors.ts';
import { isPassing, openStates } from './domain/states.ts';
import { earliest, type Instant, millisecondsOf, plus } from './domain/time.ts';
import type { Clock, Notifier, RequestStore } from './ports.ts';
import { say, scope } from './telemetry.ts';

const counters = {
  'curfew.requests': 'Requests that came into a state',
  'curfew.mail.failures': 'Tries to send a mail that failed',
  'curfew.webhook.failures': 'Tries to tell a receiver of events that failed',
  'curfew.drift': 'Members found on a target whom Curfew never granted their role',
  'curfew.break_glass': 'Glasses broken',
  'curfew.store.failures': 'Calls to the event store that failed',
} as const;

const histograms = {
  'curfew.decision.duration': {
    description: 'From the request to its decision',
    bounds: [1, 10, 30, 60, 120, 300, 600, 1800, 3600, 14_400, 43_200, 86_400, 259_200],
  },
  'curfew.revocation.lateness': {
    description: 'From the deadline to the drop, by the target’s own clock',
    bounds: [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 2, 5, 15, 60, 300, 3600, 86_400],
  },
  'curfew.hub.delay': {
    description: 'From the turn of an orchestration that asked for an activity to its beginning',
    bounds: [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 900, 3600],
  },
} as const;

const gauges = {
  'curfew.revocations.overdue': { description: 'Accesses that stand though they should have ended' },
  'curfew.reconciler.age': { description: 'Since the reconciler last went through everything', unit: 's' },
  'curfew.requests.stalled': { description: 'Since when the oldest step that is due has not been taken', unit: 's' },
} as const satisfies Record<string, MetricOptions>;

/** Docs and alerts rely on them. */
export const metricNames = [...Object.keys(counters), ...Object.keys(histograms), ...Object.keys(gauges)];

// The meter is asked for each time: one that was had before telemetry began would stay deaf.
const meter = () => metrics.getMeter(scope);

export function count(name: keyof typeof counters, attributes?: Attributes): void {
  meter().createCounter(name, { description: counters[name] }).add(1, attributes);
}

function measure(name: keyof typeof histograms, milliseconds: number, attributes: Attributes): void {
  const { description, bounds } = histograms[name];
  const seconds = Math.max(0, milliseconds) / 1000;
  const options = { description, unit: 's', advice: { explicitBucketBoundaries: [...bounds] } };
  meter().createHistogram(name, options).record(seconds, attributes);
  say({ [name]: seconds });
}

/**
 * Counts what a projection has become, where it was written and nobody came between: so no event counts twice, however often
 * an activity runs. States that were written at once count as the last of them.
 */
export function countSaved(before: AccessRequest | undefined, after: AccessRequest): void {
  const { decision, revoked, review, submittedAt, terms } = after;
  const state = apiStateOf(after.state);
  const target = { target: terms.targetId };
  if (!before || apiStateOf(before.state) !== state) count('curfew.requests', { state, ...target });
  if (!before?.review && review) count('curfew.break_glass', target);
  if (!before?.decision && decision) {
    const { outcome, rule, at } = decision;
    const by = rule === undefined ? 'person' : 'rule';
    measure('curfew.decision.duration', millisecondsOf(at) - millisecondsOf(submittedAt), { outcome, by });
  }
  if (!before?.revoked && revoked?.lateness !== undefined) {
    measure('curfew.revocation.lateness', revoked.lateness, target);
  }
}

/** Measures how long an activity waited in the task hub, by two clocks. What an older version asked for does not say since when. */
export function measureHubDelay(activity: string, askedAt: Instant | undefined, now: Instant): void {
  if (askedAt !== undefined) {
    measure('curfew.hub.delay', millisecondsOf(now) - millisecondsOf(askedAt), { activity });
  }
}

/** Counts the failures, and leaves them to whoever sends. */
export function countingFailures(notifier: Notifier): Notifier {
  return {
    send: (message) =>
      notifier.send(message).catch((error: unknown) => {
        count('curfew.mail.failures', { code: error instanceof CurfewError ? error.code : 'CURFEW_INTERNAL' });
        throw error;
      }),
  };
}

/** More than are counted exactly. */
const manyOverdue = 1000;
/** What has stood still for longer is not looked for: it may stand so for ever. Milliseconds. */
const longestStalled = 7 * 86_400_000;
const passingStates = openStates.filter((state) => isPassing(state));

/** What is looked up each time that metrics are sent. What can't be looked up then is not sent, rather than as it was. */
export function observe(from: { clock: Clock; requests: RequestStore; lastSuccess: () => Promise<Instant> }): void {
  meter()
    .createObservableGauge('curfew.revocations.overdue', gauges['curfew.revocations.overdue'])
    .addCallback(async (result) => {
      const { requests } = await from.requests.list({ states: ['overdue'] }, manyOverdue);
      result.observe(requests.length);
    });
  meter()
    .createObservableGauge('curfew.reconciler.age', gauges['curfew.reconciler.age'])
    .addCallback(async (result) => {
      const last = millisecondsOf(await from.lastSuccess());
      result.observe(Math.max(0, millisecondsOf(from.clock.now()) - last) / 1000);
    });
  meter()
    .createObservableGauge('curfew.requests.stalled', gauges['curfew.requests.stalled'])
    .addCallback(async (result) => {
      const now = from.clock.now();
      const oldest = await oldestDue(from.requests, now);
      result.observe((millisecondsOf(now) - millisecondsOf(oldest)) / 1000);
    });
}

/**
 * When the oldest step was due that the store does not show as taken: the start or the end of a grant, or the end of a state that
 * passes by itself. `now` where there is none. It goes by projections, so that it counts whatever holds them up as well.
 */
async function oldestDue(requests: RequestStore, now: Instant): Promise<Instant> {
  const [{ upcoming }, { requests: passing }] = await Promise.all([
    requests.upcoming(plus(now, -longestStalled), now, 1),
    requests.list({ states: passingStates }, manyOverdue),
  ]);
  return earliest(now, ...upcoming.map(({ at }) => at), ...passing.map(({ changedAt }) => changedAt));
}

import { readFileSync } from 'node:fs';
import type { Container } from '@azure/cosmos';
import { metrics as api } from '@opentelemetry/api';
import { metrics as sdk } from '@opentelemetry/sdk-node';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createPublisher } from '../../functions/publish.ts';
import { expecting } from '../../shared/adapters/cosmos/client.ts';
import { CurfewError } from '../../shared/domain/errors.ts';
import type { CurfewEvent } from '../../shared/domain/events.ts';
import { plus } from '../../shared/domain/time.ts';
import { upcomingOf } from '../../shared/domain/upcoming.ts';
import { countingFailures, countSaved, measureHubDelay, metricNames, observe } from '../../shared/metrics.ts';
import type { Cursor, RequestFilter, RequestStore } from '../../shared/ports.ts';
import {
  ada,
  bob,
  chainOf,
  commandId,
  grantEvidence,
  requestAfter,
  requested,
  revocationEvidence,
  start,
} from '../support/samples.ts';

const minute = 60_000;
const deadline = plus(start, 8 * 60 * minute);
const stage = { stage: 0, by: bob, through: 'api', comment: '', commandId } as const;
const approved: CurfewEvent = { type: 'access-approved', at: plus(start, minute), ...stage };
const granted: CurfewEvent[] = [
  { type: 'grant-intended', at: plus(start, minute), deadline },
  { type: 'access-granted', at: plus(start, minute), evidence: [grantEvidence] },
];
const ended = (lateness?: number): CurfewEvent[] => [
  { type: 'revocation-began', at: deadline, cause: { kind: 'deadline' } },
  { type: 'access-revoked', at: deadline, evidence: [revocationEvidence], lateness },
];

let reader: sdk.PeriodicExportingMetricReader;
beforeEach(() => {
  const exporter = new sdk.InMemoryMetricExporter(sdk.AggregationTemporality.CUMULATIVE);
  reader = new sdk.PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2 ** 30 });
  api.setGlobalMeterProvider(new sdk.MeterProvider({ readers: [reader] }));
});
afterEach(async () => {
  await reader.shutdown();
  api.disable();
});

/** What was counted by name: attributes and value of each; of a measurement its sum. */
async function counted(): Promise<Record<string, unknown[]>> {
  const { resourceMetrics } = await reader.collect();
  const all = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics);
  return Object.fromEntries(
    all.map(({ descriptor, dataPoints }) => [
      descriptor.name,
      dataPoints.map(({ attributes, value }) => ({
        ...attributes,
        value: typeof value === 'number' ? value : value.sum,
      })),
    ]),
  );
}

test('docs/telemetry.md names them all, and no other', () => {
  const docs = readFileSync('docs/telemetry.md', 'utf8').split('## Metrics')[1]?.split('\n\n')[1] ?? '';
  expect([...docs.matchAll(/^\| `(curfew\.[\w.]+)`/gm)].map(([, name]) => name).toSorted(compare)).toEqual(
    metricNames.toSorted(compare),
  );
});
const compare = (one = '', other = '') => (one < other ? -1 : 1);

describe('what a projection has become', () => {
  const story: CurfewEvent[][] = [[requested()], [approved], granted, ended(12)];
  const play = (batches: readonly CurfewEvent[][]) =>
    batches.forEach((batch, index) => {
      const before = batches.slice(0, index).flat();
      countSaved(before.length > 0 ? requestAfter(...before) : undefined, requestAfter(...before, ...batch));
    });

  test('is counted by state, and measured when it is decided and when it has ended', async () => {
    play(story);
    expect(await counted()).toEqual({
      'curfew.requests': ['waiting-for-approval', 'granting', 'granted', 'expired'].map((state) => ({
        state,
        target: 'orders',
        value: 1,
      })),
      'curfew.decision.duration': [{ outcome: 'approved', by: 'person', value: 60 }],
      'curfew.revocation.lateness': [{ target: 'orders', value: 0.012 }],
    });
  });
  test('is not counted again where the same state is written with another event', async () => {
    const reminded: CurfewEvent = { type: 'approval-escalated', at: start, stage: 0, approvers: [ada] };
    play([[requested()], [reminded], [reminded]]);
    expect((await counted())['curfew.requests']).toEqual([
      { state: 'waiting-for-approval', target: 'orders', value: 1 },
    ]);
  });
  test('has no lateness where the deadline was not why, and none below zero where a target’s clock is behind', async () => {
    play([[requested()], [approved], granted, ended()]);
    expect(await counted()).not.toHaveProperty(['curfew.revocation.lateness']);
    play([[requested()], [approved], granted, ended(-40)]);
    expect((await counted())['curfew.revocation.lateness']).toEqual([{ target: 'orders', value: 0 }]);
  });
  test('is a broken glass once, though its review comes later', async () => {
    const broken: CurfewEvent = { type: 'glass-broken', at: start };
    const reviewed: CurfewEvent = { type: 'access-reviewed', at: deadline, by: bob, comment: '', commandId };
    play([[requested()], [broken], granted, ended(1), [reviewed]]);
    expect((await counted())['curfew.break_glass']).toEqual([{ target: 'orders', value: 1 }]);
  });
});

test('a mail that failed is counted by its code, and fails all the same', async () => {
  const refused = new CurfewError('CURFEW_MAIL_REFUSED');
  const notifier = countingFailures({ send: () => Promise.reject(refused) });
  await expect(notifier.send({ to: 'ada@contoso.example', subject: '', text: '', html: '' })).rejects.toBe(refused);
  expect(await counted()).toEqual({ 'curfew.mail.failures': [{ code: 'CURFEW_MAIL_REFUSED', value: 1 }] });
});

test('a receiver that takes no event is counted by its name, and a store that is away is not', async () => {
  const publisher = (code: 'CURFEW_WEBHOOK_UNAVAILABLE' | 'CURFEW_STORE_UNAVAILABLE') => {
    const fail = () => Promise.reject(new CurfewError(code));
    const cursor = '0' as Cursor;
    return createPublisher({
      clock: { now: () => start, sleepUntil: () => Promise.resolve() },
      log: () => {},
      cursors: { find: async () => cursor, save: async () => {} },
      feed: {
        end: async () => cursor,
        async *after() {
          yield { events: chainOf(requested()), strangers: 0, cursor };
        },
      },
      sinks: [{ name: 'teams', send: fail }],
    });
  };
  for (const code of ['CURFEW_WEBHOOK_UNAVAILABLE', 'CURFEW_STORE_UNAVAILABLE'] as const) await publisher(code)();
  expect(await counted()).toEqual({
    'curfew.webhook.failures': [{ sink: 'teams', code: 'CURFEW_WEBHOOK_UNAVAILABLE', value: 1 }],
  });
});

test('a call to the store counts where it failed, and not where its answer was one of those to reckon with', async () => {
  const container = { id: 'events', database: { id: 'curfew' } } as Container;
  const call = (code: number) =>
    expecting('create', container, [409], () => Promise.reject(Object.assign(new Error('no'), { code })));
  expect(await call(409)).toBeUndefined();
  expect(await counted()).toEqual({});
  await expect(call(403)).rejects.toMatchObject({ code: 'CURFEW_STORE_UNAVAILABLE' });
  expect(await counted()).toEqual({ 'curfew.store.failures': [{ value: 1 }] });
});

describe('the delay of the task hub', () => {
  test('is the time from when an activity was asked for to its beginning, by its name', async () => {
    measureHubDelay('grantAccess', start, plus(start, 1_500));
    expect(await counted()).toEqual({ 'curfew.hub.delay': [{ activity: 'grantAccess', value: 1.5 }] });
  });
  test('is never below zero, where the clock of the process is behind that of the host', async () => {
    measureHubDelay('deliver', start, plus(start, -20));
    expect(await counted()).toEqual({ 'curfew.hub.delay': [{ activity: 'deliver', value: 0 }] });
  });
  test('is unknown where the history is of a version that did not say when', async () => {
    measureHubDelay('deliver', undefined, start);
    expect(await counted()).toEqual({});
  });
});

describe('what is looked up', () => {
  const now = plus(start, minute);
  const observed = (requests: Partial<RequestStore>) =>
    observe({
      clock: { now: () => now, sleepUntil: () => Promise.resolve() },
      requests: {
        list: async () => ({ requests: [] }),
        upcoming: async () => ({ upcoming: [] }),
        ...requests,
      } as RequestStore,
      lastSuccess: () => Promise.resolve(start),
    });

  test('is how many are overdue, and since when the reconciler is silent', async () => {
    observed({
      list: async ({ states }: RequestFilter) => ({
        requests: states?.includes('overdue') ? [requestAfter(requested())] : [],
      }),
    });
    expect(await counted()).toEqual({
      'curfew.revocations.overdue': [{ value: 1 }],
      'curfew.reconciler.age': [{ value: 60 }],
      'curfew.requests.stalled': [{ value: 0 }],
    });
  });
  test('is since when a grant that should have begun or ended has not', async () => {
    const due = upcomingOf(requestAfter(requested(), approved, ...granted));
    observed({
      upcoming: async (from, to) => {
        expect([from < start, to]).toEqual([true, now]);
        return { upcoming: due ? [{ ...due, at: plus(start, 20_000) }] : [] };
      },
    });
    expect((await counted())['curfew.requests.stalled']).toEqual([{ value: 40 }]);
  });
  test('is since when a state that passes by itself has not passed, and no other state', async () => {
    const granting = requestAfter(requested(), approved, ...granted.slice(0, 1));
    observed({
      list: async ({ states }: RequestFilter) => {
        if (states?.includes('overdue')) return { requests: [] };
        expect(states).toEqual(['approved', 'extending', 'granting', 'revoking']);
        return { requests: [{ ...granting, changedAt: plus(start, 15_000) }] };
      },
    });
    expect((await counted())['curfew.requests.stalled']).toEqual([{ value: 45 }]);
  });
  test('is left out where the store is away, and the rest is said', async () => {
    observed({ list: () => Promise.reject(new CurfewError('CURFEW_STORE_UNAVAILABLE')) });
    const {
      'curfew.revocations.overdue': overdue = [],
      'curfew.requests.stalled': stalled = [],
      ...rest
    } = await counted();
    expect([overdue, stalled, rest]).toEqual([[], [], { 'curfew.reconciler.age': [{ value: 60 }] }]);
  });
});

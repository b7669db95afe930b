import type { DurableClient } from 'durable-functions';
import { expect, onTestFinished, test } from 'vitest';
import { command } from '../../functions/orchestration-client.ts';
import { purgeEnded } from '../../functions/purge.ts';
import type { Service } from '../../functions/service.ts';
import { startFunctionsHost } from '../../local/functions-host/index.ts';
import type { PersonCommand } from '../../shared/domain/decide.ts';
import { millisecondsOf, plus } from '../../shared/domain/time.ts';
import { virtualClock } from '../local/functions-host/virtual-clock.ts';
import { ada, bob, commandId, requestAfter, requested, start } from '../support/samples.ts';

const day = 86_400_000;

test('what ended long ago is deleted, what runs, failed or is recent stays, and nothing is started again', async () => {
  const clock = virtualClock(millisecondsOf(start));
  const app = new URL('purge-app.ts', import.meta.url);
  const host = await startFunctionsHost({ app, port: 0, statePath: ':memory:', clock });
  onTestFinished(() => host.close());
  const call = async (method: string, path: string) => {
    const response = await fetch(`${host.url}/api/${path}`, { method });
    return response.status === 202 ? undefined : response.json();
  };
  const purge = () => call('POST', `purge/${clock.now()}`);
  for (const id of ['ends', 'fails', 'waits']) await call('PUT', `requests/${id}`);
  await clock.moveTo(millisecondsOf(start) + 30 * day, async () => {});
  await call('PUT', 'requests/recent');
  await expect
    .poll(() => call('GET', 'requests'))
    .toEqual(['ends Completed', 'fails Failed', 'recent Completed', 'waits Running']);
  expect(await purge()).toBe(1);
  expect(await call('GET', 'requests')).toEqual(['fails Failed', 'recent Completed', 'waits Running']);
  expect(await call('POST', 'requests/ends/ensure')).toBe(false);
  expect(await call('GET', 'requests')).toHaveLength(3);
  await clock.moveTo(millisecondsOf(start) + 400 * day, async () => {});
  expect(await purge()).toBe(1);
  expect(await purge()).toBe(0);
});

test('it goes back over fifteen years without a gap, in steps that grow, and asks for what ended well alone', async () => {
  const steps: { createdTimeFrom: Date; createdTimeTo: Date; runtimeStatus: string[] }[] = [];
  const client = {
    purgeInstanceHistoryBy: async (step: (typeof steps)[number]) => {
      steps.push(step);
      return { instancesDeleted: 2 };
    },
  } as unknown as DurableClient;
  const service = { clock: { now: () => start }, purgeAfter: 30 * day } as unknown as Service;
  expect(await purgeEnded(service, client)).toBe(2 * steps.length);
  expect(steps.length).toBeLessThan(20);
  expect(steps[0]?.createdTimeTo.toISOString()).toBe(plus(start, -30 * day));
  for (const [index, { createdTimeFrom, runtimeStatus }] of steps.entries()) {
    expect(runtimeStatus).toEqual(['Completed']);
    if (index + 1 < steps.length) expect(steps[index + 1]?.createdTimeTo).toEqual(createdTimeFrom);
  }
  const oldest = steps.at(-1)?.createdTimeFrom.getTime() ?? 0;
  expect(oldest).toBeLessThan(millisecondsOf(start) - 14.9 * 365 * day);
});

const timedOut = requestAfter(requested(), { type: 'approval-timed-out', at: plus(start, day) });

test.each<[string, PersonCommand]>([
  ['an approval', { kind: 'approve', commandId, by: bob, stage: 0, through: 'api', comment: '' }],
  ['a withdrawal', { kind: 'withdraw', commandId, by: ada }],
  ['a revocation', { kind: 'end', commandId, by: ada, as: 'requester', reason: '' }],
])('%s for a request whose orchestration is gone is refused for what became of it', async (_what, wanted) => {
  const waiting = requestAfter(requested());
  const gone = () => Promise.reject(new Error('404'));
  const client = { raiseEvent: gone, getStatus: gone } as unknown as DurableClient;
  const service = {
    clock: { now: () => start },
    events: { read: async () => [{}, {}] },
    requests: { find: async () => timedOut },
  } as unknown as Service;
  const { request, refusal } = await command(service, client, wanted.kind === 'end' ? timedOut : waiting, wanted);
  expect(refusal?.code).toMatch(/^CURFEW_(REQUEST_ENDED|NOT_GRANTED)$/);
  expect(request.state).toBe('timed-out');
});

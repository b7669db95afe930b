import type { DurableClient } from 'durable-functions';
import { expect, test } from 'vitest';
import { command } from '../../functions/orchestration-client.ts';
import type { Service } from '../../functions/service.ts';
import type { AccessRequest } from '../../shared/domain/access-request.ts';
import type { AnswerCommand } from '../../shared/domain/decide.ts';
import type { CurfewEvent } from '../../shared/domain/events.ts';
import { plus } from '../../shared/domain/time.ts';
import { bob, commandId, requestAfter, requested } from '../support/samples.ts';

const waiting = requestAfter(requested());
const at = plus(waiting.approveBy, -5);
const approval: AnswerCommand = { kind: 'approve', commandId, by: bob, stage: 0, through: 'api', comment: '' };

/** Gives Bob's approval five milliseconds before the time is over; what came of it stands in the store a moment after. */
function approveInTheLastMoment(later: AccessRequest) {
  let now = at;
  const clock = {
    now: () => now,
    sleepUntil: async (instant: typeof now) => {
      now = instant;
    },
  };
  const requests = { find: async () => (now < plus(waiting.approveBy, 50) ? waiting : later) };
  const client = { raiseEvent: async () => {} };
  return command({ clock, requests } as unknown as Service, client as unknown as DurableClient, waiting, approval);
}

test('who approves in the last moment, and in time, is not told that it was too late', async () => {
  const approved: CurfewEvent = { ...approval, type: 'access-approved', at };
  const cancelled: CurfewEvent = { type: 'grant-cancelled', at, by: bob, as: 'approver', reason: '', commandId };
  const { request, refusal } = await approveInTheLastMoment(requestAfter(requested(), approved, cancelled));
  expect([request.approvals.length, refusal]).toEqual([1, undefined]);
});

test('whose approval came after all too late is told so once the request has timed out', async () => {
  const timedOut = requestAfter(requested(), { type: 'approval-timed-out', at: waiting.approveBy });
  expect(await approveInTheLastMoment(timedOut)).toMatchObject({
    request: { state: 'timed-out' },
    refusal: { code: 'CURFEW_REQUEST_ENDED' },
  });
});

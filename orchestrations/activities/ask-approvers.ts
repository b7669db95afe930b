import { stageOf } from '../../shared/domain/access-request.ts';
import { decide } from '../../shared/domain/decide.ts';
import { CurfewError } from '../../shared/domain/errors.ts';
import type { RecordedEvent } from '../../shared/domain/events.ts';
import { evolve } from '../../shared/domain/evolve.ts';
import { link } from '../../shared/domain/hash-chain.ts';
import { peopleIn } from '../../shared/eligibility.ts';
import type { AskApproversInput, Asking, Notification } from '../contract.ts';
import { type Activity, type ActivityDependencies, attempt, limited } from './activity.ts';
import { send } from './deliver.ts';
import { record } from './record.ts';

/**
 * Finds the approvers in the directory, records who is asked, and only then writes to them: who opens the link at once is known
 * as an approver. A second run finds the event of the first, even if it would ask others by now.
 */
export const askApprovers: Activity<'askApprovers'> = async (dependencies, input): Promise<Asking> => {
  const { request, events, of, last, at } = input;
  const context = { what: 'askApprovers', requestId: request.id };
  const found = await attempt(dependencies, context, () => findApprovers(dependencies, input));
  if (!found.ok) return { ...found, outcome: 'failed', step: 'find' };
  const kind = of === 'stage' ? 'begin-stage' : 'escalate';
  const decision = decide(request, { kind, approvers: found.result }, at);
  if ('refusal' in decision) return { outcome: 'refused', code: decision.refusal.code };
  const wanted = link(request.id, last, decision.event);
  const recorded = await attempt(dependencies, context, async () => {
    const event = await limited(dependencies, 'CURFEW_STORE_UNAVAILABLE', () => place(dependencies, wanted, events));
    const asked = evolve(request, request.id, event.event);
    await record(dependencies, { events: [], request: asked });
    return { event, asked };
  });
  if (!recorded.ok) return { ...recorded, outcome: 'failed', step: 'record' };
  const { event, asked } = recorded.result;
  const before = new Set(of === 'stage' ? [] : request.approvers.map(({ principalId }) => principalId));
  const notifications: Notification[] = [
    ...asked.approvers
      .filter(({ principalId }) => !before.has(principalId))
      .map((to) => ({ kind: 'approval-wanted' as const, to })),
    ...(of === 'stage' && request.requester.mail !== '' ? [{ kind: 'waiting' as const, to: request.requester }] : []),
  ];
  const sent = await send(dependencies, [{ request: asked, notifications }]);
  const unsent = sent.flatMap(({ notification, failure }) => (failure ? [notification] : []));
  return { outcome: 'asked', event, unsent };
};

function findApprovers(dependencies: ActivityDependencies, { request, of }: AskApproversInput) {
  const stage = stageOf(request);
  const approvers = of === 'stage' ? stage?.approvers : stage?.escalation?.to;
  return limited(dependencies, 'CURFEW_DIRECTORY_UNAVAILABLE', async () =>
    approvers ? peopleIn(dependencies.directory, approvers, request.requester) : [],
  );
}

/** Records the event, unless an earlier run recorded one in its place, which counts then. */
async function place(
  { events: store }: ActivityDependencies,
  wanted: RecordedEvent,
  before: readonly RecordedEvent[],
): Promise<RecordedEvent> {
  try {
    for (const event of [...before, wanted]) await store.append(event);
    return wanted;
  } catch (error) {
    if (!(error instanceof CurfewError && error.code === 'CURFEW_STORE_CONFLICT')) throw error;
    const present = (await store.read(wanted.requestId))[wanted.sequence];
    const isOurs = present?.previousHash === wanted.previousHash && present.event.type === wanted.event.type;
    if (!present || !isOurs) throw error;
    return present;
  }
}

import type { AccessRequest } from '../../shared/domain/access-request.ts';
import { CurfewError } from '../../shared/domain/errors.ts';
import { requestFrom } from '../../shared/domain/evolve.ts';
import { extensionRefusal } from '../../shared/domain/extension.ts';
import { verifyChain } from '../../shared/domain/hash-chain.ts';
import { acquireHold, holdKey } from '../../shared/domain/holds.ts';
import type { RequestId } from '../../shared/domain/ids.ts';
import { isExtending, isGranted, isOver } from '../../shared/domain/states.ts';
import { type Instant, plus } from '../../shared/domain/time.ts';
import { upcomingOf } from '../../shared/domain/upcoming.ts';
import type { ExtendHoldsInput, Extending } from '../contract.ts';
import { type Activity, type ActivityDependencies, attempt, limited, type Raise } from './activity.ts';
import { checkPeople } from './check-people.ts';
import { record } from './record.ts';

/**
 * For the grant that is extended: looks up that the extension was approved for it, and lengthens its holds before its deadline moves,
 * so that no other request's end takes the entitlement in between. Once the deadline is claimed it is final: CURFEW_TOO_LATE.
 */
export const extendHolds: Activity<'extendHolds'> = (dependencies, input) =>
  limited(dependencies, 'CURFEW_STORE_UNAVAILABLE', () => lengthen(dependencies, input));

async function lengthen(
  dependencies: ActivityDependencies,
  { request, extension: id }: ExtendHoldsInput,
): Promise<number> {
  const { clock, holds, scheduler } = dependencies;
  const extension = await approvedExtension(dependencies, id, request);
  const refusal = extensionRefusal(request, extension.duration, clock.now());
  if (refusal || !isGranted(request)) throw new CurfewError(refusal?.code ?? 'CURFEW_NOT_GRANTED');
  const deadline = plus(request.deadline, extension.duration);
  for (const entitlement of request.terms.entitlements) {
    await holds.change(holdKey(entitlement, request.requester.principalId), (document) => {
      // A request without a hold, of a standing member, has nothing to lengthen.
      if (document?.holds[request.id] === undefined) return { document, answer: null };
      const hold = acquireHold(document, request.id, deadline);
      if (hold === 'claimed') throw new CurfewError('CURFEW_TOO_LATE');
      return { document: hold, answer: null };
    });
  }
  // It may be sooner than the store is read again.
  scheduler.arm(upcomingOf({ ...request, deadline }));
  return extension.duration;
}

async function approvedExtension(
  { events }: ActivityDependencies,
  id: RequestId,
  { id: extended, requester, extensions }: AccessRequest,
): Promise<AccessRequest> {
  const chain = await events.read(id);
  if (verifyChain(id, chain) !== undefined) throw new CurfewError('CURFEW_EXTENSION_REFUSED');
  const found = requestFrom(id, chain);
  const isMeant = found?.extends === extended && found.requester.principalId === requester.principalId;
  const isNew = !extensions.some(({ extension }) => extension === id);
  if (!found || !isMeant || !isNew || !isExtending(found)) throw new CurfewError('CURFEW_EXTENSION_REFUSED');
  return found;
}

/**
 * For the extension: asks the lifecycle of the other grant to move its deadline, unless it has done so. While that grant stands
 * nobody knows whether it will. Once it has begun to end the answer is final.
 */
export const applyExtension: Activity<'applyExtension'> = async (dependencies, input, raise): Promise<Extending> => {
  const { request, events, isUnchecked } = input;
  const step = <Result>(what: 'check' | 'record' | 'apply', work: () => Promise<Result>) =>
    attempt(dependencies, { what: `applyExtension, ${what}`, requestId: request.id }, work).then((outcome) =>
      outcome.ok ? outcome : ({ ...outcome, outcome: 'failed', step: what } as const),
    );
  const checked = isUnchecked ? await step('check', () => checkPeople(dependencies, request)) : undefined;
  if (checked?.ok === false) return checked;
  const recorded = events.length > 0 ? await step('record', () => record(dependencies, input)) : undefined;
  if (recorded?.ok === false) return recorded;
  const applied = await step('apply', () =>
    limited(dependencies, 'CURFEW_STORE_UNAVAILABLE', () => apply(dependencies, request, raise)),
  );
  if (!applied.ok) return applied;
  return applied.result === undefined ? { outcome: 'asked' } : { outcome: 'applied', deadline: applied.result };
};

async function apply(
  { requests, clock }: ActivityDependencies,
  request: AccessRequest,
  raise: Raise,
): Promise<Instant | undefined> {
  if (request.extends === undefined) throw new CurfewError('CURFEW_INTERNAL');
  const extended = await requests.find(request.extends);
  if (extended?.requester.principalId !== request.requester.principalId) {
    throw new CurfewError('CURFEW_EXTENSION_REFUSED');
  }
  const applied = extended.extensions.find(({ extension }) => extension === request.id);
  if (applied) return applied.deadline;
  if (isOver(extended)) throw new CurfewError('CURFEW_TOO_LATE');
  const refusal = extensionRefusal(extended, request.duration, clock.now());
  if (refusal?.code === 'CURFEW_EXTENSION_REFUSED') throw new CurfewError('CURFEW_EXTENSION_REFUSED');
  await raise(request.extends, { kind: 'extend', extension: request.id });
  return undefined;
}

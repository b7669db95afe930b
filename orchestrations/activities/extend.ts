import type { AccessRequest } from '../../shared/domain/access-request.ts';
import { CurfewError } from '../../shared/domain/errors.ts';
import { requestFrom } from '../../shared/domain/evolve.ts';
import { extensionRefusal } from '../../shared/domain/extension.ts';
import { verifyChain } from '../../shared/domain/hash-chain.ts';
import { acquireHold, holdKey } from '../../shared/domain/holds.ts';
import type { RequestId } from '../../shared/domain/ids.ts';
import { isExtending, isOver } from '../../shared/domain/states.ts';
import { plus } from '../../shared/domain/time.ts';
import type { Activity, ActivityDependencies } from './index.ts';

/**
 * For the grant that is extended: sees by the store that the extension was approved for it, and lengthens its holds before its
 * deadline moves, so that no other request's end takes the entitlement in between.
 */
export const extendHolds: Activity<'extendHolds'> = async (dependencies, { request, extension: id }) => {
  const { clock, holds } = dependencies;
  const extension = await approvedExtension(dependencies, id, request);
  const refusal = extensionRefusal(request, extension.duration, clock.now());
  if (refusal || request.deadline === undefined) throw new CurfewError(refusal?.code ?? 'CURFEW_NOT_GRANTED');
  const deadline = plus(request.deadline, extension.duration);
  for (const entitlement of request.terms.entitlements) {
    await holds.change(holdKey(entitlement, request.requester.principalId), (document) => {
      // Whoever holds nothing, as one who had it before, has nothing to lengthen.
      if (document?.holds[request.id] === undefined) return { document, answer: null };
      const hold = acquireHold(document, request.id, deadline);
      if (hold === 'claimed') throw new CurfewError('CURFEW_HOLD_CLAIMED');
      return { document: hold, answer: null };
    });
  }
  return extension.duration;
};

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
 * For the extension: asks the other grant's story to move its deadline, unless it has done so. While that grant stands nobody
 * knows whether it will: the answer is null. Once it has begun to end the answer is final.
 */
export const applyExtension: Activity<'applyExtension'> = async ({ requests, clock }, { request }, raise) => {
  if (request.extends === undefined) throw new CurfewError('CURFEW_INTERNAL');
  const extended = await requests.find(request.extends);
  if (extended?.requester.principalId !== request.requester.principalId) {
    throw new CurfewError('CURFEW_EXTENSION_REFUSED');
  }
  const applied = extended.extensions.find(({ extension }) => extension === request.id);
  if (applied) return applied.deadline;
  if (isOver(extended.state)) throw new CurfewError('CURFEW_TOO_LATE');
  const refusal = extensionRefusal(extended, request.duration, clock.now());
  if (refusal?.code === 'CURFEW_EXTENSION_REFUSED') throw new CurfewError('CURFEW_EXTENSION_REFUSED');
  await raise(request.extends, { kind: 'extend', extension: request.id });
  return null;
};

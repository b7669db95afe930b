import type { AccessRequest } from '../../shared/domain/access-request.ts';
import { whatIsFull } from '../../shared/domain/checks.ts';
import { CurfewError } from '../../shared/domain/errors.ts';
import type { GrantEvidence } from '../../shared/domain/events.ts';
import {
  acquireHold,
  clearFrom,
  forgetHold,
  type HoldDocument,
  holdKey,
  settleStanding,
} from '../../shared/domain/holds.ts';
import type { Entitlement } from '../../shared/domain/policy.ts';
import { isEnded, isGranting, isOver } from '../../shared/domain/states.ts';
import { earliest, type Instant, plus } from '../../shared/domain/time.ts';
import { timeline } from '../../shared/domain/timeline.ts';
import { countHeld } from '../../shared/history.ts';
import { providerOf } from '../../shared/providers/provider.ts';
import type { Granting, RecordInput } from '../contract.ts';
import { type Activity, type ActivityDependencies, attempt, limited } from './activity.ts';
import { checkPeople } from './check-people.ts';
import { record } from './record.ts';

/**
 * Checks the people, records the intent, and grants; each step begins when the one before is done. Before a booked start the first two
 * are done a moment ahead, and the grant waits for the instant.
 */
export const grant: Activity<'grant'> = async (dependencies, input): Promise<Granting> => {
  const { clock } = dependencies;
  const { request, notBefore } = input;
  if (!isGranting(request)) throw new CurfewError('CURFEW_INTERNAL');
  const { deadline } = request;
  if (notBefore !== undefined) await clock.sleepUntil(plus(notBefore, -timeline.eligibilityLastsMs));
  const step = <Step extends 'check' | 'record' | 'grant'>(name: Step, work: () => Promise<unknown>) =>
    attempt(dependencies, { what: `grant, ${name}`, requestId: request.id }, work).then((outcome) =>
      outcome.ok ? undefined : ({ ...outcome, outcome: 'failed', step: name } as const),
    );
  const evidence: GrantEvidence[] = [];
  const unchecked = await step('check', () => checkPeople(dependencies, request));
  if (unchecked) return (await mayBeIntended(dependencies, input)) ? { ...unchecked, step: 'record' } : unchecked;
  const failed =
    (await step('record', () => record(dependencies, input))) ??
    (await step('grant', async () => {
      if (notBefore !== undefined) await clock.sleepUntil(notBefore);
      const limit = plus(clock.now(), timeline.grantLimitMs);
      const code = deadline <= limit ? 'CURFEW_DEADLINE_PASSED' : 'CURFEW_TARGET_UNAVAILABLE';
      const granting = () => grantAll(dependencies, request, deadline, evidence);
      return limited(dependencies, code, granting, earliest(limit, deadline));
    }));
  return failed ?? { outcome: 'granted', evidence };
};

/** Whether an earlier run of this activity, whose process died, recorded the intent; also where the store can't say. */
async function mayBeIntended(
  { events: store }: ActivityDependencies,
  { request: { id }, events }: RecordInput,
): Promise<boolean> {
  const intent = events.find(({ event }) => event.type === 'grant-intended');
  if (!intent) return false;
  const chain = await store.read(id).catch(() => undefined);
  return chain === undefined || chain[intent.sequence] !== undefined;
}

/** Grants every entitlement of the role. What fails half-way is undone by the revocation that follows a failure. */
async function grantAll(
  dependencies: ActivityDependencies,
  request: AccessRequest,
  deadline: Instant,
  evidence: GrantEvidence[],
): Promise<void> {
  const { clock, holds, requests, providers } = dependencies;
  const { id, requester, terms } = request;
  // The lifecycle does not wait beyond the deadline: a later grant would leave a hold that nobody releases.
  if (clock.now() >= deadline) throw new CurfewError('CURFEW_DEADLINE_PASSED');
  await checkLimits(dependencies, request);
  for (const entitlement of terms.entitlements) {
    const provider = providerOf(providers, entitlement);
    const key = holdKey(entitlement, requester.principalId);
    if (clock.now() >= deadline) throw new CurfewError('CURFEW_DEADLINE_PASSED');
    // The hold comes first: from here on a crash leaves a record of who must take the entitlement away.
    const claimed = await holds.change(key, (document) => {
      const hold = acquireHold(document, id, deadline);
      return hold === 'claimed' ? { document, answer: document } : { document: hold, answer: undefined };
    });
    if (claimed) {
      await forgetClaim(dependencies, key, claimed);
      throw new CurfewError('CURFEW_HOLD_CLAIMED');
    }
    // A copy of this activity may come when all is over, and would hold what nobody revokes any more.
    const known = await requests.find(id);
    if (known && isOver(known)) {
      await holds.change(key, (document) => ({ document: forgetHold(document, id), answer: null }));
      throw new CurfewError('CURFEW_DEADLINE_PASSED');
    }
    const held = await provider.isHeld(entitlement, requester);
    const standing = await holds.change(key, (document) => {
      if (document?.holds[id] === undefined || document.claimedBy === id) throw new CurfewError('CURFEW_HOLD_CLAIMED');
      const settled = settleStanding(document, held);
      return { document: settled, answer: settled.standing };
    });
    if (clock.now() >= deadline) throw new CurfewError('CURFEW_DEADLINE_PASSED');
    if (!standing) await give(dependencies, request, entitlement);
    evidence.push({ entitlement, outcome: standing ? 'already-held' : 'granted', verifiedAt: clock.now() });
  }
}

/**
 * A run of this activity that was left behind, on a slow process or by one that died, may come when the access is over. No
 * revocation follows any more then, so it takes back what it gave.
 */
async function give(
  { clock, holds, providers }: ActivityDependencies,
  { id, requester, deadline }: AccessRequest,
  entitlement: Entitlement,
): Promise<void> {
  const provider = providerOf(providers, entitlement);
  const given = await provider.grant(entitlement, requester, deadline);
  const found = await holds.change(holdKey(entitlement, requester.principalId), (document) => ({
    document,
    answer: document,
  }));
  const { [id]: own, ...others } = found?.holds ?? {};
  // Where it was held still, the drop that is claimed is yet to come.
  const isDropped = found?.claimedBy === id && given === 'granted';
  if (own !== undefined && !isDropped) return;
  // What another request holds is that one's to take.
  if (Object.keys(others).length === 0) {
    await provider.revoke(entitlement, requester, clock.now());
    await provider.endSessions(entitlement, requester);
  }
  throw new CurfewError('CURFEW_HOLD_CLAIMED');
}

/**
 * Counts the grants that were intended before this one. The intent is in the store by now, so that of two at the same moment
 * each sees the other, and the later gives way.
 */
async function checkLimits({ requests }: ActivityDependencies, request: AccessRequest): Promise<void> {
  const { limits, breakGlass } = request.terms;
  if (breakGlass || (limits.perPerson ?? limits.perRole) === null) return;
  const held = await countHeld(requests, request.terms, request.requester, (other) => isBefore(other, request));
  if (whatIsFull(limits, held) !== undefined) throw new CurfewError('CURFEW_LIMIT_REACHED');
}

function isBefore(other: AccessRequest, { id, beganAt }: AccessRequest): boolean {
  if (other.id === id || other.beganAt === undefined || beganAt === undefined) return false;
  return other.beganAt < beganAt || (other.beganAt === beganAt && other.id < id);
}

/** A claim ends with its request. Where the store was out of reach at that moment, it is still there, and in everybody's way. */
async function forgetClaim(
  { clock, holds, requests }: ActivityDependencies,
  key: string,
  { claimedBy }: HoldDocument,
): Promise<void> {
  const request = claimedBy && (await requests.find(claimedBy));
  if (!request || !isEnded(request)) return;
  await holds.change(key, (document) => {
    const clear = clearFrom(document, request.id);
    const isClear = clear === undefined || clear <= clock.now();
    return { document: isClear ? forgetHold(document, request.id) : document, answer: null };
  });
}

import type { AccessRequest } from '../../../shared/domain/access-request.ts';
import type { CurfewEvent, RecordedEvent } from '../../../shared/domain/events.ts';
import { evolve } from '../../../shared/domain/evolve.ts';
import { verifyChain } from '../../../shared/domain/hash-chain.ts';
import type { State } from '../../../shared/domain/states.ts';
import { millisecondsOf } from '../../../shared/domain/time.ts';
import type { Evidence } from './evidence.ts';
import type { Asked, Wish } from './portal.ts';

/** Each gives what it found wrong, a line each; nothing where the promise was kept. */
export type Finding = string;

const roles: Readonly<Record<string, string>> = { reader: 'orders_reader', writer: 'orders_writer' };
const needs: { readonly [state in State]?: readonly Wish[] } = {
  denied: ['deny'],
  withdrawn: ['withdraw'],
  expired: ['approve'],
  revoked: ['approve', 'revoke'],
  failed: ['approve'],
};

function eventOf<Type extends CurfewEvent['type']>(chain: readonly RecordedEvent[], type: Type) {
  return chain
    .map(({ event }) => event)
    .find((event): event is Extract<CurfewEvent, { type: Type }> => event.type === type);
}

const story = (chain: readonly RecordedEvent[]) => chain.map(({ event }) => event.type).join(' → ');

/** A request ended in a way that only wishes somebody had can bring about, and what was acknowledged did come about. */
export function unexplained(asked: readonly Asked[], { chains, projections }: Evidence): Finding[] {
  const lost = asked.filter(({ id }) => !chains.has(id)).map(({ id }) => `${id} was accepted and is not in the store`);
  const ids = new Set(asked.map(({ id }) => id));
  const foreign = [...chains.keys()]
    .filter((id) => !ids.has(id))
    .map((id) => `${id} is in the store and nobody asked for it`);
  const others = asked.flatMap(({ id, commands }) => {
    const state = projections.get(id)?.state ?? 'waiting-for-approval';
    const chain = chains.get(id) ?? [];
    const tell = (what: string) => `${id} ${what}: ${story(chain)} after ${JSON.stringify(commands)}`;
    const wanted = needs[state];
    const failure = projections.get(id)?.failure;
    // The one failure that kills explain: there was no time left to grant it.
    if (!wanted || (failure !== undefined && !ranOut(chain)))
      return [tell(`ended as ${state} (${failure ?? 'no code'})`)];
    const missing = wanted.filter((wish) => !commands.some((command) => command.wish === wish));
    const broken = commands.filter(({ wish, by, status }) => status === 200 && !happened(chain, wish, by));
    return [
      ...missing.map((wish) => tell(`is ${state} though nobody wished to ${wish}`)),
      ...broken.map(({ wish, by }) => tell(`does not show that ${by} did ${wish}, which was acknowledged`)),
    ];
  });
  return [...lost, ...foreign, ...others];
}

function ranOut(chain: readonly RecordedEvent[]): boolean {
  const intended = eventOf(chain, 'grant-intended');
  const began = eventOf(chain, 'revocation-began');
  return intended !== undefined && began !== undefined && began.at >= intended.deadline;
}

/** What was wished for stands in the chain, by whoever wished it. */
export function happened(chain: readonly RecordedEvent[], wish: Wish, by: string): boolean {
  return chain.some(({ event }) => {
    switch (event.type) {
      case 'access-approved':
        return wish === 'approve' && event.by.userPrincipalName.startsWith(`${by}@`);
      case 'access-denied':
        return wish === 'deny' && event.by.userPrincipalName.startsWith(`${by}@`);
      case 'request-withdrawn':
        return wish === 'withdraw' && event.by.userPrincipalName.startsWith(`${by}@`);
      case 'grant-cancelled':
        return wish === 'revoke' && event.by.userPrincipalName.startsWith(`${by}@`);
      case 'revocation-began':
        return (
          wish === 'revoke' &&
          event.cause.kind === 'ended-early' &&
          event.cause.by.userPrincipalName.startsWith(`${by}@`)
        );
      default:
        return false;
    }
  });
}

/** Chains without gaps or doubles, of which the projections say no more and no less. */
export function inconsistent({ chains, projections }: Evidence): Finding[] {
  return [...chains].flatMap(([id, chain]) => {
    const [first] = chain;
    if (!first) return [`${id} has no events`];
    const broken = verifyChain(first.requestId, chain);
    if (broken) return [`${id} breaks at ${broken.sequence} (${broken.problem}): ${story(chain)}`];
    const told = chain.reduce<AccessRequest | undefined>(
      (request, { event }) => evolve(request, first.requestId, event),
      undefined,
    );
    const kept = projections.get(id);
    const found = [];
    if (kept?.version !== told?.version || kept?.state !== told?.state)
      found.push(
        `${id} is ${kept?.state} in version ${kept?.version}, and its events say ${told?.state} in ${told?.version}`,
      );
    const types = chain.map(({ event }) => event.type).filter((type) => type !== 'revocation-delayed');
    const intended = types.indexOf('grant-intended');
    const granted = types.indexOf('access-granted');
    if (granted >= 0 && (intended < 0 || intended > granted))
      found.push(`${id} was granted before it was intended: ${story(chain)}`);
    if (new Set(types).size !== types.length) found.push(`${id} tells something twice: ${story(chain)}`);
    return found;
  });
}

/** One request's right to one role, by its own events. Milliseconds since 1970. */
interface Right {
  readonly id: string;
  readonly role: string;
  readonly member: string;
  readonly intendedAt: number;
  /** When the database was seen to show the role; not at all where the grant was never confirmed. */
  readonly seenAt: number;
  /** The deadline, or when an earlier end was decided. */
  readonly endsAt: number;
  /** When Curfew had seen to it that the role is gone, or another's. */
  readonly settledAt: number;
  readonly knewHolds: boolean;
}

function rightsIn({ chains }: Evidence): Right[] {
  return [...chains].flatMap(([id, chain]) => {
    const asked = eventOf(chain, 'access-requested');
    const intended = eventOf(chain, 'grant-intended');
    if (!asked || !intended) return [];
    const began = eventOf(chain, 'revocation-began');
    const [evidence] = eventOf(chain, 'access-granted')?.evidence ?? [];
    const [revocation] = eventOf(chain, 'access-revoked')?.evidence ?? [];
    return [
      {
        id,
        role: roles[asked.terms.roleId] ?? '',
        member: asked.requester.userPrincipalName,
        intendedAt: millisecondsOf(intended.at),
        seenAt: evidence ? millisecondsOf(evidence.verifiedAt) : Number.POSITIVE_INFINITY,
        endsAt: millisecondsOf(began && began.at < intended.deadline ? began.at : intended.deadline),
        knewHolds: revocation?.holdsUnknown === undefined,
        settledAt: revocation ? millisecondsOf(revocation.verifiedAt) : Number.POSITIVE_INFINITY,
      },
    ];
  });
}

/** What the database did, held against the rights that there were at that moment. */
export function unrightful(evidence: Evidence): Finding[] {
  const rights = rightsIn(evidence);
  return evidence.audit.flatMap(({ at, action, object, member }) => {
    const theirs = rights.filter((right) => right.member === member && right.role === object);
    if (action === 'ALTER ROLE ADD MEMBER') {
      // A grant that is under way at its deadline may land just after it; what follows takes it away at once.
      const isMeant = theirs.some(({ intendedAt, settledAt }) => intendedAt <= at && at < settledAt);
      const known = theirs.map(
        ({ id, intendedAt, settledAt }) => `${id} ${instant(intendedAt)} to ${instant(settledAt)}`,
      );
      return isMeant
        ? []
        : [`${member} was put into ${object} at ${instant(at)} without a right to it: ${known.join(', ')}`];
    }
    if (action !== 'ALTER ROLE DROP MEMBER') return [];
    return theirs
      .filter(({ seenAt, endsAt }) => seenAt < at && at < endsAt)
      .map(
        ({ id, endsAt }) =>
          `${member} lost ${object} at ${instant(at)}, ${(endsAt - at).toFixed(1)} ms before the end of ${id}; dropped for ${dropper(theirs, at)}`,
      );
  });
}

/** Whose end it was, most likely: the last that had come. */
function dropper(rights: readonly Right[], at: number): string {
  const last = rights.filter(({ endsAt }) => endsAt <= at).sort((a, b) => b.endsAt - a.endsAt)[0];
  if (!last) return 'nobody';
  return last.knewHolds ? last.id : `${last.id}, which could not read the holds`;
}

const instant = (at: number) => (Number.isFinite(at) ? new Date(at).toISOString().slice(11) : 'the end');

/** Curfew was rid of everything: no member, no user, no claim. */
export function leftOver({ members, madeUsers, holds }: Evidence): Finding[] {
  return [
    ...members.map(({ member, role }) => `${member} is still in ${role}`),
    ...madeUsers.map((name) => `the user ${name} that Curfew made is still there`),
    ...holds.map((hold) => `a hold is left: ${JSON.stringify(hold)}`),
  ];
}

/**
 * Milliseconds from the last hold's deadline to the drop, by the database's own record and least first. An activity that was
 * killed and ran again found the membership gone, and its event can only tell when.
 */
export function latenesses(evidence: Evidence): number[] {
  const rights = rightsIn(evidence);
  return evidence.audit
    .filter(({ action }) => action === 'ALTER ROLE DROP MEMBER')
    .flatMap(({ at, object, member }) => {
      const ended = rights.filter((right) => right.member === member && right.role === object && right.endsAt <= at);
      return ended.length === 0 ? [] : [at - Math.max(...ended.map(({ endsAt }) => endsAt))];
    })
    .sort((a, b) => a - b);
}

import type { AccessRequest, State } from '../../../shared/domain/access-request.ts';
import { evolve } from '../../../shared/domain/access-request.ts';
import type { CurfewEvent, RecordedEvent } from '../../../shared/domain/events.ts';
import { verifyChain } from '../../../shared/domain/hash-chain.ts';
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
};

function eventOf<Type extends CurfewEvent['type']>(chain: readonly RecordedEvent[], type: Type) {
  return chain.map(({ event }) => event).find((event): event is Extract<CurfewEvent, { type: Type }> => event.type === type);
}

const story = (chain: readonly RecordedEvent[]) => chain.map(({ event }) => event.type).join(' → ');

/** A request ended in a way that only wishes somebody had can bring about, and what was acknowledged did come about. */
export function unexplained(asked: readonly Asked[], { chains, projections }: Evidence): Finding[] {
  const lost = asked.filter(({ id }) => !chains.has(id)).map(({ id }) => `${id} was accepted and is not in the store`);
  const ids = new Set(asked.map(({ id }) => id));
  const foreign = [...chains.keys()].filter((id) => !ids.has(id)).map((id) => `${id} is in the store and nobody asked for it`);
  const others = asked.flatMap(({ id, commands }) => {
    const state = projections.get(id)?.state ?? 'waiting-for-approval';
    const chain = chains.get(id) ?? [];
    const tell = (what: string) => `${id} ${what}: ${story(chain)} after ${JSON.stringify(commands)}`;
    const wanted = needs[state];
    if (!wanted) return [tell(`ended as ${state} (${projections.get(id)?.failure ?? 'no code'})`)];
    const missing = wanted.filter((wish) => !commands.some((command) => command.wish === wish));
    const broken = commands.filter(({ wish, by, status }) => status === 200 && !happened(chain, wish, by));
    return [
      ...missing.map((wish) => tell(`is ${state} though nobody wished to ${wish}`)),
      ...broken.map(({ wish, by }) => tell(`does not show that ${by} did ${wish}, which was acknowledged`)),
    ];
  });
  return [...lost, ...foreign, ...others];
}

function happened(chain: readonly RecordedEvent[], wish: Wish, by: string): boolean {
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
    const told = chain.reduce<AccessRequest | undefined>((request, { event }) => evolve(request, first.requestId, event), undefined);
    const kept = projections.get(id);
    const found = [];
    if (kept?.version !== told?.version || kept?.state !== told?.state)
      found.push(`${id} is ${kept?.state} in version ${kept?.version}, and its events say ${told?.state} in ${told?.version}`);
    const types = chain.map(({ event }) => event.type);
    const intended = types.indexOf('grant-intended');
    const granted = types.indexOf('access-granted');
    if (granted >= 0 && (intended < 0 || intended > granted)) found.push(`${id} was granted before it was intended: ${story(chain)}`);
    if (new Set(types.filter((type) => type !== 'revocation-delayed')).size !== types.filter((type) => type !== 'revocation-delayed').length)
      found.push(`${id} tells something twice: ${story(chain)}`);
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
  /** The deadline, or when an early end was decided. */
  readonly endsAt: number;
}

function rightsIn({ chains }: Evidence): Right[] {
  return [...chains].flatMap(([id, chain]) => {
    const asked = eventOf(chain, 'access-requested');
    const intended = eventOf(chain, 'grant-intended');
    if (!asked || !intended) return [];
    const began = eventOf(chain, 'revocation-began');
    const [evidence] = eventOf(chain, 'access-granted')?.evidence ?? [];
    return [
      {
        id,
        role: roles[asked.terms.roleId] ?? '',
        member: asked.requester.userPrincipalName,
        intendedAt: millisecondsOf(intended.at),
        seenAt: evidence ? millisecondsOf(evidence.verifiedAt) : Number.POSITIVE_INFINITY,
        endsAt: millisecondsOf(began && began.cause.kind !== 'deadline' ? began.at : intended.deadline),
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
      const isMeant = theirs.some(({ intendedAt, endsAt }) => intendedAt <= at && at < endsAt);
      return isMeant ? [] : [`${member} was put into ${object} at ${instant(at)} without a right to it`];
    }
    if (action !== 'ALTER ROLE DROP MEMBER') return [];
    return theirs
      .filter(({ seenAt, endsAt }) => seenAt < at && at < endsAt)
      .map(
        ({ id, endsAt }) =>
          `${member} lost ${object} at ${instant(at)}, ${(endsAt - at).toFixed(1)} ms before the end of ${id}; dropped for ${dropper(evidence, at, object ?? '', member ?? '')}`,
      );
  });
}

/** Whose revocation it was, as far as the events tell. */
function dropper({ chains }: Evidence, at: number, role: string, member: string): string {
  const near = [...chains].filter(([, chain]) => {
    const asked = eventOf(chain, 'access-requested');
    const dropped = eventOf(chain, 'access-revoked')?.evidence[0]?.droppedAt;
    const same = asked?.requester.userPrincipalName === member && roles[asked.terms.roleId] === role;
    return same && dropped !== undefined && Math.abs(millisecondsOf(dropped) - at) < 50;
  });
  return near.map(([id, chain]) => `${id} ${JSON.stringify(eventOf(chain, 'access-revoked')?.evidence)}`).join(' or ') || 'nobody';
}

const instant = (at: number) => new Date(at).toISOString().slice(11);

/** Curfew was rid of everything: no member, no user, no claim. */
export function leftOver({ members, madeUsers, holds }: Evidence): Finding[] {
  return [
    ...members.map(({ member, role }) => `${member} is still in ${role}`),
    ...madeUsers.map((name) => `the user ${name} that Curfew made is still there`),
    ...holds.map((hold) => `a hold is left: ${JSON.stringify(hold)}`),
  ];
}

/** Milliseconds from the deadline to the drop in the database, least first. */
export function latenesses({ chains }: Evidence): number[] {
  return [...chains.values()]
    .flatMap((chain) => eventOf(chain, 'access-revoked')?.lateness ?? [])
    .sort((a, b) => a - b);
}

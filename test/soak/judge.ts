import type { RecordedEvent } from '../../shared/domain/events.ts';
import { millisecondsOf } from '../../shared/domain/time.ts';
import type { AuditLine, Evidence } from '../e2e/support/evidence.ts';
import { type Finding, happened, inconsistent } from '../e2e/support/examine.ts';
import type { Asked } from '../e2e/support/portal.ts';

/**
 * How the soak counts. A membership of a database role begins and ends when the database's audit says; whose it was and until
 * when, the events say. It should end at the last end of those who had a right to it: their deadline, or the moment at which
 * ending them earlier was decided.
 *
 * - **on time**: dropped within a second of that.
 * - **early**: dropped while somebody to whom it had been confirmed had a right to it; or confirmed to somebody who didn't have it.
 * - **cut short**: dropped early, by a revocation whose evidence says that the holds could not be read (docs/decisions/0002).
 * - **late and told**: later than that by less than 65 s. No alert is owed before 60 s, and 5 s are left for it. The chain shows
 *   `revocation-delayed`, or `access-revoked` dates the end no earlier than the database does, to a second.
 * - **late and alerted**: by more. The chain shows `revocation-delayed` 60 s after the end or later, and a mail to the alert address
 *   names the request.
 * - **late and silent**: late, and neither. Must be 0.
 * - **lost**: a chain that breaks or has gaps, or is not what its projection says (where the request was accepted at all: a first
 *   event without a projection is of a call that never was answered); an answer 202 to a request, or 200 to a command,
 *   of which the chain knows nothing; a membership given or taken that no chain had intended, or had not settled yet. Must be 0.
 */
export interface Verdict {
  readonly onTime: Finding[];
  readonly early: Finding[];
  readonly cutShort: Finding[];
  readonly lateAndTold: Finding[];
  readonly lateAndAlerted: Finding[];
  readonly lateAndSilent: Finding[];
  readonly lost: Finding[];
  /** Milliseconds, for each membership that was dropped and not early. */
  readonly latenesses: number[];
}

const slow = 1_000;
const alarming = 60_000;
/** For an alert to be written and sent, by a Curfew that may just have been killed. Milliseconds, as above. */
const alertTakes = 5_000;

/** One request's right to one role. Milliseconds since 1970. */
interface Right {
  readonly chain: readonly RecordedEvent[];
  readonly id: string;
  readonly intendedAt: number;
  /** When the database was seen to show the role; never where the grant was not confirmed. */
  readonly seenAt: number;
  readonly endsAt: number;
  /** When Curfew had seen to it that the role is gone, or another's. */
  readonly settledAt: number;
  readonly droppedAt: number | undefined;
  readonly knewHolds: boolean;
}

interface Membership {
  readonly of: string;
  readonly from: number;
  readonly to: number;
}

/** `alerts` are the texts of the mails to the alert address. */
export function judge(evidence: Evidence, asked: readonly Asked[], alerts: readonly string[]): Verdict {
  const verdict: Verdict = {
    onTime: [],
    early: [],
    cutShort: [],
    lateAndTold: [],
    lateAndAlerted: [],
    lateAndSilent: [],
    lost: [...inconsistent(accepted(evidence, asked)), ...unrecorded(evidence, asked)],
    latenesses: [],
  };
  const rights = rightsIn(evidence);
  const memberships = membershipsIn(evidence.audit);
  for (const membership of memberships) {
    const theirs = (rights.get(membership.of) ?? []).filter(({ settledAt }) => membership.from <= settledAt + 1);
    verdict.lost.push(...strange(membership, theirs));
    if (membership.to < Number.POSITIVE_INFINITY) judgeDrop(verdict, membership, theirs, alerts);
  }
  for (const [of, theirs] of rights) {
    for (const { id, seenAt, endsAt } of theirs.filter((right) => right.seenAt < right.endsAt)) {
      const had = memberships.some((each) => each.of === of && each.from <= seenAt + 1 && seenAt <= each.to);
      if (!had) verdict.early.push(`${id} was confirmed at ${instant(seenAt)} until ${instant(endsAt)}, without ${of}`);
    }
  }
  return verdict;
}

function accepted({ chains, ...others }: Evidence, asked: readonly Asked[]): Evidence {
  const isAsked = new Set(asked.map(({ id }) => id));
  const all = [...chains].filter(([id, { length }]) => length > 1 || others.projections.has(id) || isAsked.has(id));
  return { ...others, chains: new Map(all) };
}

/** By so much the instant in the evidence, read after the drop, may differ from the audit's. Milliseconds. */
const sameDrop = 20;

function judgeDrop(
  verdict: Verdict,
  { of, to }: Membership,
  theirs: readonly Right[],
  alerts: readonly string[],
): void {
  // The request whose evidence has this drop; else the last one that had ended. Who has settled has left it to another.
  const byEvidence = theirs.find(({ droppedAt }) => droppedAt !== undefined && Math.abs(droppedAt - to) <= sameDrop);
  const last =
    byEvidence ??
    theirs.filter(({ endsAt, settledAt }) => endsAt <= to && to <= settledAt + 1).reduce(laterOf, undefined);
  const deprived = theirs.filter(({ seenAt, endsAt }) => seenAt < to && to < endsAt);
  for (const { id, endsAt, seenAt, chain } of deprived) {
    const early =
      `${of} was dropped at ${instant(to)}, ${seconds(endsAt - to)} before the end of ${id}, for ${last?.id ?? 'nobody'}. ` +
      `${id}, confirmed at ${instant(seenAt)}: ${timed(chain)}. ${last ? `${last.id}, which ended at ${instant(last.endsAt)}: ${timed(last.chain)}` : ''}`;
    (last && !last.knewHolds ? verdict.cutShort : verdict.early).push(early);
  }
  // Somebody's grant was under way, or there never was a right, which was said already.
  if (deprived.length > 0 || !last) return;
  const isWanted = theirs.some(({ intendedAt, endsAt }) => intendedAt <= to && to < endsAt);
  const lateness = isWanted ? 0 : to - last.endsAt;
  verdict.latenesses.push(lateness);
  listFor(verdict, last, to, lateness, alerts).push(
    `${of} was dropped at ${instant(to)}, ${seconds(lateness)} after the end of ${last.id}: ${story(last.chain)}`,
  );
}

function listFor(verdict: Verdict, last: Right, to: number, lateness: number, alerts: readonly string[]): Finding[] {
  if (lateness <= slow) return verdict.onTime;
  const delays = last.chain.flatMap(({ event }) =>
    event.type === 'revocation-delayed' ? [millisecondsOf(event.at)] : [],
  );
  if (lateness > alarming + alertTakes) {
    const wasAlerted =
      delays.some((at) => at >= last.endsAt + alarming) && alerts.some((text) => text.includes(last.id));
    return wasAlerted ? verdict.lateAndAlerted : verdict.lateAndSilent;
  }
  const dated = last.droppedAt ?? last.settledAt;
  const isTold = delays.length > 0 || (dated < Number.POSITIVE_INFINITY && dated >= to - slow);
  return isTold ? verdict.lateAndTold : verdict.lateAndSilent;
}

/** Given or taken by nobody's intent, or after Curfew had said that it is gone. */
function strange({ of, from, to }: Membership, theirs: readonly Right[]): Finding[] {
  const found: Finding[] = [];
  if (!theirs.some(({ intendedAt, settledAt }) => intendedAt <= from && from <= settledAt + 1))
    found.push(`${of} was given at ${instant(from)} without an intent`);
  if (to < Number.POSITIVE_INFINITY && !theirs.some(({ settledAt }) => to <= settledAt + 1))
    found.push(`${of} was taken at ${instant(to)}, and no event says so`);
  return found;
}

function unrecorded(evidence: Evidence, asked: readonly Asked[]): Finding[] {
  return asked.flatMap(({ id, commands }) => {
    const chain = evidence.chains.get(id);
    if (!chain) return [`${id} was accepted and is not in the store`];
    return commands
      .filter(({ wish, by, status }) => status === 200 && !happened(chain, wish, by))
      .map(({ wish, by }) => `${id} does not show that ${by} did ${wish}, which was acknowledged: ${story(chain)}`);
  });
}

function rightsIn({ chains }: Evidence): Map<string, Right[]> {
  const rights = [...chains].flatMap(([id, chain]) => {
    const events = chain.map(({ event }) => event);
    const asked = events.find((event) => event.type === 'access-requested');
    const intended = events.find((event) => event.type === 'grant-intended');
    if (!asked || !intended) return [];
    const granted = events.find((event) => event.type === 'access-granted');
    const began = events.find((event) => event.type === 'revocation-began');
    const revoked = events.find((event) => event.type === 'access-revoked');
    const { deadline } = events.findLast((event) => event.type === 'deadline-moved') ?? intended;
    const endsAt = millisecondsOf(began && began.at < deadline ? began.at : deadline);
    return asked.terms.entitlements.map(({ role }) => {
      const seen = granted?.evidence.find(({ entitlement }) => entitlement.role === role)?.verifiedAt;
      const gone = revoked?.evidence.find(({ entitlement }) => entitlement.role === role);
      const right: Right = {
        chain,
        id,
        intendedAt: millisecondsOf(intended.at),
        seenAt: seen === undefined ? Number.POSITIVE_INFINITY : millisecondsOf(seen),
        endsAt,
        settledAt: gone === undefined ? Number.POSITIVE_INFINITY : millisecondsOf(gone.verifiedAt),
        droppedAt: gone?.droppedAt === undefined ? undefined : millisecondsOf(gone.droppedAt),
        knewHolds: gone?.holdsUnknown === undefined,
      };
      return { of: keyOf(asked.requester.userPrincipalName, String(role)), right };
    });
  });
  const byMember = Map.groupBy(rights, ({ of }) => of);
  return new Map([...byMember].map(([of, all]) => [of, all.map(({ right }) => right)]));
}

/** Putting in somebody who is in, and throwing out somebody who is out, change nothing. */
function membershipsIn(audit: readonly AuditLine[]): Membership[] {
  const open = new Map<string, number>();
  const ended: Membership[] = [];
  for (const { at, action, object, member } of audit) {
    const of = keyOf(member ?? '', object ?? '');
    const from = open.get(of);
    if (action === 'ALTER ROLE ADD MEMBER' && from === undefined) open.set(of, at);
    if (action === 'ALTER ROLE DROP MEMBER' && from !== undefined) {
      ended.push({ of, from, to: at });
      open.delete(of);
    }
  }
  return [...ended, ...[...open].map(([of, from]) => ({ of, from, to: Number.POSITIVE_INFINITY }))];
}

const laterOf = (one: Right | undefined, other: Right) => (one && one.endsAt > other.endsAt ? one : other);
const keyOf = (member: string, role: string) => `${member} in ${role}`;
const story = (chain: readonly RecordedEvent[]) => chain.map(({ event }) => event.type).join(' → ');
const timed = (chain: readonly RecordedEvent[]) =>
  chain.map(({ event }) => `${event.type} ${instant(millisecondsOf(event.at))}`).join(' → ');
const instant = (at: number) => (Number.isFinite(at) ? new Date(at).toISOString().slice(11, 23) : 'never');
const seconds = (milliseconds: number) => `${(milliseconds / 1000).toFixed(3)} s`;

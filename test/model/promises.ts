import type { CurfewEvent } from '../../shared/domain/events.ts';
import { verifyChain } from '../../shared/domain/hash-chain.ts';
import type { RequestId } from '../../shared/domain/ids.ts';
import { type Check, type Right, rightOf } from './reference.ts';
import { at, heldOf, hubLate, isCalm, moment, type Seen, type Stretch } from './seen.ts';

const second = 1_000;
const minute = 60 * second;
/** What one try may take, from a process's death to the last of its calls. */
const oneTry = 30 * second;

const outcomes: readonly CurfewEvent['type'][] = [
  'access-denied',
  'request-withdrawn',
  'approval-timed-out',
  'grant-cancelled',
  'grant-refused',
  'extension-applied',
  'access-revoked',
];
/** Where these fail it may take until they are back. */
const mutes = ['mail', 'events', 'holds'];

/** Every promise that was broken, in a sentence; none if all is well. */
export function brokenPromises(seen: Seen): string[] {
  const broken: string[] = [];
  const check = (isKept: boolean, ...words: (string | number | undefined)[]) => {
    if (!isKept) broken.push(words.join(' '));
  };
  const eventsOf = (id: string) => (seen.chains.get(id) ?? []).map(({ event }) => event);
  const rights = seen.asked.flatMap((asked) => rightOf(seen, asked, eventsOf, check));

  for (const { id } of seen.asked) {
    const { runtimeStatus, output, state } = seen.ends.get(id) ?? {};
    check(
      runtimeStatus === 'Completed' && output === state,
      id,
      'has not ended alike everywhere:',
      runtimeStatus,
      state,
    );
    check(verifyChain(id as RequestId, seen.chains.get(id) ?? []) === undefined, id, 'has a broken chain');
    const types = eventsOf(id).map(({ type }) => type);
    check(
      types.filter((type) => outcomes.includes(type)).join() === types.at(-1),
      id,
      'has not one outcome:',
      ...types,
    );
  }
  check(seen.holds.length === 0, 'holds are left:', ...seen.holds);

  const people = new Set(seen.asked.map(({ principalId }) => principalId));
  for (const principalId of people) {
    for (const entitlement of new Set(seen.asked.flatMap(({ entitlements }) => entitlements))) {
      const name = `${principalId} ${entitlement}`;
      const own = rights.filter(
        ({ asked }) => asked.principalId === principalId && asked.entitlements.includes(entitlement),
      );
      const held = heldOf(seen, principalId, entitlement);
      if (!seen.standing.includes(name)) checkGone(seen, name, own, held, eventsOf, check);
      for (const right of own) checkHeld(seen, name, right, own, held, check);
    }
    const bare = seen.sessions.filter((session) => session.startsWith(principalId));
    for (const session of bare) {
      const stands = seen.standing.some((name) => name.startsWith(session));
      check(stands, session, 'is still connected');
    }
  }
  for (const name of seen.standing) {
    const [principalId = '', entitlement = ''] = name.split(' ');
    const [first] = heldOf(seen, principalId, entitlement);
    check(first?.to === Infinity || isBlind(seen, first?.to), name, 'lost what it had before, at', first?.to);
  }
  return broken;
}

/** Nothing is held without a right to it, but for as long after the end of the last one as could not be helped, and not in silence. */
function checkGone(
  seen: Seen,
  name: string,
  rights: readonly Right[],
  held: readonly Stretch[],
  eventsOf: (id: string) => CurfewEvent[],
  check: Check,
): void {
  for (const { from, to } of held) {
    const [last] = rights.filter((right) => right.from <= from + seen.skew).sort((one, other) => other.to - one.to);
    check(last !== undefined, name, 'was given at', from, 'though nobody had a right to it');
    // From then on it is another's.
    const until = (right: Right) =>
      Math.min(to, ...rights.filter((other) => other.from > right.to).map((other) => other.from));
    if (last && last.to < from) checkOverrun(seen, name, last, rights, until(last), eventsOf, check);
    for (const right of rights.filter((each) => each.to >= from && each.to < to)) {
      const others = rights.filter((other) => other !== right && other.from <= right.to + moment + seen.skew);
      if (others.some((other) => other.to > right.to || (other.to === right.to && other.asked.id < right.asked.id)))
        continue;
      checkOverrun(seen, name, right, rights, until(right), eventsOf, check);
    }
  }
}

function checkOverrun(
  seen: Seen,
  name: string,
  right: Right,
  rights: readonly Right[],
  to: number,
  eventsOf: (id: string) => CurfewEvent[],
  check: Check,
): void {
  const { asked, endedBy } = right;
  const overrun = to - right.to;
  const wasArmed =
    endedBy !== 'deadline' || (right.granted ?? Infinity) < right.to - seen.lead - seen.timersLate - 5 * second;
  const isExact = wasArmed && isCalm(seen, right.to - 3 * minute, to);
  if (isExact) {
    // At a deadline no hub is in the way; who ends it early is heard by way of the hub, and so is a failure.
    const wait = endedBy === 'deadline' ? 0 : hubLate(seen);
    check(overrun <= moment + seen.skew + wait, name, 'was held', overrun, 'ms too long, undisturbed', asked.id);
    return;
  }
  const hindrances = [...seen.outages, ...seen.crashes].filter(
    (each) => each.from <= to && each.to >= right.to - minute,
  );
  const cleared = Math.max(right.to, ...hindrances.map((each) => each.to));
  const limit = cleared + minute + 2 * seen.timersLate + oneTry + 2 * hubLate(seen);
  check(
    to <= limit,
    name,
    'was held',
    overrun,
    'ms too long, and',
    to - cleared,
    'after nothing hindered it',
    asked.id,
  );
  // As long as a story is held up before it hears of an end, nobody can be alerted of it.
  const deaf = seen.outages.filter((each) => each.from <= right.to + minute && each.to >= right.to - minute);
  const heard = endedBy === 'somebody' && deaf.length > 0 ? right.to + minute : right.to;
  const alertBy = heard + minute + seen.timersLate + oneTry + 10 * second * seen.crashes.length + hubLate(seen);
  if (to <= alertBy) return;
  // Whichever of them it is that could not take it away.
  const ended = rights.filter((other) => other.to <= right.to);
  const alerts = ended.flatMap(({ asked: { id }, to: end }) =>
    eventsOf(id).filter((event) => event.type === 'revocation-delayed' && at(event) >= end + minute - second),
  );
  check(
    alerts.some((event) => at(event) <= alertBy),
    name,
    'was late by',
    overrun,
    'and no event says so',
    asked.id,
  );
  const isAlarm = ({ subject, to: reader, text }: Seen['mails'][number]) =>
    subject.startsWith('OVERDUE') &&
    reader.startsWith('engineers') &&
    ended.some(({ asked: { id } }) => text.includes(id));
  const muted = seen.outages.filter((each) => each.from <= alertBy && each.to >= right.to && mutes.includes(each.part));
  const told =
    Math.max(alertBy, ...muted.map((each) => each.to + 2 * (each.to - each.from))) + seen.timersLate + hubLate(seen);
  check(
    seen.mails.some((mail) => isAlarm(mail) && mail.at <= told),
    name,
    'was late by',
    overrun,
    'and nobody was told',
    asked.id,
  );
}

/** What is said to be granted is held, without a gap, until its end. */
function checkHeld(
  seen: Seen,
  name: string,
  { asked, granted, to }: Right,
  rights: readonly Right[],
  held: readonly Stretch[],
  check: Check,
): void {
  if (granted === undefined || granted >= to) return;
  const stretch = held.find((each) => each.from <= granted && each.to > granted);
  // Without the documents that say who else holds it, whatever ends takes it along.
  const isTaken =
    stretch && isBlind(seen, stretch.to) && rights.some((other) => other.asked !== asked && other.to < to);
  const until = stretch?.to ?? 0;
  check(until >= to - seen.skew || isTaken === true, name, 'was taken away', to - until, 'ms early', asked.id);
}

function isBlind({ outages }: Seen, when: number | undefined): boolean {
  return when !== undefined && outages.some(({ part, from, to }) => part === 'holds' && from <= when && when <= to);
}

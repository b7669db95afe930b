import type { CurfewEvent, RecordedEvent } from '../../shared/domain/events.ts';
import { verifyChain } from '../../shared/domain/hash-chain.ts';
import type { RequestId } from '../../shared/domain/ids.ts';

/** What was done from outside, and what could be seen there. Times are in milliseconds, as the databases count them. */
export interface Asked {
  readonly id: string;
  readonly principalId: string;
  readonly entitlements: readonly string[];
  readonly at: number;
  readonly approveBy: number;
  readonly duration: number;
  readonly startsAt?: number | undefined;
  readonly extends?: string | undefined;
}
export interface Said {
  readonly at: number;
  readonly id: string;
  readonly kind: 'approve' | 'deny' | 'withdraw' | 'end';
}
export interface Seen {
  readonly asked: readonly Asked[];
  readonly said: readonly Said[];
  readonly outages: readonly { readonly part: string; readonly from: number; readonly to: number }[];
  readonly crashes: readonly { readonly from: number; readonly to: number }[];
  /** How wrong a process's clock may be. */
  readonly skew: number;
  readonly timersLate: number;
  readonly lead: number;
  readonly extension: { readonly times: number; readonly total: number };
  readonly standing: readonly string[];
  readonly changes: readonly { at: number; what: 'joined' | 'left'; principalId: string; entitlement: string }[];
  readonly sessions: readonly string[];
  readonly mails: readonly {
    readonly at: number;
    readonly to: string;
    readonly subject: string;
    readonly text: string;
  }[];
  readonly chains: ReadonlyMap<string, readonly RecordedEvent[]>;
  readonly ends: ReadonlyMap<string, { runtimeStatus?: string; output?: unknown; state?: string | undefined }>;
  readonly holds: readonly string[];
}

/** From when to when a request makes an access right, by what was asked and said and not by what became of it. */
interface Right {
  readonly asked: Asked;
  readonly from: number;
  readonly to: number;
  /** From when the service says that it is held. */
  readonly granted: number | undefined;
  readonly endedBy: 'deadline' | 'somebody' | 'failure';
}

const second = 1_000;
const minute = 60 * second;
/** What a handful of calls to other systems takes. */
const moment = 600;
/** What one try may take, from a process's death to the last of its calls. */
const oneTry = 30 * second;

/** Every promise that was broken, in a sentence; none if all is well. It knows the promises, and nothing of how they are kept. */
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

/** Where these fail it may take until they are back. */
const mutes = ['mail', 'events', 'holds'];
type Check = (isKept: boolean, ...words: (string | number | undefined)[]) => void;
const outcomes: readonly CurfewEvent['type'][] = [
  'access-denied',
  'request-withdrawn',
  'approval-timed-out',
  'grant-cancelled',
  'grant-refused',
  'extension-applied',
  'access-revoked',
];
const at = (event: { readonly at: string }): number => Date.parse(event.at);

/** What was answered decides: whoever was first. Gives the stretch of time that follows, if access follows at all. */
function rightOf(seen: Seen, asked: Asked, eventsOf: (id: string) => CurfewEvent[], check: Check): Right[] {
  const { id, duration, startsAt, extends: extended } = asked;
  const events = eventsOf(id);
  const find = <Type extends CurfewEvent['type']>(type: Type) =>
    events.filter((event): event is Extract<CurfewEvent, { type: Type }> => event.type === type);
  const said = seen.said.filter((each) => each.id === id);
  const answer = said.find(({ kind }) => kind !== 'end');
  const outcome = events.at(-1)?.type;
  const inTime = answer && answer.at < asked.approveBy - minute;
  if (!answer || answer.at > asked.approveBy + minute)
    check(outcome === 'approval-timed-out', id, 'nobody answered:', outcome);
  if (inTime && answer.kind === 'deny') check(outcome === 'access-denied', id, 'was denied:', outcome);
  if (inTime && answer.kind === 'withdraw') check(outcome === 'request-withdrawn', id, 'was withdrawn:', outcome);
  const [intended] = find('grant-intended');
  const [granted] = find('access-granted');
  if (answer?.kind !== 'approve') check(!intended && !granted, id, 'was granted though nobody approved');
  if (answer?.kind !== 'approve') return [];
  const later = said.slice(said.indexOf(answer) + 1);
  const due = Math.max(answer.at, startsAt ?? 0);
  const isUndisturbed =
    inTime && isCalm(seen, due - 3 * minute, due + minute) && !later.some((each) => each.at <= due + moment);

  if (extended !== undefined) {
    check(!intended && !granted, id, 'is an extension, and granted something');
    const moves = eventsOf(extended).filter((event) => event.type === 'deadline-moved' && event.extension === id);
    check(moves.length === (outcome === 'extension-applied' ? 1 : 0), id, 'extended', moves.length, 'times:', outcome);
    return [];
  }
  const end = later.find(({ kind }) => kind === 'end');
  if (!intended) {
    const isOver = due + minute > (startsAt ?? Infinity) + duration;
    check(!isUndisturbed || isOver, id, 'was approved and not granted:', outcome);
    return [];
  }
  check(at(intended) >= due && find('grant-intended').length === 1, id, 'was meant too early, or twice');
  let deadline = (startsAt ?? at(intended)) + duration;
  check(Date.parse(intended.deadline) === deadline, id, 'has another deadline than was approved:', intended.deadline);
  const began = deadline - duration;
  for (const moved of find('deadline-moved')) {
    const by = seen.asked.find((other) => other.id === moved.extension);
    const isApproved = seen.said.find((each) => each.id === by?.id && each.kind !== 'end')?.kind === 'approve';
    check(by?.extends === id && isApproved, id, 'was extended though nobody approved');
    check(at(moved) <= deadline - seen.lead, id, 'was extended when its deadline was final');
    deadline += by?.duration ?? 0;
    check(Date.parse(moved.deadline) === deadline, id, 'was moved by another duration than approved');
  }
  check(deadline <= began + Math.max(duration, seen.extension.total), id, 'was extended beyond the total');
  check(find('deadline-moved').length <= seen.extension.times, id, 'was extended too often');
  const [failure] = find('revocation-began').filter(({ cause }) => cause.kind === 'grant-failed');
  const rivals = seen.asked.filter((other) => other !== asked && other.principalId === asked.principalId);
  check(!failure || !isUndisturbed || rivals.length > 0, id, 'could not be granted, though nothing was amiss');
  const ends = [
    { to: deadline, endedBy: 'deadline' as const },
    ...(end ? [{ to: Math.max(end.at, at(intended)), endedBy: 'somebody' as const }] : []),
    ...(failure ? [{ to: at(failure), endedBy: 'failure' as const }] : []),
  ].sort((one, other) => one.to - other.to);
  const [{ to, endedBy } = { to: deadline, endedBy: 'deadline' as const }] = ends;
  return [{ asked, from: at(intended), granted: granted && at(granted), to, endedBy }];
}

interface Stretch {
  readonly from: number;
  readonly to: number;
}

function heldOf({ changes, standing }: Seen, principalId: string, entitlement: string): Stretch[] {
  const own = changes.filter((each) => each.principalId === principalId && each.entitlement === entitlement);
  const stretches: Stretch[] = [];
  let from = standing.includes(`${principalId} ${entitlement}`) ? -Infinity : undefined;
  for (const change of own) {
    if (change.what === 'left' && from !== undefined) stretches.push({ from, to: change.at });
    from = change.what === 'joined' ? change.at : undefined;
  }
  return from === undefined ? stretches : [...stretches, { from, to: Infinity }];
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
    if (last && last.to < from) checkOverrun(seen, name, last, rights, to, eventsOf, check);
    for (const right of rights.filter((each) => each.to >= from && each.to < to)) {
      const others = rights.filter((other) => other !== right && other.from <= right.to + moment + seen.skew);
      if (others.some((other) => other.to > right.to || (other.to === right.to && other.asked.id < right.asked.id)))
        continue;
      const next = Math.min(to, ...rights.filter((other) => other.from > right.to).map((other) => other.from));
      checkOverrun(seen, name, right, rights, next, eventsOf, check);
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
    check(overrun <= moment + seen.skew, name, 'was held', overrun, 'ms too long, undisturbed', asked.id);
    return;
  }
  const hindrances = [...seen.outages, ...seen.crashes].filter(
    (each) => each.from <= to && each.to >= right.to - minute,
  );
  const cleared = Math.max(right.to, ...hindrances.map((each) => each.to));
  const limit = cleared + minute + 2 * seen.timersLate + oneTry;
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
  const alertBy = heard + minute + seen.timersLate + oneTry + 10 * second * seen.crashes.length;
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
  const told = Math.max(alertBy, ...muted.map((each) => each.to + 2 * (each.to - each.from))) + seen.timersLate;
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

/** Whether nothing was amiss anywhere. */
function isCalm({ outages, crashes }: Seen, from: number, to: number): boolean {
  return ![...outages, ...crashes].some((each) => each.from <= to && each.to >= from);
}

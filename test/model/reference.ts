import type { CurfewEvent } from '../../shared/domain/events.ts';
import { type Asked, at, hubLate, isCalm, moment, type Seen, totalOf } from './seen.ts';

/** From when to when a request makes an access right, by what was asked and said and not by what became of it. */
export interface Right {
  readonly asked: Asked;
  readonly from: number;
  readonly to: number;
  /** From when the service says that it is held. */
  readonly granted: number | undefined;
  readonly endedBy: 'deadline' | 'somebody' | 'failure';
}

const minute = 60_000;
export type Check = (isKept: boolean, ...words: (string | number | undefined)[]) => void;

/** What was answered decides: whoever was first. Gives the stretch of time that follows, if access follows at all. */
export function rightOf(seen: Seen, asked: Asked, eventsOf: (id: string) => CurfewEvent[], check: Check): Right[] {
  const { id, duration, startsAt, extends: extended } = asked;
  const events = eventsOf(id);
  const find = <Type extends CurfewEvent['type']>(type: Type) =>
    events.filter((event): event is Extract<CurfewEvent, { type: Type }> => event.type === type);
  const said = seen.said.filter((each) => each.id === id);
  const answer = said.find(({ kind }) => kind !== 'end');
  const outcome = events.at(-1)?.type;
  // What comes while an activity is under way is heard after it.
  const inTime = answer && answer.at < asked.approveBy - minute - hubLate(seen);
  if (!answer || answer.at > asked.approveBy + minute)
    check(outcome === 'approval-timed-out', id, 'nobody answered:', outcome);
  if (inTime && answer.kind === 'deny') check(outcome === 'access-denied', id, 'was denied:', outcome);
  if (inTime && answer.kind === 'withdraw') check(outcome === 'request-withdrawn', id, 'was withdrawn:', outcome);
  const [intended] = find('grant-intended');
  const [granted] = find('access-granted');
  if (answer?.kind !== 'approve') check(!intended && !granted, id, 'was granted though nobody approved');
  if (answer?.kind !== 'approve') return [];
  const isRefused = ['access-denied', 'approval-timed-out'].includes(outcome ?? '');
  check(!inTime || !isRefused, id, 'was approved:', outcome);
  const later = said.slice(said.indexOf(answer) + 1);
  const due = Math.max(answer.at, startsAt ?? 0);
  const intendedBy = due + moment + hubLate(seen) + (startsAt === undefined ? 0 : seen.timersLate);
  const isUndisturbed =
    inTime &&
    isCalm(seen, due - 3 * minute, due + minute + hubLate(seen)) &&
    !later.some((each) => each.at <= intendedBy);

  if (extended !== undefined) {
    check(!intended && !granted, id, 'is an extension, and granted something');
    const moves = eventsOf(extended).filter((event) => event.type === 'deadline-moved' && event.extension === id);
    check(moves.length === (outcome === 'extension-applied' ? 1 : 0), id, 'extended', moves.length, 'times:', outcome);
    check(
      moves.length === 1 || !isUndisturbed || !mayBeExtended(seen, asked, due, eventsOf(extended)),
      id,
      'was not applied',
    );
    return [];
  }
  const end = later.find(({ kind }) => kind === 'end');
  if (!intended) {
    const isOver = due + minute + hubLate(seen) > (startsAt ?? Infinity) + duration;
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
    check(at(moved) <= deadline - seen.lead + seen.skew, id, 'was extended when its deadline was final');
    deadline += by?.duration ?? 0;
    check(Date.parse(moved.deadline) === deadline, id, 'was moved by another duration than approved');
  }
  check(deadline <= began + totalOf(seen, duration), id, 'was extended beyond the total');
  check(find('deadline-moved').length <= seen.extension.times, id, 'was extended too often');
  const [failure] = find('revocation-began').filter(({ cause }) => cause.kind === 'grant-failed');
  const rivals = seen.asked.filter((other) => other !== asked && other.principalId === asked.principalId);
  check(!failure || !isUndisturbed || rivals.length > 0, id, 'could not be granted, though nothing was amiss');
  const ends = [
    { to: deadline, endedBy: 'deadline' as const },
    // What comes while the grant is under way takes effect when that is done.
    ...(end ? [{ to: Math.max(end.at, at(granted ?? intended)), endedBy: 'somebody' as const }] : []),
    ...(failure ? [{ to: at(failure), endedBy: 'failure' as const }] : []),
  ].sort((one, other) => one.to - other.to);
  const [{ to, endedBy } = { to: deadline, endedBy: 'deadline' as const }] = ends;
  return [{ asked, from: at(intended), granted: granted && at(granted), to, endedBy }];
}

/** Whether nothing was in the way of this extension, approved at `due`, as the first of its grant that stands for a while yet. */
function mayBeExtended(
  seen: Seen,
  { extends: id, duration }: Asked,
  due: number,
  events: readonly CurfewEvent[],
): boolean {
  const extended = seen.asked.find((other) => other.id === id);
  const intended = events.find((event) => event.type === 'grant-intended');
  const granted = events.find((event) => event.type === 'access-granted');
  const isOnly = seen.asked.filter((other) => other.extends === id).length === 1;
  const isEnded = seen.said.some((each) => each.id === id && each.kind === 'end');
  if (!extended || !intended || !granted || !isOnly || isEnded || at(granted) > due) return false;
  // Two activities here and one for the other grant, each of which may wait for one that is under way; and a first try in vain.
  const takes = minute + 2 * seen.timersLate + 4 * hubLate(seen);
  const isFinal = due > Date.parse(intended.deadline) - seen.lead - takes;
  return !isFinal && extended.duration + duration <= totalOf(seen, extended.duration);
}

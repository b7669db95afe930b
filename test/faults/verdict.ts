import type { AccessRequest } from '../../shared/domain/access-request.ts';
import { canonicalJson, type Json } from '../../shared/domain/canonical-json.ts';
import { evolve } from '../../shared/domain/evolve.ts';
import { verifyChain } from '../../shared/domain/hash-chain.ts';
import type { RequestId } from '../../shared/domain/ids.ts';
import { earliest, type Instant, latest, millisecondsOf, plus } from '../../shared/domain/time.ts';
import type { Fault } from '../support/faults.ts';
import type { World } from '../support/world.ts';

const minute = 60_000;

/** What became of the requests in a few words, and which promises were broken on the way. */
export interface Verdict {
  readonly outcome: string;
  readonly broken: readonly string[];
}

/** These may make a request fail that was not granted yet. A crash, a delay, a repetition and a single failure may not. */
const mayFail: readonly (Fault | undefined)[] = ['final error', 'time-out', 'hang', 'outage'];

/** `mailed` are the instants at which mails went out. */
export function judge(
  world: World,
  ids: readonly RequestId[],
  mailed: readonly Instant[],
  fault: Fault | undefined,
): Verdict {
  const requests = ids.map((id) => world.request(id));
  const broken = [
    ...requests.flatMap((request) => [
      ...brokenInEnd(world, request, requests, fault),
      ...brokenInStory(world, request),
    ]),
    ...brokenOnTarget(world, requests, mailed),
    ...brokenInMail(world, requests),
  ];
  return { outcome: describe(world, requests), broken };
}

function brokenInEnd(
  { engine, holds, target }: World,
  { id, state, extends: extended, movedTo, granted }: AccessRequest,
  requests: readonly AccessRequest[],
  fault: Fault | undefined,
): string[] {
  const instance = engine.status(id);
  const isFailed = state === 'failed' && !granted && mayFail.includes(fault);
  const moved = requests.find((other) => other.id === extended)?.extensions[0]?.deadline;
  const isExtended = state === 'extended' && movedTo !== undefined && movedTo === moved;
  const isRight = extended === undefined ? state === 'expired' || isFailed : isExtended || (isFailed && !moved);
  return [
    ...(isRight ? [] : [`it ends as ${state}`]),
    ...(instance?.runtimeStatus === 'Completed' && instance.output === state
      ? []
      : [`its instance is ${instance?.runtimeStatus}`]),
    ...(holds.all.size === 0 ? [] : ['a hold is left']),
    ...(target.members.size === 0 ? [] : ['access is standing']),
    ...(target.sessions.size === 0 ? [] : ['a session is open']),
  ];
}

/** No event lost, doubled or altered, and the projection is what they add up to. */
function brokenInStory(world: World, request: AccessRequest): string[] {
  const { id, cause } = request;
  const chain = world.events.chains.get(id) ?? [];
  const folded = chain.reduce<AccessRequest | undefined>((before, { event }) => evolve(before, id, event), undefined);
  const told = world.types(id).filter((type) => type !== 'revocation-delayed' && type !== 'deadline-moved');
  const approved = request.terms.stages.flatMap((_, stage) =>
    stage > 0 ? ['stage-began', 'access-approved'] : ['access-approved'],
  );
  const ended = [
    'grant-intended',
    ...(request.granted ? ['access-granted'] : []),
    'revocation-began',
    'access-revoked',
  ];
  const refused = request.state === 'extended' ? ['extension-applied'] : ['grant-refused'];
  const whole = ['access-requested', ...approved, ...(cause ? ended : refused)];
  const moves = world.types(id).filter((type) => type === 'deadline-moved').length;
  return [
    ...(verifyChain(id, chain) === undefined ? [] : ['the chain of its events is broken']),
    ...(textOf(folded) === textOf(request) ? [] : ['its projection is not what its events say']),
    ...(textOf(told) === textOf(whole) && moves <= 1 ? [] : [`its events are ${told.join(', ')}`]),
  ];
}

function textOf(value: unknown): string {
  return canonicalJson(JSON.parse(JSON.stringify(value)) as Json);
}

/**
 * When the access had to be over, and when the target saw it end; nothing where it never saw any. What failed, and was perhaps
 * given, had to be over when the failure was known, and at its deadline at the latest.
 */
function endOf(world: World, requests: readonly AccessRequest[]): { due: Instant; seen: Instant } | undefined {
  const [first, ...others] = requests.flatMap(({ deadline, state, endsSince, revoked }) => {
    if (deadline === undefined || state !== 'failed') return deadline ?? [];
    const isTaken = revoked?.evidence.some(({ outcome }) => outcome !== 'kept');
    return isTaken && endsSince ? earliest(endsSince, deadline) : [];
  });
  const seen = world.target.log.findLast(({ what }) => what === 'dropped')?.at;
  return first && seen ? { due: latest(first, ...others), seen } : undefined;
}

/** Never early, never late in silence, and what the events say of it is what the target saw. */
function brokenOnTarget(world: World, requests: readonly AccessRequest[], mailed: readonly Instant[]): string[] {
  const end = endOf(world, requests);
  const expired = requests.filter(({ state }) => state === 'expired');
  if (!end) return expired.length > 0 && expired.some(({ granted }) => granted) ? ['nothing was taken away'] : [];
  const { due, seen } = end;
  const evidence = requests.flatMap(({ revoked }) => revoked?.evidence ?? []);
  const lateness = millisecondsOf(seen) - millisecondsOf(due);
  const isEarly = lateness < 0 && expired.length > 0 && !evidence.some(({ holdsUnknown }) => holdsUnknown);
  const isLate = lateness > minute;
  const alerted = requests.some(({ id }) =>
    (world.events.chains.get(id) ?? []).some(
      ({ event }) => event.type === 'revocation-delayed' && event.at > due && event.at <= plus(due, minute),
    ),
  );
  const warned = mailed.some((at) => at > due && at <= plus(due, minute + 1_000));
  const written = expired.flatMap(({ revoked }) => revoked?.lateness ?? []);
  const said = evidence.flatMap(({ outcome, droppedAt }) => (outcome === 'revoked' ? [droppedAt] : []));
  return [
    ...(isEarly ? [`${describeLateness(end)}, though the holds were known`] : []),
    ...(isLate && !(alerted && warned) ? [`${describeLateness(end)}, and nobody was alerted`] : []),
    ...(lateness > 0 && expired.length > 0 && !written.includes(lateness) ? ['the lateness is not in the event'] : []),
    ...(said.every((at) => world.target.log.some((each) => each.what === 'dropped' && each.at === at))
      ? []
      : ['the event says another instant than the target']),
  ];
}

/** Of what matters everybody whom it concerns was told at least once. */
function brokenInMail({ notifier }: World, requests: readonly AccessRequest[]): string[] {
  const wanted = new Map<string, number>();
  const want = (to: string, pattern: string) =>
    wanted.set(`${to} ${pattern}`, (wanted.get(`${to} ${pattern}`) ?? 0) + 1);
  for (const { requester, decision, granted, extensions, delay, approvers, endsSince } of requests) {
    for (const { mail } of approvers) want(mail, 'asks for');
    // Of a stage that is over while its mail is held up, nobody is told any more.
    want(requester.mail, 'Waiting for approval');
    if (decision) want(requester.mail, 'approved .* for you$');
    if (granted) want(requester.mail, 'You have');
    if (granted) want(requester.mail, 'ends in');
    if (extensions.length > 0) want(requester.mail, 'Extended: you have');
    if (delay && endsSince && delay.at >= plus(endsSince, minute)) {
      for (const { mail } of [requester, ...approvers]) want(mail, '^OVERDUE');
    }
    want(requester.mail, 'reader on orders: ');
  }
  return [...wanted].flatMap(([key, times]) => {
    const [to, ...pattern] = key.split(' ');
    const subject = new RegExp(pattern.join(' '));
    const sent = notifier.sent.filter((mail) => mail.to === to && subject.test(mail.subject)).length;
    return sent >= times ? [] : [`no mail to ${to}: ${subject.source}`];
  });
}

function describe(world: World, requests: readonly AccessRequest[]): string {
  const failed = requests.map(({ state }) => state === 'failed');
  const names = requests.length === 1 ? [''] : ['first ', 'second '];
  const ends = failed.every(Boolean)
    ? ['failed']
    : requests.flatMap((_, index) => (failed[index] ? [`${names[index]}failed`] : []));
  const end = endOf(world, requests);
  const isUnsaid = requests.some(({ revoked }) => revoked?.evidence.some(({ outcome }) => outcome === 'absent'));
  const isOverdue = requests.some(({ delay, endsSince }) => delay && endsSince && delay.at >= plus(endsSince, minute));
  const access = failed.every(Boolean)
    ? [end ? 'undone' : 'nothing left', ...(end && end.seen > end.due ? [describeLateness(end)] : [])]
    : [
        isOverdue ? 'overdue, alerted' : '',
        end ? describeLateness(end) : 'never given',
        isUnsaid && end && end.seen === end.due ? 'event without the instant' : '',
      ];
  return [...ends, ...access].filter(Boolean).join(', ');
}

function describeLateness({ due, seen }: { due: Instant; seen: Instant }): string {
  const milliseconds = millisecondsOf(seen) - millisecondsOf(due);
  if (milliseconds === 0) return 'on time';
  const seconds = `${(Math.abs(milliseconds) / 1000).toFixed(1)} s`;
  return milliseconds > 0 ? `${seconds} late` : `${seconds} early`;
}

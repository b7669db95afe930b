import { isDeepStrictEqual } from 'node:util';
import { type AccessRequest, evolve, isEnded } from '../../shared/domain/access-request.ts';
import { verifyChain } from '../../shared/domain/hash-chain.ts';
import type { RequestId } from '../../shared/domain/ids.ts';
import { type Instant, latest, millisecondsOf, plus } from '../../shared/domain/time.ts';
import type { World } from '../support/world.ts';

const minute = 60_000;

/** What became of the requests, in a few words each, and which promises were broken on the way. */
export interface Verdict {
  readonly outcome: string;
  readonly broken: readonly string[];
}

export function judge(world: World, ids: readonly RequestId[]): Verdict {
  const requests = ids.map((id) => world.request(id));
  const broken = [
    ...ids.flatMap((id) => brokenInStory(world, id)),
    ...requests.flatMap((request) => brokenInMail(world, request)),
    ...brokenOnTarget(world, requests),
    ...(world.target.members.size > 0 ? ['access is standing'] : []),
    ...(world.target.sessions.size > 0 ? ['sessions are open'] : []),
    ...(world.holds.all.size > 0 ? ['holds are left'] : []),
  ];
  return { outcome: requests.map((request) => describe(world, request)).join(' · '), broken };
}

function brokenInStory(world: World, id: RequestId): string[] {
  const request = world.request(id);
  const chain = world.events.chains.get(id) ?? [];
  const types = world.types(id);
  const folded = chain.reduce<AccessRequest | undefined>((before, { event }) => evolve(before, id, event), undefined);
  const instance = world.engine.status(id);
  const once = types.filter((type) => !['revocation-delayed', 'access-approved', 'stage-began'].includes(type));
  return [
    ...(isEnded(request.state) ? [] : [`it is ${request.state} for ever`]),
    ...(instance?.runtimeStatus === 'Completed' ? [] : [`its instance is ${instance?.runtimeStatus}`]),
    ...(instance?.output === request.state ? [] : ['its instance says otherwise']),
    ...(verifyChain(id, chain) === undefined ? [] : ['the chain of its events is broken']),
    ...(isDeepStrictEqual(folded, request) ? [] : ['its projection is not what its events say']),
    ...(new Set(once).size === once.length ? [] : ['an event is there twice']),
    ...(isWhole(types, request) ? [] : [`events are missing: ${types.join(', ')}`]),
  ];
}

/** Every step to its state stands in its story, in its order. */
function isWhole(types: readonly string[], { state, terms, cause }: AccessRequest): boolean {
  const approved = terms.stages.flatMap((_, stage) => [...(stage > 0 ? ['stage-began'] : []), 'access-approved']);
  const steps = types.filter((type) => !['revocation-delayed', 'deadline-moved'].includes(type));
  const asked = ['access-requested', ...approved];
  const ended = ['revocation-began', 'access-revoked'];
  const whole: Partial<Record<typeof state, string[][]>> = {
    expired: [
      [...asked, 'grant-intended', 'access-granted', ...ended],
      [...asked, 'grant-intended', ...ended],
    ],
    failed: cause ? [[...asked, 'grant-intended', ...ended]] : [[...asked, 'grant-refused'], asked.slice(0, 2).concat('grant-refused')],
    extended: [[...asked, 'extension-applied']],
  };
  return (whole[state] ?? []).some((expected) => isDeepStrictEqual(steps, expected));
}

/** Each that matters was sent to everybody whom it concerns, at least once. */
function brokenInMail({ notifier }: World, { requester, approvers, state, granted, terms, delay, ...request }: AccessRequest) {
  const has = (to: string, subject: string) =>
    notifier.sent.some((mail) => mail.to === to && mail.subject.includes(subject));
  const wanted: [string, string][] = [
    ...approvers.map(({ mail }): [string, string] => [mail, `${requester.name} asks for`]),
    [requester.mail, 'Waiting for approval'],
    ...(request.decision ? ([[requester.mail, 'approved']] as [string, string][]) : []),
    ...(granted ? ([[requester.mail, 'You have']] as [string, string][]) : []),
  ];
  void terms;
  void delay;
  void state;
  return wanted.filter(([to, subject]) => !has(to, subject)).map(([to, subject]) => `no mail to ${to}: ${subject}`);
}

/** The instant at which the access that the requests gave has to end, and what the target saw. */
function brokenOnTarget(world: World, requests: readonly AccessRequest[]): string[] {
  const problems: string[] = [];
  const granted = requests.filter(({ granted, extends: extended }) => granted && extended === undefined);
  const [first, ...others] = granted.flatMap(({ deadline }) => (deadline ? [deadline] : []));
  const drops = world.target.log.filter(({ what }) => what === 'dropped');
  if (first === undefined) return problems;
  const end = latest(first, ...others);
  const last = drops.at(-1);
  for (const { at } of drops) if (at < end) problems.push(`dropped ${seconds(at, end)} early`);
  if (last && last.at > plus(end, minute) && !isAlerted(world, requests, end)) {
    problems.push(`${seconds(end, last.at)} late, and nobody was alerted`);
  }
  for (const { revoked } of granted) {
    for (const { outcome, droppedAt } of revoked?.evidence ?? []) {
      if (outcome === 'revoked' && droppedAt !== last?.at) problems.push('the event says another instant than the target');
    }
  }
  return problems;
}

function isAlerted(world: World, requests: readonly AccessRequest[], end: Instant): boolean {
  const bound = plus(end, minute);
  return requests.some(({ id }) =>
    (world.events.chains.get(id) ?? []).some(({ event }) => event.type === 'revocation-delayed' && event.at <= bound),
  );
}

function describe(world: World, { state, deadline, revoked, delay, granted }: AccessRequest): string {
  const drop = world.target.log.findLast(({ what }) => what === 'dropped');
  const lateness = drop && deadline ? millisecondsOf(drop.at) - millisecondsOf(deadline) : undefined;
  if (state === 'failed') return drop ? 'failed, undone' : 'failed, nothing left';
  if (state !== 'expired') return state;
  const evidence = revoked?.evidence[0];
  const how =
    evidence?.outcome === 'kept' ? 'kept' : lateness === 0 ? 'on time' : `${((lateness ?? Number.NaN) / 1000).toFixed(1)} s late`;
  return [granted ? 'expired' : 'never granted, expired', how, delay ? '(overdue)' : '', evidence?.outcome === 'absent' ? '(absent)' : '']
    .filter(Boolean)
    .join(' ');
}

function seconds(from: Instant, to: Instant): string {
  return `${((millisecondsOf(to) - millisecondsOf(from)) / 1000).toFixed(1)} s`;
}

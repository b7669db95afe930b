import { expect } from 'vitest';
import { viewRequest } from '../../../functions/http/view.ts';
import type { AccessRequest } from '../../../shared/domain/access-request.ts';
import type { CurfewEvent, RecordedEvent } from '../../../shared/domain/events.ts';
import { evolve } from '../../../shared/domain/evolve.ts';
import { verifyChain } from '../../../shared/domain/hash-chain.ts';
import type { RequestId } from '../../../shared/domain/ids.ts';
import type { Answer } from '../api-support.ts';
import { pick } from './random.ts';

export type Approver = 'bob' | 'carla';
/** What somebody does to a request, by the page behind their link or over the API. */
export type Move =
  | { readonly kind: 'form' | 'api'; readonly who: Approver; readonly decision: 'approve' | 'deny' }
  | { readonly kind: 'withdraw'; readonly who: 'ada' }
  | { readonly kind: 'revoke'; readonly who: 'ada' | 'carla' }
  | { readonly kind: 'look'; readonly who: Approver; readonly method: 'GET' | 'HEAD' };
export type Told = Move & { readonly answer: Answer; readonly at: number };

export const fullNames = { ada: 'Ada Lindqvist', bob: 'Bob Okafor', carla: 'Carla Reyes' } as const;

/** Two to five moves; some forms are sent twice. */
export function movesBy(random: () => number): Move[] {
  const moves: Move[] = [];
  for (let left = 2 + Math.floor(random() * 3); left > 0; left--) {
    const who = pick<Approver>(random, ['bob', 'carla']);
    const decision = pick<'approve' | 'deny'>(random, ['approve', 'approve', 'deny']);
    const move = pick<Move>(random, [
      { kind: 'form', who, decision },
      { kind: 'form', who, decision },
      { kind: 'api', who, decision },
      { kind: 'api', who, decision },
      { kind: 'withdraw', who: 'ada' },
      { kind: 'revoke', who: pick(random, ['ada', 'carla']) },
      { kind: 'look', who, method: pick(random, ['GET', 'HEAD']) },
    ]);
    moves.push(move);
    if (move.kind === 'form' && random() < 0.25) moves.push(move);
  }
  return moves;
}

/** What events say that people did, and in the same words what the answers told them. */
function deedIn(event: CurfewEvent): string[] {
  switch (event.type) {
    case 'access-approved':
    case 'access-denied': {
      const verb = event.type === 'access-approved' ? 'approve' : 'deny';
      return [`${event.by.name}: ${verb} by ${event.through === 'api' ? 'api' : 'form'}`];
    }
    case 'request-withdrawn':
      return [`${event.by.name}: withdraw`];
    case 'grant-cancelled':
      return [`${event.by.name}: revoke`];
    case 'revocation-began':
      return event.cause.kind === 'ended-early' ? [`${event.cause.by.name}: revoke`] : [];
    default:
      return [];
  }
}

function deedToldIn(told: Told): string[] {
  if (told.answer.status !== 200 || told.kind === 'look') return [];
  const what = 'decision' in told ? `${told.decision} by ${told.kind}` : told.kind;
  return [`${fullNames[told.who]}: ${what}`];
}

const decisionsIn = (events: readonly CurfewEvent[]) =>
  events.filter((event) => event.type === 'access-approved' || event.type === 'access-denied');

/** Of these one comes at most: the ways in which an approval ends. */
export const endings: readonly string[] = [
  'access-denied',
  'request-withdrawn',
  'approval-timed-out',
  'grant-cancelled',
  'grant-refused',
  'grant-intended',
];

/** The story has one outcome, and everybody was told it as it was at some moment of it. */
export function expectTruth(
  id: string,
  recorded: readonly RecordedEvent[],
  shown: unknown,
  all: readonly Told[],
): void {
  const events = recorded.map(({ event }) => event);
  const types = events.map(({ type }) => type);
  expect(verifyChain(id as RequestId, recorded)).toBeUndefined();
  expect(types.filter((type) => endings.includes(type)).length).toBeLessThanOrEqual(1);
  for (const after of ['access-granted', 'revocation-began', 'access-revoked'] as const) {
    if (types.includes(after)) expect(types.indexOf(after)).toBeGreaterThan(types.indexOf('grant-intended'));
    if (types.includes(after)) expect(types).toContain('grant-intended');
  }
  const moments = momentsOf(id as RequestId, events);
  expect(moments.at(-1)).toEqual(shown);

  const people = all.filter(({ kind }) => kind !== 'look');
  expect(people.flatMap(deedToldIn).sort()).toEqual(events.flatMap(deedIn).sort());
  for (const told of people) {
    expect([200, 409]).toContain(told.answer.status);
    if (told.kind === 'form') expectPage(told, events);
    else {
      const { status, body } = told.answer;
      expect(moments).toContainEqual(status === 200 ? body : body.request);
      if (status === 409) expectRefusal(told, body.request?.state, body.code, events);
    }
  }
  for (const told of all) {
    if (told.kind !== 'look') continue;
    expect(told.answer.status).toBe(told.method === 'GET' ? 200 : 404);
  }
}

/** The request after each of its events, as the API shows it. */
function momentsOf(id: RequestId, events: readonly CurfewEvent[]): unknown[] {
  let request: AccessRequest | undefined;
  return events.map((event) => {
    request = evolve(request, id, event);
    return JSON.parse(JSON.stringify(viewRequest(request)));
  });
}

function expectPage({ who, answer, ...told }: Extract<Told, { kind: 'form' | 'api' }>, events: readonly CurfewEvent[]) {
  const heading = /<h1>(.*?)<\/h1>/s.exec(answer.text)?.[1] ?? '';
  if (answer.status === 200) {
    expect(heading).toMatch(told.decision === 'approve' ? /^You approved it/ : /^You denied it$/);
    return;
  }
  const [, subject, outcome] = /^(.+) had (approved|denied) it already$/.exec(heading) ?? [];
  if (subject === undefined) {
    expect(heading).toBe('Your answer was not taken');
    expectRefusal({ who, answer, ...told }, undefined, /CURFEW_\w+/.exec(answer.text)?.[0], events);
    return;
  }
  const name = subject === 'You' ? fullNames[who] : subject;
  const outcomes = decisionsIn(events).map(({ by, type }) => `${by.name} ${type}`);
  expect(outcomes).toContain(`${name} access-${outcome}`);
  if (subject !== 'You') expect(name).not.toBe(fullNames[who]);
}

/** That it ended, that somebody had decided, or that there is nothing to end: each has to be so. */
function expectRefusal(
  told: Told,
  state: string | undefined,
  code: string | undefined,
  events: readonly CurfewEvent[],
): void {
  const { kind, at } = told;
  const types = events.map(({ type }) => type);
  const before = types.filter((type) => endings.includes(type));
  switch (code) {
    case 'CURFEW_ALREADY_DECIDED':
      expect(kind === 'withdraw' ? types.includes('grant-intended') : decisionsIn(events).length > 0).toBe(true);
      break;
    case 'CURFEW_REQUEST_ENDED': {
      const [first] = events;
      const time = first?.type === 'access-requested' ? (first.terms.stages[0]?.timeOut ?? 0) : 0;
      const isLate = 'decision' in told && first !== undefined && at >= Date.parse(first.at) + time;
      const hasEnded = before.length === 1 && !('decision' in told && decisionsIn(events).length > 0);
      expect(isLate || hasEnded).toBe(true);
      break;
    }
    case 'CURFEW_NOT_GRANTED':
      expect([kind, state]).toEqual(['revoke', 'waiting-for-approval']);
      break;
    default:
      expect([kind, code, types.includes('revocation-began')]).toEqual(['revoke', 'CURFEW_ALREADY_ENDING', true]);
  }
}

/** What happened, for whoever has to find out why. */
export function described(recorded: readonly RecordedEvent[], all: readonly Told[]): string[] {
  const heard = all.map(({ answer, at, ...move }) => {
    const heading = /<h1>(.*?)<\/h1>/s.exec(answer.text)?.[1];
    return `${new Date(at).toISOString()} ${JSON.stringify(move)}: ${answer.status} ${answer.body.code ?? heading ?? ''}`;
  });
  return [...recorded.map(({ event }) => `${event.at} ${event.type}`), ...heard];
}

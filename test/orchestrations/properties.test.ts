import fc from 'fast-check';
import { expect, test } from 'vitest';
import { awaitedApprovers } from '../../shared/domain/access-request.ts';
import type { CurfewEvent } from '../../shared/domain/events.ts';
import { evolve } from '../../shared/domain/evolve.ts';
import { verifyChain } from '../../shared/domain/hash-chain.ts';
import type { PrincipalId, RequestId } from '../../shared/domain/ids.ts';
import type { Approvers } from '../../shared/domain/policy.ts';
import { isEnded } from '../../shared/domain/states.ts';
import type { World } from '../support/world.ts';
import { type Register, story, tell } from './generated-stories.ts';

/**
 * Whether these events, by the people of this register, are worth a grant. Written from the promise alone: it shares no
 * line with the service.
 */
function isWorthAGrant(events: readonly CurfewEvent[], register: Register): boolean {
  const [first] = events;
  if (first?.type !== 'access-requested') return false;
  const { terms, requester } = first;
  const asked = terms.stages.map(() => new Set<PrincipalId>());
  const yes = terms.stages.map(() => new Set<PrincipalId>());
  for (const { principalId } of first.approvers) asked[0]?.add(principalId);
  for (const event of events) {
    if (event.type === 'access-denied') return false;
    if (event.type === 'stage-began' || event.type === 'approval-escalated') {
      for (const { principalId } of event.approvers) asked[event.stage]?.add(principalId);
    }
    if (event.type === 'access-approved') {
      const { principalId } = event.by;
      const isUsed = principalId === requester.principalId || yes.some((others) => others.has(principalId));
      if (!isUsed && asked[event.stage]?.has(principalId)) yes[event.stage]?.add(principalId);
    }
  }
  const isComplete = terms.stages.every(({ quorum, approvers, escalation }, index) => {
    const allowed = [...(yes[index] ?? [])].filter(
      (id) => isIn(approvers, id, register) || (escalation !== undefined && isIn(escalation.to, id, register)),
    );
    return allowed.length >= quorum;
  });
  return isComplete && isIn(terms.requesters, requester.principalId, register);
}

function isIn(audience: Approvers, id: PrincipalId, { people, groups, manager }: Register): boolean {
  const known = people.find(({ principalId }) => principalId === id);
  if (!known) return false;
  const isNamed = audience.people.includes(known.userPrincipalName) || (audience.manager === true && manager === id);
  return isNamed || audience.groups.some((group) => groups.get(group)?.includes(id));
}

const outcomes = [
  'access-denied',
  'request-withdrawn',
  'approval-timed-out',
  'grant-cancelled',
  'grant-refused',
  'access-revoked',
];
const eventsOf = ({ events }: World, id: RequestId) => (events.chains.get(id) ?? []).map(({ event }) => event);

/** What holds at every moment. */
function expectInStep(world: World, id: RequestId, isCareless: boolean): void {
  const request = world.request(id);
  const told = eventsOf(world, id).slice(0, request.version);
  expect(request).toEqual(
    told.reduce((before: typeof request | undefined, event) => evolve(before, id, event), undefined),
  );
  const { approvals, requester } = request;
  const answered = approvals.map(({ by }) => by.principalId);
  for (const { principalId } of awaitedApprovers(request)) {
    expect(answered).not.toContain(principalId);
    if (!isCareless) expect(principalId).not.toBe(requester.principalId);
  }
}

/** Links go to those who were asked, and never to the requester. */
function expectLinksWhereAsked(world: World, events: readonly CurfewEvent[], isCareless: boolean): void {
  const [first] = events;
  if (first?.type !== 'access-requested') throw new Error('no request');
  const asked = events.flatMap((event) => ('approvers' in event ? event.approvers : []));
  const mayHave = asked.filter(({ principalId }) => isCareless || principalId !== first.requester.principalId);
  const addressees = world.notifier.sent.filter(({ text }) => text.includes('/approvals/')).map(({ to }) => to);
  const holders = [...world.links.all.values()].map(({ approver }) => approver.mail);
  for (const mail of [...addressees, ...holders]) expect(mayHave.map((person) => person.mail)).toContain(mail);
}

const runs = 200;

test('no access without the quorum of distinct people who were asked and are still allowed; all else comes to one clean end', async () => {
  const seen = { told: 0, granted: 0, grantedInStages: 0 };
  const property = fc.asyncProperty(story, async (told) => {
    const { isCareless, isStanding } = told;
    const { world, id, atGrant, runtimeStatus } = await tell(told, (at, of) => expectInStep(at, of, isCareless));
    const events = eventsOf(world, id);
    const types = events.map(({ type }) => type);
    const request = world.request(id);

    seen.told++;
    if (types.includes('access-granted') || world.target.log.some(({ what }) => what === 'granted')) {
      seen.granted++;
      if (told.stages.length > 1) seen.grantedInStages++;
      expect(atGrant && isWorthAGrant(events, atGrant)).toBe(true);
    }
    expect(types.filter((type) => outcomes.includes(type))).toEqual([types.at(-1)]);
    expect(types.filter((type) => type === 'access-granted').length).toBeLessThanOrEqual(1);
    expect([isEnded(request.state), runtimeStatus]).toEqual([true, 'Completed']);
    // Without the hold documents and a grant nobody knows that a membership was standing, and what is unknown is taken.
    const isBlind = request.revoked?.evidence.some(({ holdsUnknown, outcome }) => holdsUnknown && outcome !== 'kept');
    expect([...world.target.members]).toEqual(isStanding && !isBlind ? [request.requester.principalId] : []);
    expect(world.holds.all.size).toBe(0);
    expect(verifyChain(id, world.events.chains.get(id) ?? [])).toBeUndefined();
    expect(request.version).toBe(events.length);
    expectLinksWhereAsked(world, events, isCareless);
  });
  await fc.assert(property, { numRuns: runs, interruptAfterTimeLimit: 25_000 });
  expect(seen.granted).toBeGreaterThan(seen.told / 20);
  expect(seen.grantedInStages).toBeGreaterThan(0);
}, 60_000);

import { describe, expect, test } from 'vitest';
import type { AccessRequest } from '../../../shared/domain/access-request.ts';
import { type Drift, type Holder, holderKey } from '../../../shared/domain/drift.ts';
import type { CurfewEvent, RevocationEvidence } from '../../../shared/domain/events.ts';
import type { PrincipalId, TargetId } from '../../../shared/domain/ids.ts';
import type { DriftPolicy, Entitlement } from '../../../shared/domain/policy.ts';
import {
  everybodyIn,
  examineHold,
  examineMembers,
  examineRequest,
  type Finding,
  type IdentityOf,
  justTaken,
  type Life,
  placesIn,
  type Sight,
} from '../../../shared/domain/reconcile.ts';
import { plus } from '../../../shared/domain/time.ts';
import { timeline } from '../../../shared/domain/timeline.ts';
import {
  ada,
  bob,
  commandId,
  entitlement,
  grantEvidence,
  policy,
  requestAfter,
  requested,
  requestId,
  revocationEvidence,
  start,
} from '../../support/samples.ts';

const hour = 3_600_000;
const deadline = plus(start, hour);
const orders = 'orders' as TargetId;
const approved: CurfewEvent = {
  type: 'access-approved',
  at: start,
  stage: 0,
  by: bob,
  through: 'link',
  comment: '',
  commandId,
};
const intended: CurfewEvent = { type: 'grant-intended', at: start, deadline };
const granted: CurfewEvent = { type: 'access-granted', at: start, evidence: [grantEvidence] };
const began: CurfewEvent = { type: 'revocation-began', at: deadline, cause: { kind: 'deadline' } };
const delayed: CurfewEvent = {
  type: 'revocation-delayed',
  at: deadline,
  attempt: 1,
  code: 'CURFEW_TARGET_UNAVAILABLE',
};
const gone = (evidence: RevocationEvidence = revocationEvidence): CurfewEvent => ({
  type: 'access-revoked',
  at: deadline,
  evidence: [evidence],
});
const story = {
  waiting: requestAfter(requested()),
  approved: requestAfter(requested(), approved),
  intended: requestAfter(requested(), approved, intended),
  granted: requestAfter(requested(), approved, intended, granted),
  revoking: requestAfter(requested(), approved, intended, granted, began),
  overdue: requestAfter(requested(), approved, intended, granted, began, delayed),
  expired: requestAfter(requested(), approved, intended, granted, began, gone()),
} satisfies Record<string, AccessRequest>;

const adaThere: Holder = { principalId: ada.principalId, name: 'ada' };
const stranger: Holder = { principalId: bob.principalId, name: 'bob' };
const sightOf = (holders: Holder[], more: Partial<DriftPolicy> = {}): Sight => ({
  target: orders,
  entitlement,
  action: 'report',
  standing: [],
  holders,
  ...more,
});
const identityOf: IdentityOf = (_, { clientId, principalId }) => clientId ?? principalId;
const seeing = (...holders: Holder[]) => everybodyIn([sightOf(holders)], identityOf);
const recordOf = (...all: Holder[]) => new Set(all.map((holder) => holderKey(entitlement, holder)));
const kinds = (findings: readonly Finding[]) => findings.map(({ kind }) => kind);
const late = plus(deadline, timeline.toleranceMs);

describe('a request', () => {
  test.each<[keyof typeof story]>([['intended'], ['granted'], ['revoking'], ['overdue']])(
    'that is %s is still held so long after its deadline, and not a millisecond sooner',
    (name) => {
      const seen = seeing(adaThere);
      expect(kinds(examineRequest(story[name], 'alive', seen, late))).toEqual(['still-held']);
      expect(examineRequest(story[name], 'alive', seen, plus(late, -1))).toEqual([]);
      expect(examineRequest(story[name], 'alive', seeing(stranger), late)).toEqual([]);
    },
  );

  test('is not still held by a membership from before, nor by one of another entitlement', () => {
    const standing = { ...grantEvidence, outcome: 'already-held' as const };
    const request = requestAfter(requested(), approved, intended, { ...granted, evidence: [standing] } as CurfewEvent);
    expect(examineRequest(request, 'alive', seeing(adaThere), late)).toEqual([]);
    const other = everybodyIn(
      [{ ...sightOf([adaThere]), entitlement: { ...entitlement, role: 'orders_writer' } }],
      identityOf,
    );
    expect(examineRequest(story.granted, 'alive', other, late)).toEqual([]);
  });

  test('of an application is known on the target by its client id', () => {
    const clientId = 'c0000000-0000-4000-8000-000000000009' as PrincipalId;
    const request = requestAfter(requested({}, { ...ada, clientId }), approved, intended, granted);
    expect(examineRequest(request, 'alive', seeing(adaThere), late)).toEqual([]);
    expect(kinds(examineRequest(request, 'alive', seeing({ principalId: clientId, name: 'app' }), late))).toEqual([
      'still-held',
    ]);
  });

  test.each<[keyof typeof story]>([['waiting'], ['approved'], ['intended'], ['granted'], ['revoking'], ['overdue']])(
    'that is %s is lifeless where its instance is gone, once it is half a minute old',
    (name) => {
      const old = plus(start, timeline.settlingMs);
      expect(kinds(examineRequest(story[name], 'gone', seeing(), old))).toEqual(['lifeless']);
      expect(examineRequest(story[name], 'gone', seeing(), plus(old, -1))).toEqual([]);
      for (const life of ['alive', 'unknown'] satisfies Life[]) {
        expect(examineRequest(story[name], life, seeing(), old)).toEqual([]);
      }
    },
  );

  test('that is still held and lifeless is ended before it is begun again', () => {
    expect(kinds(examineRequest(story.granted, 'gone', seeing(adaThere), late))).toEqual(['still-held', 'lifeless']);
  });
});

describe('a hold', () => {
  const document = { standing: false, holds: { [requestId]: plus(deadline, hour) } };
  const examined = (request: AccessRequest, life: Life, milliseconds: number) =>
    examineHold(entitlement, document, request, life, plus(deadline, milliseconds));

  test('of an ended request is left over: soon where nobody clears up, and past its deadline where somebody should have', () => {
    expect(kinds(examined(story.expired, 'gone', timeline.settlingMs))).toEqual(['left-over']);
    expect(examined(story.expired, 'gone', timeline.settlingMs - 1)).toEqual([]);
    expect(examined(story.expired, 'alive', hour + timeline.settlingMs - 1)).toEqual([]);
    expect(kinds(examined(story.expired, 'alive', hour + timeline.settlingMs))).toEqual(['left-over']);
  });

  test('of a request that goes on is none', () => {
    expect(examined(story.overdue, 'gone', 24 * hour)).toEqual([]);
  });
});

describe('members', () => {
  const nobody = new Set<string>();
  const known = (...holders: Holder[]) =>
    new Map<string, Drift>(holders.map((holder) => [holderKey(entitlement, holder), { entitlement, holder }]));

  test('whom nothing explains are drift, once', () => {
    const [found, ...others] = examineMembers(sightOf([stranger]), nobody, known());
    expect(found).toMatchObject({ kind: 'drift', target: orders, entitlement, holder: stranger, isNew: true });
    expect(others).toEqual([]);
    expect(examineMembers(sightOf([stranger]), nobody, known(stranger))).toEqual([]);
  });

  test('that a hold or the policy explains are none', () => {
    expect(examineMembers(sightOf([stranger]), recordOf(stranger), known())).toEqual([]);
    expect(examineMembers(sightOf([stranger], { standing: [stranger.principalId] }), nobody, known())).toEqual([]);
  });

  test('come again for as long as they are to be removed, unless they hold by a request now', () => {
    const sight = sightOf([stranger], { action: 'remove' });
    expect(examineMembers(sight, nobody, known(stranger))).toMatchObject([{ kind: 'drift', isNew: false }]);
    expect(examineMembers(sight, recordOf(stranger), known(stranger))).toEqual([]);
  });

  test('whom Entra ID does not know are told apart by name, and told once', () => {
    const old = { principalId: '' as PrincipalId, name: 'etl' };
    const other = { principalId: '' as PrincipalId, name: 'backup' };
    const sight = sightOf([old, other], { action: 'remove' });
    expect(examineMembers(sight, nobody, known(old))).toMatchObject([{ holder: other, isNew: true }]);
    expect(examineMembers(sight, nobody, known(old, other))).toEqual([]);
  });

  test('that were known are gone when they are there no more, or belong there', () => {
    expect(examineMembers(sightOf([]), nobody, known(stranger))).toMatchObject([
      { kind: 'drift-gone', holder: stranger },
    ]);
    const sight = sightOf([stranger], { standing: [stranger.principalId] });
    expect(kinds(examineMembers(sight, nobody, known(stranger)))).toEqual(['drift-gone']);
    // A grant on top explains them for a while, and ends nothing.
    expect(examineMembers(sightOf([stranger]), recordOf(stranger), known(stranger))).toEqual([]);
  });

  test('of another entitlement are not gone because nobody holds this one', () => {
    const other: Entitlement = { ...entitlement, role: 'orders_writer' };
    const drift = new Map([[holderKey(other, stranger), { entitlement: other, holder: stranger }]]);
    expect(examineMembers(sightOf([]), nobody, drift)).toEqual([]);
  });
});

describe('who holds again what Curfew took away', () => {
  test('does so by that request for ten minutes, and on their own from then on', () => {
    expect(justTaken(entitlement, [story.expired], plus(deadline, timeline.regrantWindowMs - 1))).toBe(story.expired);
    expect(justTaken(entitlement, [story.expired], plus(deadline, timeline.regrantWindowMs))).toBeUndefined();
  });

  test('does so on their own where Curfew took nothing away', () => {
    const kept = gone({ entitlement, outcome: 'kept', sessionsEnded: 0, verifiedAt: deadline });
    const request = requestAfter(requested(), approved, intended, granted, began, kept);
    expect(justTaken(entitlement, [request], deadline)).toBeUndefined();
    expect(justTaken({ ...entitlement, role: 'other' }, [story.expired], deadline)).toBeUndefined();
  });
});

test('nobody is removed from an entitlement that one of its roles only reports on', () => {
  const [target] = policy.targets;
  const [role] = target?.roles ?? [];
  if (!target || !role) throw new Error('no role');
  const roles = (...drifts: DriftPolicy[]) => ({
    ...policy,
    targets: [{ ...target, roles: drifts.map((drift) => ({ ...role, drift })) }],
  });
  const remove: DriftPolicy = { action: 'remove', standing: [ada.principalId] };
  const report: DriftPolicy = { action: 'report', standing: [bob.principalId] };
  expect(placesIn(roles(remove, remove))).toMatchObject([{ target: orders, action: 'remove' }]);
  expect(placesIn(roles(remove, report))).toMatchObject([
    { action: 'report', standing: [ada.principalId, bob.principalId] },
  ]);
});

import type { AccessRequest } from '../../shared/domain/access-request.ts';
import type { CurfewEvent, GrantEvidence, RecordedEvent, RevocationEvidence } from '../../shared/domain/events.ts';
import { evolve } from '../../shared/domain/evolve.ts';
import { digestOf, link } from '../../shared/domain/hash-chain.ts';
import {
  type CommandId,
  type PrincipalId,
  type RequestId,
  type RoleId,
  requestIdOf,
  type TargetId,
} from '../../shared/domain/ids.ts';
import type { Demands, Person, Policy, Stage, Terms } from '../../shared/domain/policy.ts';
import { type Instant, plus } from '../../shared/domain/time.ts';
import type { SqlRoleEntitlement } from '../../shared/providers/sql-role/entitlement.ts';

export const start = '2026-11-21T09:00:00.000Z' as Instant;
export const requestId: RequestId = requestIdOf(new Uint8Array(16).fill(7));
export const commandId = 'c0ffee' as CommandId;

function person(digit: number, name: string): Person {
  const first = name.split(' ')[0]?.toLowerCase() ?? '';
  const userPrincipalName = `${first}@contoso.example`;
  return {
    principalId: `a0000000-0000-4000-8000-00000000000${digit}` as PrincipalId,
    name,
    userPrincipalName,
    mail: userPrincipalName,
  };
}
export const ada = person(1, 'Ada Lindqvist');
export const bob = person(2, 'Bob Okafor');
export const carla = person(3, 'Carla Reyes');
export const eve = person(5, 'Eve Marchetti');
export const analysts = 'b0000000-0000-4000-8000-000000000001' as PrincipalId;
export const owners = 'b0000000-0000-4000-8000-000000000002' as PrincipalId;

export const entitlement: SqlRoleEntitlement = {
  kind: 'sql-role',
  server: 'localhost',
  port: 1433,
  database: 'orders',
  role: 'orders_reader',
};

export const stage: Stage = {
  approvers: { people: ['bob@contoso.example'], groups: [owners] },
  quorum: 1,
  timeOut: 24 * 3_600_000,
  reminders: [],
};

export const demands: Demands = {
  maximum: 8 * 3_600_000,
  startHorizon: 30 * 24 * 3_600_000,
  reasonLength: 1,
  tickets: [],
  askingNeeds: [],
  decidingNeeds: [],
  stages: [stage],
  signIn: false,
  automaticApproval: false,
  breakGlass: false,
  limits: { perPerson: null, perRole: null },
  extension: { times: 0, total: 8 * 3_600_000 },
};

export const policy: Policy = {
  digest: digestOf('policy'),
  targets: [
    {
      id: 'orders' as TargetId,
      description: 'The orders database',
      roles: [
        {
          id: 'reader' as RoleId,
          description: 'Read every table of orders',
          entitlements: [entitlement],
          requesters: { people: [], groups: [analysts] },
          duration: { default: 3_600_000, step: 1000 },
          demands,
          automaticApprovals: [],
          drift: { action: 'report', standing: [] },
        },
      ],
    },
  ],
  rules: [],
  zones: {},
};

export const terms: Terms = {
  policyDigest: policy.digest,
  targetId: 'orders' as TargetId,
  roleId: 'reader' as RoleId,
  roleDescription: 'Read every table of orders',
  entitlements: [entitlement],
  requesters: { people: [], groups: [analysts] },
  duration: 8 * 3_600_000,
  stages: [stage],
  signIn: false,
  decidingNeeds: [],
  limits: demands.limits,
  extension: demands.extension,
  rules: [],
};

export const grantEvidence: GrantEvidence = { entitlement, outcome: 'granted', verifiedAt: start };
export const revocationEvidence: RevocationEvidence = {
  entitlement,
  outcome: 'revoked',
  droppedAt: plus(start, 8 * 3_600_000 + 3),
  sessionsEnded: 1,
  verifiedAt: plus(start, 8 * 3_600_000 + 9),
};

export function requested(more: Partial<Terms> = {}, requester: Person = ada): CurfewEvent {
  const bodyDigest = digestOf('body');
  return {
    type: 'access-requested',
    at: start,
    requester,
    reason: 'Refund case 4711',
    terms: { ...terms, ...more },
    revocation: { isScheduled: true, longestPause: 60_000 },
    approvers: [bob, carla],
    bodyDigest,
  };
}

/** Bob's yes, which is all that the sample's terms want. */
export const approved: CurfewEvent = {
  type: 'access-approved',
  at: start,
  stage: 0,
  by: bob,
  through: 'link',
  comment: '',
  commandId,
};

export function requestAfter(...events: CurfewEvent[]): AccessRequest {
  const [first, ...others] = events;
  if (!first) throw new Error('no events');
  return others.reduce((request, event) => evolve(request, requestId, event), evolve(undefined, requestId, first));
}

export function chainOf(...events: CurfewEvent[]): RecordedEvent[] {
  const chain: RecordedEvent[] = [];
  for (const event of events) chain.push(link(requestId, chain.at(-1), event));
  return chain;
}

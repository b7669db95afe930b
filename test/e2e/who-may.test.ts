import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AppRole, appRoles } from '../../functions/callers.ts';
import { type RouteName, routes } from '../../functions/routes.ts';
import { seededRandom } from '../../local/functions-host/durable/timers.ts';
import { readSampleCompany } from '../../local/laptop.ts';
import type { ErrorCode } from '../../shared/domain/errors.ts';
import { type Answer, type Api, startApi } from './api-support.ts';
import { findPorts } from './support/laptop-child.ts';
import { signToken } from './support/sign-token.ts';

/** Every route × every kind of caller × what has become of the request. SECURITY.md says the same in words. */

const people = [
  'person without a role',
  'requester',
  'approver of the stage',
  'former approver',
  'approver of another stage',
  'outsider',
  'person switched off',
] as const;
type PersonKind = (typeof people)[number] | `person with ${AppRole}`;
type ApplicationKind = 'application without a role' | `application with ${AppRole}`;
type Kind = 'nobody' | 'expired token' | 'token of another tenant' | PersonKind | ApplicationKind;

const personKinds: readonly PersonKind[] = [...people, ...appRoles.map((role) => `person with ${role}` as const)];
const applicationKinds: readonly ApplicationKind[] = [
  'application without a role',
  ...appRoles.map((role) => `application with ${role}` as const),
];

/** What a token of theirs has: of those with a part in the request as much as could help them. */
const rolesOf: { readonly [kind in (typeof people)[number]]: readonly AppRole[] } = {
  'person without a role': [],
  requester: ['Access.Request', 'Access.Approve'],
  'approver of the stage': ['Access.Approve'],
  'former approver': ['Access.Approve'],
  'approver of another stage': ['Access.Approve'],
  outsider: ['Access.Request', 'Access.Approve'],
  'person switched off': appRoles,
};

/** `waiting` for the first of two stages; `granted` after both; `ended` early, after having been granted. */
const situations = ['waiting', 'granted', 'ended'] as const;
type Situation = (typeof situations)[number];
type Outcome = '200' | '302' | `4${number} ${ErrorCode}`;
type Expected = Outcome | { readonly [situation in Situation]: Outcome };

const each = <Some extends Kind>(expected: Expected, ...kinds: readonly Some[]) =>
  Object.fromEntries(kinds.map((kind) => [kind, expected])) as Record<Some, Expected>;
const by = (waiting: Outcome, granted: Outcome, ended: Outcome): Expected => ({ waiting, granted, ended });
const anybodyWith = <Some extends AppRole>(...roles: readonly Some[]) =>
  roles.flatMap((role) => [`person with ${role}` as const, `application with ${role}` as const]);

const ok = '200';
const forbidden = '403 CURFEW_FORBIDDEN';
const notFound = '404 CURFEW_REQUEST_NOT_FOUND';
const unauthenticated = each('401 CURFEW_UNAUTHENTICATED', 'nobody', 'expired token', 'token of another tenant');
const without = ['person without a role', 'application without a role'] as const;
const inTheDark = ['outsider', ...without] as const;
const seers = anybodyWith('Access.Audit', 'Access.Administer');
/** Where a page is behind the route: what counts there is the session, and no token. */
const whoever = (expected: Expected) =>
  each<Kind>(expected, 'nobody', 'expired token', 'token of another tenant', ...personKinds, ...applicationKinds);

const seesIt = {
  ...unauthenticated,
  ...each(ok, 'requester', 'approver of the stage', 'former approver', 'person switched off', ...seers),
  // Nobody has asked them before their stage begins.
  ...each(by(notFound, ok, ok), 'approver of another stage'),
  ...each(notFound, ...inTheDark),
  ...each(notFound, ...anybodyWith('Access.Request', 'Access.RequestForOthers', 'Access.Approve', 'Access.Revoke')),
} as const;

const withRoleToAsk = anybodyWith('Access.Request', 'Access.RequestForOthers');
const endsIt = by('409 CURFEW_NOT_GRANTED', ok, '409 CURFEW_REQUEST_ENDED');
const notAnApprover = '403 CURFEW_NOT_AN_APPROVER';
const isDecided = '409 CURFEW_ALREADY_DECIDED';
const isOff = each('403 CURFEW_PRINCIPAL_UNKNOWN', 'person switched off');

const expected: Record<RouteName, Record<Kind, Expected>> = {
  listTargets: {
    ...whoever(ok),
    ...unauthenticated,
    ...isOff,
  },
  submitRequest: {
    ...unauthenticated,
    ...isOff,
    ...each(ok, 'requester'),
    ...each('422 CURFEW_NO_SUCH_ROLE', 'outsider', ...anybodyWith('Access.Request')),
    ...each(forbidden, ...without, 'approver of the stage', 'former approver', 'approver of another stage'),
    // Nobody is named for whom they ask.
    ...each(forbidden, ...anybodyWith('Access.RequestForOthers')),
    ...each(forbidden, ...anybodyWith('Access.Approve', 'Access.Revoke', 'Access.Audit', 'Access.Administer')),
  },
  listRequests: {
    ...whoever(ok),
    ...unauthenticated,
  },
  getRequest: seesIt,
  getEvents: seesIt,
  listDrift: {
    ...whoever(forbidden),
    ...unauthenticated,
    ...each(ok, 'person switched off', ...seers),
  },
  withdrawRequest: {
    ...seesIt,
    ...isOff,
    ...each(by(ok, isDecided, '409 CURFEW_REQUEST_ENDED'), 'requester'),
    ...each(forbidden, 'approver of the stage', 'former approver', ...seers),
    ...each(by(notFound, forbidden, forbidden), 'approver of another stage'),
  },
  revokeRequest: {
    ...seesIt,
    ...isOff,
    ...each(endsIt, 'requester', 'approver of the stage', ...anybodyWith('Access.Revoke', 'Access.Administer')),
    ...each(by(notFound, ok, '409 CURFEW_REQUEST_ENDED'), 'approver of another stage'),
    ...each(forbidden, 'former approver', ...anybodyWith('Access.Audit')),
  },
  decideRequest: {
    ...unauthenticated,
    ...isOff,
    ...each(by(ok, isDecided, isDecided), 'approver of the stage'),
    ...each(by(notFound, isDecided, isDecided), 'approver of another stage'),
    ...each('403 CURFEW_SELF_APPROVAL', 'requester'),
    ...each(notAnApprover, 'former approver'),
    ...each(notFound, 'outsider', ...anybodyWith('Access.Approve')),
    ...each(forbidden, ...without, ...withRoleToAsk, ...seers, ...anybodyWith('Access.Revoke')),
  },
  extendRequest: {
    ...unauthenticated,
    ...isOff,
    ...each(by('409 CURFEW_NOT_GRANTED', ok, '409 CURFEW_REQUEST_ENDED'), 'requester'),
    ...each(notFound, 'outsider', ...withRoleToAsk),
    ...each(forbidden, ...without, 'approver of the stage', 'former approver', 'approver of another stage'),
    ...each(forbidden, ...seers, ...anybodyWith('Access.Approve', 'Access.Revoke')),
  },
  reviewRequest: {
    ...unauthenticated,
    ...isOff,
    // No glass was broken; `a broken glass` below is about one.
    ...each('409 CURFEW_REVIEW_NOT_OWED', 'requester', 'approver of the stage', 'former approver'),
    ...each(by(notFound, '409 CURFEW_REVIEW_NOT_OWED', '409 CURFEW_REVIEW_NOT_OWED'), 'approver of another stage'),
    ...each(notFound, 'outsider', 'person with Access.Approve'),
    ...each('403 CURFEW_NOT_A_PERSON', 'application with Access.Approve'),
    ...each(forbidden, ...without, ...withRoleToAsk, ...seers, ...anybodyWith('Access.Revoke')),
  },
  getApproval: whoever('302'),
  postApproval: whoever('401 CURFEW_SIGN_IN_REQUIRED'),
  finishSignIn: whoever('400 CURFEW_SIGN_IN_FAILED'),
  signOut: whoever('401 CURFEW_SIGN_IN_REQUIRED'),
  signedOut: whoever(ok),
  health: whoever(ok),
  openApi: whoever(ok),
};

/** Of a broken glass whose access has ended, the review is owed by the people of the policy, whom nobody has asked before. */
const expectedOfReview: Record<Kind, Outcome> = {
  ...(expected.reviewRequest as Record<Kind, Outcome>),
  'approver of the stage': ok,
  'former approver': notFound,
  'approver of another stage': notFound,
  requester: notAnApprover,
  'person switched off': '403 CURFEW_PRINCIPAL_UNKNOWN',
};

/** What each route is sent, so that nothing but the caller is wrong with the call. */
const bodies: { readonly [route in RouteName]?: object } = {
  submitRequest: { target: 'orders', role: 'reader', reason: 'Refund case 4711' },
  decideRequest: { decision: 'approve' },
  extendRequest: { duration: '30m', reason: 'Not done yet' },
  reviewRequest: { comment: 'Looked at it' },
};
const dryRuns: readonly RouteName[] = ['submitRequest', 'extendRequest'];
/** Where these succeed, they get a request of their own. */
const changing: readonly RouteName[] = ['withdrawRequest', 'revokeRequest', 'decideRequest'];

const kinds = Object.keys(expected.health) as Kind[];
const idOf = (kind: Kind) => `e0000000-0000-4000-8000-0000000001${String(kinds.indexOf(kind)).padStart(2, '0')}`;
const nameOf = (kind: PersonKind) => `${kind.replaceAll(' ', '-').toLowerCase()}@contoso.example`;
const [owners, stewards] = ['b0000000-0000-4000-8000-0000000000f1', 'b0000000-0000-4000-8000-0000000000f2'];

function companyOfKinds() {
  const sample = readSampleCompany();
  return {
    ...sample,
    people: [
      ...sample.people,
      ...personKinds.map((kind) => ({
        id: idOf(kind),
        userPrincipalName: nameOf(kind),
        displayName: kind,
        mail: nameOf(kind),
        jobTitle: null,
        managerId: null,
        accountEnabled: true,
        password: 'on-a-laptop',
        appRoles: [],
      })),
    ],
    groups: [
      ...sample.groups,
      {
        id: owners,
        displayName: 'owners',
        members: [idOf('approver of the stage'), idOf('former approver'), idOf('person switched off')],
      },
      { id: stewards, displayName: 'stewards', members: [idOf('approver of another stage')] },
    ],
    applications: [
      ...sample.applications,
      ...applicationKinds.map((kind) => ({
        clientId: idOf(kind).replace('e', 'c'),
        servicePrincipalId: idOf(kind),
        displayName: kind,
        identifierUri: null,
        secret: null,
        redirectUris: [],
        appRoles: [],
        federatedIdentities: [],
        accountEnabled: true,
        accessTokenVersion: 2 as const,
      })),
    ],
  };
}

const policy = (sqlPort: number) => `
version: 1
groups: { owners: ${owners}, stewards: ${stewards} }
emergency-groups:
  watch: [{ object-id: ${idOf('requester')}, user: ${nameOf('requester')}, name: requester }]
targets:
  orders:
    description: The orders database
    server: localhost
    port: ${sqlPort}
    database: orders
    roles:
      reader:
        description: Read every table
        entitlements: [{ sql-role: orders_reader }]
        requesters: { people: [${nameOf('requester')}] }
        duration: { default: 1h, maximum: 8h }
        reason: required
        approval:
          stages:
            - { approvers: { groups: [owners] }, time-out: 4h }
            - { approvers: { groups: [stewards] }, time-out: 4h }
        break-glass:
          emergency-groups: [watch]
          maximum: 1h
          tell: { groups: [owners] }
          review: { by: { groups: [owners] }, within: 24h }
        extension: { times: 2, up-to: 4h }
`;

let api: Api;
let tokens: Map<Kind, string>;
const ids = new Map<Situation, string>();
const links = new Map<Situation, string>();

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'curfew-who-may-'));
  const ports = await findPorts(seededRandom(Date.now()));
  const policyFile = join(folder, 'who-may.yaml');
  writeFileSync(policyFile, policy(ports.sql));
  const settings = { CURFEW_POLICY_FILE: policyFile };
  api = await startApi({ folder, ports, settings, company: companyOfKinds(), control: true });
  tokens = new Map(await Promise.all(kinds.map(async (kind) => [kind, await tokenOf(kind)] as const)));
  for (const situation of situations) {
    const id = await bring(situation);
    ids.set(situation, id);
    const { text } = await api.mail.waitFor(
      ({ to, text }) =>
        to.includes(nameOf('approver of the stage')) && text.includes(id) && text.includes('/approvals/'),
    );
    links.set(situation, /\/approvals\/([\w-]{43})/.exec(text)?.[1] ?? '');
  }
  await api.control('PUT', `groups/${owners}/members`, { members: [idOf('approver of the stage')] });
  await api.control('PATCH', `people/${idOf('person switched off')}`, { accountEnabled: false });
});
afterAll(() => api.close());

/** As the tenant signs it; `nobody` has none. */
function tokenOf(kind: Kind): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  // They could do everything, if it weren't for their token.
  const strongest = { oid: idOf('requester'), roles: appRoles };
  if (kind === 'expired token') return signToken(api, { ...strongest, claims: { iat: now - 4000, exp: now - 120 } });
  if (kind === 'token of another tenant') {
    return signToken(api, { ...strongest, claims: { tid: '00000000-0000-4000-8000-000000000009' } });
  }
  const role = appRoles.find((each) => kind.endsWith(` with ${each}`));
  const roles = role ? [role] : ((rolesOf as Partial<Record<Kind, readonly AppRole[]>>)[kind] ?? []);
  return signToken(api, { oid: idOf(kind), roles, isApplication: kind.startsWith('application') });
}

function callAs(kind: Kind, method: string, path: string, body?: object): Promise<Answer> {
  const headers = {
    'content-type': 'application/json',
    ...(kind !== 'nobody' && { authorization: `Bearer ${tokens.get(kind)}` }),
  };
  return api.call(undefined, path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
}

async function succeed(kind: Kind, path: string, body?: object): Promise<Answer> {
  const answer = await callAs(kind, 'POST', path, body);
  if (answer.status >= 300) throw new Error(`${kind} ${path}: ${answer.status} ${answer.text}`);
  return answer;
}

/** A new request, brought to where it is to be. */
async function bring(situation: Situation, more: object = {}): Promise<string> {
  const { id } = (await succeed('requester', '/requests', { ...bodies.submitRequest, ...more })).body;
  if (situation === 'waiting') return id;
  if (!('breakGlass' in more)) {
    await succeed('approver of the stage', `/requests/${id}/decision`, bodies.decideRequest);
    await succeed('approver of another stage', `/requests/${id}/decision`, bodies.decideRequest);
  }
  await api.untilState(id, 'granted');
  if (situation === 'ended') await succeed('requester', `/requests/${id}/revoke`);
  return id;
}

async function tryRoute(route: (typeof routes)[number], kind: Kind, id: string, token: string): Promise<string> {
  const path = route.path.replace('{id}', id).replace('{token}', token);
  const query = dryRuns.includes(route.name) ? '?dryRun=true' : '';
  const { status, text } = await callAs(kind, route.method, `/${path}${query}`, bodies[route.name]);
  const code = status >= 400 ? /CURFEW_[A-Z_]+/.exec(text)?.[0] : undefined;
  return [status, code].filter((word) => word !== undefined).join(' ');
}

describe('whoever comes, whatever has become of the request,', () => {
  test.each(routes)('$name answers as SECURITY.md says', async (route) => {
    const isOfOne = route.path.includes('{');
    const cases = (isOfOne ? situations : (['waiting'] as const)).flatMap((situation) =>
      kinds.map((kind) => {
        const outcome = expected[route.name][kind];
        const wanted = typeof outcome === 'string' ? outcome : outcome[situation];
        const changes = changing.includes(route.name) && wanted === ok;
        return { name: `${kind}${isOfOne ? `, ${situation}` : ''}`, situation, kind, wanted, changes };
      }),
    );
    const found = new Map<string, string>();
    const attempt = async ({ name, situation, kind, changes }: (typeof cases)[number]) => {
      const id = changes ? await bring(situation) : (ids.get(situation) ?? '');
      found.set(name, await tryRoute(route, kind, id, links.get(situation) ?? ''));
    };
    const before = await versions();
    await Promise.all(cases.filter(({ changes }) => !changes).map(attempt));
    expect(await versions()).toEqual(before);
    await Promise.all(cases.filter(({ changes }) => changes).map(attempt));
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(cases.map(({ name, wanted }) => [name, wanted])));
  });

  test('a broken glass is reviewed by nobody but those who owe it', async () => {
    const id = await bring('ended', { breakGlass: true });
    const route = routes.find(({ name }) => name === 'reviewRequest');
    const found: Partial<Record<Kind, string>> = {};
    for (const kind of kinds.toSorted(
      (a, b) => Number(expectedOfReview[a] === ok) - Number(expectedOfReview[b] === ok),
    )) {
      found[kind] = route && (await tryRoute(route, kind, id, ''));
    }
    expect(found).toEqual(expectedOfReview);
  });

  test('the list has what each may see one by one, and nothing else', async () => {
    for (const kind of kinds.filter((each) => expected.listRequests[each] === ok)) {
      const { requests } = (await callAs(kind, 'GET', '/requests?limit=100')).body;
      const listed = requests.map(({ id }) => id);
      const seen = situations.map((situation) => listed.includes(ids.get(situation) ?? ''));
      const single = situations.map((situation) => {
        const outcome = expected.getRequest[kind];
        return (typeof outcome === 'string' ? outcome : outcome[situation]) === ok;
      });
      expect([kind, seen]).toEqual([kind, single]);
    }
  });
});

/** The state of each request that is shared by all who try. */
async function versions(): Promise<(string | null)[]> {
  const answers = situations.map((situation) => api.call('carla', `/requests/${ids.get(situation)}`));
  return (await Promise.all(answers)).map(({ headers }) => headers.get('etag'));
}

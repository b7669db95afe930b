import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lint } from '../../cli/policy/lint.ts';
import { samplePerson } from '../../local/people.ts';
import { readPolicy } from '../../shared/adapters/policy-file/read-policy.ts';
import type { PrincipalId } from '../../shared/domain/ids.ts';
import { holdersOf } from '../support/memory-access/index.ts';
import '../support/memory-access/register.ts';
import { type Api, startApi } from './api-support.ts';

const target = `  north:
    description: The vault in the north
    vault: north
    roles:
      opener:
        description: Open the vault
        entitlements: [{ memory: brass }]
        requesters: { groups: [analysts] }
        duration: { default: 1h, maximum: 1h }
        drift: remove
        approval: { stages: [{ approvers: { people: [bob@contoso.example] }, time-out: 1h }] }
`;
const sample = readFileSync('policy.sample.yaml', 'utf8');
const policy = sample.replace('\ntargets:\n', `\ntargets:\n${target}`);
const brass = { vault: 'north', key: 'brass' };
const asking = { target: 'north', role: 'opener', reason: 'The lamp is out', duration: '1h' };
const idOf = (name: string) => samplePerson(name).id as PrincipalId;

let api: Api;
beforeAll(async () => {
  api = await startApi({
    policy,
    app: new URL('../support/memory-access/app.ts', import.meta.url),
    bundled: false,
    settings: { CURFEW_ALERT_ADDRESS: 'platform@contoso.example' },
  });
});
afterAll(async () => {
  await api.close();
});

/** What the running service has: the app is loaded beside this test. */
const held = () => [...holdersOf(brass).keys()];

describe('a kind of access that is a folder and a line in the index', () => {
  test('stands in the policy beside others, and has a place in what editors check it by', () => {
    const read = readPolicy(policy, 'policy.yaml');
    const found = read.targets.map(({ id, roles }) => [id, roles[0]?.entitlements[0]?.kind]);
    expect(found).toEqual([
      ['north', 'memory'],
      ['orders', 'sql-role'],
    ]);
    const said: string[] = [];
    const file = join(api.folder, 'linted.yaml');
    writeFileSync(file, policy);
    const say = (text: string) => void said.push(text);
    const system = { out: say, error: say, read: (path: string) => readFileSync(path, 'utf8'), now: () => '' as never };
    expect(lint.run(file, {}, system)).toBe(0);
  });

  test.each([
    ['a field that it needs is missing', policy.replace('    vault: north\n', '')],
    [
      'a field is there that none of its kinds has',
      policy.replace('    vault: north\n', '    vault: north\n    port: 1\n'),
    ],
    ['a kind has no such field', policy.replace('{ memory: brass }', '{ memory: brass, sql-role: orders_reader }')],
    ['there is no such kind', policy.replace('{ memory: brass }', '{ magic: brass }')],
  ])('is refused in the policy where %s', (_, text) => {
    expect(() => readPolicy(text, 'policy.yaml')).toThrow(expect.objectContaining({ code: 'CURFEW_POLICY_INVALID' }));
  });

  test('is asked for, approved, granted, and over at its deadline, with evidence', async () => {
    const dry = await api.post('ada', '/requests?dryRun=true', asking);
    expect(dry.body.plans).toEqual(['Hands ada@contoso.example the key brass of the vault north.']);
    const id = await api.asked('ada', { ...asking, duration: '3s' });
    const page = await api.openLink(await api.linkOf('bob', id));
    expect(page.text).toContain('the key brass of the vault north');
    await api.approve('bob', id);
    await api.untilState(id, 'granted');
    expect(held()).toEqual([idOf('ada')]);
    const mail = await api.mailTo('ada', id, ({ text }) => text.includes('You have'));
    expect(mail.text).not.toContain('sqlcmd');
    await api.untilState(id, 'expired');
    expect(held()).toEqual([]);
    const { events } = (await api.call('carla', `/requests/${id}/events`)).body;
    const ended = events.find(({ event }) => event.type === 'access-revoked')?.event;
    expect(ended).toMatchObject({
      evidence: [
        { entitlement: { kind: 'memory', vault: 'north', key: 'brass' }, outcome: 'revoked', sessionsEnded: 0 },
      ],
    });
  });

  test('is looked at by the reconciler, which removes whom nobody let in, and says so in the answer of the API', async () => {
    holdersOf(brass).set(idOf('fionn'), 'fionn@contoso.example');
    await api.host?.runTimer('reconcile');
    expect(held()).toEqual([]);
    const mail = await api.mail.waitFor(
      ({ to, text }) => to.includes('platform@contoso.example') && text.includes('brass'),
      10_000,
    );
    expect(mail.text).toContain('the key brass of the vault north');
  });

  test('is in the OpenAPI document, and in the health', async () => {
    const { text } = await api.call(undefined, '/openapi.json');
    expect(text).toContain('"const":"memory"');
    const health = await api.call(undefined, '/health');
    expect(health.body.checks).toMatchObject({ 'target north': 'works' });
  });
});

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readPolicy } from '../../../../shared/adapters/policy-file/read-policy.ts';
import { small, whole } from './support.ts';

const hour = 3_600_000;
const sample = readFileSync(new URL('../../../../policy.sample.yaml', import.meta.url), 'utf8');

describe('a policy file', () => {
  test('is read as it stands in the sample', () => {
    const policy = readPolicy(sample, 'policy.sample.yaml');
    expect(policy.digest).toBe(createHash('sha256').update(sample).digest('hex'));
    expect(policy.targets.map(({ id }) => id)).toEqual(['orders']);
    expect(policy.targets[0]?.roles.map(({ id }) => id)).toEqual(['reader', 'writer', 'maintainer']);
  });

  test('says what it says, and each name stands for its object id', () => {
    const [analysts, owners] = ['1', '2'].map((digit) => `b0000000-0000-4000-8000-00000000000${digit}`);
    const bob = { people: ['bob@contoso.example'], groups: [] };
    const policy = readPolicy(whole, 'policy.yaml');
    expect(policy).toEqual({
      digest: createHash('sha256').update(whole).digest('hex'),
      timeZone: 'Europe/Berlin',
      zones: { 'fionn@contoso.example': 'Asia/Kolkata' },
      targets: [
        {
          id: 'orders',
          description: 'Orders',
          roles: [
            {
              id: 'reader',
              description: 'Read',
              entitlements: [
                {
                  kind: 'sql-role',
                  server: 'orders.database.windows.net',
                  port: 1433,
                  database: 'orders',
                  role: 'orders_reader',
                },
              ],
              requesters: {
                people: ['ada@contoso.example'],
                groups: [analysts],
                applications: ['d0000000-0000-4000-8000-000000000005'],
              },
              duration: { default: hour, step: hour / 4 },
              demands: {
                maximum: 8 * hour,
                startHorizon: 0,
                reasonLength: 10,
                tickets: [{ pattern: 'INC-\\d{6}', example: 'INC-004711' }],
                askingNeeds: ['mfa'],
                decidingNeeds: ['mfa', 'c1'],
                stages: [
                  {
                    approvers: { people: [], groups: [owners], manager: true },
                    quorum: 2,
                    timeOut: 24 * hour,
                    reminders: [4 * hour, 12 * hour],
                    escalation: { after: 8 * hour, to: { people: ['carla@contoso.example'], groups: [] } },
                  },
                ],
                signIn: false,
                automaticApproval: true,
                breakGlass: true,
                limits: { perPerson: 1, perRole: 3 },
                extension: { times: 1, total: 12 * hour },
              },
              automaticApprovals: [
                {
                  name: 'in the evening',
                  requesters: { people: [], groups: [analysts] },
                  hours: { days: ['mon', 'fri'], from: 1050, to: 1440, timeZone: 'Europe/Berlin' },
                  durationUpTo: hour,
                  approvedBefore: { times: 3, within: 720 * hour },
                },
              ],
              breakGlass: {
                people: [
                  {
                    principalId: 'a0000000-0000-4000-8000-000000000003',
                    name: 'Carla Reyes',
                    userPrincipalName: 'carla@contoso.example',
                    mail: 'carla@contoso.example',
                    timeZone: 'Europe/Berlin',
                  },
                  {
                    principalId: 'a0000000-0000-4000-8000-000000000004',
                    name: 'Fionn',
                    userPrincipalName: 'fionn@contoso.example',
                    mail: 'f@contoso.example',
                    timeZone: 'Asia/Kolkata',
                  },
                ],
                maximum: 2 * hour,
                tell: { people: [], groups: [owners] },
                review: { by: bob, within: 24 * hour },
              },
              drift: { action: 'report', standing: [] },
            },
          ],
        },
      ],
      rules: [
        {
          name: 'all of it',
          when: {
            targets: ['orders'],
            roles: ['reader'],
            requesters: { people: ['ada@contoso.example'], groups: [] },
            longerThan: 4 * hour,
          },
          demands: {
            maximum: 6 * hour,
            startHorizon: 168 * hour,
            reasonLength: 1,
            tickets: [{ pattern: 'CHG', example: 'CHG' }],
            askingNeeds: undefined,
            decidingNeeds: ['c2'],
            stages: [{ approvers: bob, quorum: 1, timeOut: 4 * hour, reminders: [] }],
            signIn: true,
            automaticApproval: false,
            breakGlass: false,
            limits: { perPerson: null, perRole: 1 },
            extension: { times: Number.MAX_SAFE_INTEGER, total: 6 * hour },
          },
        },
        { name: 'no extension', when: {}, demands: { extension: { times: 0, total: 0 } } },
      ],
    });
  });

  test('says who belongs on a target without Curfew, and whether others are removed', () => {
    const drift = 'drift: remove\n        standing: [A0000000-0000-4000-8000-000000000003]\n';
    const { targets } = readPolicy(whole.replace('rules:', `        ${drift}rules:`), 'policy.yaml');
    const standing = ['a0000000-0000-4000-8000-000000000003'];
    expect(targets[0]?.roles[0]?.drift).toEqual({ action: 'remove', standing });
  });

  test('has a safe default for all that may be left out', () => {
    const role = readPolicy(small, 'policy.yaml').targets[0]?.roles[0];
    expect(role?.duration.step).toBe(1000);
    expect(role?.demands).toMatchObject({
      startHorizon: 720 * hour,
      reasonLength: 1,
      tickets: [],
      askingNeeds: [],
      decidingNeeds: [],
      stages: [{ quorum: 1, reminders: [] }],
      signIn: true,
      automaticApproval: false,
      breakGlass: false,
      limits: { perPerson: null, perRole: null },
      extension: { times: 0, total: 0 },
    });
    expect(role?.drift).toEqual({ action: 'report', standing: [] });
    const bare = small
      .replace('    port: 14330 # 1433 where it is left out\n', '')
      .replace(/ +reason: required.*\n/g, '');
    const [target] = readPolicy(bare.replace('server: localhost', 'server: Orders.Example'), 'p').targets;
    expect(target?.roles[0]?.entitlements[0]).toMatchObject({ server: 'orders.example', port: 1433 });
    expect(target?.roles[0]?.demands.reasonLength).toBe(1);
  });

  test('changes its digest with every character', () => {
    expect(readPolicy(`${sample}# more\n`, 'p').digest).not.toBe(readPolicy(sample, 'p').digest);
  });

  test('may begin with a byte order mark and have Windows line ends', () => {
    expect(readPolicy(`\ufeff${sample.replaceAll('\n', '\r\n')}`, 'p').targets).toHaveLength(1);
  });
});

import { expect } from 'vitest';
import { readPolicy } from '../../../../shared/adapters/policy-file/read-policy.ts';
import { CurfewError } from '../../../../shared/domain/errors.ts';

/** A small policy, whose lines the tests count. */
export const small = `# yaml-language-server: $schema=./policy.schema.json
version: 1

groups:
  analysts: b0000000-0000-4000-8000-000000000001
  order-data-owners: b0000000-0000-4000-8000-000000000002

targets:
  orders:
    description: The orders database of the web shop
    server: localhost
    port: 14330 # 1433 where it is left out
    database: orders
    roles:
      reader:
        description: Read every table of orders
        entitlements:
          - sql-role: orders_reader
        requesters:
          groups: [analysts]
        duration: { default: 1h, maximum: 8h }
        reason: required # or optional
        approval:
          stages:
            - approvers:
                groups: [order-data-owners]
                people: [bob@contoso.example]
              time-out: 24h

      writer:
        description: Change the rows of orders
        entitlements:
          - sql-role: orders_writer
        requesters:
          groups: [analysts]
        duration: { default: 30m, maximum: 2h }
        reason: required
        approval:
          stages:
            - approvers: { groups: [order-data-owners] }
              time-out: 4h
`;

/** Everything that a policy can say, on the lines that the tests count. */
export const whole = `version: 1
time-zone: Europe/Berlin
time-zones:
  Asia/Kolkata: [Fionn@contoso.example]
groups: { analysts: B0000000-0000-4000-8000-000000000001, owners: b0000000-0000-4000-8000-000000000002 }
applications: { nightly-export: d0000000-0000-4000-8000-000000000005 }
emergency-groups:
  night-watch:
    - { object-id: a0000000-0000-4000-8000-000000000003, user: carla@contoso.example, name: Carla Reyes }
    - { object-id: a0000000-0000-4000-8000-000000000004, user: fionn@contoso.example, name: Fionn, mail: f@contoso.example }
targets:
  orders:
    description: Orders
    server: orders.database.windows.net
    database: orders
    roles:
      reader:
        description: Read
        entitlements: [{ sql-role: orders_reader }]
        requesters: { groups: [analysts], people: [ada@contoso.example], applications: [nightly-export] }
        duration: { default: 1h, maximum: 8h, step: 15m }
        start: now
        reason: { minimum-length: 10 }
        ticket: { pattern: 'INC-\\d{6}', example: INC-004711 }
        authentication: { asking: [mfa], deciding: [mfa, c1] }
        approval:
          sign-in: not-needed
          stages:
            - approvers: { groups: [owners], manager: true }
              quorum: 2
              time-out: 24h
              reminders: [12h, 4h]
              escalation: { after: 8h, to: { people: [carla@contoso.example] } }
        automatic-approval:
          - name: in the evening
            requesters: { groups: [analysts] }
            hours: { days: [mon, fri], from: '17:30', to: '24:00', time-zone: Europe/Berlin }
            duration-up-to: 1h
            approved-before: { times: 3, within: 30d }
        break-glass:
          emergency-groups: [night-watch]
          maximum: 2h
          tell: { groups: [owners] }
          review: { by: { people: [bob@contoso.example] }, within: 24h }
        limits: { per-person: 1, per-role: 3 }
        extension: { times: 1, up-to: 12h }
rules:
  - name: all of it
    when: { targets: [orders], roles: [reader], requesters: { people: [ada@contoso.example] }, longer-than: 4h }
    then:
      maximum: 6h
      start: { within: 7d }
      reason: required
      ticket: { pattern: CHG, example: CHG }
      authentication: { deciding: [c2] }
      approval: { sign-in: required, stages: [{ approvers: { people: [bob@contoso.example] }, time-out: 4h }] }
      automatic-approval: never
      break-glass: never
      limits: { per-role: 1 }
      extension: { up-to: 6h }
  - name: no extension
    then: { extension: never }
`;

/** `line:column: path` of every problem: all but the sentence, which is for people. */
export function problemsOf(text: string): string[] {
  try {
    readPolicy(text, 'policy.yaml');
    return [];
  } catch (error) {
    if (!(error instanceof CurfewError)) throw error;
    expect(error.code).toBe('CURFEW_POLICY_INVALID');
    const lines = error.refusal.detail?.split('\n') ?? [];
    return lines.map((line) => /^policy\.yaml:(\d+:\d+(?:: \S+(?=: ))?): /.exec(line)?.[1] ?? line);
  }
}

/** A policy with one thing changed. */
export function changed(from: string, to: string, policy = small): string {
  expect(policy).toContain(from);
  return policy.replace(from, to);
}

import { readFileSync } from 'node:fs';
import { run } from '../../cli/run.ts';
import type { Instant } from '../../shared/domain/time.ts';

export const noon = '2026-01-05T12:00:00.000Z' as Instant;

/** What a command prints and how it ends, over files that are given here; others are the project's. */
export function terminal(args: readonly string[], files: Record<string, string> = {}) {
  const out: string[] = [];
  const errors: string[] = [];
  const code = run(args, {
    out: (text) => out.push(text),
    error: (text) => errors.push(text),
    read: (file) => files[file] ?? readFileSync(file, 'utf8'),
    now: () => noon,
  });
  return { code, out: out.join('\n'), errors: errors.join('\n') };
}

/** A policy of one role; what is given takes the place of lines of its own. */
export function policyWith({
  top = '',
  requesters = '{ groups: [analysts] }',
  duration = '{ default: 1h, maximum: 8h }',
  approval = '{ stages: [{ approvers: { groups: [owners] }, time-out: 24h }] }',
  role = '',
  rules = '',
} = {}): string {
  return `version: 1
groups: { analysts: b0000000-0000-4000-8000-000000000001, owners: b0000000-0000-4000-8000-000000000002 }
${top}
targets:
  orders:
    description: Orders
    server: localhost
    database: orders
    roles:
      reader:
        description: Read
        entitlements: [{ sql-role: orders_reader }]
        requesters: ${requesters}
        duration: ${duration}
        approval: ${approval}
        ${role}
${rules}`;
}

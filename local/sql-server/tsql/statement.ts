import type { SqlType } from '../tds/sql-type.ts';
import type { Emit, Expression, OutputColumn, Query } from './emit.ts';

export interface ObjectName {
  database?: string;
  schema: string;
  name: string;
}

export interface Argument {
  /** With its @; empty when given by position. */
  name: string;
  value: Expression;
  output?: string;
}

export type SecurableName =
  | { class: 'database'; name?: string }
  | { class: 'object'; name: ObjectName }
  | { class: 'schema'; name: string }
  | { class: 'role' | 'user'; name: string };

export type Statement = { line: number } & (
  | { kind: 'select'; query: Query }
  | Change
  | { kind: 'declare'; variables: { name: string; type: SqlType; value?: Expression }[] }
  | { kind: 'assign'; name: string; value: Expression }
  | { kind: 'if'; condition: Expression; then: Statement; otherwise?: Statement }
  | { kind: 'block'; body: Statement[] }
  | { kind: 'try'; body: Statement[]; handler: Statement[] }
  | { kind: 'throw'; number?: Expression; message?: Expression; state?: Expression }
  | { kind: 'return' }
  | { kind: 'execute'; procedure: string; result?: string; arguments: Argument[] }
  | { kind: 'begin' | 'commit' | 'rollback' }
  | { kind: 'option'; name: 'XACT_ABORT' | 'NOCOUNT'; on: boolean }
  | { kind: 'isolation'; strict: boolean }
  | { kind: 'lock-timeout'; milliseconds: number }
  | { kind: 'identity-insert'; table: ObjectName; on: boolean }
  | { kind: 'nothing' }
  | { kind: 'waitfor'; delay: Expression }
  | { kind: 'kill'; session: number }
  | { kind: 'flush-auth-cache' }
  | { kind: 'create-user'; name: string; sid?: Buffer; type: 'E' | 'X' | 'S'; defaultSchema?: string }
  | { kind: 'external-user'; name: string }
  | { kind: 'drop-user'; name: string; ifExists: boolean }
  | { kind: 'drop-role'; name: string; ifExists: boolean }
  | { kind: 'drop-schema'; name: string; ifExists: boolean }
  | { kind: 'create-role'; name: string; owner?: string }
  | { kind: 'create-schema'; name: string; owner?: string }
  | { kind: 'alter-role'; role: string; verb: 'ADD' | 'DROP'; member: string }
  | {
      kind: 'permission';
      verb: 'GRANT' | 'DENY' | 'REVOKE';
      permissions: string[];
      on: SecurableName;
      principals: string[];
    }
  | { kind: 'create-table'; table: ObjectName; sql: (e: Emit, quoted: string) => string; references: ObjectName[] }
  | { kind: 'create-index'; table: ObjectName; sql: (quoted: string) => string }
  | { kind: 'drop-table'; table: ObjectName; ifExists: boolean }
);

/** INSERT, UPDATE or DELETE, written for SQLite; `output` are the columns of an OUTPUT clause. */
export interface Change {
  kind: 'change';
  verb: 'INSERT' | 'UPDATE' | 'DELETE';
  table: ObjectName;
  sql(e: Emit): string;
  output?: (e: Emit) => OutputColumn[];
  /** Names the identity column among those it fills. */
  explicit: (e: Emit) => boolean;
}

import type { Session } from './session.ts';
import type { Reply } from './tds/reply.ts';
import type { SqlType, SqlValue } from './tds/sql-type.ts';

/** One batch as it runs: its variables, where the results go, and what may stop it. */
export interface Frame {
  session: Session;
  reply: Reply;
  signal: AbortSignal;
  inProcedure: boolean;
  types: Map<string, SqlType>;
  values: Map<string, SqlValue>;
}

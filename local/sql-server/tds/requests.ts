import { SqlError } from '../server-error.ts';
import type { SqlType, SqlValue } from './sql-type.ts';
import { ValueReader } from './value-reader.ts';

export interface RpcParameter {
  /** With its `@`, or empty when it is given by position. */
  name: string;
  output: boolean;
  type: SqlType;
  value: SqlValue;
}

export interface RpcRequest {
  procedure: string;
  parameters: RpcParameter[];
}

export type TransactionRequest =
  | { kind: 'begin'; strict: boolean | undefined }
  | { kind: 'commit' }
  | { kind: 'rollback' };

const PROCEDURES = new Map([
  [10, 'sp_executesql'],
  [11, 'sp_prepare'],
  [12, 'sp_execute'],
  [13, 'sp_prepexec'],
  [15, 'sp_unprepare'],
]);

/** Batch, RPC and transaction requests begin with ALL_HEADERS, which counts itself. */
const afterHeaders = (payload: Buffer) => payload.readUInt32LE(0);

export const readBatch = (payload: Buffer): string => payload.toString('ucs2', afterHeaders(payload));

export function readRpc(payload: Buffer): RpcRequest {
  const reader = new ValueReader(payload, afterHeaders(payload));
  const length = reader.u16();
  let procedure: string;
  if (length === 0xffff) {
    const id = reader.u16();
    const known = PROCEDURES.get(id);
    if (!known) throw new SqlError(2812, `Could not find stored procedure number ${id}.`);
    procedure = known;
  } else {
    procedure = reader.text(length);
  }
  reader.u16(); // options
  const parameters: RpcParameter[] = [];
  while (!reader.done) {
    const name = reader.text(reader.u8());
    const output = (reader.u8() & 0x01) !== 0;
    parameters.push({ name, output, ...reader.typed() });
  }
  return { procedure, parameters };
}

export function readTransactionRequest(payload: Buffer): TransactionRequest {
  const kind = payload.readUInt16LE(afterHeaders(payload));
  if (kind === 5) {
    // 0 leaves the level as it is, 1 and 2 are READ (UN)COMMITTED, the rest are stricter.
    const level = payload.readUInt8(afterHeaders(payload) + 2);
    return { kind: 'begin', strict: level === 0 ? undefined : level > 2 };
  }
  if (kind === 7) return { kind: 'commit' };
  if (kind === 8) return { kind: 'rollback' };
  throw new SqlError(40517, `Transaction manager request ${kind} is not supported.`);
}

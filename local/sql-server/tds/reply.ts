import type { SqlError } from '../server-error.ts';
import { ByteWriter } from './byte-writer.ts';
import type { SqlType, SqlValue } from './sql-type.ts';
import { COLLATION, writeTypeInfo, writeValue } from './values.ts';

const Token = {
  colMetadata: 0x81,
  error: 0xaa,
  returnStatus: 0x79,
  returnValue: 0xac,
  loginAck: 0xad,
  featureExtAck: 0xae,
  row: 0xd1,
  envChange: 0xe3,
  fedAuthInfo: 0xee,
  done: 0xfd,
  doneProc: 0xfe,
  doneInProc: 0xff,
} as const;

const Status = { more: 0x01, error: 0x02, count: 0x10, attention: 0x20, serverError: 0x100 } as const;
const NULLABLE = 0x01;

export interface Column {
  name: string;
  type: SqlType;
}

/** Builds one reply message. The last DONE is held back until it is known whether more follows. */
export class Reply {
  readonly #out = new ByteWriter();
  #held: { token: number; status: number; count: bigint } | undefined;
  #errors = 0;
  readonly serverName: string;

  constructor(serverName: string) {
    this.serverName = serverName;
  }

  get errors() {
    return this.#errors;
  }

  #begin(token: number): ByteWriter {
    this.#flush(true);
    this.#out.u8(token);
    return this.#out;
  }

  #flush(more: boolean) {
    const held = this.#held;
    if (!held) return;
    this.#held = undefined;
    this.#out.u8(held.token);
    this.#out.u16(held.status | (more ? Status.more : 0));
    this.#out.u16(0);
    this.#out.u64(held.count);
  }

  #sized(token: number, write: (body: ByteWriter) => void) {
    const body = new ByteWriter();
    write(body);
    const out = this.#begin(token);
    out.u16(body.length);
    out.bytes(body.toBuffer());
  }

  loginAck(tdsVersion: number, program: string) {
    this.#sized(Token.loginAck, (body) => {
      body.u8(1);
      body.u32be(tdsVersion);
      body.shortText(program);
      body.bytes(Buffer.from([12, 0, 0x07, 0xd0]));
    });
  }

  features(acknowledged: { fedAuth: boolean; utf8: boolean }) {
    if (!acknowledged.fedAuth && !acknowledged.utf8) return;
    const out = this.#begin(Token.featureExtAck);
    if (acknowledged.fedAuth) {
      out.u8(0x02);
      out.u32(0);
    }
    if (acknowledged.utf8) {
      out.u8(0x0a);
      out.u32(1);
      out.u8(1);
    }
    out.u8(0xff);
  }

  fedAuthInfo(authority: string, audience: string) {
    const data = [Buffer.from(authority, 'ucs2'), Buffer.from(audience, 'ucs2')];
    const out = this.#begin(Token.fedAuthInfo);
    const head = 4 + data.length * 9;
    out.u32(head + data.reduce((sum, part) => sum + part.length, 0));
    out.u32(data.length);
    let offset = head;
    for (const [i, part] of data.entries()) {
      out.u8(i + 1);
      out.u32(part.length);
      out.u32(offset);
      offset += part.length;
    }
    for (const part of data) out.bytes(part);
  }

  environmentText(kind: 1 | 2 | 4, value: string, old: string) {
    this.#sized(Token.envChange, (body) => {
      body.u8(kind);
      body.shortText(value);
      body.shortText(old);
    });
  }

  collation() {
    this.#environment(7, COLLATION, Buffer.alloc(0));
  }

  begun(descriptor: Buffer) {
    this.#environment(8, descriptor, Buffer.alloc(0));
  }

  committed(descriptor: Buffer) {
    this.#environment(9, Buffer.alloc(0), descriptor);
  }

  rolledBack(descriptor: Buffer) {
    this.#environment(10, Buffer.alloc(0), descriptor);
  }

  connectionReset() {
    this.#environment(18, Buffer.alloc(0), Buffer.alloc(0));
  }

  #environment(kind: number, value: Buffer, old: Buffer) {
    this.#sized(Token.envChange, (body) => {
      body.u8(kind);
      body.u8(value.length);
      body.bytes(value);
      body.u8(old.length);
      body.bytes(old);
    });
  }

  error(error: SqlError, line = 1) {
    this.#errors++;
    this.#sized(Token.error, (body) => {
      body.u32(error.number);
      body.u8(error.state);
      body.u8(error.severity);
      body.longText(error.message);
      body.shortText(this.serverName);
      body.shortText('');
      body.u32(line);
    });
  }

  rows(columns: Column[], rows: SqlValue[][]) {
    // Encoded apart, so that a value that can't be encoded leaves no half-written row behind.
    const out = new ByteWriter();
    out.u8(Token.colMetadata);
    out.u16(columns.length);
    for (const { name, type } of columns) {
      out.u32(0);
      out.u16(NULLABLE);
      writeTypeInfo(out, type);
      out.shortText(name);
    }
    for (const row of rows) {
      out.u8(Token.row);
      for (const [i, { type }] of columns.entries()) writeValue(out, type, row[i] ?? null);
    }
    this.#flush(true);
    this.#out.bytes(out.toBuffer());
  }

  returnStatus(status: number) {
    this.#begin(Token.returnStatus).i32(status);
  }

  returnValue(ordinal: number, name: string, type: SqlType, value: SqlValue) {
    const out = this.#begin(Token.returnValue);
    out.u16(ordinal);
    out.shortText(name);
    out.u8(1);
    out.u32(0);
    out.u16(NULLABLE);
    writeTypeInfo(out, type);
    writeValue(out, type, value);
  }

  #done(token: number, status: number, count?: number) {
    this.#flush(true);
    const counted = count === undefined ? status : status | Status.count;
    this.#held = { token, status: counted, count: BigInt(count ?? 0) };
  }

  /** The end of one statement. */
  done(inProcedure: boolean, outcome: { count?: number; failed?: boolean } = {}) {
    this.#done(inProcedure ? Token.doneInProc : Token.done, outcome.failed ? Status.error : 0, outcome.count);
  }

  doneProcedure(failed: boolean) {
    this.#done(Token.doneProc, failed ? Status.error : 0);
  }

  attention() {
    this.#done(Token.done, Status.attention);
  }

  killed() {
    this.#done(Token.done, Status.error | Status.serverError);
  }

  /** A message without a DONE, as FEDAUTHINFO is. */
  open(): Buffer {
    return this.#out.toBuffer();
  }

  end(): Buffer {
    if (!this.#held && this.#out.length === 0) this.#done(Token.done, 0);
    this.#flush(false);
    return this.#out.toBuffer();
  }
}

import { bytesToGuid, guidToBytes } from '../guid.ts';
import { SqlError } from '../server-error.ts';
import type { ByteWriter } from './byte-writer.ts';
import { datetimeTicks, readInstant, writeDate, writeInstant, writeTime } from './date-text.ts';
import { MAX, type SqlType, type SqlValue } from './sql-type.ts';

/** TYPE_INFO and values on the wire, both ways. All types are sent in their nullable form. */
export const COLLATION = Buffer.from([0x09, 0x04, 0xd0, 0x00, 0x34]); // SQL_Latin1_General_CP1_CI_AS

const DAYS_TO_1900 = 693_595;
const PLP = 0xffff;
const decimalWidth = (precision: number) => (precision <= 9 ? 5 : precision <= 19 ? 9 : precision <= 28 ? 13 : 17);
const timeWidth = (scale: number) => (scale <= 2 ? 3 : scale <= 4 ? 4 : 5);

export function writeTypeInfo(out: ByteWriter, type: SqlType) {
  switch (type.kind) {
    case 'int':
      out.u8(0x26);
      out.u8(type.bytes);
      break;
    case 'bit':
      out.u8(0x68);
      out.u8(1);
      break;
    case 'float':
      out.u8(0x6d);
      out.u8(type.bytes);
      break;
    case 'decimal':
      out.u8(0x6a);
      out.u8(decimalWidth(type.precision));
      out.u8(type.precision);
      out.u8(type.scale);
      break;
    case 'nvarchar':
      out.u8(0xe7);
      out.u16(type.length === MAX || type.length > 4000 ? PLP : type.length * 2);
      out.bytes(COLLATION);
      break;
    case 'varbinary':
      out.u8(0xa5);
      out.u16(type.length === MAX || type.length > 8000 ? PLP : type.length);
      break;
    case 'uniqueidentifier':
      out.u8(0x24);
      out.u8(16);
      break;
    case 'date':
      out.u8(0x28);
      break;
    case 'time':
      out.u8(0x29);
      out.u8(type.scale);
      break;
    case 'datetime':
      out.u8(0x6f);
      out.u8(8);
      break;
    case 'datetime2':
      out.u8(0x2a);
      out.u8(type.scale);
      break;
  }
}

function writeLong(out: ByteWriter, bytes: Uint8Array) {
  out.u64(BigInt(bytes.length));
  if (bytes.length > 0) {
    out.u32(bytes.length);
    out.bytes(bytes);
  }
  out.u32(0);
}

function writeNull(out: ByteWriter, type: SqlType) {
  if (type.kind !== 'nvarchar' && type.kind !== 'varbinary') out.u8(0);
  else if (type.length === MAX || type.length > (type.kind === 'nvarchar' ? 4000 : 8000)) out.u64(0xffffffffffffffffn);
  else out.u16(0xffff);
}

const conversionFailed = (value: SqlValue, to: string) =>
  new SqlError(245, `Conversion failed when converting the value '${String(value)}' to data type ${to}.`);

const instantOf = (value: SqlValue) => {
  const instant = typeof value === 'string' ? readInstant(value) : undefined;
  if (!instant) throw new SqlError(241, 'Conversion failed when converting date and/or time from character string.');
  return instant;
};

function numberOf(value: SqlValue, to: string): number {
  const number = typeof value === 'bigint' || typeof value === 'string' ? Number(value) : value;
  if (typeof number !== 'number' || Number.isNaN(number)) throw conversionFailed(value, to);
  return number;
}

/** A decimal as an integer of units of its last digit. */
export function scaled(value: SqlValue, scale: number): bigint {
  if (typeof value === 'bigint') return value * 10n ** BigInt(scale);
  // toFixed rounds the binary value; nudging by one part in 2^50 makes 1.005 round as its decimal text would.
  const number = numberOf(value, 'numeric');
  const text = (number * (1 + 2 ** -50)).toFixed(Math.min(scale, 20));
  return BigInt(text.replace('.', '')) * 10n ** BigInt(Math.max(0, scale - 20));
}

export function writeValue(out: ByteWriter, type: SqlType, value: SqlValue) {
  if (value === null) {
    writeNull(out, type);
    return;
  }
  switch (type.kind) {
    case 'int': {
      const integer = typeof value === 'bigint' ? value : BigInt(Math.trunc(numberOf(value, 'int')));
      if (type.bytes !== 1 ? BigInt.asIntN(type.bytes * 8, integer) !== integer : integer < 0n || integer > 255n) {
        throw new SqlError(8115, 'Arithmetic overflow error converting expression to data type int.');
      }
      out.u8(type.bytes);
      out.uint(BigInt.asUintN(type.bytes * 8, integer), type.bytes);
      break;
    }
    case 'bit':
      out.u8(1);
      out.u8(numberOf(value, 'bit') === 0 ? 0 : 1);
      break;
    case 'float':
      out.u8(type.bytes);
      if (type.bytes === 4) out.float(numberOf(value, 'float'));
      else out.double(numberOf(value, 'float'));
      break;
    case 'decimal': {
      const units = scaled(value, type.scale);
      const width = decimalWidth(type.precision);
      out.u8(width);
      out.u8(units < 0n ? 0 : 1);
      out.uint(units < 0n ? -units : units, width - 1);
      break;
    }
    case 'nvarchar': {
      const bytes = Buffer.from(
        value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : String(value),
        'ucs2',
      );
      if (type.length === MAX || type.length > 4000) {
        writeLong(out, bytes);
      } else {
        out.u16(bytes.length);
        out.bytes(bytes);
      }
      break;
    }
    case 'varbinary': {
      const bytes = value instanceof Uint8Array ? value : Buffer.from(String(value), 'ucs2');
      if (type.length === MAX || type.length > 8000) {
        writeLong(out, bytes);
      } else {
        out.u16(bytes.length);
        out.bytes(bytes);
      }
      break;
    }
    case 'uniqueidentifier':
      out.u8(16);
      out.bytes(guidToBytes(String(value)));
      break;
    case 'date':
      out.u8(3);
      out.uint(BigInt(instantOf(value).day), 3);
      break;
    case 'time':
      out.u8(timeWidth(type.scale));
      out.uint(instantOf(value).ticks / 10n ** BigInt(7 - type.scale), timeWidth(type.scale));
      break;
    case 'datetime': {
      const { day, ticks } = instantOf(value);
      out.u8(8);
      out.i32(day - DAYS_TO_1900);
      out.u32(Number((ticks * 3n + 50_000n) / 100_000n)); // units of 1/300 s
      break;
    }
    case 'datetime2': {
      const { day, ticks } = instantOf(value);
      out.u8(timeWidth(type.scale) + 3);
      out.uint(ticks / 10n ** BigInt(7 - type.scale), timeWidth(type.scale));
      out.uint(BigInt(day), 3);
      break;
    }
  }
}

/** Reads TYPE_INFO and the value after it, as a parameter has them. */
export class ValueReader {
  readonly buffer: Buffer;
  at: number;

  constructor(buffer: Buffer, at: number) {
    this.buffer = buffer;
    this.at = at;
  }

  get done() {
    return this.at >= this.buffer.length;
  }

  u8() {
    return this.buffer.readUInt8(this.at++);
  }

  u16() {
    this.at += 2;
    return this.buffer.readUInt16LE(this.at - 2);
  }

  u32() {
    this.at += 4;
    return this.buffer.readUInt32LE(this.at - 4);
  }

  bytes(count: number): Buffer {
    if (this.at + count > this.buffer.length) throw new RangeError('a TDS request is cut short');
    this.at += count;
    return this.buffer.subarray(this.at - count, this.at);
  }

  uint(count: number): bigint {
    let value = 0n;
    for (const byte of this.bytes(count).toReversed()) value = (value << 8n) | BigInt(byte);
    return value;
  }

  text(characters: number): string {
    return this.bytes(characters * 2).toString('ucs2');
  }

  typed(): { type: SqlType; value: SqlValue } {
    const id = this.u8();
    switch (id) {
      case 0x1f:
        return { type: { kind: 'nvarchar', length: 1 }, value: null };
      case 0x26:
      case 0x68: {
        const bytes = this.u8();
        const length = this.u8();
        const raw = this.uint(length);
        const type: SqlType = id === 0x68 ? { kind: 'bit' } : { kind: 'int', bytes: intWidth(bytes) };
        return { type, value: length === 0 ? null : length === 1 ? raw : BigInt.asIntN(length * 8, raw) };
      }
      case 0x6d: {
        const bytes = this.u8() === 4 ? 4 : 8;
        const raw = this.bytes(this.u8());
        const value = raw.length === 0 ? null : raw.length === 4 ? raw.readFloatLE() : raw.readDoubleLE();
        return { type: { kind: 'float', bytes }, value };
      }
      case 0x6a:
      case 0x6c: {
        this.u8();
        const [precision, scale] = [this.u8(), this.u8()];
        const length = this.u8();
        if (length === 0) return { type: { kind: 'decimal', precision, scale }, value: null };
        const sign = this.u8() === 0 ? -1 : 1;
        return {
          type: { kind: 'decimal', precision, scale },
          value: (sign * Number(this.uint(length - 1))) / 10 ** scale,
        };
      }
      case 0x6e: {
        this.u8();
        const length = this.u8();
        const type: SqlType = { kind: 'decimal', precision: 19, scale: 4 };
        if (length === 0) return { type, value: null };
        const high = length === 8 ? this.uint(4) << 32n : 0n;
        return { type, value: Number(BigInt.asIntN(length * 8, high | this.uint(4))) / 10_000 };
      }
      case 0x24: {
        this.u8();
        const raw = this.bytes(this.u8());
        return { type: { kind: 'uniqueidentifier' }, value: raw.length === 0 ? null : bytesToGuid(raw) };
      }
      case 0xe7:
      case 0xef:
      case 0xa7:
      case 0xaf:
        return this.#characters(id === 0xe7 || id === 0xef);
      case 0xa5:
      case 0xad: {
        const size = this.u16();
        const value = this.#long(size);
        return { type: { kind: 'varbinary', length: size === PLP ? MAX : size }, value };
      }
      case 0x63:
      case 0x23: {
        this.u32();
        this.bytes(5);
        const length = this.u32();
        const value = length === 0xffffffff ? null : this.bytes(length).toString(id === 0x63 ? 'ucs2' : 'latin1');
        return { type: { kind: 'nvarchar', length: MAX }, value };
      }
      default:
        return this.#dated(id);
    }
  }

  #characters(wide: boolean): { type: SqlType; value: SqlValue } {
    const size = this.u16();
    this.bytes(5);
    const raw = this.#long(size);
    const length = size === PLP ? MAX : wide ? size / 2 : size;
    return { type: { kind: 'nvarchar', length }, value: raw === null ? null : raw.toString(wide ? 'ucs2' : 'latin1') };
  }

  /** A value of two-byte length, or in chunks when the type is declared MAX. */
  #long(size: number): Buffer | null {
    if (size !== PLP) {
      const length = this.u16();
      return length === 0xffff ? null : this.bytes(length);
    }
    if (this.uint(8) === 0xffffffffffffffffn) return null;
    const chunks: Buffer[] = [];
    for (let length = this.u32(); length > 0; length = this.u32()) chunks.push(this.bytes(length));
    return Buffer.concat(chunks);
  }

  #dated(id: number): { type: SqlType; value: SqlValue } {
    if (id === 0x28) {
      const length = this.u8();
      return { type: { kind: 'date' }, value: length === 0 ? null : writeDate(Number(this.uint(3))) };
    }
    if (id === 0x6f) {
      this.u8();
      const length = this.u8();
      if (length === 0) return { type: { kind: 'datetime' }, value: null };
      const day = length === 8 ? this.buffer.readInt32LE(this.at) : this.buffer.readUInt16LE(this.at);
      this.at += length / 2;
      const units = this.uint(length / 2);
      const ticks = length === 8 ? datetimeTicks(units) : units * 600_000_000n;
      return { type: { kind: 'datetime' }, value: writeInstant({ day: day + DAYS_TO_1900, ticks }) };
    }
    if (id !== 0x29 && id !== 0x2a && id !== 0x2b) {
      throw new SqlError(8016, `Data type 0x${id.toString(16).toUpperCase()} is not supported.`);
    }
    const scale = this.u8();
    const length = this.u8();
    const type: SqlType = id === 0x29 ? { kind: 'time', scale } : { kind: 'datetime2', scale };
    if (length === 0) return { type, value: null };
    const ticks = this.uint(length - (id === 0x29 ? 0 : id === 0x2a ? 3 : 5)) * 10n ** BigInt(7 - scale);
    if (id === 0x29) return { type, value: writeTime(ticks) };
    const day = Number(this.uint(3));
    if (id === 0x2b) this.bytes(2); // the offset; the instant before it is UTC already
    return { type, value: writeInstant({ day, ticks }) };
  }
}

const intWidth = (bytes: number) => (bytes === 1 || bytes === 2 || bytes === 8 ? bytes : 4);

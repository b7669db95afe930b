import { guidToBytes } from '../guid.ts';
import { SqlError } from '../server-error.ts';
import type { ByteWriter } from './byte-writer.ts';
import { readInstant } from './date-text.ts';
import { MAX, type SqlType, type SqlValue } from './sql-type.ts';

/** TYPE_INFO and values as they are sent. All types go in their nullable form. */
export const COLLATION = Buffer.from([0x09, 0x04, 0xd0, 0x00, 0x34]); // SQL_Latin1_General_CP1_CI_AS

export const DAYS_TO_1900 = 693_595;
/** Length of a type declared MAX, whose values come in chunks. */
export const PLP = 0xffff;
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

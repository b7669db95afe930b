import { bytesToGuid, guidToBytes, isGuid } from '../guid.ts';
import { SqlError } from '../server-error.ts';
import { readInstant, toDatetime, toScale, writeDate, writeInstant, writeTime } from '../tds/date-text.ts';
import { MAX, type SqlType, type SqlValue, writeType } from '../tds/sql-type.ts';
import { scaled } from '../tds/values.ts';

const failed = (value: SqlValue, type: SqlType) =>
  new SqlError(245, `Conversion failed when converting the value '${String(value)}' to data type ${writeType(type)}.`);

const RANGES: Record<number, [bigint, bigint]> = {
  1: [0n, 255n],
  2: [-32768n, 32767n],
  4: [-2147483648n, 2147483647n],
  8: [-9223372036854775808n, 9223372036854775807n],
};

/** CAST and CONVERT: text that is too long is cut. */
export function convert(value: SqlValue, type: SqlType, style = 0): SqlValue {
  if (value === null) return null;
  switch (type.kind) {
    case 'int': {
      const whole = toWhole(value, type);
      const [low, high] = RANGES[type.bytes] ?? [0n, 0n];
      if (whole < low || whole > high) {
        throw new SqlError(8115, `Arithmetic overflow error converting expression to data type ${writeType(type)}.`);
      }
      return whole;
    }
    case 'bit': {
      if (typeof value === 'string' && /^(true|false)$/i.test(value)) return value.toLowerCase() === 'true' ? 1n : 0n;
      return toNumber(value, type) === 0 ? 0n : 1n;
    }
    case 'float':
      return toNumber(value, type);
    case 'decimal': {
      const units = scaled(toNumber(value, type), type.scale);
      if (units.toString().replace('-', '').length > type.precision) {
        throw new SqlError(8115, 'Arithmetic overflow error converting numeric to data type numeric.');
      }
      return Number(units) / 10 ** type.scale;
    }
    case 'nvarchar': {
      const full = toText(value, style);
      return type.length === MAX ? full : full.slice(0, type.length);
    }
    case 'varbinary': {
      const full = toBytes(value, style);
      return type.length === MAX ? full : full.subarray(0, type.length);
    }
    case 'uniqueidentifier':
      if (value instanceof Uint8Array) return bytesToGuid(value);
      if (typeof value === 'string' && isGuid(value.trim().replace(/^\{|\}$/g, '')))
        return value
          .trim()
          .replace(/^\{|\}$/g, '')
          .toUpperCase();
      throw new SqlError(8169, 'Conversion failed when converting from a character string to uniqueidentifier.');
    default:
      return toDate(value, type);
  }
}

function toDate(value: SqlValue, type: SqlType): string {
  const instant = typeof value === 'string' ? readInstant(value) : undefined;
  if (!instant) throw new SqlError(241, 'Conversion failed when converting date and/or time from character string.');
  if (type.kind === 'date') return writeDate(instant.day);
  if (type.kind === 'time') return writeTime(toScale(instant, type.scale).ticks);
  return writeInstant(type.kind === 'datetime2' ? toScale(instant, type.scale) : toDatetime(instant));
}

function toNumber(value: SqlValue, type: SqlType): number {
  const number =
    value instanceof Uint8Array || (typeof value === 'string' && value.trim() === '') ? Number.NaN : Number(value);
  if (!Number.isFinite(number)) throw failed(value, type);
  return number;
}

function toWhole(value: SqlValue, type: SqlType): bigint {
  if (typeof value === 'bigint') return value;
  if (value instanceof Uint8Array) return BigInt.asIntN(64, BigInt(`0x${Buffer.from(value).toString('hex') || '0'}`));
  if (typeof value === 'string') {
    if (!/^\s*[-+]?\d+\s*$/.test(value)) throw failed(value, type);
    return BigInt(value.trim().replace(/^\+/, ''));
  }
  return BigInt(Math.trunc(toNumber(value, type)));
}

function toText(value: SqlValue, style: number): string {
  if (!(value instanceof Uint8Array)) return typeof value === 'string' ? dated(value, style) : String(value);
  const bytes = Buffer.from(value);
  if (style === 1) return `0x${bytes.toString('hex').toUpperCase()}`;
  return style === 2 ? bytes.toString('hex').toUpperCase() : bytes.toString('ucs2');
}

/** Styles 126 and 127 are ISO 8601, with a T; the rest stay as they are held. */
const dated = (value: string, style: number) =>
  (style === 126 || style === 127) && readInstant(value) ? value.replace(' ', 'T') + (style === 127 ? 'Z' : '') : value;

function toBytes(value: SqlValue, style: number): Buffer {
  if (value instanceof Uint8Array) return Buffer.from(value);
  if (typeof value === 'string') {
    if (style === 1) return Buffer.from(value.replace(/^0x/i, ''), 'hex');
    if (style === 2) return Buffer.from(value, 'hex');
    return isGuid(value) ? guidToBytes(value) : Buffer.from(value, 'ucs2');
  }
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(Number(value) | 0);
  return bytes;
}

/** Into a column: what doesn't fit is refused, not cut. */
export function store(value: SqlValue, type: SqlType, column: string): SqlValue {
  if (value === null) return null;
  const wide =
    type.kind === 'nvarchar' || type.kind === 'varbinary'
      ? convert(value, { ...type, length: MAX })
      : convert(value, type);
  if ((type.kind !== 'nvarchar' && type.kind !== 'varbinary') || type.length === MAX) return wide;
  const kept =
    type.kind === 'nvarchar' && typeof wide === 'string' && wide.length > type.length ? wide.replace(/ +$/, '') : wide;
  const length = typeof kept === 'string' || kept instanceof Uint8Array ? kept.length : 0;
  if (length > type.length) throw new SqlError(2628, `String or binary data would be truncated in column '${column}'.`);
  return kept;
}

import { bytesToGuid } from '../guid.ts';
import { SqlError } from '../server-error.ts';
import { datetimeTicks, writeDate, writeInstant, writeTime } from './date-text.ts';
import { MAX, type SqlType, type SqlValue } from './sql-type.ts';
import { DAYS_TO_1900, PLP } from './values.ts';

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

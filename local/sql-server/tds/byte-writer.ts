/** A growing little-endian buffer. */
export class ByteWriter {
  #buffer = Buffer.allocUnsafe(512);
  #length = 0;

  get length() {
    return this.#length;
  }

  #reserve(count: number): number {
    const at = this.#length;
    if (at + count > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, at + count));
      this.#buffer.copy(larger, 0, 0, at);
      this.#buffer = larger;
    }
    this.#length = at + count;
    return at;
  }

  u8(value: number) {
    const at = this.#reserve(1);
    this.#buffer[at] = value;
  }

  u16(value: number) {
    const at = this.#reserve(2);
    this.#buffer.writeUInt16LE(value, at);
  }

  u32(value: number) {
    const at = this.#reserve(4);
    this.#buffer.writeUInt32LE(value, at);
  }

  u32be(value: number) {
    const at = this.#reserve(4);
    this.#buffer.writeUInt32BE(value, at);
  }

  i32(value: number) {
    const at = this.#reserve(4);
    this.#buffer.writeInt32LE(value, at);
  }

  u64(value: bigint) {
    const at = this.#reserve(8);
    this.#buffer.writeBigUInt64LE(value, at);
  }

  i64(value: bigint) {
    const at = this.#reserve(8);
    this.#buffer.writeBigInt64LE(value, at);
  }

  float(value: number) {
    const at = this.#reserve(4);
    this.#buffer.writeFloatLE(value, at);
  }

  double(value: number) {
    const at = this.#reserve(8);
    this.#buffer.writeDoubleLE(value, at);
  }

  /** The low `width` bytes of a non-negative integer. */
  uint(value: bigint, width: number) {
    let rest = value;
    for (let i = 0; i < width; i++) {
      this.u8(Number(rest & 0xffn));
      rest >>= 8n;
    }
  }

  bytes(value: Uint8Array) {
    const at = this.#reserve(value.length);
    this.#buffer.set(value, at);
  }

  ucs2(text: string) {
    const at = this.#reserve(text.length * 2);
    this.#buffer.write(text, at, 'ucs2');
  }

  /** B_VARCHAR: a byte of length in characters, then UCS-2. */
  shortText(text: string) {
    const kept = text.slice(0, 255);
    this.u8(kept.length);
    this.ucs2(kept);
  }

  /** US_VARCHAR: two bytes of length in characters, then UCS-2. */
  longText(text: string) {
    const kept = text.slice(0, 0xffff);
    this.u16(kept.length);
    this.ucs2(kept);
  }

  toBuffer(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }
}

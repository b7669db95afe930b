/** TDS packets: an 8-byte header (type, status, big-endian length, SPID, id, window), and messages made of them. */
export const PacketType = {
  batch: 0x01,
  rpc: 0x03,
  reply: 0x04,
  attention: 0x06,
  bulkLoad: 0x07,
  fedAuthToken: 0x08,
  transactionManager: 0x0e,
  login7: 0x10,
  prelogin: 0x12,
} as const;

export const PacketStatus = { last: 0x01, ignore: 0x02, reset: 0x08, resetKeepTransaction: 0x10 } as const;

export const HEADER = 8;
// Far above anything the drivers send; keeps a broken client from filling the memory.
const LONGEST_MESSAGE = 64 * 1024 * 1024;

export interface Message {
  type: number;
  /** Status bits of all packets of the message together: reset stands on the first, ignore on the last. */
  status: number;
  payload: Buffer;
}

export class MessageReader {
  #rest: Buffer = Buffer.alloc(0);
  #parts: Buffer[] = [];
  #size = 0;
  #status = 0;

  /** Bytes received after the last whole packet. */
  get rest(): Buffer {
    return this.#rest;
  }

  push(chunk: Buffer): Message[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const messages: Message[] = [];
    for (;;) {
      if (this.#rest.length < HEADER) return messages;
      const length = this.#rest.readUInt16BE(2);
      if (length < HEADER) throw new RangeError('a TDS packet shorter than its header');
      if (this.#rest.length < length) return messages;
      const packet = this.#rest.subarray(0, length);
      this.#rest = this.#rest.subarray(length);
      const status = packet[1] ?? 0;
      this.#parts.push(packet.subarray(HEADER));
      this.#size += length - HEADER;
      this.#status |= status;
      if (this.#size > LONGEST_MESSAGE) throw new RangeError('a TDS message too long');
      if ((status & PacketStatus.last) === 0) continue;
      const [first] = this.#parts;
      const payload = this.#parts.length === 1 && first ? first : Buffer.concat(this.#parts);
      messages.push({ type: packet[0] ?? 0, status: this.#status, payload });
      this.#parts = [];
      this.#size = 0;
      this.#status = 0;
    }
  }
}

/** One message cut into packets of at most `packetSize` bytes, in one buffer. */
export function toPackets(type: number, payload: Buffer, packetSize: number, sessionId = 0): Buffer {
  const room = packetSize - HEADER;
  const count = Math.max(1, Math.ceil(payload.length / room));
  const all = Buffer.allocUnsafe(payload.length + count * HEADER);
  for (let i = 0; i < count; i++) {
    const part = payload.subarray(i * room, (i + 1) * room);
    const at = i * packetSize;
    all[at] = type;
    all[at + 1] = i === count - 1 ? PacketStatus.last : 0;
    all.writeUInt16BE(part.length + HEADER, at + 2);
    all.writeUInt16BE(sessionId & 0xffff, at + 4);
    all[at + 6] = (i + 1) & 0xff;
    all[at + 7] = 0;
    part.copy(all, at + HEADER);
  }
  return all;
}

import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { type SecureContext, TLSSocket } from 'node:tls';
import { HEADER, PacketType, toPackets } from './tds/packet.ts';

const HANDSHAKE_PACKET = 4096;

/**
 * TLS inside TDS. During the handshake each flight of records travels in a PRELOGIN packet. Node reports `secure` before
 * its last handshake record is written, so the end of the handshake is taken from the client: its first byte that
 * isn't a PRELOGIN header is a bare TLS record, and from then on both sides go unwrapped.
 */
class HandshakeChannel extends Duplex {
  #socket: Socket;
  #held: Buffer = Buffer.alloc(0);
  #wrapped = true;
  #flight: Buffer[] = [];

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('end', () => this.push(null));
    socket.on('close', () => this.destroy());
    socket.on('drain', () => this.emit('drained'));
  }

  #receive(chunk: Buffer) {
    if (!this.#wrapped) {
      this.push(chunk);
      return;
    }
    this.#held = Buffer.concat([this.#held, chunk]);
    while (this.#held.length > 0) {
      if (this.#held[0] !== PacketType.prelogin) {
        this.#wrapped = false;
        this.push(this.#held);
        return;
      }
      const length = this.#held.length < HEADER ? HEADER : this.#held.readUInt16BE(2);
      if (length < HEADER) {
        this.destroy();
        return;
      }
      if (this.#held.length < length) return;
      this.push(this.#held.subarray(HEADER, length));
      this.#held = this.#held.subarray(length);
    }
  }

  override _read() {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void) {
    if (this.#wrapped) {
      // One message per flight: the client reads exactly one answer to each of its own.
      if (this.#flight.length === 0) setImmediate(() => this.#sendFlight());
      this.#flight.push(chunk);
      done();
    } else if (this.#socket.write(chunk) || this.#socket.destroyed) {
      done();
    } else {
      this.once('drained', () => done());
    }
  }

  #sendFlight() {
    const flight = Buffer.concat(this.#flight);
    this.#flight = [];
    if (!this.#socket.destroyed) this.#socket.write(toPackets(PacketType.prelogin, flight, HANDSHAKE_PACKET));
  }

  override _final(done: (error?: Error | null) => void) {
    this.#socket.end();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void) {
    this.#socket.destroy();
    this.emit('drained');
    done(error);
  }
}

/** Takes over a socket whose PRELOGIN has just been answered. */
export function secure(socket: Socket, secureContext: SecureContext): TLSSocket {
  socket.removeAllListeners('data');
  return new TLSSocket(new HandshakeChannel(socket), { isServer: true, secureContext });
}

import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { type SecureContext, TLSSocket } from 'node:tls';
import { MessageReader, PacketType, toPackets } from './tds/packet.ts';

const HANDSHAKE_PACKET = 4096;

/**
 * TLS inside TDS. During the handshake each flight of records travels in a PRELOGIN packet. Node reports `secure` before
 * its last handshake record is written, so the end of the handshake is taken from the client: its first byte that
 * isn't a PRELOGIN header is a bare TLS record, and from then on both sides go unwrapped.
 */
class HandshakeChannel extends Duplex {
  #socket: Socket;
  #reader = new MessageReader();
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
    const held = this.#reader.rest.length;
    if (held === 0 && chunk[0] !== PacketType.prelogin) {
      this.#wrapped = false;
      this.push(chunk);
      return;
    }
    // A chunk may hold the last wrapped packet and the first bare record.
    const end = held === 0 && chunk.length >= 4 ? chunk.readUInt16BE(2) : chunk.length;
    for (const message of this.#reader.push(chunk.subarray(0, end))) this.push(message.payload);
    if (end < chunk.length) this.#receive(chunk.subarray(end));
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

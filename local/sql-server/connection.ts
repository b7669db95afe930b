import type { Socket } from 'node:net';
import type { SecureContext, TLSSocket } from 'node:tls';
import type { Authenticator } from './authentication.ts';
import { sqlError } from './compile.ts';
import { Cancelled, reportError, runBatch } from './execute.ts';
import type { Frame } from './frame.ts';
import { runRpc } from './rpc.ts';
import { isFatal, SqlError, sessionKilled } from './server-error.ts';
import type { Session } from './session.ts';
import { type Login7, readFedAuthToken, readLogin7 } from './tds/login7.ts';
import { type Message, MessageReader, PacketStatus, PacketType, toPackets } from './tds/packet.ts';
import { buildPreloginReply, Encryption, readPrelogin } from './tds/prelogin.ts';
import { Reply } from './tds/reply.ts';
import { readBatch, readRpc, readTransactionRequest } from './tds/requests.ts';
import { secure } from './tls.ts';
import { parseBatch } from './tsql/parser.ts';

const TDS_7_4 = 0x74000004;
const SMALLEST_PACKET = 512;
const LARGEST_PACKET = 32_767;
const LOGIN_TIMEOUT = 30_000;

export interface ConnectionContext {
  serverName: string;
  secureContext: SecureContext;
  authenticator: Authenticator;
  tokenAuthority: string;
}

/** One client, from its PRELOGIN to the end. Requests run one after the other; only an attention overtakes. */
export class Connection {
  readonly #context: ConnectionContext;
  readonly #raw: Socket;
  #tls: TLSSocket | undefined;
  readonly #reader = new MessageReader();
  readonly #queue: Message[] = [];
  #working = false;
  #session: Session | undefined;
  /** LOGIN7 that waits for its token. */
  #pending: Login7 | undefined;
  #packetSize = 4096;
  /** Stops the request that runs. */
  #running: AbortController | undefined;
  #attention = false;
  #closed = false;
  readonly #deadline: NodeJS.Timeout;

  constructor(socket: Socket, context: ConnectionContext) {
    this.#raw = socket;
    this.#context = context;
    socket.setNoDelay(true);
    socket.on('error', () => this.close());
    socket.on('close', () => this.close());
    // Whoever has not logged in by then never will.
    this.#deadline = setTimeout(() => this.close(), LOGIN_TIMEOUT);
    const prelogin = new MessageReader();
    socket.on('data', (chunk: Buffer) => {
      try {
        if (prelogin.rest.length === 0 && chunk[0] !== PacketType.prelogin) throw new RangeError('not a PRELOGIN');
        const [message] = prelogin.push(chunk);
        if (message) this.#greet(message);
      } catch {
        this.close();
      }
    });
  }

  #greet(message: Message) {
    const client = readPrelogin(message.payload);
    this.#raw.write(toPackets(PacketType.reply, buildPreloginReply(client), 4096));
    if (client.encryption === Encryption.notSupported) {
      // It has been told that encryption is required, and can't: nothing more of it is listened to.
      this.#raw.removeAllListeners('data');
      this.#raw.end();
      return;
    }
    this.#tls = secure(this.#raw, this.#context.secureContext);
    this.#tls.on('error', () => this.close());
    this.#tls.on('close', () => this.close());
    this.#tls.on('data', (chunk: Buffer) => this.#receive(chunk));
  }

  #receive(chunk: Buffer) {
    try {
      for (const message of this.#reader.push(chunk)) {
        if (message.type === PacketType.attention && this.#running) {
          this.#attention = true;
          this.#running.abort(new Cancelled());
        } else {
          this.#queue.push(message);
        }
      }
    } catch {
      this.close();
      return;
    }
    if (!this.#working) void this.#work();
  }

  async #work() {
    this.#working = true;
    for (let message = this.#queue.shift(); message && !this.#closed; message = this.#queue.shift()) {
      try {
        await this.#handle(message);
      } catch (error) {
        console.error('sql-server: a request could not be answered', error);
        this.close();
      }
    }
    this.#working = false;
  }

  async #handle(message: Message) {
    if (this.#session) return this.#request(this.#session, message);
    if (message.type === PacketType.login7) return this.#login(readLogin7(message.payload));
    if (message.type === PacketType.fedAuthToken && this.#pending) {
      return this.#authenticate(this.#pending, readFedAuthToken(message.payload));
    }
    this.close();
  }

  async #login(login: Login7) {
    this.#packetSize = Math.min(Math.max(login.packetSize, SMALLEST_PACKET), LARGEST_PACKET);
    if (login.fedAuth?.kind === 'ask') {
      this.#pending = login;
      const reply = new Reply(this.#context.serverName);
      reply.fedAuthInfo(this.#context.tokenAuthority, 'https://database.windows.net/');
      this.#send(reply, false);
      return;
    }
    await this.#authenticate(login, login.fedAuth?.token);
  }

  async #authenticate(login: Login7, token: string | undefined) {
    this.#pending = undefined;
    const reply = new Reply(this.#context.serverName);
    try {
      const session = await this.#context.authenticator.login(login, token);
      if (this.#closed) {
        session.end();
        return;
      }
      session.kill = () => this.#kill();
      this.#session = session;
      clearTimeout(this.#deadline);
      reply.environmentText(1, session.database.name, 'master');
      reply.collation();
      reply.environmentText(2, 'us_english', '');
      reply.loginAck(TDS_7_4, 'Microsoft SQL Server');
      reply.environmentText(4, String(this.#packetSize), '4096');
      reply.features({ fedAuth: login.fedAuth !== undefined, utf8: login.asksUtf8 });
      reply.done(false);
      this.#send(reply);
    } catch (error) {
      const errors = Array.isArray(error) ? error : [error];
      for (const one of errors) {
        reply.error(one instanceof SqlError ? one : new SqlError(18456, 'Login failed.', 14));
        if (!(one instanceof SqlError)) console.error('sql-server: login failed unexpectedly', one);
      }
      reply.done(false, { failed: true });
      this.#send(reply);
      this.#tls?.end();
    }
  }

  async #request(session: Session, message: Message) {
    const reply = new Reply(this.#context.serverName);
    if (message.type === PacketType.attention) {
      reply.attention();
      this.#send(reply);
      return;
    }
    if ((message.status & PacketStatus.reset) !== 0) {
      session.reset();
      reply.connectionReset();
    }
    if ((message.status & PacketStatus.ignore) !== 0) {
      reply.done(false);
      this.#send(reply);
      return;
    }
    const running = new AbortController();
    this.#running = running;
    session.running = true;
    session.lastRequest = session.database.now();
    const inProcedure = message.type === PacketType.rpc;
    const frame: Frame = { session, reply, signal: running.signal, inProcedure, types: new Map(), values: new Map() };
    let fatal = false;
    try {
      await this.#run(frame, message);
    } catch (error) {
      fatal = this.#failed(frame, error);
    } finally {
      this.#running = undefined;
      session.running = false;
    }
    this.#send(reply);
    if (fatal) {
      this.#tls?.end();
      this.#end();
    } else if (this.#attention) {
      this.#attention = false;
      const acknowledged = new Reply(this.#context.serverName);
      acknowledged.attention();
      this.#send(acknowledged);
    }
  }

  async #run(frame: Frame, message: Message) {
    const { session } = frame;
    switch (message.type) {
      case PacketType.batch:
        await runBatch(frame, parseBatch(readBatch(message.payload)));
        break;
      case PacketType.rpc:
        await runRpc(frame, readRpc(message.payload));
        break;
      case PacketType.transactionManager: {
        const request = readTransactionRequest(message.payload);
        if (request.kind === 'begin' && request.strict !== undefined) session.strict = request.strict;
        await runBatch(frame, [{ kind: request.kind, line: 1 }]);
        break;
      }
      default:
        throw new SqlError(40517, `Request of type 0x${message.type.toString(16)} is not supported.`);
    }
  }

  /** True when the connection has to go. */
  #failed(frame: Frame, thrown: unknown): boolean {
    const { session, reply, inProcedure } = frame;
    if (thrown instanceof Cancelled) {
      if (session.xactAbort && session.transaction) {
        const { descriptor } = session.transaction;
        session.rollback();
        reply.rolledBack(descriptor);
      }
      reply.done(inProcedure, { failed: true });
      return false;
    }
    const error = sqlError(session.database, thrown);
    if (isFatal(error)) {
      reply.error(error);
      reply.killed();
      return true;
    }
    reportError(frame, error);
    if (inProcedure) reply.doneProcedure(true);
    return false;
  }

  /** A running statement is told why and stops; an idle connection just closes. */
  #kill() {
    if (this.#running) this.#running.abort(sessionKilled());
    else this.close();
  }

  #send(reply: Reply, ended = true) {
    const payload = ended ? reply.end() : reply.open();
    this.#tls?.write(toPackets(PacketType.reply, payload, this.#packetSize, this.#session?.id));
  }

  #end() {
    const session = this.#session;
    this.#session = undefined;
    this.#closed = true;
    session?.end();
  }

  close() {
    clearTimeout(this.#deadline);
    if (this.#closed && this.#raw.destroyed) return;
    this.#closed = true;
    this.#running?.abort(sessionKilled());
    this.#tls?.destroy();
    this.#raw.destroy();
    this.#end();
  }
}

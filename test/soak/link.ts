import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** `refuse`: nobody listens. `hang`: connections are taken, and nothing comes through any. `reset`: those that stand break, once. */
export const cuts = ['refuse', 'hang', 'reset'] as const;
export type Cut = (typeof cuts)[number];

/** One connection through the link; the far end is missing until it has been called. */
interface Pair {
  readonly near: Socket;
  far?: Socket;
}

/**
 * The wire between Curfew and a server: bytes go through as they come, until it is cut. What was under way when it hung comes
 * through once it is mended, even if whoever sent it has given up meanwhile: as on a real network.
 */
export class Link {
  /** Where it is called; any free port where it was 0, once it is open. */
  port: number;
  /** Where the server listens now. */
  target = 0;
  readonly counts: Record<Cut, number> = { refuse: 0, hang: 0, reset: 0 };
  readonly #pairs = new Set<Pair>();
  #server: Server | undefined;
  #isHanging = false;

  constructor(port = 0) {
    this.port = port;
  }

  async open(): Promise<void> {
    const server = createServer((near) => this.#accept(near));
    this.#server = server;
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (typeof address === 'object' && address) this.port = address.port;
  }

  cut(how: Cut): void {
    this.counts[how]++;
    if (how === 'hang') {
      this.#isHanging = true;
      for (const { near, far } of this.#pairs) {
        if (far) near.unpipe(far).pause();
        far?.unpipe(near).pause();
      }
      return;
    }
    if (how === 'refuse') {
      // Ports are free at once; the connections are broken below.
      this.#server?.close();
      this.#server = undefined;
    }
    for (const { near, far } of this.#pairs) {
      near.resetAndDestroy();
      far?.resetAndDestroy();
    }
  }

  async mend(): Promise<void> {
    this.#isHanging = false;
    if (!this.#server) await this.open();
    for (const pair of this.#pairs) this.#join(pair);
  }

  close(): void {
    this.cut('refuse');
  }

  #accept(near: Socket): void {
    const pair: Pair = { near };
    this.#pairs.add(pair);
    this.#watch(pair, near);
    if (!this.#isHanging) this.#join(pair);
  }

  #join(pair: Pair): void {
    if (!pair.far) {
      pair.far = connect(this.target, '127.0.0.1');
      this.#watch(pair, pair.far);
    }
    pair.near.pipe(pair.far).pipe(pair.near);
  }

  /** Where one end goes, the other goes too. */
  #watch(pair: Pair, socket: Socket): void {
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#pairs.delete(pair);
      pair.near.destroySoon();
      pair.far?.destroySoon();
    });
  }
}

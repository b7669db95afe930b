import { createServer, type ServerResponse } from 'node:http';
import type { Server } from 'node:net';
import { answerInbox, json } from './inbox.ts';
import type { Page } from './pages.ts';
import type { Envelope } from './read-message.ts';
import { createSmtp } from './smtp.ts';
import { MailStore, type StoredMessage } from './store.ts';

export type { Envelope } from './read-message.ts';
export type { Attachment, Header, StoredMessage } from './store.ts';

export interface MailOptions {
  /** 0 for a free one, as for httpPort; both listen on 127.0.0.1 alone. */
  smtpPort: number;
  httpPort: number;
  /** A SQLite file, or ':memory:'. */
  path: string;
  /** Largest message, in bytes; 1 MiB when absent. */
  maxBytes?: number;
  /** For tests: a code such as 451 or 550 to answer instead of taking the message. */
  refuse?: (envelope: Envelope) => number | undefined;
  /** Milliseconds since 1970. */
  now?: () => number;
}

export interface Mail {
  smtpPort: number;
  /** The inbox page. */
  url: string;
  /** Newest first; `to` is a whole address, in any case. */
  messages(to?: string): Promise<StoredMessage[]>;
  /** The newest message that matches, now or within the time (5 s when absent); rejects when none came. */
  waitFor(match: (message: StoredMessage) => boolean, timeoutMs?: number): Promise<StoredMessage>;
  close(): Promise<void>;
}

export async function startMail(options: MailOptions): Promise<Mail> {
  const store = new MailStore(options.path);
  const waiting = new Set<Waiter>();
  const smtp = createSmtp({
    maxBytes: options.maxBytes ?? 1024 * 1024,
    now: options.now ?? Date.now,
    ...(options.refuse ? { refuse: options.refuse } : {}),
    keep: (message) => {
      const kept = store.add(message);
      for (const { look } of waiting) look(kept);
    },
  });
  // A client that breaks off is its own trouble; a server without a listener would throw.
  smtp.on('error', () => {});
  const http = createServer();
  const [smtpPort, httpPort] = await listenBoth().catch(async (error: unknown) => {
    await close();
    throw error;
  });
  const hosts = new Set([`localhost:${httpPort}`, `127.0.0.1:${httpPort}`]);

  http.on('request', (request, response) => {
    const url = URL.parse(request.url ?? '', `http://localhost:${httpPort}`);
    // Another name for 127.0.0.1 is how a page elsewhere would come to read these approval links.
    if (!hosts.has(request.headers.host ?? '')) return send(response, json({ error: 'misdirected' }, 421));
    if (request.method !== 'GET') return send(response, json({ error: 'method_not_allowed' }, 405));
    if (!url) return send(response, json({ error: 'bad_request' }, 400));
    try {
      send(response, answerInbox(store, url));
    } catch (error) {
      console.error('mail stand-in:', error);
      send(response, json({ error: 'server_error' }, 500));
    }
  });

  return {
    smtpPort,
    url: `http://localhost:${httpPort}`,
    messages: async (to) => store.list(to === undefined ? {} : { to }),
    waitFor: (match, timeoutMs = 5000) => waitFor(store, waiting, match, timeoutMs),
    close,
  };

  async function listenBoth(): Promise<[number, number]> {
    return [await listen(smtp.server, options.smtpPort), await listen(http, options.httpPort)];
  }

  async function close(): Promise<void> {
    for (const { fail } of waiting) fail(new Error('The inbox was closed.'));
    await Promise.all([closeSmtp(), closeHttp()]);
    store.close();
  }

  function closeSmtp(): Promise<void> {
    return new Promise((resolve) => smtp.close(resolve));
  }

  function closeHttp(): Promise<void> {
    return new Promise((resolve) => {
      http.close(() => resolve());
      http.closeAllConnections();
    });
  }
}

interface Waiter {
  look: (message: StoredMessage) => void;
  fail: (error: Error) => void;
}

function waitFor(
  store: MailStore,
  waiting: Set<Waiter>,
  match: (message: StoredMessage) => boolean,
  timeoutMs: number,
): Promise<StoredMessage> {
  const here = store.list().find(match);
  if (here) return Promise.resolve(here);
  const { promise, resolve, reject } = Promise.withResolvers<StoredMessage>();
  const waiter: Waiter = {
    look: (message) => {
      // A fault in the caller's question is the caller's: the message is kept, and its sender hears 250.
      try {
        if (match(message)) resolve(message);
      } catch (error) {
        reject(error);
      }
    },
    fail: reject,
  };
  const timer = setTimeout(() => reject(new Error(`No such mail came within ${timeoutMs} ms.`)), timeoutMs);
  waiting.add(waiter);
  return promise.finally(() => {
    clearTimeout(timer);
    waiting.delete(waiter);
  });
}

function send(response: ServerResponse, { status, headers, body }: Page): void {
  response
    .writeHead(status, {
      ...headers,
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    })
    .end(body);
}

function listen(server: Server, port: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.once('error', reject).listen(port, '127.0.0.1', () => {
    const address = server.address();
    resolve(typeof address === 'object' && address ? address.port : port);
  });
  return promise;
}

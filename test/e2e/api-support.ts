import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { CosmosClient } from '@azure/cosmos';
import { Browser, csrfIn } from '../../local/browser.ts';
import { connectAs } from '../../local/database.ts';
import { type LaptopOptions, startLaptop } from '../../local/laptop.ts';
import type { StoredMessage } from '../../local/mail/index.ts';
import { applicationTokenFor, samplePerson, tokenFor } from '../../local/people.ts';
import type { ErrorCode } from '../../shared/domain/errors.ts';
import type { RecordedEvent } from '../../shared/domain/events.ts';
import type { RemedyKind } from '../../shared/domain/remedies.ts';
import type { State } from '../../shared/domain/states.ts';

/** What the API answers with, of all its routes together: a request, a list, or a problem. */
export interface Shown {
  readonly id: string;
  readonly state: State;
  readonly target: string;
  readonly role: string;
  readonly duration: string;
  readonly startsAt?: string;
  readonly submittedAt: string;
  readonly approveBy: string;
  readonly deadline?: string;
  readonly policyDigest: string;
  readonly failure?: ErrorCode;
  readonly requester: { readonly principalId: string };
  readonly decision?: {
    readonly outcome: string;
    readonly comment: string;
    readonly by: { readonly name: string };
    readonly rule?: string;
  };
  readonly endedEarly?: { readonly as: string; readonly reason: string };
  readonly calledOff?: { readonly as: string };
  readonly approvers: readonly { readonly userPrincipalName: string }[];
  readonly approvals: readonly { readonly by: { readonly name: string }; readonly through: string }[];
  readonly stage?: { readonly number: number; readonly of: number; readonly missing: number };
  readonly submittedBy?: { readonly name: string };
  readonly extends?: string;
  readonly movedTo?: string;
  readonly breakGlass?: true;
  readonly targetGone?: true;
  readonly stillBy?: readonly unknown[];
  readonly review?: unknown;
  readonly dryRun?: true;
  readonly plans?: readonly string[];
  readonly requests: readonly Shown[];
  readonly next?: string;
  readonly targets: readonly { readonly id: string; readonly roles: readonly { readonly id: string }[] }[];
  readonly events: readonly RecordedEvent[];
  readonly chain: unknown;
  readonly checks: Readonly<Record<string, 'works' | 'fails'>>;
  readonly status: unknown;
  readonly title: string;
  readonly code?: ErrorCode;
  readonly detail?: string;
  readonly path?: string;
  readonly remedy?: string;
  readonly remedyKind?: RemedyKind;
  readonly request?: Shown;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Of JSON; empty for anything else. */
  readonly body: Shown;
}

interface SignedIn {
  readonly browser: Browser;
  readonly csrf: string;
}

export const reader = { target: 'orders', role: 'reader', reason: 'Refund case 4711', duration: '1h' };
export type Ask = Partial<Record<keyof typeof reader | 'startsAt', string>>;

/** A laptop, and what its people do with it over the wires that everybody uses. */
export async function startApi(options: Omit<LaptopOptions, 'folder'> & { folder?: string } = {}) {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'curfew-api-'));
  const laptop = await startLaptop({ bundled: process.env.CURFEW_BUNDLE === '1', ...options, folder });
  const { ports } = laptop;
  const base = `http://localhost:${ports.api}/api`;
  const tokens = new Map<string, Promise<string>>();
  const addressees = new Map<string, string>();
  const signedIn = new Map<string, Promise<SignedIn>>();
  const cosmos = new CosmosClient({ endpoint: laptop.cosmos.url, key: laptop.cosmosKey });
  const database = cosmos.database('curfew');

  const tokenOf = (name: string, scope = 'api://curfew/.default') => {
    const key = `${name} ${scope}`;
    const token = tokens.get(key) ?? tokenFor(name, laptop.entra.authority, scope);
    tokens.set(key, token);
    return token;
  };

  /** An application's own token, by its display name. */
  const applicationTokenOf = (name: string) => {
    const token = tokens.get(name) ?? applicationTokenFor(name, laptop.entra.authority, 'api://curfew/.default');
    tokens.set(name, token);
    return token;
  };

  /** As a person by name, or as nobody where it is undefined. */
  const call = async (name: string | undefined, path: string, init: RequestInit = {}): Promise<Answer> => {
    const headers = new Headers(init.headers);
    if (name !== undefined && !headers.has('authorization')) {
      headers.set('authorization', `Bearer ${await tokenOf(name)}`);
    }
    return answerOf(await fetch(`${base}${path}`, { redirect: 'manual', ...init, headers }));
  };
  const post = (name: string | undefined, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    call(name, path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  /** As whoever the token is of. */
  const withToken = (token: string, method: string, path: string, body?: unknown, more: Record<string, string> = {}) =>
    call(undefined, path, {
      method,
      headers: { 'content-type': 'application/json', ...more, authorization: `Bearer ${token}` },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  const ask = (name: string, more: Ask = {}, headers: Record<string, string> = {}) =>
    post(name, '/requests', { ...reader, ...more }, headers);

  /** The request's id, once it is accepted. */
  const asked = async (name: string, more: Ask = {}): Promise<string> => {
    const { status, text, body } = await ask(name, more);
    if (status !== 202) throw new Error(`asking was answered ${status}: ${text}`);
    return body.id;
  };
  const mailTo = (name: string, id: string, isMeant: (message: StoredMessage) => boolean = () => true) =>
    laptop.mail.waitFor(
      (message) => message.to.includes(samplePerson(name).mail ?? '') && message.text.includes(id) && isMeant(message),
      10_000,
    );
  /** The approval link that was mailed to somebody about a request. */
  const linkOf = async (name: string, id: string): Promise<string> => {
    const { text } = await mailTo(name, id, (message) => message.text.includes('/approvals/'));
    const link = /http\S+\/approvals\/[\w-]{43}/.exec(text)?.[0] ?? '';
    addressees.set(link, name);
    return link;
  };
  /** A browser in which the person has signed in, on the way to a link of theirs, and the token for its forms. */
  const signInAs = (name: string, link: string): Promise<SignedIn> => {
    const browser = new Browser();
    const made =
      signedIn.get(name) ?? browser.openAs(name, link).then((page) => ({ browser, csrf: csrfIn(page) ?? '' }));
    signedIn.set(name, made);
    return made;
  };
  /** As the person whom the link was mailed to; as nobody where it wasn't mailed at all. */
  const browserFor = async (link: string): Promise<SignedIn> => {
    const [address = ''] = link.split('?');
    const name = addressees.get(address);
    return name === undefined ? { browser: new Browser(), csrf: '' } : signInAs(name, address);
  };
  const openLink = async (link: string) => answerIn(await (await browserFor(link)).browser.open(link));
  const decide = async (link: string, form: Record<string, string>, headers: Record<string, string> = {}) => {
    const { browser, csrf } = await browserFor(link);
    return answerIn(
      await browser.send(link, {
        method: 'POST',
        headers: { origin: new URL(link).origin, ...headers },
        body: new URLSearchParams({ csrf, ...form }),
      }),
    );
  };
  const approve = async (name: string, id: string) => decide(await linkOf(name, id), { decision: 'approve' });
  const shown = async (id: string, name = 'carla') => (await call(name, `/requests/${id}`)).body;
  const untilState = (id: string, ...states: State[]) =>
    until(
      () => shown(id),
      ({ state }) => states.includes(state),
    );

  return {
    ...laptop,
    folder,
    base,
    database,
    tokenOf,
    applicationTokenOf,
    call,
    post,
    withToken,
    ask,
    asked,
    mailTo,
    linkOf,
    signInAs,
    openLink,
    decide,
    approve,
    shown,
    untilState,
    /** Every document of a container, as somebody with the account's key reads it. */
    async documents(
      container: 'events' | 'requests' | 'links' | 'holds' | 'sessions' | 'reconciler',
    ): Promise<Record<string, unknown>[]> {
      const { resources } = await database.container(container).items.query('SELECT * FROM c').fetchAll();
      return resources as Record<string, unknown>[];
    },
    /** Every mail as it came over the wire. */
    rawMails(): { readonly to: readonly string[]; readonly raw: Buffer }[] {
      const store = new DatabaseSync(join(folder, 'mail.sqlite'), { readOnly: true });
      const rows = store.prepare('SELECT message, raw FROM messages').all() as { message: string; raw: Uint8Array }[];
      store.close();
      return rows.map(({ message, raw }) => ({ to: JSON.parse(message).to as string[], raw: Buffer.from(raw) }));
    },
    /** Reads an order as the person, and gives how it went: `rows`, or the number or code of the refusal. */
    async reads(name: string): Promise<string> {
      try {
        const pool = await connectAs(await tokenOf(name, 'https://database.windows.net/.default'), ports.sql);
        try {
          const { recordset } = await pool.request().query('SELECT TOP 1 * FROM orders');
          return recordset.length === 1 ? 'rows' : 'nothing';
        } finally {
          await pool.close();
        }
      } catch (error) {
        const { number, code } = error as { number?: number; code?: string };
        return String(number ?? code);
      }
    },
    /** Changes the directory behind everybody's back. */
    async control(method: 'PATCH' | 'PUT', path: string, body: object): Promise<void> {
      const { status } = await fetch(`${laptop.entra.url}/control/${path}`, {
        method,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      if (status !== 204) throw new Error(`the directory answered ${status}`);
    },
    async close(): Promise<void> {
      cosmos.dispose();
      await laptop.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
export type Api = Awaited<ReturnType<typeof startApi>>;

async function answerOf(response: Response): Promise<Answer> {
  return answerIn({ status: response.status, headers: response.headers, text: await response.text() });
}

function answerIn({ status, headers, text }: Omit<Answer, 'body'>): Answer {
  const isJson = /^application\/(problem\+)?json/.test(headers.get('content-type') ?? '');
  return { status, headers, text, body: (isJson ? JSON.parse(text) : {}) as Shown };
}

export const outcome = ({ status, body }: Answer) => [status, body.code];

export async function until<Found>(
  find: () => Promise<Found>,
  isEnough: (found: Found) => boolean,
  milliseconds = 15_000,
): Promise<Found> {
  for (const end = performance.now() + milliseconds; ; await sleep(25)) {
    const found = await find();
    if (isEnough(found)) return found;
    if (performance.now() > end) throw new Error(`after ${milliseconds} ms it was still ${JSON.stringify(found)}`);
  }
}

/** Bytes on the wire, for what no well-behaved client sends. Gives the answer's status and all of its text. */
export function sendRaw(port: number, head: readonly string[], body = ''): Promise<{ status: number; text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
  let text = '';
  const socket = connect(port, '127.0.0.1', () => {
    socket.write([...head, 'host: localhost', 'connection: close', '', body].join('\r\n'));
  });
  socket.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  socket.on('error', reject).on('close', () => resolve({ status: Number(text.slice(9, 12)), text }));
  return promise;
}

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Browser, csrfIn, formsOf, type Page } from '../../local/browser.ts';
import { certificateIn, trust } from '../../local/certificate.ts';
import { seededRandom } from '../../local/functions-host/durable/timers.ts';
import { samplePerson, tokenFor } from '../../local/people.ts';
import { until } from './api-support.ts';
import { Inbox } from './support/inbox.ts';
import { findPorts, type Report } from './support/laptop-child.ts';
import { until as untilThere } from './support/portal.ts';

/** A whole story in a process of its own, and then a search for its secrets in all that this process has written anywhere. */

const smtpPassword = 'marked-smtp-password-4f1d';
const folder = mkdtempSync(join(tmpdir(), 'curfew-leaks-'));
/** By name: what is found is reported by that and never by value. */
const secrets = new Map<string, string>();
const said: string[] = [];
const answers: string[] = [];
let child: ChildProcess;
let inboxDone: AbortController;

/** A wire to a stand-in that can be cut. */
function wire(to: number) {
  let isCut = false;
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    if (isCut) return socket.destroy();
    const further = connect(to, '127.0.0.1');
    for (const [one, other] of [
      [socket, further],
      [further, socket],
    ] as const) {
      sockets.add(one);
      one.pipe(other);
      one.on('error', () => other.destroy()).on('close', () => sockets.delete(one));
    }
    return undefined;
  }).listen(0, '127.0.0.1');
  return {
    server,
    port: () => (server.address() as { port: number }).port,
    cut(wanted: boolean) {
      isCut = wanted;
      if (wanted) for (const socket of sockets) socket.destroy();
    },
  };
}

let mailWire: ReturnType<typeof wire>;
let sqlWire: ReturnType<typeof wire>;

beforeAll(async () => {
  trust(await certificateIn(folder));
  const ports = await findPorts(seededRandom(Date.now()));
  [mailWire, sqlWire] = [wire(ports.smtp), wire(ports.sql)];
  await Promise.all([mailWire, sqlWire].map(({ server }) => once(server, 'listening')));
  const policyFile = join(folder, 'leaks.yaml');
  writeFileSync(
    policyFile,
    readFileSync('policy.sample.yaml', 'utf8').replaceAll(/port: \d+/g, `port: ${sqlWire.port()}`),
  );
  const settings = {
    CURFEW_POLICY_FILE: policyFile,
    CURFEW_SMTP_URL: `smtp://curfew:${smtpPassword}@127.0.0.1:${mailWire.port()}`,
  };
  child = fork(new URL('support/laptop-process.ts', import.meta.url), [JSON.stringify({ folder, ports, settings })], {
    execArgv: [],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text) => said.push(text));
  const [report] = (await once(child, 'message')) as [Report];
  await play(ports.api, ports.inbox, report);
  // So that all of it is on the disk and nothing is written any more.
  child.kill('SIGKILL');
  await once(child, 'exit');
}, 90_000);

afterAll(async () => {
  inboxDone.abort();
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  for (const { server, cut } of [mailWire, sqlWire]) {
    cut(true);
    server.close();
  }
  rmSync(folder, { recursive: true, force: true });
});

async function play(apiPort: number, inboxPort: number, { authority, settings }: Report): Promise<void> {
  const base = `http://localhost:${apiPort}/api`;
  const inbox = new Inbox(inboxPort);
  inboxDone = new AbortController();
  void inbox.watch(inboxDone.signal, ['ada', 'bob', 'carla']);
  const bearers = new Map<string, string>();
  for (const who of ['ada', 'bob', 'carla']) {
    const token = await tokenFor(who, authority, 'api://curfew/.default');
    bearers.set(who, token);
    secrets.set(`the access token of ${who}`, token.split('.')[2] ?? '');
  }
  secrets.set('the password for the mail server', smtpPassword);
  secrets.set('the same in base64', Buffer.from(`\0curfew\0${smtpPassword}`).toString('base64'));
  secrets.set('the client secret', settings.AZURE_CLIENT_SECRET ?? '');
  secrets.set('the key of the store', readFileSync(join(folder, 'cosmos.key'), 'utf8'));

  const call = async (
    who: string,
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ) => {
    const answer = await fetch(`${base}${path}`, {
      method,
      headers: { authorization: `Bearer ${bearers.get(who)}`, 'content-type': 'application/json', ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    answers.push(`${[...answer.headers].join('\n')}\n${text}`);
    return {
      status: answer.status,
      text,
      body: (text.startsWith('{') ? JSON.parse(text) : {}) as Record<string, unknown>,
    };
  };
  const ask = async (who: string, more: object = {}) => {
    const { status, body, text } = await call(who, 'POST', '/requests', {
      target: 'orders',
      role: 'reader',
      reason: 'Refund case 4711',
      duration: '1h',
      ...more,
    });
    if (status !== 202) throw new Error(`asking was answered ${status}: ${text}`);
    return String(body.id);
  };
  const untilState = (id: string, state: string) =>
    until(
      async () => (await call('carla', 'GET', `/requests/${id}`)).body.state,
      (found) => found === state,
    );
  const linkTo = async (id: string, who: string) => {
    const link = await untilThere(() => inbox.link(id, who), `mail to ${who} about ${id}`);
    secrets.set(`the link of ${who} to ${id}`, link.slice(-43));
    return link;
  };
  /** The sign-in, step by step, with everything that passes by. */
  const signIn = async (who: string, link: string, spoil: (flow: Record<string, unknown>) => void = () => {}) => {
    const browser = new Browser();
    const name = `of ${who}’s sign-in ${secrets.size}`;
    const page = await browser.open(link);
    const jar = browser.cookies.get(new URL(base).origin) ?? new Map<string, string>();
    const flow = JSON.parse(Buffer.from(jar.get('__Host-curfew-sign-in') ?? '', 'base64url').toString());
    for (const part of ['state', 'nonce', 'verifier']) secrets.set(`the ${part} ${name}`, flow[part]);
    spoil(flow);
    jar.set('__Host-curfew-sign-in', Buffer.from(JSON.stringify(flow)).toString('base64url'));
    secrets.set(`the cookie ${name}`, jar.get('__Host-curfew-sign-in') ?? '');
    const form = formsOf(page)[0];
    const back = await browser.send(form?.action ?? '', {
      method: 'POST',
      headers: { origin: page.url.origin },
      body: new URLSearchParams({ ...form?.fields, person: samplePerson(who).id }),
    });
    const callback = new URL(back.headers.get('location') ?? '');
    secrets.set(`the code ${name}`, callback.searchParams.get('code') ?? '');
    const finished = await browser.open(callback);
    const session = jar.get('__Host-curfew');
    if (session !== undefined) secrets.set(`the session ${name}`, session);
    const csrf = csrfIn(finished);
    if (csrf !== undefined) secrets.set(`the form’s token ${name}`, csrf);
    return { browser, page: finished, csrf: csrf ?? '' };
  };
  const pageOf = ({ text }: Page) => answers.push(text.replaceAll(/name="csrf" value="[^"]*"/g, ''));

  // Asked, signed in for, decided, extended, ended.
  const first = await ask('ada');
  const link = await linkTo(first, 'bob');
  // Its page offers the link once more, to the browser that brought it: the sign-in's own business, as its cookie is.
  await signIn('bob', link, (flow) => Object.assign(flow, { verifier: 'v'.repeat(43) }));
  const { browser, page, csrf } = await signIn('bob', link);
  pageOf(page);
  pageOf(await browser.submit(page, { decision: 'maybe', comment: csrf }));
  pageOf(await browser.submit(page, { decision: 'approve' }));
  await untilState(first, 'granted');
  const { body } = await call('ada', 'POST', `/requests/${first}/extension`, {
    duration: '30m',
    reason: 'Not done yet',
  });
  await linkTo(String(body.id), 'bob');
  await call('bob', 'POST', `/requests/${body.id}/decision`, { decision: 'approve' });
  await untilState(String(body.id), 'extended');

  // Refusals of what holds the secrets in the wrong places.
  const bearer = bearers.get('ada') ?? '';
  const session = browser.cookieFor(link).split('=')[1] ?? '';
  await call('ada', 'GET', '/requests', undefined, { authorization: `Bearer ${bearer}x` });
  await call('ada', 'GET', '/requests', undefined, { authorization: `Basic ${bearer}` });
  await call('ada', 'GET', '/requests', undefined, { cookie: `__Host-curfew=${session}; __Host-curfew=${session}` });
  await call('ada', 'GET', `/requests?after=${bearer.slice(-90)}&limit=x`);
  await call('ada', 'GET', `/requests?state=${session}`);
  await call('ada', 'GET', `/requests/${link.slice(-43)}`);
  for (const secret of [bearer, session, link]) {
    for (const body of [secret, `{"target":"${secret}`, { target: secret, role: secret, duration: secret }]) {
      await call('ada', 'POST', '/requests', body);
    }
    await call('ada', 'POST', '/requests', { target: 'orders', role: 'reader', reason: 'x', duration: secret });
    await call('ada', 'POST', '/requests', { target: 'orders' }, { 'idempotency-key': `${secret} ` });
    await call('ada', 'POST', `/requests/${first}/revoke?${secret.slice(-40)}=1`);
  }
  for (const cookie of [`__Host-curfew=${session}x`, `__Host-curfew-sign-in=${session}`]) {
    pageOf(
      await new Browser().send(`${base}/sign-in/callback?code=${session}&state=${session}`, { headers: { cookie } }),
    );
    pageOf(await new Browser().send(link.slice(0, -1), { headers: { cookie } }));
  }

  // A mail server that is down, then a database that is.
  mailWire.cut(true);
  const second = await ask('ada', { role: 'writer' });
  await untilThere(
    () => (said.join('').includes('CURFEW_MAIL_UNAVAILABLE') ? true : undefined),
    'word of the mail server',
  );
  mailWire.cut(false);
  sqlWire.cut(true);
  await call('ada', 'POST', `/requests/${first}/revoke`, { reason: 'Done' });
  await untilState(first, 'overdue');
  sqlWire.cut(false);
  await call('bob', 'POST', `/requests/${second}/decision`, { decision: 'deny', comment: 'Not now' });

  // A broken glass, and its review by a link.
  const broken = await ask('carla', { role: 'writer', breakGlass: true, reason: 'The shop is down' });
  await untilState(broken, 'granted');
  await call('carla', 'POST', `/requests/${broken}/revoke`);
  await untilState(broken, 'revoked');
  const reviewed = await signIn('bob', await linkTo(broken, 'bob'));
  pageOf(await reviewed.browser.submit(reviewed.page, { decision: 'reviewed', comment: 'Looked at it' }));
  await call('carla', 'GET', `/requests/${broken}/events`);
  await untilState(first, 'revoked');
  pageOf(
    await reviewed.browser.send(`${base}/sign-out`, {
      method: 'POST',
      body: new URLSearchParams({ csrf: 'x' }),
      headers: { origin: new URL(base).origin },
    }),
  );
}

/** Where what the process wrote is found, by name. */
function places(): [string, string][] {
  const files = (readdirSync(folder, { recursive: true }) as string[]).filter((name) =>
    /^(durable|cosmos)\.sqlite|^sql\//.test(name),
  );
  return [
    ['what the process said', said.join('')],
    ['its answers', answers.join('\n')],
    ...files.map((name): [string, string] => [name, readFileSync(join(folder, name), 'latin1')]),
  ];
}

const found = (isMeant: (text: string) => boolean) =>
  places()
    .filter(([, text]) => isMeant(text))
    .map(([place]) => place);

describe('after a whole story, with outages and refusals,', () => {
  test('no secret stands anywhere but in mails and the browser’s own cookies', () => {
    expect([...secrets].filter(([, secret]) => secret.length < 16).map(([name]) => name)).toEqual([]);
    const leaks = [...secrets].flatMap(([name, secret]) =>
      found((text) => text.includes(secret)).map((place) => `${name} is in ${place}`),
    );
    expect(leaks).toEqual([]);
  });

  test('no token of Curfew’s own does, nor what it says to databases', () => {
    expect(found((text) => /eyJ[\w-]{20,}\.eyJ/.test(text))).toEqual([]);
    const ofCurfew = ([place]: [string, string]) => !place.startsWith('sql/');
    expect(
      places()
        .filter(ofCurfew)
        .filter(([, text]) => /ALTER ROLE|CREATE USER|sp_addextendedproperty/.test(text))
        .map(([place]) => place),
    ).toEqual([]);
  });

  test('the search has looked where there was something to find', () => {
    const names = [...secrets.keys()].join('\n');
    for (const kind of ['access token', 'link of bob', 'state', 'nonce', 'verifier', 'code', 'session', 'form’s token'])
      expect(names).toContain(kind);
    expect(found((text) => text.includes('CURFEW_MAIL_UNAVAILABLE'))).toContain('what the process said');
    expect(found((text) => text.includes('CURFEW_TARGET_UNAVAILABLE')).length).toBeGreaterThan(0);
    expect(found((text) => text.includes('Refund case 4711'))).toEqual(
      expect.arrayContaining(['its answers', expect.stringMatching(/^durable/), expect.stringMatching(/^cosmos/)]),
    );
    expect(found((text) => text.includes('orders_reader')).some((place) => place.startsWith('sql/'))).toBe(true);
  });
});

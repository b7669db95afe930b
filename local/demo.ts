import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CosmosClient } from '@azure/cosmos';
import type { ConnectionPool } from 'mssql';
import { readEvent } from '../shared/adapters/cosmos/event-store.ts';
import { canonicalJson, type Json } from '../shared/domain/canonical-json.ts';
import type { CurfewEvent, RecordedEvent } from '../shared/domain/events.ts';
import { verifyChain } from '../shared/domain/hash-chain.ts';
import type { RequestId } from '../shared/domain/ids.ts';
import { Browser, isSignIn } from './browser.ts';
import { connectAs } from './database.ts';
import { type Laptop, startLaptop } from './laptop.ts';
import { samplePerson, tokenFor } from './people.ts';

/** Plays one real request from asking to expiry. Every line that begins with a tick was observed, over the same wires as anyone else's. */
const begun = performance.now();
const screen = new console.Console(process.stdout, process.stderr);
// What the service logs of each change would stand between the lines.
console.log = () => {};
const folder = mkdtempSync(join(tmpdir(), 'curfew-demo-'));
const laptop = await startLaptop({ folder, bundled: process.env.CURFEW_BUNDLE === '1' });
let step = 'starting';
let failed = false;
try {
  say(`Azure on a laptop is up after ${Math.round(performance.now() - begun)} ms.`);
  await play(laptop);
  say(`\nDone in ${((performance.now() - begun) / 1000).toFixed(1)} s.`);
} catch (error) {
  failed = true;
  console.error(`\n✗ ${step}: ${error instanceof Error ? error.message : String(error)}`);
} finally {
  await laptop.close();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);

async function play({ ports, entra, sql, mail, cosmosKey, cosmos }: Laptop): Promise<void> {
  const api = `http://localhost:${ports.api}/api`;
  const ada = samplePerson('ada');
  const bob = samplePerson('bob');
  const adasMail = ada.mail ?? ada.userPrincipalName;
  const bobsMail = bob.mail ?? bob.userPrincipalName;
  const portalToken = await tokenFor('ada', entra.authority, 'api://curfew/.default');
  const databaseToken = await tokenFor('ada', entra.authority, 'https://database.windows.net/.default');
  const connect = () => connectAs(databaseToken, ports.sql);
  const callApi = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`${api}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${portalToken}`, ...init.headers },
    });
    return { status: response.status, body: (await response.json()) as Record<string, string> };
  };

  chapter(`1. ${ada.displayName} asks for ten seconds as reader of orders`);
  step = 'before the grant the database refuses her';
  tick(`SELECT is refused: ${await refusal(connect)}`);
  step = 'the request is accepted';
  const asked = await callApi('/requests', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': 'demo' },
    body: JSON.stringify({ target: 'orders', role: 'reader', reason: 'Refund case 4711', duration: '10s' }),
  });
  const id = asked.body.id as RequestId;
  expect(asked.status === 202, `the API answered ${asked.status}`);
  tick(`202 Accepted: ${id}, ${asked.body.state}`);

  chapter(`2. ${bob.displayName} decides from his mail`);
  step = 'the mail arrives over SMTP';
  const message = await mail.waitFor(({ to }) => to.includes(bobsMail), 5_000);
  const link = /http\S+\/approvals\/[\w-]{43}/.exec(message.text)?.[0] ?? '';
  expect(link !== '', 'there is no link in the mail');
  tick(`“${message.subject}” to ${bobsMail}`);
  step = 'the inbox page has it';
  const inbox = await (await fetch(mail.url)).text();
  expect(inbox.includes(bobsMail), 'the inbox page does not show the mail');
  tick(`it is in the inbox at ${mail.url}`);
  step = 'the link asks him to sign in';
  const browser = new Browser();
  const signIn = await browser.open(link);
  expect(isSignIn(signIn), `the link answered ${signIn.status}`);
  tick(`the link opened, and asked him to sign in at ${signIn.url.origin}`);
  step = 'opening the link changes nothing';
  const page = await browser.choose('bob', signIn);
  expect(page.status === 200 && page.text.includes('name="decision"'), 'the page has no form');
  const still = await callApi(`/requests/${id}`);
  expect(still.body.state === 'waiting-for-approval', `the request is ${still.body.state}`);
  tick('he signed in and read it, and the request still waits');
  step = "the decision is posted from the page's own form";
  const decided = await browser.submit(page, { decision: 'approve', comment: 'Refunds are yours this week' });
  expect(decided.status === 200, `the page answered ${decided.status}`);
  const granted = await callApi(`/requests/${id}`);
  expect(granted.body.state === 'granted', `the request is ${granted.body.state}`);
  const deadline = Date.parse(granted.body.deadline ?? '');
  tick(`approved, and granted until ${granted.body.deadline}`);

  chapter('3. She reads, with the ordinary driver');
  step = 'SELECT returns rows';
  const pool = await connect();
  const { recordset } = await pool.request().query('SELECT TOP 3 * FROM orders');
  expect(recordset.length === 3, `${recordset.length} rows`);
  screen.table(recordset);
  tick('SELECT returned rows, and her session stays open');

  chapter('4. The deadline');
  step = 'the access ends at the deadline';
  await sleep(Math.max(0, deadline - Date.now() - 400));
  await pool.request().query('SELECT TOP 1 * FROM orders');
  tick(`${deadline - Date.now()} ms before the deadline she still reads`);
  const ended = await until(
    async () => (await callApi(`/requests/${id}`)).body,
    ({ state }) => state === 'expired',
    10_000,
  );
  const drop = sql
    .audit('orders')
    .find(({ action: what, succeeded }) => what === 'ALTER ROLE DROP MEMBER' && succeeded);
  expect(drop !== undefined && drop.at >= deadline, 'the database saw no drop, or one before the deadline');
  tick(
    `the role is gone: the drop took effect in the database ${((drop?.at ?? 0) - deadline).toFixed(1)} ms after the deadline`,
  );
  tick(`and Curfew’s own event says ${ended.latenessMilliseconds} ms`);
  step = 'she is told that it has ended';
  const told = await mail.waitFor(
    ({ to, subject }) => to.includes(adasMail) && subject.startsWith('reader on orders: '),
    5_000,
  );
  tick(`“${told.subject}” to ${adasMail}`);
  step = 'her open session is ended';
  expect(await isDead(pool), 'the session still answers');
  tick('her open session is ended');
  step = 'after the deadline the database refuses her';
  tick(`SELECT is refused: ${await refusal(connect)}`);

  chapter('5. What can be proved');
  step = 'the events are read back and their chain holds';
  const client = new CosmosClient({ endpoint: cosmos.url, key: cosmosKey });
  const { resources } = await client
    .database('curfew')
    .container('events')
    .items.query('SELECT * FROM c ORDER BY c.sequence', { partitionKey: id })
    .fetchAll();
  client.dispose();
  const events = resources.map(readEvent);
  for (const event of events) say(`  ${timeline(event)}`);
  expect(events.length === 6, `${events.length} events`);
  const broken = verifyChain(id, events);
  expect(broken === undefined, `the chain breaks at ${broken?.sequence}`);
  tick(`the chain of ${events.length} hashes holds, up to ${events.at(-1)?.hash.slice(0, 16)}…`);
  const forged = events.map(
    (each) =>
      JSON.parse(
        canonicalJson(each as unknown as Json).replace('Refund case 4711', 'Refund case 4712'),
      ) as RecordedEvent,
  );
  expect(verifyChain(id, forged)?.sequence === 0, 'a forged reason was not noticed');
  tick('and one changed character in the reason is noticed');
}

/** Who, what, when, why. */
function timeline({ event }: RecordedEvent): string {
  const when = event.at.slice(11, 23);
  switch (event.type) {
    case 'access-requested':
      return `${when}  ${event.requester.name} asked for ${event.terms.roleId} on ${event.terms.targetId}: “${event.reason}”`;
    case 'access-approved':
      return `${when}  ${event.by.name} approved: “${event.comment}”`;
    case 'grant-intended':
      return `${when}  Curfew set out to grant until ${event.deadline.slice(11, 23)}`;
    case 'access-granted':
      return `${when}  The database showed the role: ${event.evidence.map(({ outcome }) => outcome).join(', ')}`;
    case 'revocation-began':
      return `${when}  Taking away began, because of the ${event.cause.kind}`;
    case 'access-revoked': {
      const sessions = event.evidence.reduce((sum, { sessionsEnded }) => sum + sessionsEnded, 0);
      return `${when}  The database no longer showed it; sessions ended: ${sessions}; ${event.lateness} ms late`;
    }
    default:
      return `${when}  ${(event satisfies CurfewEvent).type}`;
  }
}

/** How the database refuses: with a number on SELECT, or already at the login. */
async function refusal(connect: () => Promise<ConnectionPool>): Promise<string> {
  try {
    const pool = await connect();
    try {
      await pool.request().query('SELECT TOP 1 * FROM orders');
    } finally {
      await pool.close();
    }
  } catch (error) {
    const { number, code } = error as { number?: number; code?: string };
    if (number === 229) return 'error 229, permission denied';
    if (code === 'ELOGIN') return 'login failed';
    throw error;
  }
  throw new Error('the database let her in');
}

/** Cut off, and not merely refused on a session that lives on: an error of the connection, or of the login that the pool then tries. */
async function isDead(pool: ConnectionPool): Promise<boolean> {
  try {
    await pool.request().query('SELECT TOP 1 * FROM orders');
    return false;
  } catch (error) {
    const { code = '' } = error as { code?: string };
    return ['ECONNCLOSED', 'ECONNRESET', 'ESOCKET', 'ELOGIN'].includes(code);
  } finally {
    await pool.close();
  }
}

async function until<Answer>(
  ask: () => Promise<Answer>,
  isEnough: (answer: Answer) => boolean,
  milliseconds: number,
): Promise<Answer> {
  for (const end = performance.now() + milliseconds; ; await sleep(20)) {
    const answer = await ask();
    if (isEnough(answer)) return answer;
    if (performance.now() > end) throw new Error(`it did not come about within ${milliseconds} ms`);
  }
}

function expect(isSo: boolean, otherwise: string): asserts isSo {
  if (!isSo) throw new Error(otherwise);
}

function chapter(title: string): void {
  say(`\n${title}`);
}

function tick(what: string): void {
  say(`  ✓ ${what}`);
}

function say(line: string): void {
  screen.log(line);
}

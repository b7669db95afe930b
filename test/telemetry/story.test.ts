import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { routes } from '../../functions/routes.ts';
import { connectAs } from '../../local/database.ts';
import { samplePerson } from '../../local/people.ts';
import { guidToBytes } from '../../local/sql-server/index.ts';
import { activityNames } from '../../orchestrations/contract.ts';
import { type Api, startApi, until } from '../e2e/api-support.ts';
import { type ReceivedSpan, type Receiver, startReceiver } from './receiver.ts';

/** A whole story, with a collector beside it that keeps what it was sent. */

const reason = 'Marked reason 4711';
const comment = 'Marked comment 0815';
const tokens: string[] = [];
const said: string[] = [];
let receiver: Receiver;
let api: Api;
let id: string;
let spans: ReceivedSpan[];

const named = (...names: string[]) => spans.filter(({ name }) => names.includes(name));
/** Those of the story, from the call that submitted it on. */
const ofStory = () => {
  const [submitted] = named('POST /api/requests').filter(({ attributes }) => attributes['curfew.request_id'] === id);
  return spans.filter(({ traceId }) => traceId === submitted?.traceId);
};

beforeAll(async () => {
  const [out, error] = [console.log, console.error];
  console.log = (line: unknown) => void said.push(String(line));
  console.error = (line: unknown) => void said.push(String(line));
  receiver = await startReceiver();
  api = await startApi({
    settings: {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_METRIC_EXPORT_INTERVAL: '500',
      OTEL_METRIC_EXPORT_TIMEOUT: '500',
      OTEL_BSP_SCHEDULE_DELAY: '100',
    },
  });
  // Long enough for its hold to be there when it is claimed.
  id = await api.asked('ada', { duration: '7s', reason });
  const link = await api.linkOf('bob', id);
  tokens.push(link.slice(-43), await api.tokenOf('ada'), await api.tokenOf('bob'));
  await api.openLink(link);
  await api.decide(link, { decision: 'approve', comment });
  await api.untilState(id, 'expired');
  await api.openLink(`${link.slice(0, -43)}${'x'.repeat(43)}`);
  const glass = { target: 'orders', role: 'writer', reason, duration: '1h', breakGlass: true };
  const broken = (await api.post('carla', '/requests', glass)).body.id;
  await api.untilState(broken, 'granted');
  await api.post('carla', `/requests/${broken}/revoke`, { reason: comment });
  await grantByHand('fionn');
  await api.host?.runTimer('reconcile');
  await until(
    async () => receiver.metricNames(),
    (names) => names.has('curfew.drift') && names.has('curfew.reconciler.age'),
  );
  await until(
    async () => receiver.spans(),
    (received) =>
      received.some(({ name }) => name === 'reconcile') &&
      // A claim outlasts the deadline by seconds.
      received.some((span) => span.name === activityNames.revoke && span.attributes['curfew.request_id'] === id),
  );
  await api.host?.close();
  spans = receiver.spans();
  [console.log, console.error] = [out, error];
}, 60_000);

afterAll(async () => {
  await api.close().catch(() => undefined);
  await receiver.close();
});

/** What the reconciler calls drift. */
async function grantByHand(name: string): Promise<void> {
  const pool = await connectAs(await api.tokenOf('carla', 'https://database.windows.net/.default'), api.ports.sql);
  const sid = Buffer.from(guidToBytes(samplePerson(name).id)).toString('hex');
  await pool.request().batch(`CREATE USER [${name}] WITH SID = 0x${sid}, TYPE = E`);
  await pool.request().batch(`ALTER ROLE [orders_writer] ADD MEMBER [${name}]`);
  await pool.close();
}

describe('one trace', () => {
  test('goes from the call through the activities to SQL and Cosmos DB, to the end of the access', () => {
    const names = new Set(ofStory().map(({ name }) => name));
    const { grant, revoke, deliver } = activityNames;
    for (const name of [deliver, grant, revoke]) expect(names).toContain(name);
    for (const name of ['create events', 'read requests', 'replace requests', 'create links', 'create holds']) {
      expect(names).toContain(name);
    }
    for (const name of ['createUser orders', 'addMember orders', 'dropMembers orders']) expect(names).toContain(name);
  });
  test('hangs together: every span but the first has its parent in it', () => {
    const story = ofStory();
    const known = new Set(story.map(({ spanId }) => spanId));
    const first = story.filter(({ parentSpanId }) => !known.has(parentSpanId ?? ''));
    expect(first.map(({ name, parentSpanId }) => [name, parentSpanId])).toEqual([['POST /api/requests', undefined]]);
  });
  test('is another for whoever opens the link and decides, and the request’s id leads from one to the other', () => {
    const [decided] = named('POST /api/approvals/{token}');
    expect(decided?.attributes['curfew.request_id']).toBe(id);
    expect(decided?.traceId).not.toBe(ofStory()[0]?.traceId);
  });
});

test('a trace begins with a call or with a timer, and with nothing else', () => {
  const first = spans.filter(({ parentSpanId }) => !parentSpanId);
  expect(first.filter(({ name, kind }) => kind !== 2 && !['reconcile', 'armUpcoming'].includes(name))).toEqual([]);
});

describe('a span', () => {
  test('of a call has its route and its answer, and nothing else', () => {
    const calls = spans.filter(({ kind }) => kind === 2);
    const paths = routes.map(({ path }) => `/api/${path}`);
    for (const { name, attributes } of calls) {
      expect(paths).toContain(attributes['http.route']);
      expect(name).toBe(`${attributes['http.request.method']} ${attributes['http.route']}`);
      const { 'curfew.request_id': requestId = id, ...rest } = attributes;
      expect(requestId).toMatch(/^[\w-]+$/);
      expect(new Set(Object.keys(rest))).toEqual(
        new Set(['http.request.method', 'http.route', 'http.response.status_code']),
      );
    }
    expect(calls.map(({ attributes }) => attributes['http.response.status_code'])).toEqual(
      expect.arrayContaining([200, 202, 404]),
    );
  });
  test('of an activity has the request’s id', () => {
    const activities = named(...Object.values(activityNames));
    expect(activities.length).toBeGreaterThan(4);
    for (const { attributes } of activities) expect(attributes['curfew.request_id']).toMatch(/^[\w-]{10,}$/);
  });
  test('of a statement has the database and what is done there; of a call to Cosmos DB also its charge', () => {
    const ofSystem = (system: string) => spans.filter(({ attributes }) => attributes['db.system'] === system);
    expect(ofSystem('mssql').length).toBeGreaterThan(5);
    for (const { name, kind, attributes } of ofSystem('mssql')) {
      expect([kind, attributes['db.namespace']]).toEqual([3, 'orders']);
      expect(name).toBe(`${attributes['db.operation.name']} orders`);
    }
    const created = named('create events');
    expect(created.length).toBeGreaterThan(3);
    for (const { attributes } of created) {
      expect(attributes).toMatchObject({ 'db.namespace': 'curfew', 'db.collection.name': 'events' });
      expect(attributes['azure.cosmosdb.operation.request_charge']).toBeGreaterThan(0);
    }
  });
});

describe('the metrics', () => {
  test('count each state once', () => {
    const counted = receiver.points('curfew.requests').map(({ state, value }) => [state, value]);
    // It may have lasted for so short that it was never written by itself.
    const states = counted.filter(([state]) => state !== 'revoking');
    expect(new Map(states as [string, number][])).toEqual(
      new Map([
        ['expired', 1],
        ['granted', 2],
        ['granting', 2],
        ['revoked', 1],
        ['waiting-for-approval', 2],
      ]),
    );
  });
  test('say how long the decision took, how late the revocation came, and what needs somebody’s eyes', () => {
    expect(receiver.points('curfew.decision.duration')).toMatchObject([
      { value: 1, outcome: 'approved', by: 'person' },
    ]);
    const [lateness] = receiver.points('curfew.revocation.lateness');
    expect(lateness).toMatchObject({ value: 1, target: 'orders' });
    expect(lateness?.sum).toBeLessThan(2);
    expect(receiver.points('curfew.break_glass')).toMatchObject([{ value: 1, target: 'orders' }]);
    expect(receiver.points('curfew.drift')).toMatchObject([{ value: 1, target: 'orders' }]);
    expect(receiver.points('curfew.revocations.overdue')).toEqual([{ value: 0 }]);
    expect(receiver.points('curfew.reconciler.age')[0]?.value).toBeLessThan(60);
    expect(receiver.points('curfew.requests.stalled')[0]?.value).toBeLessThan(60);
    const { deliver, grant, revoke } = activityNames;
    const delays = new Map(receiver.points('curfew.hub.delay').map(({ activity, sum }) => [activity, sum]));
    for (const name of [deliver, grant, revoke]) expect(delays.get(name)).toBeLessThan(60);
  });
});

test('nothing that was sent names a person, says why, quotes SQL or holds a token', () => {
  const everything = receiver.everything();
  expect(receiver.paths()).toEqual(new Set(['/v1/traces', '/v1/metrics']));
  const people = ['ada', 'bob', 'carla', 'fionn'].map(samplePerson);
  const names = people.flatMap(({ displayName, mail, userPrincipalName, id: principal }) => [
    displayName,
    mail ?? userPrincipalName,
    userPrincipalName,
    principal,
  ]);
  for (const secret of [...tokens, ...tokens.map((token) => token.slice(-40)), ...names, reason, comment]) {
    expect(everything).not.toContain(secret);
  }
  expect(everything).not.toMatch(/@contoso|eyJ|\b(?:SELECT|ALTER|EXEC|KILL)\b|CREATE USER|orders_(?:reader|writer)/);
  expect(everything).not.toMatch(/process\.|host\.name|"url\./);
});

test('lines of the log are objects, and name the trace in which they were written', () => {
  const lines = said.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.every(({ at, level, message }) => [at, level, message].every((part) => typeof part === 'string'))).toBe(
    true,
  );
  const found = lines.find(({ message }) => message === 'Somebody holds what Curfew never granted');
  const [looked] = named('reconcile').filter(({ traceId }) => traceId === found?.traceId);
  expect(looked).toBeDefined();
});

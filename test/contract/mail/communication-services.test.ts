import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { certificateIn, trust } from '../../../local/certificate.ts';
import { createCommunicationServicesNotifier } from '../../../shared/adapters/mail/communication-services.ts';
import type { CurfewError } from '../../../shared/domain/errors.ts';
import type { Clock, MailMessage } from '../../../shared/ports.ts';
import { start } from '../../support/samples.ts';

/** A stand-in for the part of https://learn.microsoft.com/rest/api/communication/email that sends, and says what became of it. */

interface Answer {
  readonly status: number;
  readonly body?: object;
  readonly headers?: Record<string, string>;
}
const taken: Answer = { status: 202, body: { id: 'op-1', status: 'NotStarted' }, headers: { 'retry-after': '60' } };
const became = (status: string, code?: string): Answer => ({
  status: 200,
  body: { id: 'op-1', status, ...(code && { error: { code, message: `about ${message.to}` } }) },
  headers: { 'retry-after': '60' },
});
const refusal = (status: number, code: string, headers = {}): Answer => ({
  status,
  body: { error: { code, message: `about ${message.to}` } },
  headers: { 'x-ms-error-code': code, ...headers },
});

const message: MailMessage = {
  to: 'bob@contoso.example',
  subject: '=?utf-8?q?=0D=0A?= asks',
  text: 'Decide at https://curfew.example/api/approvals/token',
  html: '<a href="https://curfew.example/api/approvals/token">Decide</a>',
};
const slept: string[] = [];
const clock: Clock = { now: () => start, sleepUntil: async (until) => void slept.push(until) };
const credential = { getToken: async () => ({ token: 'of-curfew', expiresOnTimestamp: Date.now() + 3_600_000 }) };

let folder: string;
let server: Server;
let url: string;
let answers: Answer[];
let calls: { readonly method: string; readonly path: string; readonly bearer: string; readonly body: unknown }[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'curfew-mail-'));
  const certificate = await certificateIn(folder);
  trust(certificate);
  server = createServer(certificate, async (request, response) => {
    const { method = '', url: path = '', headers } = request;
    const body = method === 'POST' ? await json(request) : undefined;
    calls.push({ method, path, bearer: headers.authorization ?? '', body });
    const answer = answers.shift();
    if (!answer) return;
    response.writeHead(answer.status, {
      'content-type': 'application/json',
      'operation-location': `${url}/emails/operations/op-1?api-version=2025-09-01`,
      ...answer.headers,
    });
    response.end(JSON.stringify(answer.body ?? {}));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `https://localhost:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  calls = [];
  slept.length = 0;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

/** What comes of a mail when the service answers like this, call by call: nothing more where it was sent. */
async function sent(given: Answer[], endpoint = url): Promise<CurfewError | undefined> {
  answers = [...given];
  const notifier = createCommunicationServicesNotifier({
    endpoint,
    from: 'Curfew <curfew@contoso.example>',
    credential,
    clock,
  });
  return notifier.send(message).then(
    () => undefined,
    (error: CurfewError) => error,
  );
}

test('a mail is handed over once, as Curfew, in both forms, and is not tracked', async () => {
  expect(await sent([taken, became('Running'), became('Succeeded')])).toBeUndefined();
  expect(calls.map(({ method, path }) => `${method} ${path}`)).toEqual([
    'POST /emails:send?api-version=2025-09-01',
    'GET /emails/operations/op-1?api-version=2025-09-01',
    'GET /emails/operations/op-1?api-version=2025-09-01',
  ]);
  expect(new Set(calls.map(({ bearer }) => bearer))).toEqual(new Set(['Bearer of-curfew']));
  expect(calls[0]?.body).toEqual({
    senderAddress: 'curfew@contoso.example',
    recipients: { to: [{ address: 'bob@contoso.example' }] },
    content: { subject: '= ?utf-8?q?=0D=0A?= asks', plainText: message.text, html: message.html },
    userEngagementTrackingDisabled: true,
  });
});

test('one that was sent when it was asked about is not asked about again', async () => {
  expect(await sent([taken, became('Succeeded')])).toBeUndefined();
  expect([calls.length, slept]).toEqual([2, []]);
});

test.each([
  ['is still under way', [taken, became('Running'), became('Running')]],
  ['can’t be asked about', [taken, refusal(500, 'InternalServerError')]],
  ['was asked about too often', [taken, became('Running'), refusal(429, 'TooManyRequests', { 'retry-after': '9' })]],
])('one that was taken and %s counts as sent: another try would be another mail', async (_, given) => {
  expect(await sent(given)).toBeUndefined();
  expect(calls.filter(({ method }) => method === 'POST')).toHaveLength(1);
});

test.each([
  ['by its form', [refusal(400, 'InvalidEmailAddress')]],
  ['at once', [taken, became('Failed', 'EmailDroppedAllRecipientsSuppressed')]],
  ['a little later', [taken, became('Running'), became('Failed', 'EmailDroppedAllRecipientsSuppressed')]],
])('an address that is refused %s is not tried again', async (_, given) => {
  expect((await sent(given))?.code).toBe('CURFEW_MAIL_REFUSED');
});

test.each([
  ['nobody it knows', [refusal(401, 'Denied')]],
  ['a domain that isn’t linked', [refusal(404, 'DomainNotLinked')]],
  ['an unknown sender', [refusal(400, 'InvalidSenderUserName')]],
  ['trouble of its own', [refusal(500, 'InternalServerError')]],
  ['no JSON', [{ status: 502, headers: { 'content-type': 'text/html' } }]],
  ['a mail that it dropped', [taken, became('Running'), became('Failed', 'EmailDropped')]],
  ['a mail that was called off', [taken, became('Canceled')]],
])('what time or an engineer can put right is tried again: %s', async (_, given) => {
  expect(await sent(given)).toMatchObject({ code: 'CURFEW_MAIL_UNAVAILABLE', refusal: { retryAfter: undefined } });
});

test.each([429, 503])('a busy service (%i) is left alone for as long as it asks, by whoever sends', async (status) => {
  const error = await sent([refusal(status, 'TooManyRequests', { 'retry-after': '120' })]);
  expect(error).toMatchObject({ code: 'CURFEW_MAIL_UNAVAILABLE', refusal: { retryAfter: 120 } });
  expect(calls).toHaveLength(1);
});

test('a service that is silent is given up on, and so is one that is not there', async () => {
  const limit = vi.spyOn(AbortSignal, 'timeout').mockReturnValueOnce(AbortSignal.timeout(50));
  expect((await sent([]))?.code).toBe('CURFEW_MAIL_UNAVAILABLE');
  expect(limit).toHaveBeenCalledWith(5_000);
  limit.mockRestore();
  expect((await sent([], 'https://localhost:1'))?.code).toBe('CURFEW_MAIL_UNAVAILABLE');
});

test('no error holds the token, the address or the link', async () => {
  for (const given of [[refusal(401, 'Denied')], [taken, became('Failed', 'EmailDropped')]]) {
    const error = await sent(given);
    expect(inspect(error, { depth: 20 })).not.toMatch(/of-curfew|bob@|approvals/);
  }
});

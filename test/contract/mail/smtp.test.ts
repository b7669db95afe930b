import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createTransport, type SendMailOptions } from 'nodemailer';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Mail, type MailOptions, startMail } from '../../../local/mail/index.ts';

let folder: string;
let mail: Mail | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'curfew-mail-'));
});
afterEach(async () => {
  await mail?.close();
  mail = undefined;
  rmSync(folder, { recursive: true });
});

async function start(options: Partial<MailOptions> = {}): Promise<Mail> {
  mail = await startMail({ smtpPort: 0, httpPort: 0, path: join(folder, 'mail.sqlite'), ...options });
  return mail;
}

async function freePort(): Promise<number> {
  const other = await startMail({ smtpPort: 0, httpPort: 0, path: ':memory:' });
  await other.close();
  return other.smtpPort;
}

async function deliver(port: number, message: SendMailOptions = {}, auth?: { user: string; pass: string }) {
  const transport = createTransport({ host: '127.0.0.1', port, ...(auth ? { auth } : {}) });
  try {
    return await transport.sendMail({
      from: 'Curfew <curfew@contoso.example>',
      to: 'bob@contoso.example',
      subject: 'Ada asks for access',
      text: 'Decide at https://curfew.example/a/abc.',
      html: '<p>Decide <a href="https://curfew.example/a/abc">here</a></p>',
      ...message,
    });
  } finally {
    transport.close();
  }
}

describe('SMTP', () => {
  it('keeps the text, the HTML, the headers, the links and the envelope', async () => {
    const { smtpPort, messages } = await start({ now: () => Date.UTC(2026, 0, 2, 3, 4, 5, 6) });
    await deliver(smtpPort, { bcc: 'carla@contoso.example', headers: { 'X-Curfew-Request': 'r-1' } });
    const [kept] = await messages();
    expect(kept).toMatchObject({
      id: '1',
      receivedAt: '2026-01-02T03:04:05.006Z',
      from: 'curfew@contoso.example',
      to: ['bob@contoso.example', 'carla@contoso.example'],
      subject: 'Ada asks for access',
      html: expect.stringContaining('<a href="https://curfew.example/a/abc">here</a>'),
      links: ['https://curfew.example/a/abc'],
      attachments: [],
    });
    expect(kept?.text).toContain('Decide at https://curfew.example/a/abc.');
    expect(kept?.headers).toContainEqual({ name: 'X-Curfew-Request', value: 'r-1' });
  });

  it('finds messages by a recipient in any case, newest first', async () => {
    const { smtpPort, messages } = await start();
    await deliver(smtpPort, { subject: 'one' });
    await deliver(smtpPort, { subject: 'two', to: 'eve@partner.example' });
    await deliver(smtpPort, { subject: 'three', to: 'Bob@Contoso.Example' });
    expect((await messages('BOB@contoso.example')).map(({ subject }) => subject)).toEqual(['three', 'one']);
    expect(await messages('ob@contoso.example')).toEqual([]);
  });

  it('takes any user name and password', async () => {
    const { smtpPort, messages } = await start();
    await deliver(smtpPort, {}, { user: 'anybody', pass: 'anything' });
    expect(await messages()).toHaveLength(1);
  });

  it('names attachments and leaves them in the raw message', async () => {
    const { smtpPort, messages } = await start();
    await deliver(smtpPort, { attachments: [{ filename: 'a.txt', content: 'hello', contentType: 'text/plain' }] });
    expect((await messages())[0]?.attachments).toEqual([{ filename: 'a.txt', mimeType: 'text/plain', bytes: 5 }]);
  });

  it('adds no recipient and no header for a subject that looks like one', async () => {
    const { smtpPort, messages } = await start();
    await deliver(smtpPort, { subject: 'Access\r\nBcc: eve@partner.example\r\n\r\nboo' });
    const [kept] = await messages();
    expect(kept?.to).toEqual(['bob@contoso.example']);
    expect(kept?.headers.map(({ name }) => name.toLowerCase())).not.toContain('bcc');
    expect(kept?.subject).toContain('Bcc: eve@partner.example');
  });

  it('refuses a message that is too large and keeps nothing of it', async () => {
    const { smtpPort, messages } = await start({ maxBytes: 10_000 });
    await expect(deliver(smtpPort, { text: 'a line of text\n'.repeat(1000) })).rejects.toMatchObject({
      responseCode: 552,
    });
    expect(await messages()).toEqual([]);
  });

  it.each([451, 550])('refuses with %i where it is told to, and keeps nothing', async (code) => {
    const refuse: MailOptions['refuse'] = ({ to }) => (to.includes('bob@contoso.example') ? code : undefined);
    const { smtpPort, messages } = await start({ refuse });
    await expect(deliver(smtpPort)).rejects.toMatchObject({ responseCode: code });
    await deliver(smtpPort, { to: 'eve@partner.example' });
    expect((await messages()).map(({ to }) => to)).toEqual([['eve@partner.example']]);
  });

  it('answers someone who waits for a message when it comes, or at once when it is here', async () => {
    const { smtpPort, waitFor } = await start();
    const coming = waitFor(({ subject }) => subject === 'awaited');
    await deliver(smtpPort, { subject: 'other' });
    await deliver(smtpPort, { subject: 'awaited' });
    expect((await coming).id).toBe('2');
    expect((await waitFor(({ subject }) => subject === 'other', 0)).id).toBe('1');
  });

  it('rejects when no such message comes in time', async () => {
    await expect((await start()).waitFor(() => true, 1)).rejects.toThrow();
  });

  it('keeps a message whose waiting reader fails over it', async () => {
    const { smtpPort, waitFor, messages } = await start();
    const waiting = waitFor(() => {
      throw new TypeError('a faulty question');
    });
    const [outcome] = await Promise.allSettled([waiting, deliver(smtpPort)]);
    expect(outcome.status).toBe('rejected');
    expect(await messages()).toHaveLength(1);
  });

  it('holds on to nothing when one of its ports is taken', async () => {
    const taken = Number(new URL((await start()).url).port);
    const smtpPort = await freePort();
    const second = () => startMail({ smtpPort, httpPort: taken, path: join(folder, 'second.sqlite') });
    await expect(second()).rejects.toMatchObject({ code: 'EADDRINUSE' });
    const third = await startMail({ smtpPort, httpPort: 0, path: join(folder, 'second.sqlite') });
    await third.close();
  });

  it('still has its mail after a restart', async () => {
    const first = await start();
    await deliver(first.smtpPort);
    await first.close();
    const second = await start();
    expect((await second.messages()).map(({ subject }) => subject)).toEqual(['Ada asks for access']);
    await deliver(second.smtpPort);
    expect((await second.messages()).map(({ id }) => id)).toEqual(['2', '1']);
  });

  it('loses nothing that it answered 250 to when it is killed', async () => {
    const path = join(folder, 'mail.sqlite');
    const script = new URL('./mail-process.ts', import.meta.url).pathname;
    const child = spawn(process.execPath, [script, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    const exit = once(child, 'exit');
    const [port] = await once(createInterface(child.stdout), 'line');
    const accepted = await Promise.all(['a', 'b', 'c'].map((subject) => deliver(Number(port), { subject })));
    child.kill('SIGKILL');
    await exit;
    expect(accepted.map(({ response }) => response.slice(0, 3))).toEqual(['250', '250', '250']);
    const { messages } = await start();
    expect(new Set((await messages()).map(({ subject }) => subject))).toEqual(new Set(['a', 'b', 'c']));
  });
});

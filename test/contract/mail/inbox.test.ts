import { request } from 'node:http';
import { createTransport, type SendMailOptions } from 'nodemailer';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Mail, startMail } from '../../../local/mail/index.ts';

let mail: Mail;

beforeEach(async () => {
  mail = await startMail({ smtpPort: 0, httpPort: 0, path: ':memory:' });
});
afterEach(() => mail.close());

async function deliver(...messages: SendMailOptions[]): Promise<void> {
  const transport = createTransport({ host: '127.0.0.1', port: mail.smtpPort, pool: true, maxConnections: 1 });
  for (const message of messages)
    await transport.sendMail({ from: 'curfew@contoso.example', to: 'bob@contoso.example', ...message });
  transport.close();
}

async function get(path: string): Promise<{ status: number; policy: string; text: string }> {
  const response = await fetch(mail.url + path);
  const policy = response.headers.get('content-security-policy') ?? '';
  return { status: response.status, policy, text: await response.text() };
}

const getJson = async (path: string): Promise<unknown> => JSON.parse((await get(path)).text);

describe('the inbox page', () => {
  it('lists messages newest first, of everybody or of one recipient', async () => {
    await deliver({ subject: 'first' }, { subject: 'second', to: 'eve@partner.example' }, { subject: 'third' });
    const subjects = (text: string) => [...text.matchAll(/messages\/\d+">([^<]+)</g)].map(([, subject]) => subject);
    expect(subjects((await get('/')).text)).toEqual(['third', 'second', 'first']);
    expect(subjects((await get('/?to=bob%40contoso.example')).text)).toEqual(['third', 'first']);
  });

  it('offers older mail beyond fifty', async () => {
    await deliver(...Array.from({ length: 51 }, (_, at) => ({ subject: `mail ${at}` })));
    const { text } = await get('/?to=bob%40contoso.example');
    expect(text.match(/<li>/g)).toHaveLength(50);
    const [, older = ''] = /href="([^"]+)">Older/.exec(text) ?? [];
    expect((await get(older.replaceAll('&amp;', '&'))).text.match(/<li>/g)).toHaveLength(1);
  });

  it('escapes subjects, filters and recipients', async () => {
    await deliver({ subject: '<script>alert(1)</script>\r\nBcc: x', to: "o'b&c@contoso.example" });
    for (const path of ['/', '/messages/1', '/?to=%22%3E%3Cscript%3E']) {
      const { text } = await get(path);
      expect(text).not.toMatch(/<script|<img/);
    }
    const { text } = await get('/');
    expect(text).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(text).toContain('To o&#39;b&amp;c@contoso.example');
  });

  it('runs no script anywhere and loads nothing from elsewhere', async () => {
    await deliver({ subject: 'x', html: '<p>hello</p>' });
    for (const path of ['/', '/messages/1', '/nowhere']) {
      const { policy, text } = await get(path);
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain('img-src data:;');
      expect(policy).not.toMatch(/script-src|connect-src|https?:/);
      expect(text).not.toMatch(/<script|\son\w+=/);
    }
  });

  it('is unknown by any other name than localhost', async () => {
    const status = await new Promise((resolve, reject) => {
      const asked = request(mail.url, { headers: { host: 'rebound.example' } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      asked.on('error', reject).end();
    });
    expect(status).toBe(421);
  });

  it('answers 404 to what is not there and 405 to anything but GET', async () => {
    for (const path of ['/messages/1', '/messages/x', '/nowhere', '/api/messages/1', '/api/nothing', '/messages/1/2'])
      expect((await get(path)).status).toBe(404);
    expect((await fetch(mail.url, { method: 'POST' })).status).toBe(405);
  });
});

describe('the message page', () => {
  const hostile = `</iframe><script>alert(1)</script>" onload="alert(2)"><img src="https://tracker.example/x"><a href="https://curfew.example/a/b">Decide</a>`;

  it('shows the HTML part inert: inside a srcdoc attribute, in a sandbox without scripts', async () => {
    await deliver({ subject: 'x', html: hostile, text: 'plain' });
    const { text } = await get('/messages/1');
    const [frame = '', sandbox, srcdoc = ''] =
      /<iframe [^>]*sandbox="([^"]*)" srcdoc="([^"]*)"><\/iframe>/.exec(text) ?? [];
    expect(sandbox).toBe('allow-popups allow-popups-to-escape-sandbox');
    expect(srcdoc).toMatch(/^&lt;base target=&quot;_blank&quot;&gt;/);
    expect(srcdoc).toContain('&lt;a href=&quot;https://curfew.example/a/b&quot;&gt;Decide');
    expect(text.replace(frame, '')).not.toMatch(/<script|<img|<iframe/);
  });

  it('shows the text part and the source, escaped', async () => {
    await deliver({ subject: 'x', text: 'one <b>two</b> & three' });
    const { text } = await get('/messages/1');
    expect(text).toContain('<pre>one &lt;b&gt;two&lt;/b&gt; &amp; three');
    expect(text).toContain('Subject: x');
    expect(text).not.toContain('<iframe');
  });

  it('names attachments without showing them', async () => {
    await deliver({ subject: 'x', text: 'y', attachments: [{ filename: '<i>.html', content: '<script>' }] });
    expect((await get('/messages/1')).text).toContain('&lt;i&gt;.html (text/html, 8 bytes)');
  });
});

describe('the JSON', () => {
  it('lists what a script needs to choose a message', async () => {
    await deliver({ subject: 'a' }, { subject: 'b', to: 'eve@partner.example' });
    expect(await getJson('/api/messages?to=eve@partner.example')).toEqual([
      {
        id: '2',
        receivedAt: expect.stringMatching(/^\d{4}-.*Z$/),
        from: 'curfew@contoso.example',
        to: ['eve@partner.example'],
        subject: 'b',
      },
    ]);
    expect(await getJson('/api/messages')).toHaveLength(2);
  });

  it('gives the whole of one message', async () => {
    await deliver({
      subject: 'a',
      html: '<p>h</p>',
      text: 'See (https://curfew.example/a/b?c=d&e=f), or http://localhost:7071/x.\nhttps://curfew.example/a/b?c=d&e=f',
    });
    expect(await getJson('/api/messages/1')).toMatchObject({
      subject: 'a',
      html: expect.stringContaining('<p>h</p>'),
      text: expect.stringContaining('See'),
      headers: expect.arrayContaining([{ name: 'Subject', value: 'a' }]),
      links: ['https://curfew.example/a/b?c=d&e=f', 'http://localhost:7071/x'],
    });
  });
});

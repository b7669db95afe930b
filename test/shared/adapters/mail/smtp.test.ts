import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { expect, onTestFinished, test } from 'vitest';
import { createSmtpNotifier } from '../../../../shared/adapters/mail/smtp.ts';
import type { MailMessage } from '../../../../shared/ports.ts';

const message: MailMessage = { to: 'bob@contoso.example', subject: 'Subject', text: 'Text', html: '<p>Text</p>' };

type Step = 'MAIL FROM' | 'RCPT TO' | 'DATA';

/** A server that says no at one step, with these words. */
async function refusing(at: Step, responseCode: number, words: string): Promise<string> {
  const answer = (step: Step) => (step === at ? Object.assign(new Error(words), { responseCode }) : null);
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    onMailFrom: (_address, _session, done) => done(answer('MAIL FROM')),
    onRcptTo: (_address, _session, done) => done(answer('RCPT TO')),
    onData(stream, _session, done) {
      stream.resume().on('end', () => done(answer('DATA')));
    },
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise((resolve) => server.close(() => resolve())));
  return `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
}

async function codeOf(url: string): Promise<unknown> {
  const notifier = createSmtpNotifier({ url, from: 'curfew@contoso.example' });
  onTestFinished(() => notifier.close());
  return notifier.send(message).then(
    () => 'sent',
    (error: { code: unknown }) => error.code,
  );
}

test.each<[Step, number, string]>([
  ['RCPT TO', 550, 'No such user'],
  ['RCPT TO', 551, 'User not local'],
  ['RCPT TO', 553, 'Mailbox name not allowed'],
  ['RCPT TO', 550, '5.1.1 Mailbox does not exist'],
  ['RCPT TO', 554, '5.1.10 The domain takes no mail'],
  ['RCPT TO', 550, '5.2.1 Mailbox disabled'],
])('an address that the server refuses for good is not tried again: %s %i %s', async (at, code, words) => {
  expect(await codeOf(await refusing(at, code, words))).toBe('CURFEW_MAIL_REFUSED');
});

test.each<[Step, number, string]>([
  ['RCPT TO', 450, '4.2.1 Greylisted'],
  ['RCPT TO', 452, 'Mailbox is full for now'],
  ['RCPT TO', 550, '5.7.1 Relaying denied'],
  ['RCPT TO', 553, '5.1.8 Sender address has no domain'],
  ['RCPT TO', 530, 'Authentication required'],
  ['RCPT TO', 554, 'Client host rejected'],
  ['MAIL FROM', 550, 'Sender refused'],
  ['DATA', 451, 'Try later'],
  ['DATA', 554, '5.6.0 Content refused'],
])('what time or an engineer can put right is tried again: %s %i %s', async (at, code, words) => {
  expect(await codeOf(await refusing(at, code, words))).toBe('CURFEW_MAIL_UNAVAILABLE');
});

test('a server that is not there is tried again', async () => {
  expect(await codeOf('smtp://127.0.0.1:1')).toBe('CURFEW_MAIL_UNAVAILABLE');
});

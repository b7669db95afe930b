import { createTransport } from 'nodemailer';
import { CurfewError } from '../../domain/errors.ts';
import type { Notifier } from '../../ports.ts';

/** Sends by SMTP. `url` is `smtp://` or `smtps://`, with user and password where the server wants them. */
export function createSmtpNotifier({ url, from }: { url: string; from: string }): Notifier & { close(): void } {
  const transport = createTransport({
    url,
    pool: true,
    connectionTimeout: 3_000,
    greetingTimeout: 3_000,
    socketTimeout: 4_000,
    // What is sent is Curfew's own text. It never reads a file or an address for it.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    async send({ to, subject, text, html }) {
      try {
        await transport.sendMail({
          from,
          to: { name: '', address: to },
          // An ASCII name such as `=?utf-8?q?=0D=0A…?=` goes out as it stands, and mail programs would decode it (RFC 2047, section 6.2).
          subject: subject.replaceAll('=?', '= ?'),
          text,
          html,
        });
      } catch (error) {
        throw new CurfewError('CURFEW_MAIL_UNAVAILABLE', { cause: error });
      }
    },
    close: () => transport.close(),
  };
}

import { createTransport } from 'nodemailer';
import { z } from 'zod';
import { CurfewError } from '../../domain/errors.ts';
import type { Notifier } from '../../ports.ts';
import { undecodable } from './subject.ts';

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
          subject: undecodable(subject),
          text,
          html,
        });
      } catch (error) {
        throw new CurfewError(isDeadAddress(error) ? 'CURFEW_MAIL_REFUSED' : 'CURFEW_MAIL_UNAVAILABLE', {
          cause: error,
        });
      }
    },
    close: () => transport.close(),
  };
}

const refusal = z.object({ command: z.literal('RCPT TO'), responseCode: z.int(), response: z.string() });

/**
 * Whether the server said for good that it knows no such address (RFC 5321, section 4.2.3; with the codes of RFC 3463 where it
 * gives them). Many servers wait until here with what they hold against the sender or the client, and that can be put right.
 */
function isDeadAddress(error: unknown): boolean {
  const { responseCode, response = '' } = refusal.safeParse(error).data ?? {};
  const enhanced = /^\d{3}[ -](\d\.\d{1,3}\.\d{1,3})\b/.exec(response)?.[1];
  if (enhanced !== undefined) return /^5\.(?:1\.(?![78]$)|2\.)/.test(enhanced);
  return responseCode !== undefined && [550, 551, 553].includes(responseCode);
}

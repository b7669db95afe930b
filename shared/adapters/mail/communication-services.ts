import type { EmailClient, EmailMessage } from '@azure/communication-email';
import type { TokenCredential } from '@azure/identity';
import { z } from 'zod';
import { CurfewError } from '../../domain/errors.ts';
import { plus } from '../../domain/time.ts';
import type { Clock, MailMessage, Notifier } from '../../ports.ts';
import { undecodable } from './subject.ts';

/** All calls about a mail together. Milliseconds. */
const patience = 5_000;
/** What became of a mail is asked at once, by the SDK, and again after this: the service answers twice as often as it sends. Milliseconds. */
const pause = 1_000;
/** Who is told to come back later does so with the next try of whoever sends; who is sent elsewhere doesn't go. */
const once = { retryOptions: { maxRetries: 0 }, redirectOptions: { maxRetries: 0 } };

/** Of an answer to sending or to asking: https://learn.microsoft.com/rest/api/communication/email/get-send-result. */
const answer = z.object({
  status: z.string().optional(),
  error: z.object({ code: z.string() }).nullish(),
});
/** What no second try would change: the form of the address, or that all mail to it has come back lately. */
const dead: unknown[] = ['InvalidEmailAddress', 'EmailDroppedAllRecipientsSuppressed'];

/**
 * Sends by Azure Communication Services at `endpoint`, as an identity that may send there. `from` is an address of a domain that is
 * linked to them; its name is set there, and the one here is not sent. The service takes a mail at once and sends it afterwards: one that it
 * took, and hasn't refused when it is asked, counts as sent. It tries on by itself, and sending it again would be a second mail, out of few
 * that may be sent in an hour.
 */
export function createCommunicationServicesNotifier(options: {
  endpoint: string;
  from: string;
  credential: TokenCredential;
  clock: Clock;
}): Notifier {
  const { endpoint, from, credential, clock } = options;
  const senderAddress = /<(.*)>$/.exec(from)?.[1] ?? from;
  let client: Promise<EmailClient> | undefined;
  const open = async () => {
    // Loaded with the first mail, and not before Curfew can start.
    const { EmailClient } = await import('@azure/communication-email');
    return new EmailClient(endpoint, credential, once);
  };
  return {
    async send(message) {
      let isTaken = false;
      let said: z.output<typeof answer> = {};
      let retryAfter: number | undefined;
      try {
        client ??= open();
        const abortSignal = AbortSignal.timeout(patience);
        const poller = await (await client).beginSend(emailOf(senderAddress, message), {
          abortSignal,
          onResponse({ status, headers, parsedBody }) {
            isTaken ||= status === 202;
            said = answer.safeParse(parsedBody).data ?? {};
            const seconds = /^\d{1,4}$/.exec(headers.get('retry-after') ?? '')?.[0];
            retryAfter = [429, 503].includes(status) && seconds !== undefined ? Number(seconds) : undefined;
          },
        });
        if (poller.isDone()) return;
        await clock.sleepUntil(plus(clock.now(), pause));
        await poller.poll({ abortSignal });
      } catch (error) {
        const hasEnded = ['Failed', 'Canceled'].includes(said.status ?? '');
        if (isTaken && !hasEnded) return;
        throw new CurfewError(dead.includes(said.error?.code) ? 'CURFEW_MAIL_REFUSED' : 'CURFEW_MAIL_UNAVAILABLE', {
          retryAfter,
          // Without the SDK's own error, which has the token, the mail and its link in its request.
          cause: new Error(`${error instanceof Error ? error.name : typeof error}: ${said.error?.code ?? 'no answer'}`),
        });
      }
    },
  };
}

function emailOf(senderAddress: string, { to, subject, text, html }: MailMessage): EmailMessage {
  return {
    senderAddress,
    recipients: { to: [{ address: to }] },
    content: { subject: undecodable(subject), plainText: text, html },
    // It would lead each link, with the token in it, by way of a server of Azure's that writes down who follows it.
    disableUserEngagementTracking: true,
  };
}

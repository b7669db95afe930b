import { type Instant, plus } from '../shared/domain/time.ts';
import { alertMail } from '../shared/pages/reconciler-words.ts';
import type { MailMessage } from '../shared/ports.ts';
import type { Service } from './service.ts';

/** What lasts is told again after so long. Milliseconds. */
const pause = 3_600_000;

export interface Alerts {
  /** Says it in the log, and mails it unless the same was mailed lately. What has no key is mailed whenever it is raised. */
  raise(key: string | undefined, subject: string, sentence: string): void;
  /** Sends what could not be sent before. */
  send(): Promise<void>;
}

/** To whoever looks after Curfew. A mail that can't be sent is kept for the next time, for as long as the process lives. */
export function createAlerts({
  clock,
  log,
  notifier,
  alertAddress,
}: Pick<Service, 'clock' | 'log' | 'notifier' | 'alertAddress'>): Alerts {
  const told = new Map<string, Instant>();
  let unsent: MailMessage[] = [];
  return {
    raise(key, subject, sentence) {
      const now = clock.now();
      log('error', subject, { finding: sentence });
      for (const [each, at] of told) if (plus(at, pause) <= now) told.delete(each);
      if (alertAddress === undefined || (key !== undefined && told.has(key))) return;
      if (key !== undefined) told.set(key, now);
      unsent.push(alertMail(alertAddress, subject, [sentence], now));
    },
    async send() {
      const waiting = unsent;
      unsent = [];
      for (const mail of waiting) {
        await notifier.send(mail).catch(() => {
          unsent.push(mail);
        });
      }
      if (unsent.length > 0) log('error', 'alerts could not be mailed', { unsent: unsent.length });
    },
  };
}

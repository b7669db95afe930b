import type { AccessRequest } from './access-request.ts';
import type { Refusal } from './errors.ts';
import { isEnded, isEnding, isGranted } from './states.ts';
import { describeDuration, type Instant, millisecondsOf, plus } from './time.ts';
import { timeline } from './timeline.ts';

/** Why this grant's deadline can't be moved by so many milliseconds; nothing where it can. Asked when the extension is asked for, and again when it is to happen. */
export function extensionRefusal(request: AccessRequest, duration: number, now: Instant): Refusal | undefined {
  if (isEnded(request)) return { code: 'CURFEW_REQUEST_ENDED', remedy: { kind: 'ask-for-new-access' } };
  if (isEnding(request)) return { code: 'CURFEW_ALREADY_ENDING' };
  if (!isGranted(request)) return { code: 'CURFEW_NOT_GRANTED' };
  const { beganAt, deadline, terms, extensions } = request;
  const final = plus(deadline, -timeline.finalLeadMs);
  if (now >= final) {
    return {
      code: 'CURFEW_TOO_LATE',
      detail: `The access ends at ${deadline}, and since ${final} nothing moves that any more.`,
      remedy: { kind: 'ask-for-new-access' },
    };
  }
  const { times, total } = terms.extension;
  if (extensions.length >= times) {
    const detail = times === 0 ? 'This access cannot be extended.' : `It has been extended ${times} times already.`;
    return { code: 'CURFEW_EXTENSION_REFUSED', detail, remedy: { kind: 'ask-for-new-access' } };
  }
  const held = millisecondsOf(deadline) - millisecondsOf(beganAt);
  if (held + duration > total) {
    const left = total - held;
    return {
      code: 'CURFEW_EXTENSION_REFUSED',
      path: '/duration',
      detail: `Extended by that much it would last longer than ${describeDuration(total)} in all.`,
      remedy: left >= 1000 ? { kind: 'ask-for-at-most', duration: left } : { kind: 'ask-for-new-access' },
    };
  }
  return undefined;
}

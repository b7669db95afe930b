import type { AccessRequest } from '../domain/access-request.ts';
import { apiStateOf } from '../domain/api-states.ts';
import type { Drift } from '../domain/drift.ts';
import type { Entitlement } from '../domain/policy.ts';
import { oneLine } from '../domain/text.ts';
import type { Instant } from '../domain/time.ts';
import type { MailMessage } from '../ports.ts';
import { describeEntitlement } from '../providers/index.ts';
import type { Seen } from '../reconciler.ts';
import { writeMail } from './letter.ts';
import { roleOf } from './request-words.ts';
import { fullNameOf, sentenceOf } from './words.ts';
import { describeInstant } from './zones.ts';

/** What was found, in one sentence. */
export function describeSeen(seen: Seen): string {
  switch (seen.kind) {
    case 'still-held':
      return `${whose(seen.request)} should have ended, and ${places(seen.entitlements)} shows it still.`;
    case 'left-over':
      return `${whose(seen.request)} has ended, and its hold on ${places(seen.entitlements)} was left behind.`;
    case 'lifeless':
      return `${whose(seen.request)} is ${apiStateOf(seen.request.state)}, and has no orchestration that sees to it.`;
    case 'drift':
      return `${who(seen)} holds ${places([seen.entitlement])}, of ${seen.target}, and Curfew never granted it.`;
    case 'drift-gone':
      return `${who(seen)} held ${places([seen.entitlement])}, of ${seen.target}, without Curfew, and no longer does.`;
    default:
      return `Not looked at: ${seen.what}. ${sentenceOf(seen.code)} (${seen.code})`;
  }
}

export const driftHeading = 'Somebody holds what Curfew never granted';

/** What was found, and what the policy says to do about it: a sentence each. */
export function describeDrift(drift: Extract<Seen, { kind: 'drift' }>): [found: string, action: string] {
  const action = drift.action === 'remove' ? 'remove them' : 'leave them there';
  return [describeSeen(drift), `The policy says to ${action}.`];
}

/** To whoever looks after Curfew. */
export function alertMail(to: string, subject: string, sentences: readonly string[], now: Instant): MailMessage {
  return writeMail({
    to,
    subject,
    heading: subject,
    sentences,
    closing: [`Found by Curfew’s reconciler, ${describeInstant(now)}.`],
  });
}

function whose(request: AccessRequest): string {
  return `${roleOf(request)} of ${fullNameOf(request.requester)}, ${request.id},`;
}

function who({ holder: { name, principalId } }: Drift): string {
  return `${oneLine(name)}${principalId === '' ? '' : ` (${principalId})`}`;
}

function places(entitlements: readonly Entitlement[]): string {
  return entitlements.map((entitlement) => oneLine(describeEntitlement(entitlement), 300)).join(' and ');
}

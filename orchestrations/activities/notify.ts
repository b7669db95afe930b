import { tokenHashOf } from '../../shared/approval-token.ts';
import type { AccessRequest } from '../../shared/domain/access-request.ts';
import { CurfewError } from '../../shared/domain/errors.ts';
import type { PrincipalId } from '../../shared/domain/ids.ts';
import type { Person } from '../../shared/domain/policy.ts';
import { latest, plus } from '../../shared/domain/time.ts';
import { timeline } from '../../shared/domain/timeline.ts';
import {
  approvalMail,
  decidedMail,
  endedMail,
  endingSoonMail,
  extendedMail,
  glassBrokenMail,
  grantedMail,
  heldUpMail,
  overdueMail,
  reviewMail,
  stillHeldMail,
  waitingMail,
} from '../../shared/pages/mails.ts';
import { plansFor } from '../../shared/plans.ts';
import type { ApprovalLink, MailMessage } from '../../shared/ports.ts';
import { alarmKinds, type Notification, type NotificationKind, type Recipient } from '../contract.ts';
import type { ActivityDependencies } from './activity.ts';

/** A link outlives what it asks by this long, so that a second click can say what was decided. Milliseconds. */
const linkAfterlife = 7 * 86_400_000;

/**
 * Sends one notification to its recipients. Sent twice, it is two mails that say the same. Where the mail server takes nothing for an
 * address, that is said in the log, and done with. Other trouble with one of a group doesn't keep it from the rest.
 */
export async function notify(
  dependencies: ActivityDependencies,
  { kind, to, request }: Notification & { readonly request: AccessRequest },
): Promise<void> {
  const { clock, log, notifier } = dependencies;
  const giveUp = plus(clock.now(), timeline.groupLimitMs);
  let failure: unknown;
  for (const recipient of await peopleOf(dependencies, kind, to)) {
    // A requester in the group that reviews can't review their own access.
    if (kind === 'review-owed' && recipient.principalId === request.requester.principalId) continue;
    try {
      await notifier.send(await compose(dependencies, { kind, request, recipient }));
    } catch (error) {
      if (error instanceof CurfewError && error.code === 'CURFEW_MAIL_REFUSED') {
        const level = alarmKinds.includes(kind) ? 'error' : 'warning';
        const { principalId } = recipient;
        log(level, `a mail can’t be delivered: ${error.code}`, { requestId: request.id, kind, principalId });
      } else {
        failure ??= error;
        if (clock.now() >= giveUp) break;
      }
    }
  }
  if (failure !== undefined) throw failure;
}

/** A bell rings for a named person even where the directory can't say who they are: their user name is mostly their address. */
async function peopleOf(
  { directory, alertAddress }: ActivityDependencies,
  kind: NotificationKind,
  to: Recipient,
): Promise<Person[]> {
  if ('principalId' in to) return [to];
  if ('engineers' in to) return alertAddress === undefined ? [] : [nobodyInParticular(alertAddress)];
  if ('group' in to) return directory.groupMembers(to.group);
  const { user } = to;
  const found = await directory.person(user).catch((error: unknown) => {
    if (kind !== 'glass-broken') throw error;
    return nobodyInParticular(user);
  });
  return found ? [found] : [];
}

/** A person of whom nothing is known but the mailbox. */
function nobodyInParticular(mail: string): Person {
  return { principalId: '' as PrincipalId, name: mail, userPrincipalName: mail, mail };
}

interface Notice {
  readonly kind: NotificationKind;
  readonly request: AccessRequest;
  readonly recipient: Person;
}

async function compose(dependencies: ActivityDependencies, { kind, request, recipient }: Notice): Promise<MailMessage> {
  const now = dependencies.clock.now();
  const notice = { request, recipient, now };
  const plans = plansFor(dependencies.providers, request.terms, request.requester);
  switch (kind) {
    case 'approval-wanted':
    case 'reminder': {
      const link = await makeLink(dependencies, notice, request.stage);
      return approvalMail({ ...notice, link, plans, isReminder: kind === 'reminder' });
    }
    case 'waiting':
      return waitingMail(notice);
    case 'decided':
      return decidedMail(notice);
    case 'held-up':
      return heldUpMail(notice);
    case 'granted':
      return grantedMail(notice);
    case 'ending-soon':
      return endingSoonMail(notice);
    case 'extended':
      return extendedMail(notice);
    case 'overdue':
      return overdueMail(notice);
    case 'ended':
      return endedMail(notice);
    case 'still-held':
      return stillHeldMail(notice);
    case 'glass-broken':
      return glassBrokenMail({ ...notice, plans });
    case 'review-owed':
      return reviewMail({ ...notice, link: await makeLink(dependencies, notice, 'review') });
    default:
      throw new CurfewError('CURFEW_INTERNAL');
  }
}

/** The token goes into the mail and nowhere else; what is kept is its hash. */
async function makeLink(
  { entropy, links, publicUrl, clock }: ActivityDependencies,
  { recipient, request }: Pick<Notice, 'recipient' | 'request'>,
  purpose: ApprovalLink['purpose'],
): Promise<string> {
  const token = Buffer.from(entropy.bytes(32)).toString('base64url');
  const expiresAt = plus(latest(clock.now(), request.approveBy), linkAfterlife);
  const requestId = request.id;
  await links.save({ tokenHash: tokenHashOf(token), requestId, purpose, approver: recipient, expiresAt });
  return `${publicUrl}/api/approvals/${token}`;
}

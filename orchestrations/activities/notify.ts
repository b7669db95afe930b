import { tokenHashOf } from '../../shared/approval-token.ts';
import { plus } from '../../shared/domain/time.ts';
import { approvalMail, decidedMail, endedMail, grantedMail, overdueMail } from '../../shared/pages/mails.ts';
import { plansFor } from '../../shared/plans.ts';
import type { MailMessage } from '../../shared/ports.ts';
import type { NotifyInput } from '../names.ts';
import type { Activity, ActivityDependencies } from './index.ts';

/** A link outlives its stage by this long, so that a second click can say what was decided. Milliseconds. */
const linkAfterlife = 7 * 86_400_000;

/** Sends one mail. Sent twice, it is two mails that say the same. */
export const notify: Activity<'notify'> = async (dependencies, input) => {
  await dependencies.notifier.send(await compose(dependencies, input));
  return null;
};

async function compose(dependencies: ActivityDependencies, { kind, to, request }: NotifyInput): Promise<MailMessage> {
  const now = dependencies.clock.now();
  switch (kind) {
    case 'approval-wanted': {
      const { requester, terms } = request;
      const plans = plansFor(dependencies.providers, terms, requester);
      return approvalMail({
        request,
        approver: to,
        link: await makeLink(dependencies, { kind, to, request }),
        plans,
        now,
      });
    }
    case 'decided':
      return decidedMail({ request, recipient: to, now });
    case 'granted':
      return grantedMail({ request, now });
    case 'overdue':
      return overdueMail({ request, to: to.mail, now });
    case 'ended':
      return endedMail({ request, now });
  }
}

/** The token goes into the mail and nowhere else; what is kept is its hash. */
async function makeLink(
  { entropy, links, publicUrl }: ActivityDependencies,
  { to, request }: NotifyInput,
): Promise<string> {
  const token = Buffer.from(entropy.bytes(32)).toString('base64url');
  const tokenHash = tokenHashOf(token);
  const expiresAt = plus(request.terms.approveBy, linkAfterlife);
  await links.save({ tokenHash, requestId: request.id, approver: to, expiresAt });
  return `${publicUrl}/api/approvals/${token}`;
}

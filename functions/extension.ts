import { z } from 'zod';
import { CurfewError } from '../shared/domain/errors.ts';
import { extensionRefusal } from '../shared/domain/extension.ts';
import { reasonLength, type Terms, ticketLength } from '../shared/domain/policy.ts';
import { millisecondsOf } from '../shared/domain/time.ts';
import { accept } from './accept.ts';
import { applyPolicy } from './apply-policy.ts';
import { principalOf, visibleRequest } from './callers.ts';
import { duration, readJson, safeText } from './http/read.ts';
import type { Handler } from './service.ts';
import { readSubmission } from './submit.ts';

export const extensionBody = z.strictObject({
  duration: duration().describe('By how much the deadline is to move.'),
  reason: safeText(reasonLength).default(''),
  ticket: safeText(ticketLength).optional(),
});

/**
 * Asks to extend a grant: a request of its own, which is approved like any other and then moves the deadline. What the grant
 * may become is bounded by the policy that it began with and by the one of today.
 */
export const extend: Handler = async (service, request, client, caller) => {
  const extended = await visibleRequest(service, caller, request);
  const how = readSubmission(request);
  const body = await readJson(request, extensionBody);
  const by = await principalOf(service, caller);
  const { requester, submittedBy, terms, beganAt, deadline } = extended;
  if (![requester, submittedBy].some((asker) => asker?.principalId === by.principalId)) {
    throw new CurfewError('CURFEW_FORBIDDEN', { remedy: { kind: 'leave-it-to-requester' } });
  }
  const checked = (extension: Terms['extension']) => {
    const refusal = extensionRefusal(
      { ...extended, terms: { ...terms, extension } },
      body.duration,
      service.clock.now(),
    );
    if (refusal) throw new CurfewError(refusal.code, refusal);
  };
  const { reason, ticket } = body;
  const parties = by.principalId === requester.principalId ? { requester } : { requester, submittedBy };
  const submission = {
    ...how,
    ...parties,
    body: { ...body, extends: extended.id },
    reason,
    ticket,
    extends: extended.id,
  };
  return accept(service, client, caller, submission, async () => {
    checked(terms.extension);
    const already = millisecondsOf(deadline ?? extended.submittedAt) - millisecondsOf(beganAt ?? extended.submittedAt);
    const asked = { target: terms.targetId, role: terms.roleId, ...body, already };
    const applied = await applyPolicy(service, caller, requester, asked);
    checked(applied.terms.extension);
    return applied;
  });
};

import type { AccessRequest } from './domain/access-request.ts';
import { apiStateOf } from './domain/api-states.ts';
import type { Log } from './ports.ts';

/** The workbook looks for it. */
export const changed = 'a request has changed';

/**
 * A line for each projection that was written: who holds what, and who asked for what, can be asked of the log alone. It names people, and
 * says nothing of what they wrote.
 */
export function logSaved(log: Log, { id, version, state, requester, terms, deadline }: AccessRequest): void {
  log('info', changed, {
    requestId: id,
    version,
    state: apiStateOf(state),
    requester: requester.userPrincipalName,
    target: terms.targetId,
    role: terms.roleId,
    ...(deadline !== undefined && { deadline }),
  });
}

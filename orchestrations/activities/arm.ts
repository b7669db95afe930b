import { CurfewError } from '../../shared/domain/errors.ts';
import type { Activity } from './index.ts';

/**
 * Hands the revocation to this process's alarm. It is kept nowhere else: where the process dies, the durable timer does the
 * work. From the deadline on that is under way, and two would be in each other's way.
 */
export const arm: Activity<'arm'> = async ({ alarm, clock }, { request }, raise) => {
  const { id, deadline } = request;
  if (deadline === undefined) throw new CurfewError('CURFEW_INTERNAL');
  if (clock.now() >= deadline) throw new CurfewError('CURFEW_TOO_LATE');
  alarm.arm(request, deadline, (evidence) => raise(id, { kind: 'alarm-rang', evidence }));
  return null;
};

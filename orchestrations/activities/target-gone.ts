import type { AccessRequest } from '../../shared/domain/access-request.ts';
import type { RevocationEvidence } from '../../shared/domain/events.ts';
import type { Instant } from '../../shared/domain/time.ts';
import type { ActivityDependencies } from './activity.ts';

/** When it was confirmed that the target of an overdue request was deleted; undefined where it wasn't. Never fails. */
export async function goneAt(
  { clock, registry }: Pick<ActivityDependencies, 'clock' | 'registry'>,
  request: AccessRequest,
): Promise<Instant | undefined> {
  if (request.state !== 'overdue') return undefined;
  return (await isGone(registry, request)) ? clock.now() : undefined;
}

/** Where the registry can't say, the target is taken to be there still. */
export async function isGone(
  registry: ActivityDependencies['registry'],
  { terms: { resourceId } }: Pick<AccessRequest, 'terms'>,
): Promise<boolean> {
  if (resourceId === undefined) return false;
  return registry.isGone(resourceId).catch(() => false);
}

export function goneWithTarget({ terms }: AccessRequest, verifiedAt: Instant): RevocationEvidence[] {
  return terms.entitlements.map((entitlement) => ({
    entitlement,
    outcome: 'target-gone',
    sessionsEnded: 0,
    verifiedAt,
  }));
}

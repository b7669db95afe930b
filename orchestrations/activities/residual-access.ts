import type { AccessRequest } from '../../shared/domain/access-request.ts';
import type { OtherWay, RevocationEvidence } from '../../shared/domain/events.ts';
import { plus } from '../../shared/domain/time.ts';
import { timeline } from '../../shared/domain/timeline.ts';
import { providerOf } from '../../shared/providers/provider.ts';
import { withTimeout } from '../../shared/with-timeout.ts';
import type { ActivityDependencies } from './activity.ts';

type Looking = Pick<ActivityDependencies, 'clock' | 'directory' | 'providers'>;

/**
 * The evidence of a revocation, with what still gives the same. Curfew ended its part whatever comes out here, so that nothing
 * of this fails.
 */
export async function withResidualAccess(
  { clock, ...systems }: Looking,
  { requester }: AccessRequest,
  evidence: readonly RevocationEvidence[],
): Promise<readonly RevocationEvidence[]> {
  const end = plus(clock.now(), timeline.residualLimitMs);
  return Promise.all(
    evidence.map(async (each) => {
      if (each.outcome !== 'revoked' && each.outcome !== 'absent') return each;
      return {
        ...each,
        ...(await withTimeout(clock, end, findWays(systems, each, requester), 'CURFEW_TARGET_UNAVAILABLE').catch(
          () => unknown,
        )),
      };
    }),
  );
}

type Finding = Pick<RevocationEvidence, 'stillBy' | 'stillUnknown'>;
const unknown: Finding = { stillUnknown: true };

async function findWays(
  { directory, providers }: Omit<Looking, 'clock'>,
  { entitlement }: RevocationEvidence,
  requester: AccessRequest['requester'],
): Promise<Finding> {
  const ways = await providerOf(providers, entitlement).residualAccess(entitlement, requester);
  const groups = ways.flatMap((way) => (way.kind === 'group' ? [way.groupId] : []));
  if (groups.length === 0) return stillBy(ways);
  const theirs = await directory.memberGroups(requester, groups).catch(() => undefined);
  const known = ways.filter((way) => way.kind === 'role' || theirs?.includes(way.groupId));
  return { ...stillBy(known), ...(theirs ? {} : unknown) };
}

function stillBy(ways: readonly OtherWay[]): Finding {
  return ways.length > 0 ? { stillBy: ways } : {};
}

import { asCurfewError, errorCodes } from '../../shared/domain/errors.ts';
import type { Entitlement, Target } from '../../shared/domain/policy.ts';
import { plus } from '../../shared/domain/time.ts';
import { count, oneLine } from '../../shared/pages/words.ts';
import type { Providers } from '../../shared/plans.ts';
import type { Clock, TargetRegistry } from '../../shared/ports.ts';
import { preflightOf } from '../../shared/preflight.ts';
import { withTimeout } from '../../shared/with-timeout.ts';
import type { Asker } from './asker.ts';
import { type Fix, inDatabase, onboarding, targetReader } from './fixes.ts';

export interface Looking {
  readonly clock: Clock;
  readonly providers: Providers;
  readonly registry: TargetRegistry;
  readonly asker: Asker | undefined;
}

export interface Found {
  /** `unseen`: it could not be looked at, or what was seen says nothing of the service. */
  readonly state: 'well' | 'missing' | 'unseen';
  /** The first is of the whole, the others of what is missing. */
  readonly sentences: readonly string[];
  readonly fix?: Fix | undefined;
}

/** How long one target is waited for; where nobody answers, opening a connection takes 5 s. Milliseconds. */
const patience = 15_000;

/** In the database, and where the policy names a resource id in Azure Resource Manager as well. */
export async function lookAt(from: Looking, target: Target): Promise<Found[]> {
  const { resourceId } = target;
  const [entitlement] = target.roles.flatMap(({ entitlements }) => entitlements);
  return Promise.all([
    ...(entitlement ? [seen(from, describe(entitlement), lookInto(from, target, entitlement))] : []),
    ...(resourceId === undefined ? [] : [seen(from, 'its resource id', lookUp(from, resourceId))]),
  ]);
}

async function seen({ clock }: Looking, what: string, looking: Promise<Found>): Promise<Found> {
  try {
    return await withTimeout(clock, plus(clock.now(), patience), looking, 'CURFEW_TARGET_UNAVAILABLE');
  } catch (error) {
    const { code, refusal } = asCurfewError(error);
    const sentence = `${what} was not looked at. ${refusal.detail ?? errorCodes[code][1]} (${code})`;
    return { state: 'unseen', sentences: [sentence] };
  }
}

async function lookInto({ providers, asker }: Looking, target: Target, entitlement: Entitlement): Promise<Found> {
  const place = describe(entitlement);
  const found = await preflightOf(target, providers);
  if (found.user === undefined) {
    const sentence = `${place} does not let who asks in: it has no user for them, or there is no such database. An administrator onboards it.`;
    return { state: 'missing', sentences: [sentence], fix: onboarding(target, entitlement, asker) };
  }
  const { user, isOwner, lacks } = found;
  const missing = lacks.map((lack) => `lacks ${oneLine(lack.missing, 300)}`);
  const statements = lacks.map(({ statement }) => statement);
  const verdict = isOwner
    ? 'who may do everything there. That says nothing of what Curfew may, which is not to be db_owner.'
    : `which lacks ${lacks.length === 0 ? 'nothing' : count(lacks.length, 'thing')}.`;
  return {
    state: isOwner ? 'unseen' : lacks.length > 0 ? 'missing' : 'well',
    sentences: [`${place} knows who asks as ${oneLine(user)}, ${verdict}`, ...missing],
    fix: lacks.length > 0 ? inDatabase(entitlement, statements) : undefined,
  };
}

/** Without its answer a target that was deleted counts as one that is down, and what was granted there stays overdue. */
async function lookUp({ registry, asker }: Looking, resourceId: string): Promise<Found> {
  const { isUnknown, lacks } = await registry.preflight(resourceId);
  if (lacks.length > 0) {
    const [, subscription = ''] = /^\/subscriptions\/([^/]+)/i.exec(resourceId) ?? [];
    const sentence = 'were it deleted, who asks could not see that in its subscription.';
    const sentences = [sentence, ...lacks.map((right) => `lacks ${right}`)];
    return { state: 'missing', sentences, fix: targetReader(subscription, asker) };
  }
  if (!isUnknown) return { state: 'well', sentences: ['were it deleted, Azure Resource Manager would say so.'] };
  const sentence = 'Azure Resource Manager has nothing by its resource id: correct it in the policy.';
  return { state: 'missing', sentences: [sentence, oneLine(resourceId, 500)] };
}

const describe = ({ server, port, database }: Entitlement) => oneLine(`${database} on ${server},${port}`, 300);

import { asCurfewError, errorCodes } from '../../shared/domain/errors.ts';
import type { Entitlement, Target } from '../../shared/domain/policy.ts';
import { oneLine } from '../../shared/domain/text.ts';
import { plus } from '../../shared/domain/time.ts';
import { count } from '../../shared/pages/words.ts';
import type { Clock } from '../../shared/ports.ts';
import { batchesOf, preflightOf } from '../../shared/preflight.ts';
import { describePlace, kindOf } from '../../shared/providers/index.ts';
import type { Fix, Identity, Providers, TargetRegistry } from '../../shared/providers/provider.ts';
import { withTimeout } from '../../shared/with-timeout.ts';

export interface Looking {
  readonly clock: Clock;
  readonly providers: Providers;
  readonly registry: TargetRegistry;
  readonly asker: Identity | undefined;
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

/** In each place of the target, and where the policy names a resource id in Azure Resource Manager as well. */
export async function lookAt(from: Looking, target: Target): Promise<Found[]> {
  const { resourceId } = target;
  return Promise.all([
    ...batchesOf(target, from.providers).flatMap(([first, ...others]) =>
      first ? [seen(from, describe(first), lookInto(from, [first, ...others]))] : [],
    ),
    ...(resourceId === undefined ? [] : [seen(from, 'its resource id', lookUp(from, { ...target, resourceId }))]),
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

async function lookInto(
  { providers, asker }: Looking,
  entitlements: readonly [Entitlement, ...Entitlement[]],
): Promise<Found> {
  const [first] = entitlements;
  const onboarding = kindOf(first)?.onboarding;
  const place = describe(first);
  const found = await preflightOf(entitlements, providers);
  if (found.user === undefined) {
    const sentence = `${place} does not let who asks in: it has no user for them, or there is no such database. An administrator onboards it.`;
    return { state: 'missing', sentences: [sentence], fix: onboarding?.letIn(entitlements, asker) };
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
    fix: lacks.length > 0 ? onboarding?.mend(first, statements) : undefined,
  };
}

/** Without its answer a target that was deleted counts as one that is down, and what was granted there stays overdue. */
async function lookUp({ registry, asker }: Looking, target: Target & { resourceId: string }): Promise<Found> {
  const { resourceId } = target;
  const { isUnknown, lacks } = await registry.preflight(resourceId);
  if (lacks.length > 0) {
    const of = target.roles.flatMap(({ entitlements }) => entitlements).flatMap((each) => kindOf(each) ?? []);
    const sentence = 'were it deleted, who asks could not see that in its subscription.';
    const sentences = [sentence, ...lacks.map((right) => `lacks ${right}`)];
    return {
      state: 'missing',
      sentences,
      fix: of.flatMap(({ onboarding }) => onboarding.readRegistry?.(target, asker) ?? [])[0],
    };
  }
  if (!isUnknown) return { state: 'well', sentences: ['were it deleted, Azure Resource Manager would say so.'] };
  const sentence = 'Azure Resource Manager has nothing by its resource id: correct it in the policy.';
  return { state: 'missing', sentences: [sentence, oneLine(resourceId, 500)] };
}

const describe = (entitlement: Entitlement) => oneLine(describePlace(entitlement), 300);

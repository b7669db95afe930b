import { CurfewError } from '../../shared/domain/errors.ts';
import { type ActivityName, type ActivityTypes, activityNames, type Outcome } from '../contract.ts';
import { type Activities, type Activity, type ActivityDependencies, attempt, type Raise } from './activity.ts';
import { askApprovers } from './ask-approvers.ts';
import { deliver } from './deliver.ts';
import { applyExtension, extendHolds } from './extend.ts';
import { grant } from './grant.ts';
import { revoke } from './revoke.ts';

const all: { readonly [Name in ActivityName]: Activity<Name> } = {
  deliver,
  askApprovers,
  grant,
  extendHolds,
  applyExtension,
  revoke,
};

/** Returns the activities, ready to be registered. None of them throws. */
export function createActivities(dependencies: ActivityDependencies): Activities {
  const names = Object.keys(activityNames) as ActivityName[];
  return Object.fromEntries(names.map((name) => [name, answering(dependencies, name)])) as unknown as Activities;
}

function answering<Name extends ActivityName>(dependencies: ActivityDependencies, name: Name) {
  return async (input: ActivityTypes[Name]['input'], raise: Raise): Promise<Outcome<ActivityTypes[Name]['result']>> => {
    const activity: Activity<Name> = all[name];
    const context = { what: name, requestId: input.request.id };
    const outcome = await attempt(dependencies, context, async () => {
      // By now the orchestration does without it, or has called it again.
      if (input.giveUp !== undefined && dependencies.clock.now() >= input.giveUp) {
        throw new CurfewError('CURFEW_HUB_BUSY');
      }
      return activity(dependencies, input, raise);
    });
    return { ...outcome, at: dependencies.clock.now() };
  };
}

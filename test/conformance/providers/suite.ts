import { describe } from 'vitest';
import type { Entitlement } from '../../../shared/domain/policy.ts';
import type { Fixture } from './fixture.ts';
import { promisesOfAnswers } from './promises/answers.ts';
import { promisesOfCleanUp } from './promises/clean-up.ts';
import { promisesOfFailures } from './promises/failures.ts';
import { promisesOfGrant } from './promises/grant.ts';
import { promisesOfOtherWays } from './promises/other-ways.ts';
import { promisesOfRevoke } from './promises/revoke.ts';
import { promisesOfRevokeTogether } from './promises/revoke-together.ts';
import { promisesOfTerminate } from './promises/terminate.ts';
import { type Abilities, subjectOf } from './subject.ts';

/** What every provider promises, asked of the target itself and not of the provider. */
export function describeProvider<E extends Entitlement>(
  title: string,
  open: () => Promise<Fixture<E>>,
  can: Abilities,
): void {
  describe(title, () => {
    const subject = subjectOf(open, can);
    promisesOfGrant(subject);
    promisesOfRevoke(subject);
    promisesOfRevokeTogether(subject);
    promisesOfTerminate(subject);
    promisesOfCleanUp(subject);
    promisesOfAnswers(subject);
    promisesOfOtherWays(subject);
    promisesOfFailures(subject);
  });
}

import type { PrincipalId } from '../../domain/ids.ts';
import { type Instant, plus } from '../../domain/time.ts';
import type { Clock, Directory } from '../../ports.ts';

/** Answers of one kind that are kept at once. */
const capacity = 1_000;

/**
 * Gives an answer again for a while, and one answer to all who ask at the same time; failures are never kept. For what only
 * shows things: whatever decides or grants asks the directory itself.
 */
export function createCachedDirectory(directory: Directory, clock: Clock, milliseconds = 10_000): Directory {
  const remembering = <Question extends unknown[], Answer>(ask: (...question: Question) => Promise<Answer>) => {
    const answers = new Map<string, { readonly until: Instant; readonly answer: Promise<Answer> }>();
    return (...question: Question): Promise<Answer> => {
      const key = JSON.stringify(question);
      const known = answers.get(key);
      if (known && clock.now() < known.until) return known.answer;
      const asked = { until: plus(clock.now(), milliseconds), answer: ask(...question) };
      // Set anew, it is the last in order, and the first is the oldest.
      answers.delete(key);
      answers.set(key, asked);
      const [oldest] = answers.keys();
      if (answers.size > capacity && oldest !== undefined) answers.delete(oldest);
      asked.answer.catch(() => {
        if (answers.get(key) === asked) answers.delete(key);
      });
      return asked.answer;
    };
  };
  const memberGroups = remembering(
    (principalId: PrincipalId, clientId: PrincipalId | undefined, groups: readonly PrincipalId[]) =>
      directory.memberGroups({ principalId, clientId }, groups),
  );
  return {
    person: remembering((idOrName: string) => directory.person(idOrName)),
    application: remembering((principalId: PrincipalId) => directory.application(principalId)),
    manager: remembering((principalId: PrincipalId) => directory.manager(principalId)),
    memberGroups: ({ principalId, clientId }, groups) => memberGroups(principalId, clientId, groups),
    groupMembers: remembering((groupId: PrincipalId) => directory.groupMembers(groupId)),
  };
}

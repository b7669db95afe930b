import type { PrincipalId } from './ids.ts';

/** A stage, and who could approve in it. */
export interface Seats {
  readonly quorum: number;
  readonly candidates: readonly PrincipalId[];
}

/**
 * Whether every stage can have its quorum when one person counts once across all of them: a matching of seats to people,
 * found by augmenting paths.
 */
export function canBeFilled(stages: readonly Seats[]): boolean {
  const seats = stages.flatMap(({ quorum, candidates }) => Array.from({ length: quorum }, () => candidates));
  const taken = new Map<PrincipalId, number>();
  const place = (seat: number, tried: Set<PrincipalId>): boolean =>
    (seats[seat] ?? []).some((person) => {
      if (tried.has(person)) return false;
      tried.add(person);
      const sitting = taken.get(person);
      if (sitting !== undefined && !place(sitting, tried)) return false;
      taken.set(person, seat);
      return true;
    });
  return seats.every((_, seat) => place(seat, new Set()));
}

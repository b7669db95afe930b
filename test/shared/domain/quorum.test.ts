import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PrincipalId } from '../../../shared/domain/ids.ts';
import { canBeFilled, type Seats } from '../../../shared/domain/quorum.ts';

function seats(quorum: number, candidates: string): Seats {
  return { quorum, candidates: [...candidates] as PrincipalId[] };
}

test.each<[string, Seats[], boolean]>([
  ['no stages are filled', [], true],
  ['one of two', [seats(1, 'ab')], true],
  ['three of two', [seats(3, 'ab')], false],
  ['nobody', [seats(1, '')], false],
  ['one person in two stages counts once', [seats(1, 'a'), seats(1, 'a')], false],
  ['whoever comes first makes room', [seats(1, 'ab'), seats(1, 'a')], true],
  ['through a chain', [seats(1, 'ab'), seats(1, 'bc'), seats(1, 'cd'), seats(1, 'a')], true],
  ['but not for ever', [seats(2, 'abc'), seats(2, 'abc')], false],
  ['one who is named twice counts once', [seats(2, 'aa')], false],
])('%s', (_, stages, expected) => {
  expect(canBeFilled(stages)).toBe(expected);
});

test('says what trying every way of seating people says', () => {
  const stage = fc.record({
    quorum: fc.integer({ min: 1, max: 2 }),
    candidates: fc.subarray([...'abcd'] as PrincipalId[]),
  });
  const byTrying = (open: readonly (readonly PrincipalId[])[], taken: readonly PrincipalId[] = []): boolean => {
    const [seat, ...rest] = open;
    return seat?.some((person) => !taken.includes(person) && byTrying(rest, [...taken, person])) ?? true;
  };
  fc.assert(
    fc.property(fc.array(stage, { maxLength: 4 }), (stages) => {
      const open = stages.flatMap(({ quorum, candidates }) => Array.from({ length: quorum }, () => candidates));
      expect(canBeFilled(stages)).toBe(byTrying(open));
    }),
  );
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ticketPatternProblem } from '../../../../shared/adapters/policy-file/ticket-pattern.ts';

describe('a pattern for tickets', () => {
  test.each([
    'INC-\\d{6}',
    '(?:INC|CHG)-\\d+',
    '[A-Z]{2,10}-\\d+',
    'INC-\\d{6}(-\\d+)?',
    '(?<kind>INC|CHG)\\d{4,8}',
    '[(+*|)]\\(\\)',
    '(?i:inc)\\d+',
    '\\p{Lu}+-\\d+',
    '[^\\]()]+',
    'a|b|c',
    '\\u{1F600}\\x41\\u0041\\cA\\0',
    '(ab)*',
    '(?:[abc])+',
    'a{3}',
  ])('%s is sound', (pattern) => {
    expect(ticketPatternProblem(pattern)).toBeUndefined();
  });
  test.each([
    ['(a+)+', 'a repetition of a repetition'],
    ['(a*)*b', 'a repetition of a repetition'],
    ['(?:a|a)*', 'a repetition of a choice'],
    ['((a)+)+', 'one group deeper'],
    ['((a+))+', 'a group around'],
    ['(?<n>a+){2,}', 'a named group'],
    ['(\\d{3}-){2}', 'a counted one'],
    ['([a-z]?)+', 'an optional one'],
    ['(x(?:a+)y)+', 'inside of a sequence'],
    ['(?=a)b', 'look-ahead'],
    ['(?!a)b', 'negative look-ahead'],
    ['(?<=a)b', 'look-behind'],
    ['(?<!a)b', 'negative look-behind'],
    ['(a)\\1', 'a back-reference'],
    ['(?<n>a)\\k<n>', 'a named back-reference'],
    ['a*a*a*a*a*', 'many repetitions'],
    ['a?'.repeat(60), 'many that are optional'],
    ['(a|b)?'.repeat(30), 'many choices'],
    ['(', 'no end'],
    ['a{2,1}', 'no sense'],
    ['\\d{', 'a brace alone'],
  ])('%s is refused: %s', (pattern) => {
    expect(ticketPatternProblem(pattern)).toBeTypeOf('string');
  });
  test('that is sound is quick on any ticket', () => {
    const part = fc.constantFrom(
      'a',
      'b',
      '.',
      '[ab]',
      '\\w',
      '(',
      ')',
      '(?:',
      '|',
      '*',
      '+',
      '?',
      '{2}',
      '{1,3}',
      '{2,}',
      '-',
    );
    const pattern = fc.array(part, { maxLength: 16 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(pattern, fc.constantFrom('a', 'b', 'ab', 'a-'), (text, unit) => {
        if (ticketPatternProblem(text) !== undefined) return;
        const ticket = `${unit.repeat(100).slice(0, 99)}!`;
        const begun = performance.now();
        new RegExp(`^(?:${text})$`, 'u').test(ticket);
        expect(performance.now() - begun).toBeLessThan(2000);
      }),
      { numRuns: 3000 },
    );
  });
});

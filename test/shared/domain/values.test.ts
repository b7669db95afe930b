import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isRequestId, requestIdOf } from '../../../shared/domain/ids.ts';
import { isSafeText } from '../../../shared/domain/text.ts';
import {
  describeDuration,
  earliest,
  formatDuration,
  instantOf,
  latest,
  parseDuration,
  plus,
} from '../../../shared/domain/time.ts';
import { start } from '../../support/samples.ts';

const second = 1000;
const hour = 3600 * second;

describe('durations', () => {
  test.each([
    ['2h', 2 * hour],
    ['90m', 1.5 * hour],
    ['1h30m', 1.5 * hour],
    ['1h 30m', 1.5 * hour],
    ['10s', 10 * second],
    ['1d', 24 * hour],
    ['1w', 7 * 24 * hour],
    ['PT2H', 2 * hour],
    ['P1DT12H', 36 * hour],
    ['PT0S', 0],
  ])('%s is read', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });
  test.each([
    '',
    ' ',
    '2',
    'h',
    '-2h',
    '2.5h',
    '1m1h',
    'P',
    'PT',
    'P1Y',
    'P1M',
    '-PT1H',
    '1 fortnight',
    `${'9'.repeat(30)}h`,
    '２h',
    '2h; DROP',
  ])('“%s” is no duration', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
  test('what is written is read again', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 * 86_400 }), (seconds) => {
        expect(parseDuration(formatDuration(seconds * second))).toBe(seconds * second);
        expect(parseDuration(describeDuration(seconds * second))).toBe(seconds * second);
      }),
    );
  });
});

describe('instants', () => {
  test('compare as text as they do as numbers', () => {
    expect([earliest(start, plus(start, 1), undefined), latest(start, plus(start, 1), undefined)]).toEqual([
      start,
      plus(start, 1),
    ]);
    expect(instantOf(Date.parse(start))).toBe(start);
  });
});

describe('request ids', () => {
  test('every 16 bytes make another id, of one form that is safe in URLs and as an instance id', () => {
    const bytes = fc.uint8Array({ minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(bytes, bytes, (one, other) => {
        expect(isRequestId(requestIdOf(one))).toBe(true);
        expect(requestIdOf(one) === requestIdOf(other)).toBe(Buffer.from(one).equals(Buffer.from(other)));
      }),
    );
  });
  test.each([
    '',
    'req-',
    `req-${'0'.repeat(25)}`,
    `req-${'0'.repeat(27)}`,
    `req-${'U'.repeat(26)}`,
    `REQ-${'0'.repeat(26)}`,
    `req-${'0'.repeat(25)}/`,
    `req-${'0'.repeat(26)}\n`,
  ])('“%s” is none', (text) => {
    expect(isRequestId(text)).toBe(false);
  });
});

describe('safe text', () => {
  test.each(['Refund case 4711', 'Zeilen\nund\tTabs', 'नमस्ते 👩‍👩‍👧 Ωλ', "O'Brien <b>"])('“%s” is', (text) => {
    expect(isSafeText(text)).toBe(true);
  });
  test.each([
    ['a null', 'a\u0000'],
    ['an escape', '\u001b[31m'],
    ['a carriage return', 'a\rb'],
    ['a right-to-left override', 'a\u202etxt.exe'],
    ['an isolate', '\u2066a'],
    ['a zero-width space', 'a\u200bb'],
    ['a byte order mark', '\ufeffa'],
    ['a line separator', 'a\u2028b'],
    ['a tag', 'a\u{e0041}'],
    ['half a surrogate pair', 'a\ud83d'],
  ])('%s is not', (_, text) => {
    expect(isSafeText(text)).toBe(false);
  });
});

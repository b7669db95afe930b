import { describe, expect, test } from 'vitest';
import { readPolicy } from '../../../../shared/adapters/policy-file/read-policy.ts';
import { CurfewError } from '../../../../shared/domain/errors.ts';
import { isSafeText } from '../../../../shared/domain/text.ts';
import { problemsOf, small } from './support.ts';

describe('a hostile file', () => {
  test('cannot grow by aliases', () => {
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]']
      .concat([...'bcdefghi'].map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[i]}`)}]`))
      .join('\n');
    expect(problemsOf(bomb)[0]).toBe('1:7: a');
  });

  test('is not read at all over 1 MiB, counted in bytes', () => {
    expect(problemsOf(`${small}#${' '.repeat(1024 * 1024)}`)).toEqual(['1:1']);
    expect(problemsOf(`${small}#${'é'.repeat(600_000)}`)).toEqual(['1:1']);
  });

  test('with a very deep nesting is refused, not a crash', () => {
    for (const depth of [30, 900, 2_500, 20_000]) {
      expect(problemsOf('['.repeat(depth)).length).toBeGreaterThan(0);
      expect(problemsOf(`${'['.repeat(depth)}${']'.repeat(depth)}`).length).toBeGreaterThan(0);
      expect(problemsOf(`${'- '.repeat(depth)}a`).length).toBeGreaterThan(0);
    }
  });

  test('with very many unknown fields is refused in little time, and the list has an end', () => {
    const text = Array.from({ length: 20_000 }, (_, index) => `key${index}: 1`).join('\n');
    expect(problemsOf(text)).toHaveLength(101);
  });

  test('with very many anchors is refused, not a crash', () => {
    expect(problemsOf(`version: [${Array(150_000).fill('&a 1').join()}]`)).toHaveLength(101);
  });

  test('cannot put control characters or bidirectional text into the list of problems', () => {
    try {
      readPolicy('"a\\u202Eb\\nc": 1\n"\\e[31m": 2\nversion: 1\ntargets: {}\n', 'p');
      expect.unreachable();
    } catch (error) {
      const detail = error instanceof CurfewError ? (error.refusal.detail ?? '') : '';
      expect(detail.split('\n')).toHaveLength(3);
      expect(isSafeText(detail)).toBe(true);
    }
  });

  test('cannot put them there by way of what the YAML package says', () => {
    for (const text of ['a: !x\u202ey 1', 'a: "\\\u202e"', 'a: \u202e*\u202e', '%\u202e x\n---\n', '@\u202e']) {
      try {
        readPolicy(text, 'p');
        expect.unreachable();
      } catch (error) {
        expect(error instanceof CurfewError && isSafeText(error.message)).toBe(true);
      }
    }
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson, type Json } from '../../../shared/domain/canonical-json.ts';
import type { RecordedEvent } from '../../../shared/domain/events.ts';
import { digestOf, verifyChain } from '../../../shared/domain/hash-chain.ts';
import { requestIdOf } from '../../../shared/domain/ids.ts';
import { plus } from '../../../shared/domain/time.ts';
import { bob, chainOf, commandId, requested, requestId, start } from '../../support/samples.ts';

const chain = chainOf(
  requested(),
  { type: 'access-approved', at: start, stage: 0, by: bob, through: 'api', comment: 'Fine', commandId },
  { type: 'grant-intended', at: start, deadline: plus(start, 1000) },
);

describe('canonical JSON (RFC 8785)', () => {
  test('the example of section 3.2.2 comes out as in section 3.2.3', () => {
    const numbers = [Number('333333333.33333329'), 1e30, 4.5, 2e-3, 0.000000000000000000000000001];
    const value = { numbers, string: '\u20ac$\u000F\u000aA\'\u0042\u0022\u005c\\"/', literals: [null, true, false] };
    expect(canonicalJson(value)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });
  test('keys are sorted by UTF-16 units, not by code points', () => {
    expect(canonicalJson({ '\ufb33': 1, '😀': 2, '€': 3, '1': 4, '\r': 5 })).toBe(
      '{"\\r":5,"1":4,"€":3,"😀":2,"\ufb33":1}',
    );
  });
  test('what JSON cannot say is refused', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, '\ud800', 1n, () => 1]) {
      expect(() => canonicalJson(value as unknown as Json)).toThrow(TypeError);
    }
  });
  test('the order of keys and a trip through JSON change nothing', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const reversed = JSON.parse(
          JSON.stringify(value, (_, part: unknown) =>
            isObject(part) ? Object.fromEntries(Object.entries(part).reverse()) : part,
          ),
        );
        expect(canonicalJson(reversed)).toBe(canonicalJson(JSON.parse(JSON.stringify(value)) as Json));
      }),
    );
  });
});

describe('verifyChain', () => {
  test('a chain as it was written holds, also after a trip through a store', () => {
    expect(verifyChain(requestId, chain)).toBeUndefined();
    expect(verifyChain(requestId, JSON.parse(JSON.stringify(chain)))).toBeUndefined();
  });
  test('an altered event is found, wherever it stands', () => {
    for (const index of chain.keys()) {
      const forged = chain.map((each, at) =>
        at === index ? { ...each, event: { ...each.event, at: plus(start, 1) } } : each,
      );
      expect(verifyChain(requestId, forged)).toEqual({ sequence: index, problem: 'altered' });
    }
  });
  test('an altered event with its hash made anew breaks the next link', () => {
    const [first, ...rest] = chain;
    const forged = chainOf({ ...requested(), reason: 'Other' } as RecordedEvent['event']);
    expect(first).toBeDefined();
    expect(verifyChain(requestId, [...forged, ...rest])).toEqual({ sequence: 1, problem: 'unlinked' });
  });
  test('a missing, doubled or swapped event is found', () => {
    const [one, two, three] = chain as [RecordedEvent, RecordedEvent, RecordedEvent];
    expect(verifyChain(requestId, [one, three])).toEqual({ sequence: 1, problem: 'missing' });
    expect(verifyChain(requestId, [one, two, two, three])).toEqual({ sequence: 2, problem: 'missing' });
    expect(verifyChain(requestId, [one, three, two])).toEqual({ sequence: 1, problem: 'missing' });
    expect(verifyChain(requestId, [])).toEqual({ sequence: 0, problem: 'missing' });
  });
  test('another request’s chain is not this one’s', () => {
    const other = requestIdOf(new Uint8Array(16).fill(9));
    expect(verifyChain(other, chain)).toEqual({ sequence: 0, problem: 'foreign' });
    expect(
      verifyChain(
        other,
        chain.map((each) => ({ ...each, requestId: other })),
      ),
    ).toMatchObject({ sequence: 0 });
  });
  test('a digest is SHA-256 of the canonical form, in hex', () => {
    // printf '{"a":1}' | sha256sum
    expect(digestOf({ a: 1 })).toBe('015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862');
  });
});

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

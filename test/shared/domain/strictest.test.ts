import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson, type Json } from '../../../shared/domain/canonical-json.ts';
import type { Demands, Stage } from '../../../shared/domain/policy.ts';
import { demandsOf, describeTightening, nothingDemanded, strictest } from '../../../shared/domain/strictest.ts';
import { demands, owners, rule } from './generated.ts';

/** Lists are compared as what is in them: the order of stages is the one thing that joining in another order changes. */
function unordered(value: Demands): unknown {
  const sorted = (list: readonly unknown[]) => list.map((each) => canonicalJson(each as Json)).sort();
  const { tickets, askingNeeds, decidingNeeds, stages } = value;
  return {
    ...value,
    tickets: sorted(tickets),
    askingNeeds: sorted(askingNeeds),
    decidingNeeds: sorted(decidingNeeds),
    stages: sorted(stages),
  };
}

describe('the stricter of two sets of demands', () => {
  test('is the same in whatever order they are joined, but for the order of the stages', () => {
    fc.assert(
      fc.property(demands, demands, (one, other) => {
        expect(unordered(strictest(one, other))).toEqual(unordered(strictest(other, one)));
      }),
    );
  });
  test('is the same however several are put together', () => {
    fc.assert(
      fc.property(demands, demands, demands, (one, other, third) => {
        expect(strictest(strictest(one, other), third)).toEqual(strictest(one, strictest(other, third)));
      }),
    );
  });
  test('of one and itself is that one', () => {
    fc.assert(
      fc.property(demands, (one) => {
        expect(strictest(one, one)).toEqual(one);
      }),
    );
  });
  test('of one and nothing demanded is that one', () => {
    fc.assert(
      fc.property(demands, (one) => {
        expect(strictest(one, nothingDemanded)).toEqual(one);
        expect(strictest(nothingDemanded, one)).toEqual(one);
      }),
    );
  });
  test('adds nothing the second time', () => {
    fc.assert(
      fc.property(demands, rule, (one, added) => {
        const once = strictest(one, demandsOf(added));
        expect(describeTightening(once, strictest(once, demandsOf(added)))).toEqual([]);
      }),
    );
  });
  test('survives JSON', () => {
    fc.assert(
      fc.property(demands, (one) => {
        expect(JSON.parse(JSON.stringify(strictest(one, nothingDemanded)))).toEqual(one);
      }),
    );
    expect(JSON.parse(JSON.stringify(nothingDemanded))).toEqual(nothingDemanded);
  });
  test('keeps two stages that are alike: they want two people', () => {
    const stage: Stage = { approvers: { people: [], groups: [owners] }, quorum: 1, timeOut: 1000, reminders: [] };
    const [single, twice] = [[stage], [stage, stage]].map((stages) => ({ ...nothingDemanded, stages }));
    if (!single || !twice) throw new Error('the test is wrong');
    expect(strictest(single, twice).stages).toHaveLength(2);
    expect(strictest(twice, single).stages).toHaveLength(2);
    expect(strictest(twice, twice).stages).toHaveLength(2);
  });
});

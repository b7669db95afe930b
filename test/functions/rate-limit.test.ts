import { beforeEach, describe, expect, test } from 'vitest';
import { createRateLimit, type RateLimit } from '../../functions/rate-limit.ts';
import { CurfewError, type Refusal } from '../../shared/domain/errors.ts';
import { plus } from '../../shared/domain/time.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

let time: VirtualClock;
let limit: RateLimit;
beforeEach(() => {
  time = new VirtualClock();
  limit = createRateLimit(time.clock, 30);
});

function refusalOf(key: string): Refusal | undefined {
  try {
    limit(key);
    return undefined;
  } catch (error) {
    if (error instanceof CurfewError) return error.refusal;
    throw error;
  }
}

/** How many of so many calls pass. */
const passing = (key: string, calls: number) => Array.from({ length: calls }, () => refusalOf(key)).filter((no) => !no);
const wait = (milliseconds: number) => time.advanceTo(plus(time.now, milliseconds), async () => {});

describe('a caller with 30 calls a minute', () => {
  test('makes them all at once, and is told when the next may pass', () => {
    expect(passing('ada', 30)).toHaveLength(30);
    expect(refusalOf('ada')).toMatchObject({
      code: 'CURFEW_RATE_LIMITED',
      retryAfter: 2,
      remedy: { kind: 'try-again-in', seconds: 2 },
    });
  });

  test('is let through when the time that was named is over, and not before', async () => {
    passing('ada', 30);
    const { retryAfter = 0 } = refusalOf('ada') ?? {};
    await wait(retryAfter * 1000 - 1);
    expect(refusalOf('ada')).toMatchObject({ retryAfter: 1 });
    await wait(1);
    expect(passing('ada', 5)).toHaveLength(1);
  });

  test('has all of them again after a minute, and never more', async () => {
    passing('ada', 30);
    await wait(60_000);
    expect(passing('ada', 100)).toHaveLength(30);
    await wait(86_400_000);
    expect(passing('ada', 100)).toHaveLength(30);
  });

  test('who keeps calling is not refused for longer because of it', async () => {
    passing('ada', 30);
    for (let tries = 0; tries < 19; tries++) {
      await wait(100);
      expect(refusalOf('ada')).toBeDefined();
    }
    await wait(100);
    expect(refusalOf('ada')).toBeUndefined();
  });

  test('does not hinder another', () => {
    passing('ada', 100);
    expect(passing('bob', 30)).toHaveLength(30);
  });
});

test('of more keys than are kept, whoever has not called for longest is forgotten, and no other', () => {
  passing('first', 30);
  passing('second', 30);
  for (let other = 0; other < 9_998; other++) limit(`other ${other}`);
  // Ten thousand in all; this call makes `first` the latest of them.
  expect(refusalOf('first')).toBeDefined();
  limit('one more');
  expect(refusalOf('first')).toBeDefined();
  expect(passing('second', 30)).toHaveLength(30);
});

import { expect, test } from 'vitest';
import { CurfewError } from '../../shared/domain/errors.ts';
import { plus } from '../../shared/domain/time.ts';
import { withTimeout } from '../../shared/with-timeout.ts';
import { start } from '../support/samples.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

/** Until every call that can go on has. */
const rest = () => new Promise<void>((resolve) => setImmediate(resolve));
const end = plus(start, 1_000);

test('what comes before the end is the answer, be it a failure', async () => {
  const { clock } = new VirtualClock(start);
  expect(await withTimeout(clock, end, Promise.resolve('done'), 'CURFEW_TARGET_UNAVAILABLE')).toBe('done');
  const failing = withTimeout(
    clock,
    end,
    Promise.reject(new CurfewError('CURFEW_INTERNAL')),
    'CURFEW_TARGET_UNAVAILABLE',
  );
  await expect(failing).rejects.toMatchObject({ code: 'CURFEW_INTERNAL' });
});
test('what is there already counts, even where the end is over', async () => {
  const { clock } = new VirtualClock(plus(end, 1));
  expect(await withTimeout(clock, end, Promise.resolve('done'), 'CURFEW_TARGET_UNAVAILABLE')).toBe('done');
});
test('what does not come is refused at the end and not before, and may fail later without a word', async () => {
  const time = new VirtualClock(start);
  const { promise, reject } = Promise.withResolvers<never>();
  let code: string | undefined;
  withTimeout(time.clock, end, promise, 'CURFEW_STORE_UNAVAILABLE').catch((error: CurfewError) => {
    code = error.code;
  });
  await time.advanceTo(plus(end, -1), rest);
  expect(code).toBeUndefined();
  await time.advanceTo(end, rest);
  expect(code).toBe('CURFEW_STORE_UNAVAILABLE');
  reject(new CurfewError('CURFEW_INTERNAL'));
  await rest();
  expect(code).toBe('CURFEW_STORE_UNAVAILABLE');
});

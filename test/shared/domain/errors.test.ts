import { expect, test } from 'vitest';
import { statusOf } from '../../../functions/http/problem.ts';
import { type ErrorCode, errorCodes, isRetryable } from '../../../shared/domain/errors.ts';

test('an unknown failure may pass when it is tried again, as a process that died may have done anything', () => {
  expect([isRetryable('CURFEW_INTERNAL'), statusOf.CURFEW_INTERNAL]).toEqual([true, 500]);
});

test('a retryable code is answered with a status after which a client tries again', () => {
  for (const code of Object.keys(errorCodes) as ErrorCode[]) {
    if (isRetryable(code)) expect([429, 500, 503], code).toContain(statusOf[code]);
  }
});

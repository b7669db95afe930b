import { CurfewError } from '../../domain/errors.ts';

/** Milliseconds. */
const patience = 5_000;

/**
 * Posts JSON and gives once it was taken, which is any 2xx. Nobody is followed elsewhere, and nothing that the receiver says is read but
 * its status and Retry-After in seconds. The address may be a secret: no error holds it.
 */
export async function post(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers,
    body,
    redirect: 'manual',
    signal: AbortSignal.timeout(patience),
  }).catch((error: unknown) => {
    throw new CurfewError('CURFEW_WEBHOOK_UNAVAILABLE', {
      detail: `The receiver did not answer (${reasonOf(error)}).`,
    });
  });
  void response.body?.cancel().catch(() => undefined);
  if (response.ok) return;
  const seconds = /^\d{1,6}$/.exec(response.headers.get('retry-after') ?? '')?.[0];
  throw new CurfewError('CURFEW_WEBHOOK_UNAVAILABLE', {
    detail: `The receiver answered ${response.status}.`,
    retryAfter: seconds === undefined ? undefined : Number(seconds),
  });
}

/** `ECONNREFUSED`, `TimeoutError`: a word of Node's own, since messages have addresses in them. */
function reasonOf(error: unknown): string {
  const { name, cause } = error instanceof Error ? error : { name: typeof error, cause: undefined };
  const code: unknown = cause instanceof Error ? Reflect.get(cause, 'code') : undefined;
  return typeof code === 'string' && /^[A-Z_]{1,64}$/.test(code) ? code : name;
}

import { CurfewError, type ErrorCode } from '../../domain/errors.ts';

const noSuchPrincipalOrRight = 15151;
/** Azure SQL says in so many words to come back after ten seconds. */
const busy = 40501;
const nameTaken = new Set([15023, 15063]);

const passing = new Set([
  // The network, and connections that the server or a gateway cut off.
  20,
  64,
  121,
  233,
  596,
  10053,
  10054,
  10060,
  11001,
  17197,
  // Lock time-outs, deadlocks, memory and space that will be free again.
  701,
  1203,
  1204,
  1205,
  1222,
  3935,
  3960,
  3966,
  8628,
  8645,
  8651,
  9002,
  40549,
  40550,
  40551,
  40552,
  40553,
  // The database is moving, paused, being scaled, or the read-only side of a failover for a moment.
  615,
  617,
  669,
  921,
  926,
  976,
  978,
  983,
  997,
  3906,
  4060,
  4221,
  18401,
  40143,
  40197,
  40540,
  40613,
  42108,
  42109,
  // Throttling and resource limits.
  10922,
  10928,
  10929,
  10936,
  busy,
  49918,
  49919,
  49920,
  49977,
  49983,
  // Login and firewall: wrong for now, and put right from outside without Curfew's being told.
  18456,
  40615,
]);

const refused = new Set([
  // Not permitted, or no such thing, which the server doesn't tell apart.
  229,
  230,
  262,
  297,
  300,
  916,
  6102,
  noSuchPrincipalOrRight,
  15247,
  // What can't be altered, or can't be a member.
  15081,
  15405,
  15410,
  15413,
  // The directory knows no such principal, or more than one.
  33130,
  33131,
  33134,
  33159,
]);

/** The server's error number; undefined where the trouble lies before the server. */
export function numberOf(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('number' in error && typeof error.number === 'number') return error.number;
  // A failed BEGIN, COMMIT or ROLLBACK has the number one level down.
  return 'originalError' in error ? numberOf(error.originalError) : undefined;
}

/** A login that the server refused. The driver's own error has no number: the server says it beside. */
export class LoginRefused extends Error {
  readonly code = 'ELOGIN';
  /** Not `number`: whatever it is, it may pass, for it is put right from outside without Curfew's being told. */
  readonly reason: number;

  constructor(reason: number) {
    super('The login was refused.');
    this.reason = reason;
  }
}

/** The server is there, and has no such database, or no user in it for who asks. It doesn't tell the two apart. */
export function isShutOut(error: unknown): boolean {
  const reason = error instanceof LoginRefused ? error.reason : numberOf(error);
  return [916, 4060, 18456].includes(reason ?? 0);
}

export const isMissingOrForbidden = (error: unknown) => numberOf(error) === noSuchPrincipalOrRight;
export const isNeededStill = (error: unknown) => [15136, 15138, 15284, 15421].includes(numberOf(error) ?? 0);
export const isSessionGone = (error: unknown) => [6101, 6104, 6106].includes(numberOf(error) ?? 0);

/**
 * By number and driver code alone. A message may hold SQL and names, so none of it is carried over, nor is the error as a
 * cause. `otherwise` is for numbers that nobody has thought of: final where something was to be given, so that it is undone,
 * and to be tried again where something is to be taken away.
 */
export function curfewError(error: unknown, otherwise: ErrorCode): CurfewError {
  if (error instanceof CurfewError) return error;
  const number = numberOf(error);
  if (number === undefined) {
    const code = [driverCodeOf(error), error instanceof LoginRefused && error.reason].filter(Boolean).join(' ');
    return new CurfewError('CURFEW_TARGET_UNAVAILABLE', {
      detail: `The database could not be reached, or broke off${code ? ` (${code})` : ''}.`,
    });
  }
  return new CurfewError(codeOf(number, otherwise), {
    detail: `The database answered with error ${number}.`,
    retryAfter: number === busy ? 10 : undefined,
  });
}

function codeOf(number: number, otherwise: ErrorCode): ErrorCode {
  if (nameTaken.has(number)) return 'CURFEW_USER_NAME_TAKEN';
  if (passing.has(number)) return 'CURFEW_TARGET_UNAVAILABLE';
  return refused.has(number) ? 'CURFEW_TARGET_REFUSED' : otherwise;
}

const broken = new Set(['ESOCKET', 'ECONNRESET', 'ECONNCLOSED', 'ECLOSE', 'ENOTOPEN', 'EPIPE']);

/** The connection is gone, and nothing is known of what was last said on it. */
export function isBrokenConnection(error: unknown): boolean {
  return numberOf(error) === undefined && broken.has(driverCodeOf(error) ?? '');
}

/** `ELOGIN`, `ETIMEOUT` and the like; nothing that is not surely a code of the driver's. */
function driverCodeOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^E[A-Z]{3,20}$/.test(code) ? code : undefined;
}

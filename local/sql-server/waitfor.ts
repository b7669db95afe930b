import { SqlError } from './server-error.ts';
import type { SqlValue } from './tds/sql-type.ts';

/** Milliseconds of a delay of the form hh:mm:ss.mmm. */
export function delayOf(value: SqlValue): number {
  const match =
    typeof value === 'string' ? /^(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3})\d*)?)?$/.exec(value.trim()) : null;
  if (!match) throw new SqlError(148, `Incorrect time syntax in time string '${String(value)}' used with WAITFOR.`, 15);
  const [, hours, minutes, seconds = '0', digits = '0'] = match;
  return (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000 + Number(digits.padEnd(3, '0'));
}

export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal.addEventListener('abort', stop, { once: true });
  });
}

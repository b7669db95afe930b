import { CurfewError, type ErrorCode } from '../../shared/domain/errors.ts';
import { type Instant, plus } from '../../shared/domain/time.ts';
import type { Around } from './calls.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** What can befall a call. */
export const faults = {
  'crash before': 'the process dies before the call is made',
  'crash after': 'the process dies when the call has had its effect, and before anybody knows',
  error: 'the call fails and has no effect',
  'final error': 'the call fails for a reason that trying again can’t mend',
  'lost answer': 'the call has its effect, and fails',
  'time-out': 'the call has its effect, hangs for two hours, and fails',
  hang: 'the call has no effect, hangs for two hours, and fails',
  'slow call': 'three seconds pass before the effect',
  'slow answer': 'three seconds pass after the effect',
  duplicate: 'the call is carried out twice',
  'duplicate at once': 'the call is carried out twice, at the same time',
  outage: 'from this call on, every call to the same system fails for a minute and a half',
} as const;
export type Fault = keyof typeof faults;

const hangs = 2 * 3_600_000;
const slowness = 3_000;
export const outage = 90_000;

/** How a system fails; what has no code of its own, as an activity, fails with an error of the host's. */
const codes: { readonly [system: string]: { error: ErrorCode; final?: ErrorCode } } = {
  events: { error: 'CURFEW_STORE_UNAVAILABLE' },
  requests: { error: 'CURFEW_STORE_UNAVAILABLE' },
  links: { error: 'CURFEW_STORE_UNAVAILABLE' },
  holds: { error: 'CURFEW_STORE_UNAVAILABLE' },
  directory: { error: 'CURFEW_DIRECTORY_UNAVAILABLE' },
  notifier: { error: 'CURFEW_MAIL_UNAVAILABLE' },
  target: { error: 'CURFEW_TARGET_UNAVAILABLE', final: 'CURFEW_TARGET_REFUSED' },
};

/** Which faults a call can meet. A person whose command fails is told so and gives it again. */
export function faultsOf(call: string): Fault[] {
  const system = systemOf(call);
  if (system === 'people') return ['duplicate', 'duplicate at once'];
  const all = Object.keys(faults) as Fault[];
  return all.filter((fault) => {
    if (fault === 'final error') return codes[system]?.final !== undefined;
    return fault !== 'outage' || system in codes;
  });
}

export function systemOf(call: string): string {
  return call.split('.')[0] ?? call;
}

/** The fault that is to befall the call of that name, the `nth` time that it is made. */
export interface Injection {
  readonly call: string;
  readonly nth: number;
  readonly fault: Fault;
}

/** Carries calls out and notes when, and has the fault befall the one that it is meant for. `die` ends the process. */
export function injector(injection: Injection | undefined, time: () => VirtualClock, die: () => void) {
  const instants = new Map<string, Instant[]>();
  let struckAt: Instant | undefined;
  const errorOf = (call: string, which: 'error' | 'final' = 'error') => {
    const code = codes[systemOf(call)]?.[which];
    return code ? new CurfewError(code) : new Error('failed');
  };
  const around: Around = async (call, run) => {
    const { clock } = time();
    const nth = instants.set(call, [...(instants.get(call) ?? []), clock.now()]).get(call)?.length;
    if (injection?.call !== call || injection.nth !== nth) {
      const isOut = injection?.fault === 'outage' && systemOf(injection.call) === systemOf(call);
      if (isOut && struckAt !== undefined && clock.now() < plus(struckAt, outage)) throw errorOf(call);
      return run();
    }
    struckAt = clock.now();
    const sleep = (milliseconds: number) => clock.sleepUntil(plus(clock.now(), milliseconds));
    switch (injection.fault) {
      case 'crash before':
        return die();
      case 'crash after':
        await run();
        return die();
      case 'error':
      case 'outage':
        throw errorOf(call);
      case 'final error':
        throw errorOf(call, 'final');
      case 'lost answer':
        await run();
        throw errorOf(call);
      case 'time-out':
        await run();
        await sleep(hangs);
        throw errorOf(call);
      case 'hang':
        await sleep(hangs);
        throw errorOf(call);
      case 'slow call':
        await sleep(slowness);
        return run();
      case 'slow answer': {
        const answer = await run();
        await sleep(slowness);
        return answer;
      }
      case 'duplicate':
        await run();
        return run();
      case 'duplicate at once':
        return (await Promise.all([run(), run()]))[1];
    }
  };
  return { around, instants, hasStruck: () => struckAt !== undefined };
}

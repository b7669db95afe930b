import { CurfewError } from './domain/errors.ts';
import type { Entitlement } from './domain/policy.ts';
import { type Instant, millisecondsOf, plus } from './domain/time.ts';
import type { Clock } from './ports.ts';
import type { AccessProvider } from './providers/provider.ts';

/** After so many failures in a row a target counts as dead. */
const patience = 3;
/** For so long nothing but revocations is tried there. Milliseconds. */
const pause = 10_000;
/** A try that has not come back after this long keeps no other waiting. Milliseconds. */
const probeLimit = 5_000;

interface Circuit {
  /** In a row. */
  failures: number;
  closedUntil?: Instant;
  /** When the target answered last, whatever it said. */
  answeredAt?: Instant;
  /** The one try that is under way while the target counts as dead: whether it was answered. */
  probe?: Promise<boolean> | undefined;
}

/** What may wait, what may be the one try at any time, and what is prepared ahead of its instant. */
type Urgency = 'ordinary' | 'revocation' | 'ahead';

/**
 * The same provider, which asks nothing of a target that keeps failing: what would wait there for its time-outs fails at once
 * with CURFEW_TARGET_UNAVAILABLE, and leaves connections and the host's activities to other databases. One try at a time finds
 * out whether it is back: after a pause any call, which others then wait for, and a revocation without that pause. Only a target
 * that can't be reached counts: one that says no is alive.
 */
export function withCircuitBreaker<Provider extends AccessProvider>(provider: Provider, clock: Clock): Provider {
  const circuits = new Map<string, Circuit>();

  const guard = async <T>(target: Entitlement, urgency: Urgency, work: () => Promise<T>): Promise<T> => {
    const circuit = circuitOf(target);
    const isDead = circuit.failures >= patience && urgency !== 'ahead';
    const endProbe = isDead ? await enter(circuit, urgency) : undefined;
    const began = clock.now();
    try {
      const answer = await work();
      close(circuit);
      endProbe?.(true);
      return answer;
    } catch (error) {
      const isAway = error instanceof CurfewError && error.code === 'CURFEW_TARGET_UNAVAILABLE';
      if (!isAway) close(circuit);
      else if (circuit.answeredAt === undefined || began >= circuit.answeredAt) open(circuit);
      endProbe?.(!isAway);
      throw error;
    }
  };
  const circuitOf = (entitlement: Entitlement): Circuit => {
    const key = provider.batchKey(entitlement);
    const circuit = circuits.get(key) ?? { failures: 0 };
    circuits.set(key, circuit);
    return circuit;
  };
  /** Gives what ends the probe, where the caller is to be it, and nothing where another's was answered meanwhile. */
  const enter = async (circuit: Circuit, urgency: Urgency): Promise<((answered: boolean) => void) | undefined> => {
    const now = clock.now();
    const { probe, closedUntil = now } = circuit;
    if (probe && now >= closedUntil && (await probe)) return undefined;
    if (probe || (urgency === 'ordinary' && now < closedUntil)) {
      const wait = millisecondsOf(circuit.closedUntil ?? now) - millisecondsOf(clock.now());
      throw new CurfewError('CURFEW_TARGET_UNAVAILABLE', { retryAfter: Math.max(1, Math.ceil(wait / 1000)) });
    }
    const { promise, resolve } = Promise.withResolvers<boolean>();
    circuit.probe = promise;
    const end = (answered: boolean) => {
      if (circuit.probe === promise) circuit.probe = undefined;
      resolve(answered);
    };
    void clock.sleepUntil(plus(now, probeLimit)).then(() => end(false));
    return end;
  };
  const open = (circuit: Circuit): void => {
    circuit.failures++;
    circuit.closedUntil = plus(clock.now(), pause);
  };
  const close = (circuit: Circuit): void => {
    circuit.failures = 0;
    circuit.answeredAt = clock.now();
  };

  return {
    ...provider,
    isHeld: (entitlement, principal) => guard(entitlement, 'ordinary', () => provider.isHeld(entitlement, principal)),
    grant: (entitlement, ...rest) => guard(entitlement, 'ordinary', () => provider.grant(entitlement, ...rest)),
    revoke: (entitlement, principal, notBefore, ...rest) =>
      guard(entitlement, notBefore > clock.now() ? 'ahead' : 'revocation', () =>
        provider.revoke(entitlement, principal, notBefore, ...rest),
      ),
    endSessions: (entitlement, principal) =>
      guard(entitlement, 'revocation', () => provider.endSessions(entitlement, principal)),
    cleanUp: (entitlement, principal) => guard(entitlement, 'ordinary', () => provider.cleanUp(entitlement, principal)),
    residualAccess: (entitlement, ...rest) =>
      guard(entitlement, 'ordinary', () => provider.residualAccess(entitlement, ...rest)),
    holders: (entitlement) => guard(entitlement, 'ordinary', () => provider.holders(entitlement)),
  };
}

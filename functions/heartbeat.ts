import { CurfewError } from '../shared/domain/errors.ts';
import { type Instant, latest, plus } from '../shared/domain/time.ts';
import type { Clock, HeartbeatStore } from '../shared/ports.ts';

/** How long the reconciler may go without a success. Milliseconds. */
const patience = 300_000;

export interface Heartbeat {
  /** The reconciler has just gone through everything. */
  beat(): Promise<void>;
  /** When it last did; where it never has, when this process began. */
  last(): Promise<Instant>;
  /** Fails where that was too long ago. */
  check(): Promise<void>;
}

/** When the reconciler last succeeded: on whatever instance, or on this one where the store can't say. */
export function createHeartbeat(store: HeartbeatStore, clock: Clock): Heartbeat {
  // Where there never was a success yet there has to be one soon.
  const began = clock.now();
  let own: Instant | undefined;
  const last = async () => {
    const known = await store.find().catch((error: unknown) => {
      if (own === undefined) throw error;
      return undefined;
    });
    return known === undefined ? (own ?? began) : latest(known, own);
  };
  return {
    async beat() {
      own = clock.now();
      await store.save(own);
    },
    last,
    async check() {
      const at = await last();
      if (plus(at, patience) < clock.now()) {
        throw new CurfewError('CURFEW_INTERNAL', { detail: `The reconciler has not succeeded since ${at}.` });
      }
    },
  };
}

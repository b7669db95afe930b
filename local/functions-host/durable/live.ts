import type { Entry } from './history.ts';
import * as history from './history.ts';
import type { InstanceRow, RuntimeStatus, Store } from './store.ts';
import type { HistoryEvent } from './wire.ts';

export interface Message {
  readonly event: HistoryEvent;
  /** Set where the message is of use to one life of the instance only. */
  readonly execution?: string;
  /** Its row in the store, if it has one: messages of clients do, results and timers are derived from other rows. */
  readonly seq?: number;
  readonly continued?: boolean;
}

/** An instance that may still run, with its history. Ended ones live in the store alone. */
export interface Live {
  row: InstanceRow;
  past: Entry[];
  turns: number;
  inbox: Message[];
  queued: boolean;
  dead: boolean;
  /** Gives back the place of the turn that is about to run. */
  turnDone?: () => void;
}

const ended: ReadonlySet<RuntimeStatus> = new Set(['Completed', 'Failed', 'Terminated']);

export const hasEnded = (row: InstanceRow): boolean => ended.has(row.status);

/** The instances in memory; others are read from the store when something happens to them. */
export class LiveInstances {
  readonly #store: Store;
  readonly #live = new Map<string, Live>();

  constructor(store: Store) {
    this.#store = store;
  }

  row(id: string): InstanceRow | undefined {
    return this.#live.get(id)?.row ?? this.#store.instance(id);
  }

  /** Undefined for what never was and for what has ended. */
  find(id: string): Live | undefined {
    const known = this.#live.get(id);
    if (known) return hasEnded(known.row) ? undefined : known;
    const row = this.#store.instance(id);
    if (!row || hasEnded(row)) return undefined;
    const turns = this.#store.turns(id).map((turn) => JSON.parse(turn) as (HistoryEvent & { IsPlayed: boolean })[]);
    const inbox = this.#store.messages(id).map(({ seq, event }) => ({ ...(JSON.parse(event) as Message), seq }));
    const past = turns.flat().map((event) => history.Entry.read(event));
    return this.#add({ row, past, turns: turns.length, inbox, queued: false, dead: false });
  }

  create(row: InstanceRow): Live {
    this.#store.putInstance(row);
    return this.#add({ row, past: [], turns: 0, inbox: [], queued: false, dead: false });
  }

  /** Takes away every trace. */
  delete(id: string): void {
    const live = this.#live.get(id);
    if (live) this.letGo(live);
    this.#store.deleteInstance(id);
  }

  /** A turn that is under way sees by `dead` that it no longer counts. */
  letGo(live: Live): void {
    live.dead = true;
    if (this.#live.get(live.row.id) === live) this.#live.delete(live.row.id);
  }

  #add(live: Live): Live {
    this.#live.set(live.row.id, live);
    return live;
  }
}

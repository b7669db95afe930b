import { Event, type HistoryEvent } from './wire.ts';

/** Since the engine was created. */
export interface Counters {
  turns: number;
  /** Activities scheduled, timers created (each leg of a long one), events raised. */
  activities: number;
  timers: number;
  events: number;
  /** Characters of JSON written to histories. */
  historyBytes: number;
  /** Activities scheduled and not yet finished, those of an earlier engine on the same state included. */
  outstanding: number;
  mostOutstanding: number;
}

export const newCounters = (): Counters => ({
  turns: 0,
  activities: 0,
  timers: 0,
  events: 0,
  historyBytes: 0,
  outstanding: 0,
  mostOutstanding: 0,
});

export type InstanceCounters = Pick<Counters, 'turns' | 'activities' | 'timers' | 'events' | 'historyBytes'>;

/** Counts what is in a history, given as the JSON text of each turn. `continueAsNew` begins a new history. */
export function countHistory(turns: readonly string[]): InstanceCounters {
  const events = turns.flatMap((turn) => JSON.parse(turn) as HistoryEvent[]);
  const count = (type: number) => events.filter(({ EventType }) => EventType === type).length;
  return {
    turns: turns.length,
    activities: count(Event.TaskScheduled),
    timers: count(Event.TimerCreated),
    events: count(Event.EventRaised),
    historyBytes: turns.reduce((total, { length }) => total + length, 0),
  };
}

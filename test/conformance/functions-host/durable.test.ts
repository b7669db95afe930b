import { readdirSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { Event } from '../../../local/functions-host/durable/wire.ts';
import { essence, outcome, statusEssence } from './normalise.ts';
import { type Played, play, type Recording, readRecording, type Step } from './scenario.ts';

const names = readdirSync(new URL('../recordings/durable/', import.meta.url))
  .map((file) => file.replace('.json', ''))
  .filter((name) => !name.startsWith('_'));

/** Deliberate differences: the real host gives wrong results in silence. */
const trapped = ['any-over-completed', 'timer-in-two-any-event-a', 'timer-in-two-any-timer'];

/** The recorder cut long strings out of these steps, so only calls and final states can be compared. */
const stepsCut = [
  'activity-returns-big',
  'activity-throws-long',
  'event-burst',
  'fail-uncaught',
  'input-big-100kb',
  'odd-ids',
  'raise-payload-big-100kb',
  'retry-exhausted-uncaught',
];

/** Asked for with `showHistory`, cut short, or under a random id. */
const finalNotComparable = ['non-determinism-name', 'activity-throws-long', 'start-no-id'];

/** Lists every instance of the recording's task hub. */
const callNotComparable: Readonly<Record<string, number>> = { 'odd-ids': 65 };

let played: Played | undefined;

afterEach(() => {
  played?.close();
  played = undefined;
});

describe('against recordings of the real host', () => {
  it.each(names.filter((name) => !trapped.includes(name)))(
    '%s: same triggers, actions, answers and final state',
    async (name) => {
      const recording = readRecording(name);
      played = await play(recording);
      if (!stepsCut.includes(name)) expect(played.steps.map(essence)).toEqual(recording.steps.map(essence));
      for (const [index, recorded] of recording.clientCalls.entries()) {
        if (callNotComparable[name] === index) continue;
        const call = played.calls[index];
        // Calls made together share a connection log, so their statuses can't be told apart.
        const comparable = call?.wire ? recorded : { ...recorded, wire: undefined };
        expect(call && outcome(call)).toEqual(outcome(comparable as typeof recorded));
      }
      if (finalNotComparable.includes(name)) return;
      for (const [id, status] of finalStatuses(recording)) {
        expect(statusEssence(await played.status(id))).toEqual(statusEssence(status));
      }
    },
  );

  it.each(['timer-10-days', 'timer-10-days-or-event'])('%s: the first leg ends at the same distance', async (name) => {
    const recording = readRecording(name);
    played = await play(recording);
    const days = recording.steps.map(legs);
    expect(days.flat()).toEqual([3]);
    expect(played.steps.map(legs)).toEqual(days);
  });

  it.each(trapped)('%s: fails loudly where the real host mixes up results', async (name) => {
    const recording = readRecording(name);
    played = await play(recording);
    const [id = ''] = recording.steps.map(({ instanceId }) => instanceId);
    expect(await played.status(id)).toMatchObject({ runtimeStatus: 'Failed' });
  });
});

/** Days from the turn that created a timer to its instant, for each timer of the history. */
function legs({ trigger: { history } }: Step): number[] {
  let turn = 0;
  return history.flatMap(({ EventType, Timestamp, FireAt }) => {
    if (EventType === Event.OrchestratorStarted) turn = Date.parse(Timestamp);
    return EventType === Event.TimerCreated ? [(Date.parse(FireAt ?? '') - turn) / 86_400_000] : [];
  });
}

function finalStatuses({ finalStatus, steps, clientCalls }: Recording): [string, Record<string, unknown>][] {
  if (!('httpStatus' in finalStatus)) return Object.entries(finalStatus) as [string, Record<string, unknown>][];
  const started = clientCalls[0]?.args[1] as { instanceId?: string } | undefined;
  return [[steps[0]?.instanceId ?? started?.instanceId ?? String(clientCalls[0]?.args[0]), finalStatus]];
}

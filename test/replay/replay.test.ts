import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { OrchestrationContext, OrchestrationHandler, Task } from 'durable-functions';
import { describe, expect, test } from 'vitest';
import type { HistoryEvent } from '../../local/functions-host/durable/wire.ts';
import { activityNames } from '../../orchestrations/contract.ts';
import { accessRequest } from '../../orchestrations/lifecycle/access-request.ts';
import { currentVersion, difference, folderOf, type Recording, record, releasedVersions, write } from './history.ts';
import { stories } from './stories.ts';

const command = 'node test/replay/record.ts';
const versions = [...new Set([...releasedVersions, currentVersion])];
const filesOf = (version: string) => (existsSync(folderOf(version)) ? readdirSync(folderOf(version)) : []);
const textOf = (version: string, file: string) => readFileSync(new URL(file, folderOf(version)), 'utf8');
const read = (version: string, file: string) => JSON.parse(textOf(version, file)) as Recording[];

test.each(versions)('of %s there are histories on record', (version) => {
  expect(filesOf(version).length, `run \`${command}\``).toBeGreaterThan(0);
});

describe.each(versions)('what began in %s goes on today', (version) => {
  test.each(filesOf(version))('%s', async (file) => {
    for (const recording of read(version, file)) expect(await difference(recording, accessRequest)).toBeUndefined();
  });
});

describe.skipIf(releasedVersions.includes(currentVersion))('the version that is being made', () => {
  test.each(Object.keys(stories))('has on record what %s does today', async (name) => {
    const play = stories[name];
    if (!play) throw new Error('no such story');
    const onRecord = filesOf(currentVersion).includes(`${name}.json`) && textOf(currentVersion, `${name}.json`);
    const message = `What is done today is not what is on record. If that is meant, run \`${command}\`; see CONTRIBUTING.md.`;
    expect(onRecord === write(await record(play)), message).toBe(true);
  });

  test('has no other histories on record than of the stories', () => {
    const names = Object.keys(stories).map((name) => `${name}.json`);
    expect(new Set(filesOf(currentVersion)), `run \`${command}\``).toEqual(new Set(names));
  });

  test('has on record every activity, a story that goes on in a new history, and the version of host.json', () => {
    const recordings = filesOf(currentVersion).flatMap((file) => read(currentVersion, file));
    const asks = new Set(recordings.flatMap(({ turns }) => turns.flatMap((turn) => turn.asks)));
    for (const name of Object.values(activityNames)) {
      expect(
        [...asks].some((ask) => ask.includes(`call ${name}`)),
        name,
      ).toBe(true);
    }
    expect(new Set(recordings.map(({ ends }) => ends))).toEqual(new Set(['completed', 'continued']));
    const begun = recordings.map(
      ({ turns }) => turns[0]?.history.find(({ Version }) => Version !== undefined)?.Version,
    );
    expect(new Set(begun)).toEqual(new Set(['1.0']));
  });
});

describe('what is not as it was fails', () => {
  const [overdue, ...others] = Object.keys(stories)
    .filter((name) => filesOf(currentVersion).includes(`${name}.json`))
    .sort((one) => (one === 'overdue' ? -1 : 1))
    .map((name) => ({ name, recordings: read(currentVersion, `${name}.json`) }));
  const scheduled = 4;
  const altered = (recording: Recording, change: (event: HistoryEvent) => HistoryEvent | undefined): Recording => ({
    ...recording,
    turns: recording.turns.map(({ history, asks }) => ({
      asks,
      history: history.flatMap((event) => change(event) ?? []),
    })),
  });
  const activitiesOf = ({ turns }: Recording) =>
    turns.flatMap(({ history }) => history.filter(({ EventType }) => EventType === scheduled));

  test.each(others)('$name, with any two neighbouring activities swapped', async ({ recordings }) => {
    for (const recording of recordings) {
      const activities = activitiesOf(recording);
      for (const [index, first] of activities.entries()) {
        const second = activities[index + 1];
        if (!second || second.Name === first.Name) continue;
        const names = new Map([
          [first.EventId, second.Name],
          [second.EventId, first.Name],
        ]);
        const swapped = altered(recording, (event) => {
          const Name = event.EventType === scheduled ? names.get(event.EventId) : undefined;
          return Name === undefined ? event : { ...event, Name };
        });
        expect(await difference(swapped, accessRequest)).toMatch(/Non-Deterministic/);
      }
    }
  });

  test.each(others)('$name, with any activity removed', async ({ recordings }) => {
    for (const recording of recordings) {
      for (const { EventId } of activitiesOf(recording)) {
        const without = altered(recording, (event) =>
          event.TaskScheduledId === EventId || (event.EventType === scheduled && event.EventId === EventId)
            ? undefined
            : event,
        );
        expect(await difference(without, accessRequest)).toBeDefined();
      }
    }
  });

  test.each([...(overdue ? [overdue] : []), ...others])(
    '$name, on an orchestrator that does one thing more',
    async ({ recordings }) => {
      for (const recording of recordings) {
        expect(await difference(recording, checksFirst)).toMatch(/^turn [01]: /);
      }
    },
  );
});

/** A change that looks harmless. */
const checksFirst: OrchestrationHandler = function* (context: OrchestrationContext): Generator<Task, unknown, unknown> {
  yield context.df.callActivity(activityNames.deliver, context.df.getInput());
  return yield* accessRequest(context);
};

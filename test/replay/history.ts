import { readFileSync } from 'node:fs';
import type { OrchestrationHandler } from 'durable-functions';
import { Entry } from '../../local/functions-host/durable/history.ts';
import { replay } from '../../local/functions-host/durable/replay.ts';
import { sdkRuntime } from '../../local/functions-host/durable/sdk-runtime.ts';
import { encodeTrigger, orchestrate } from '../../local/functions-host/durable/turn.ts';
import {
  type Action,
  ActionType,
  type HistoryEvent,
  type OrchestratorState,
} from '../../local/functions-host/durable/wire.ts';
import { silent } from '../../local/functions-host/log.ts';
import { orchestratorName } from '../../orchestrations/contract.ts';
import { createWorld, type World } from '../support/world.ts';

/** One history: of an instance, or of a part of its life where it went on in a new one. */
export interface Recording {
  readonly instance: string;
  /** What the host had to say in each turn, and what the orchestrator then asked for that it had not asked for before. */
  readonly turns: readonly { readonly history: readonly HistoryEvent[]; readonly asks: readonly string[] }[];
  readonly ends: 'completed' | 'continued' | 'running';
}

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');

/** The version that is being made, or was released last. */
export const currentVersion = (JSON.parse(read('package.json')) as { version: string }).version;

/** A version is released once CHANGELOG.md has a heading for it. */
export const releasedVersions = [...read('CHANGELOG.md').matchAll(/^## \[?(\d+\.\d+\.\d+)/gm)].map(
  ([, version = '']) => version,
);

const { defaultVersion } = (
  JSON.parse(read('host.json')) as { extensions: { durableTask: { defaultVersion: string } } }
).extensions.durableTask;

export const folderOf = (version: string): URL => new URL(`test/replay/${version}/`, root);

/** Plays a story and gives its histories, in the order in which they began. The same story gives the same each time. */
export async function record(play: (world: World) => Promise<unknown>): Promise<Recording[]> {
  const recordings = new Map<
    string,
    { instance: string; turns: Recording['turns'][number][]; seen: number; actions: readonly Action[]; isDone: boolean }
  >();
  const world = createWorld({
    version: defaultVersion,
    onTurn: (trigger, answer) => {
      const { history, instanceId } = JSON.parse(trigger) as { history: HistoryEvent[]; instanceId: string };
      const {
        actions: [actions = []],
        isDone,
      } = JSON.parse(JSON.stringify(answer)) as OrchestratorState;
      const execution = JSON.stringify(history[1]?.OrchestrationInstance);
      const known = recordings.get(execution) ?? { instance: instanceId, turns: [], seen: 0, actions: [], isDone };
      const turn = {
        history: history.slice(known.seen).map(essential),
        asks: actions.slice(known.actions.length).map(essence),
      };
      recordings.set(execution, { ...known, turns: [...known.turns, turn], seen: history.length, actions, isDone });
    },
  });
  await play(world);
  world.engine.close();
  return [...recordings.values()].map(({ instance, turns, actions, isDone }) => {
    const isContinued = actions.at(-1)?.actionType === ActionType.ContinueAsNew;
    return { instance, turns, ends: isContinued ? 'continued' : isDone ? 'completed' : 'running' };
  });
}

/**
 * Feeds a history turn by turn to an orchestrator, through the SDK and the host's half of a turn. Gives the first difference from what
 * is on record, or undefined. What activities are given is not compared: it may get richer, and theirs is done.
 */
export async function difference(
  recording: Recording,
  orchestrator: OrchestrationHandler,
): Promise<string | undefined> {
  const runtime = sdkRuntime({ [orchestratorName]: orchestrator }, {}, silent);
  const input = recording.turns[0]?.history.find(({ Input }) => Input !== undefined)?.Input ?? null;
  const past: Entry[] = [];
  const expected: string[] = [];
  let ends = 'running';
  for (const [number, { history, asks }] of recording.turns.entries()) {
    const fresh = history.map((event) => new Entry(event));
    const row = { id: recording.instance, input };
    const state = await orchestrate(runtime, orchestratorName, encodeTrigger(row, past, fresh));
    for (const entry of fresh) entry.played = true;
    past.push(...fresh);
    expected.push(...asks);
    const { outcome } = replay(
      past.map(({ event }) => event),
      state,
    );
    if (outcome.kind === 'failed') return `turn ${number}: ${outcome.message}`;
    const actual = state.actions.flat().map(essence);
    const at = [...actual, ...expected].findIndex((_, index) => actual[index] !== expected[index]);
    if (at >= 0)
      return `turn ${number}: asks for ${actual[at] ?? 'nothing'}, where ${expected[at] ?? 'nothing'} is on record`;
    ends = outcome.kind;
  }
  return ends === recording.ends ? undefined : `is ${ends} at the end, where ${recording.ends} is on record`;
}

/** One event or list of asks per line. */
export function write(recordings: readonly Recording[]): string {
  const lines = (items: readonly unknown[]) => items.map((item) => `\n${JSON.stringify(item)}`).join(',');
  const turns = ({ turns }: Recording) =>
    turns.map(({ history, asks }) => `\n{"history":[${lines(history)}],\n"asks":${JSON.stringify(asks)}}`).join(',');
  return `[${recordings.map((each) => `{"instance":"${each.instance}","turns":[${turns(each)}],\n"ends":"${each.ends}"}`).join(',\n')}]\n`;
}

/** Without what differs each time, and what says nothing. */
function essential({ IsPlayed: _, OrchestrationInstance: __, ...event }: HistoryEvent): HistoryEvent {
  return Object.fromEntries(Object.entries(event).filter(([, value]) => value !== null)) as HistoryEvent;
}

function essence(action: Action): string {
  switch (action.actionType) {
    case ActionType.CallActivity:
      return `call ${action.functionName}`;
    case ActionType.CreateTimer:
      return `timer ${action.fireAt}`;
    case ActionType.WaitForExternalEvent:
      return `event ${action.externalEventName}`;
    case ActionType.WhenAny:
      return `any of ${action.compoundActions?.map(essence).join(', ')}`;
    case ActionType.ContinueAsNew:
      return 'continue as new';
    default:
      return `action ${action.actionType}`;
  }
}

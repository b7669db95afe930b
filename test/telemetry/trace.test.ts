import { expect, test } from 'vitest';
import { type Action, ActionType, type OrchestratorState } from '../../local/functions-host/durable/wire.ts';
import { type OrchestratorInput, orchestratorName } from '../../orchestrations/contract.ts';
import { plus } from '../../shared/domain/time.ts';
import { chainOf, requestAfter, requested, requestId, start } from '../support/samples.ts';
import { createWorld } from '../support/world.ts';

const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const hour = 3_600_000;

/** What was asked for with which trace, in a lifecycle that has a dead target and a new history. `instants` gets since when. */
async function tracesOf(
  more: Omit<OrchestratorInput, 'first'>,
  instants: unknown[] = [],
): Promise<Map<string, Set<unknown>>> {
  const traces = new Map<string, Set<unknown>>();
  const see = ({ actionType, functionName = '', input, compoundActions = [] }: Action) => {
    compoundActions.forEach(see);
    const name = actionType === ActionType.ContinueAsNew ? 'continueAsNew' : functionName;
    if (name === '') return;
    const given = (typeof input === 'string' ? JSON.parse(input) : input) as { trace?: string; askedAt?: string };
    if (actionType !== ActionType.ContinueAsNew) instants.push(given.askedAt);
    traces.set(name, (traces.get(name) ?? new Set()).add(given.trace));
  };
  const world = createWorld({
    onTurn: (_, answer) => (JSON.parse(JSON.stringify(answer)) as OrchestratorState).actions.flat().forEach(see),
  });
  const event = requested({ duration: hour });
  const [first] = chainOf(event);
  if (!first) throw new Error('no event');
  await world.events.append(first);
  await world.requests.save(requestAfter(event));
  await world.engine.start(orchestratorName, requestId, { first, ...more } satisfies OrchestratorInput);
  await world.settle();
  await world.approve(requestId);
  await world.advanceTo(plus(start, hour / 2));
  world.target.failure = 'CURFEW_TARGET_UNAVAILABLE';
  await world.advanceTo(plus(start, 2 * hour));
  world.target.failure = undefined;
  await world.advanceTo(plus(start, 3 * hour));
  expect(world.request(requestId).state).toBe('expired');
  world.close();
  return traces;
}

test('every activity is given the trace of the call that began the story, in a new history too', async () => {
  const traces = await tracesOf({ trace });
  expect([...traces.keys()]).toEqual(
    expect.arrayContaining(['deliver', 'grantAccess', 'revokeAccess', 'continueAsNew']),
  );
  for (const [name, given] of traces) expect([name, ...given]).toEqual([name, trace]);
});

test('a story that began without one goes on without one', async () => {
  for (const given of (await tracesOf({})).values()) expect([...given]).toEqual([undefined]);
});

test('every activity is told when it was asked for, by the clock of the turn', async () => {
  const instants: unknown[] = [];
  await tracesOf({}, instants);
  expect(instants.length).toBeGreaterThan(4);
  for (const instant of instants) expect(instant).toMatch(/^2026-11-21T.*Z$/);
});

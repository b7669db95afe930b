import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OrchestrationContext, OrchestrationHandler } from 'durable-functions';
import {
  createDurableEngine,
  type DurableEngine,
  type DurableEngineOptions,
} from '../../../local/functions-host/durable/index.ts';
import { virtualClock } from './virtual-clock.ts';

export const START = Date.parse('2026-11-21T09:00:00.000Z');
export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const DAY = 86_400 * SECOND;

/** Makes engines on virtual clocks, and closes them with `closeAll` after each test. */
export function engines() {
  const opened: DurableEngine[] = [];
  const folders: string[] = [];
  return {
    setUp(
      orchestrator: OrchestrationHandler,
      options: Partial<DurableEngineOptions> = {},
      clock = virtualClock(START),
    ) {
      const engine = createDurableEngine({
        statePath: ':memory:',
        clock,
        orchestrators: { story: orchestrator },
        activities: {},
        ...options,
      });
      opened.push(engine);
      return {
        clock,
        engine,
        settle: () => engine.idle(),
        moveTo: (time: number) => clock.moveTo(time, () => engine.idle()),
      };
    },
    stateFile(): string {
      const folder = mkdtempSync(join(tmpdir(), 'durable-engine-'));
      folders.push(folder);
      return join(folder, 'state.db');
    },
    closeAll() {
      for (const engine of opened.splice(0)) engine.close();
      for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
    },
  };
}

export const later = (context: OrchestrationContext, ms: number) =>
  new Date(context.df.currentUtcDateTime.getTime() + ms);

import { formatTimeSpan } from '../time-span.ts';
import type { Entry } from './history.ts';
import type { InstanceRow } from './store.ts';
import { LongTimer, type OrchestratorState } from './wire.ts';

/** The functions behind the engine, called through the unmodified SDK. */
export interface DurableRuntime {
  hasOrchestrator(name: string): boolean;
  hasActivity(name: string): boolean;
  /** Takes the trigger as JSON text; answers or throws what the SDK's orchestrator function does. */
  orchestrate(name: string, trigger: string): Promise<unknown>;
  /** Takes the input as JSON text. */
  act(name: string, input: string | null): Promise<unknown>;
}

/** The SDK splits timers by these two, as the extension does. */
const longTimers = {
  longRunningTimerIntervalDuration: formatTimeSpan(LongTimer.leg),
  maximumShortTimerDuration: formatTimeSpan(LongTimer.longest),
};
const OUT_OF_PROC_DATA = '\n\n$OutOfProcData$:';

/** The trigger is encoded afresh each turn, so that no orchestrator can leave a trace in the history. */
export function encodeTrigger(
  row: Pick<InstanceRow, 'id' | 'input'>,
  past: readonly Entry[],
  fresh: readonly Entry[],
): string {
  const history = [...past, ...fresh].map((entry) => entry.json).join(',');
  const rest = JSON.stringify({
    instanceId: row.id,
    isReplaying: past.length > 0,
    parentInstanceId: null,
    upperSchemaVersion: 1,
    upperSchemaVersionNew: 2,
    ...longTimers,
    defaultHttpAsyncRequestSleepTimeMillseconds: 30_000,
  });
  return `{"history":[${history}],"input":${row.input ?? 'null'},${rest.slice(1)}`;
}

/** A failed orchestrator throws, with its state behind a label in the message; both ways give a state. */
export async function orchestrate(runtime: DurableRuntime, name: string, trigger: string): Promise<OrchestratorState> {
  try {
    return JSON.parse(JSON.stringify(await runtime.orchestrate(name, trigger))) as OrchestratorState;
  } catch (error) {
    const message = error instanceof Error ? error.message : '';
    const at = message.indexOf(OUT_OF_PROC_DATA);
    if (at < 0) throw error;
    return JSON.parse(message.slice(at + OUT_OF_PROC_DATA.length)) as OrchestratorState;
  }
}

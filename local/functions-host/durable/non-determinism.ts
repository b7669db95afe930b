import type { Scheduled } from './replay.ts';
import type { HistoryEvent } from './wire.ts';

/** DurableTask's words for a history that the orchestrator does not repeat. */

const changed = 'Was a change made to the orchestrator code after this instance had already started running?';
const detected = 'Non-Deterministic workflow detected: A previous execution of this orchestration scheduled';

export function notRepeated(kind: Scheduled['kind'], event: HistoryEvent): string {
  const what =
    kind === 'activity'
      ? `an activity task with sequence ID ${event.EventId} and name '${event.Name}' (version '')`
      : `a timer task with sequence ID ${event.EventId}`;
  return `${detected} ${what}, but the current replay execution hasn't (yet?) scheduled this task. ${changed}`;
}

export function otherKind(kind: Scheduled['kind'], event: HistoryEvent, now: Scheduled): string {
  const what =
    kind === 'activity'
      ? `an activity task with sequence number ${event.EventId} named '${event.Name}'`
      : `a timer task with sequence number ${event.EventId}`;
  const produced = now.kind === 'timer' ? 'CreateTimerOrchestratorAction' : 'ScheduleTaskOrchestratorAction';
  return `${detected} ${what}, but the current orchestration replay instead produced a ${produced} action with this sequence number. ${changed}`;
}

export function otherName(event: HistoryEvent, name: string): string {
  return `${detected} an activity task with sequence number ${event.EventId} named '${event.Name}', but the current orchestration replay instead scheduled an activity task named '${name}' with this sequence number.  ${changed}`;
}

import * as df from 'durable-functions';
import { millisecondsOf } from '../shared/domain/time.ts';
import type { Service } from './service.ts';

const hour = 3_600_000;
/** 2^17 hours are fifteen years. */
const steps = 17;

/**
 * Deletes the orchestrations of requests that were made long ago and have ended, from the task hub alone. One that failed or was
 * terminated has not told its story to the end, and stays for whoever looks into it. The older, the less is left to delete, so
 * each step back covers twice the time of the one before: no step is large, and nothing is too old. Gives how many there were.
 */
export async function purgeEnded({ clock, purgeAfter }: Service, client: df.DurableClient): Promise<number> {
  let deleted = 0;
  let to = millisecondsOf(clock.now()) - purgeAfter;
  for (let step = 0; step < steps; step++) {
    const from = to - hour * 2 ** step;
    const { instancesDeleted } = await client.purgeInstanceHistoryBy({
      createdTimeFrom: new Date(from),
      createdTimeTo: new Date(to),
      runtimeStatus: [df.OrchestrationRuntimeStatus.Completed],
    });
    deleted += instancesDeleted;
    to = from;
  }
  return deleted;
}

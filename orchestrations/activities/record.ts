import { upcomingOf } from '../../shared/domain/upcoming.ts';
import type { RecordInput } from '../contract.ts';
import { type ActivityDependencies, limited } from './activity.ts';

type Recording = Pick<ActivityDependencies, 'clock' | 'events' | 'requests' | 'scheduler'>;

/**
 * Records events in their places, then their projection; both are safe to repeat. The process that recorded a deadline or a booked
 * start arms it.
 */
export function record(dependencies: Recording, { events, request }: RecordInput): Promise<null> {
  return limited(dependencies, 'CURFEW_STORE_UNAVAILABLE', async () => {
    for (const event of events) await dependencies.events.append(event);
    await dependencies.requests.save(request);
    dependencies.scheduler.arm(upcomingOf(request));
    return null;
  });
}

import type { Activity } from './index.ts';

/** Writes events in their places, then what they add up to. Both are safe to repeat. */
export const record: Activity<'record'> = async ({ events: store, requests }, { events, request }) => {
  for (const event of events) await store.append(event);
  await requests.save(request);
  return null;
};

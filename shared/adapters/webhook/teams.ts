import type { AccessRequest } from '../../domain/access-request.ts';
import type { RecordedEvent } from '../../domain/events.ts';
import { requestFrom } from '../../domain/evolve.ts';
import { isRequestId } from '../../domain/ids.ts';
import { cardOf, isTold } from '../../pages/channel-card.ts';
import type { AnyEvent, EventStore, Sink } from '../../ports.ts';
import { post } from './post.ts';

/** Posts a card into a channel of Teams, by the address of a workflow, for those events that people there want to hear of. */
export function createTeamsSink({ url, events }: { url: string; events: Pick<EventStore, 'read'> }): Sink {
  return {
    name: 'teams',
    async send(event) {
      if (!isTold(event)) return;
      const card = cardOf(event, isOfRequest(event) ? await requestWith(event, events) : undefined);
      if (!card) return;
      const attachment = { contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content: card };
      const message = { type: 'message', attachments: [attachment] };
      await post(url, { 'content-type': 'application/json' }, JSON.stringify(message));
    },
  };
}

function isOfRequest(event: AnyEvent): event is RecordedEvent {
  return isRequestId(event.requestId);
}

/**
 * As it was with this event: a card that comes late says what happened then. Undefined where the chain makes no request: it was
 * tampered with, and trying again would only hold up every other card.
 */
async function requestWith(
  { requestId, sequence }: RecordedEvent,
  events: Pick<EventStore, 'read'>,
): Promise<AccessRequest | undefined> {
  const chain = await events.read(requestId);
  try {
    return requestFrom(requestId, chain.slice(0, sequence + 1));
  } catch {
    return undefined;
  }
}

import { createHmac } from 'node:crypto';
import { millisecondsOf } from '../../domain/time.ts';
import type { AnyEvent, Clock, Sink } from '../../ports.ts';
import { post } from './post.ts';

/** What every type begins with: CloudEvents wants the name of a domain, backwards. Receivers rely on it. */
const typePrefix = 'dev.curfew.';

/**
 * Sends each event as a CloudEvent 1.0 in structured mode (https://github.com/cloudevents/spec), signed after Standard Webhooks
 * (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md) with every key, so that a receiver which
 * knows one of them is content. The id is the same however often the event is sent; the time is that of the sending.
 */
export function createWebhookSink(options: {
  url: string;
  keys: readonly Uint8Array[];
  /** Under which address the ids are unique. */
  source: string;
  clock: Clock;
}): Sink {
  const { url, keys, source, clock } = options;
  return {
    name: 'webhook',
    async send(event) {
      const cloudEvent = cloudEventOf(event, source);
      const { id } = cloudEvent;
      const body = JSON.stringify(cloudEvent);
      const timestamp = Math.floor(millisecondsOf(clock.now()) / 1000);
      const headers = {
        'content-type': 'application/cloudevents+json',
        'webhook-id': id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': keys.map((key) => signatureOf(key, `${id}.${timestamp}.${body}`)).join(' '),
      };
      await post(url, headers, body);
    },
  };
}

function cloudEventOf(recorded: AnyEvent, source: string) {
  const { requestId, sequence, event } = recorded;
  return {
    specversion: '1.0',
    id: `${requestId}/${sequence}`,
    source,
    type: `${typePrefix}${event.type}`,
    subject: requestId,
    time: event.at,
    datacontenttype: 'application/json',
    // As it is chained, hash and all: whoever keeps it can tell whether the store was changed.
    data: recorded,
  };
}

function signatureOf(key: Uint8Array, text: string): string {
  return `v1,${createHmac('sha256', key).update(text).digest('base64')}`;
}

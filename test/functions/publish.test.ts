import { beforeEach, describe, expect, test } from 'vitest';
import { createPublisher } from '../../functions/publish.ts';
import type { DriftEvent } from '../../shared/domain/drift.ts';
import { CurfewError, type ErrorCode } from '../../shared/domain/errors.ts';
import { link } from '../../shared/domain/hash-chain.ts';
import { driftIdOf, requestIdOf, type TargetId } from '../../shared/domain/ids.ts';
import { type Instant, plus } from '../../shared/domain/time.ts';
import type { AnyEvent, Cursor, CursorStore, EventFeed, FeedPage, Sink, SinkName } from '../../shared/ports.ts';
import { ada, chainOf, entitlement, requested, start } from '../support/samples.ts';

const second = 1_000;
const minute = 60 * second;
const idOf = ({ requestId, sequence }: AnyEvent) => `${requestId}/${sequence}`;

/** A store of which a page has three events. Cursors count them. */
class MemoryFeed implements EventFeed, CursorStore {
  readonly all: AnyEvent[] = [];
  readonly cursors = new Map<SinkName, Cursor>();
  failure: ErrorCode | undefined;
  strangers = 0;

  async end(): Promise<Cursor> {
    return String(this.all.length) as Cursor;
  }
  async *after(cursor: Cursor): AsyncGenerator<FeedPage> {
    for (let from = Number(cursor); from < this.all.length; ) {
      if (this.failure) throw new CurfewError(this.failure);
      const events = this.all.slice(from, from + 3);
      from += events.length;
      yield { events, strangers: this.strangers, cursor: String(from) as Cursor };
    }
  }
  async find(sink: SinkName): Promise<Cursor | undefined> {
    return this.cursors.get(sink);
  }
  async save(sink: SinkName, cursor: Cursor): Promise<void> {
    if (this.failure) throw new CurfewError(this.failure);
    this.cursors.set(sink, cursor);
  }
}

/** Takes what it isn't told to refuse, in the time that it is told to take. */
class MemorySink implements Sink {
  readonly name: SinkName;
  readonly got: string[] = [];
  tries = 0;
  takes = 0;
  refuses: (id: string) => CurfewError | undefined = () => undefined;

  constructor(name: SinkName) {
    this.name = name;
  }
  async send(event: AnyEvent): Promise<void> {
    this.tries++;
    now = plus(now, this.takes);
    const refusal = this.refuses(idOf(event));
    if (refusal) throw refusal;
    this.got.push(idOf(event));
  }
}

let now: Instant;
let feed: MemoryFeed;
let webhook: MemorySink;
let teams: MemorySink;
let logged: string[];
let publish: () => Promise<void>;

/** What a new process begins with. */
function begin(): () => Promise<void> {
  const clock = { now: () => now, sleepUntil: async () => {} };
  const log = (level: string, message: string, more = {}) =>
    void logged.push(`${level} ${message} ${JSON.stringify(more)}`);
  return createPublisher({ clock, log, feed, cursors: feed, sinks: [webhook, teams] });
}

/** So many events, of two requests and of a target. */
function happen(count: number): string[] {
  const from = feed.all.length;
  const target = 'orders' as TargetId;
  const holder = { principalId: ada.principalId, name: ada.name };
  const gone: DriftEvent = { type: 'drift-gone', at: start, entitlement, holder };
  for (let index = from; index < from + count; index++) {
    const id = requestIdOf(new Uint8Array(16).fill(index % 2));
    const [first] = chainOf(requested());
    if (!first) throw new Error('no event');
    const event = index % 3 === 0 ? link(driftIdOf(target), undefined, gone) : { ...first, requestId: id };
    feed.all.push({ ...event, sequence: index } as AnyEvent);
  }
  return feed.all.slice(from).map(idOf);
}

const unavailable = (more = {}) => new CurfewError('CURFEW_WEBHOOK_UNAVAILABLE', more);
const at = async (milliseconds: number) => {
  now = plus(start, milliseconds);
  await publish();
};

beforeEach(async () => {
  now = start;
  feed = new MemoryFeed();
  [webhook, teams] = [new MemorySink('webhook'), new MemorySink('teams')];
  logged = [];
  happen(5);
  publish = begin();
});

test('who was never told anything is told what happens from then on', async () => {
  await at(0);
  const events = happen(4);
  await at(10 * second);
  expect([webhook.got, teams.got]).toEqual([events, events]);
  expect([...feed.cursors]).toEqual([
    ['webhook', '9'],
    ['teams', '9'],
  ]);
});

describe('once it has begun', () => {
  beforeEach(() => at(0));

  test('every event is sent once, in order, whatever chain it is of', async () => {
    const events = [happen(4), happen(0), happen(7)];
    for (const [tick] of events.entries()) await at((tick + 1) * 10 * second);
    await at(minute);
    expect(webhook.got).toEqual(events.flat());
    expect(new Set(webhook.got.map((id) => id.split('/')[0])).size).toBe(3);
  });

  test('the cursor moves once all that it covers was taken', async () => {
    const events = happen(6);
    webhook.refuses = (id) => (id === events[4] ? unavailable() : undefined);
    await at(10 * second);
    expect(webhook.got).toEqual(events.slice(0, 4));
    expect(feed.cursors.get('webhook')).toBe('8');
    expect(feed.cursors.get('teams')).toBe('11');
    webhook.refuses = () => undefined;
    await at(20 * second);
    expect(webhook.got).toEqual(events);
    expect(feed.cursors.get('webhook')).toBe('11');
  });

  test('a process that dies sends again what the cursor doesn’t cover, and leaves out nothing', async () => {
    const events = happen(6);
    webhook.refuses = (id) => (id === events[4] ? unavailable() : undefined);
    await at(10 * second);
    webhook.refuses = () => undefined;
    publish = begin();
    await at(11 * second);
    expect(webhook.got).toEqual([...events.slice(0, 4), ...events.slice(3)]);
  });

  test('an event that somebody changed in the store comes once more', async () => {
    const [changed] = happen(1);
    await at(10 * second);
    feed.all.push(...feed.all.slice(-1));
    await at(20 * second);
    expect(webhook.got).toEqual([changed, changed]);
  });

  test('a cursor that can’t be moved is moved later, and nothing is sent twice for it', async () => {
    const events = happen(2);
    const save = feed.save.bind(feed);
    feed.save = () => Promise.reject(new CurfewError('CURFEW_STORE_UNAVAILABLE'));
    await at(10 * second);
    feed.save = save;
    await at(20 * second);
    expect(webhook.got).toEqual(events);
    expect(feed.cursors.get('webhook')).toBe('7');
  });

  test('a sink that takes nothing is tried again less and less often, for ever, and the other goes on', async () => {
    const events = happen(3);
    webhook.refuses = () => unavailable();
    const tries: number[] = [];
    for (let tick = 1; tick <= 600; tick++) {
      const before = webhook.tries;
      await at(tick * second);
      if (webhook.tries > before) tries.push(tick);
    }
    expect(tries).toEqual([1, 11, 31, 71, 151, 271, 391, 511]);
    expect(teams.got).toEqual(events);
    webhook.refuses = () => undefined;
    const more = happen(1);
    await at(24 * 60 * minute);
    expect(webhook.got).toEqual([...events, ...more]);
    webhook.refuses = () => unavailable();
    happen(1);
    await at(24 * 60 * minute + second);
    expect(logged.at(-1)).toMatch(/^warning .*"sink":"webhook".*CURFEW_WEBHOOK_UNAVAILABLE.*"seconds":10}/);
  });

  test.each([
    [45, 45],
    [3, 10],
    [7_200, 120],
  ])('who asks to be left alone for %i seconds is for %i', async (retryAfter, seconds) => {
    happen(1);
    webhook.refuses = () => unavailable({ retryAfter });
    await at(0);
    await at(seconds * second - 1);
    expect(webhook.tries).toBe(1);
    await at(seconds * second);
    expect(webhook.tries).toBe(2);
  });

  test('what won’t be taken holds up all that comes after it', async () => {
    const events = happen(3);
    webhook.refuses = (id) => (id === events[1] ? unavailable() : undefined);
    for (let hour = 1; hour < 48; hour++) await at(hour * 60 * minute);
    expect(webhook.got).toEqual(events.slice(0, 1));
  });

  test('a run ends after a thousand events, and the next goes on', async () => {
    const events = happen(2_500);
    for (const [tick, sent] of [1_000, 2_000, 2_500].entries()) {
      await at((tick + 1) * 10 * second);
      expect(webhook.got).toEqual(events.slice(0, sent));
    }
  });

  test('a run ends after eight seconds, and the next goes on', async () => {
    const events = happen(20);
    teams.refuses = () => unavailable();
    webhook.takes = second;
    await at(10 * second);
    expect(webhook.got).toEqual(events.slice(0, 8));
    await at(20 * second);
    await at(30 * second);
    expect(webhook.got).toEqual(events);
  });

  test('a store that is down is a pause and no more', async () => {
    const events = happen(4);
    feed.failure = 'CURFEW_STORE_UNAVAILABLE';
    await at(10 * second);
    expect(webhook.tries).toBe(0);
    feed.failure = undefined;
    await at(20 * second);
    expect(webhook.got).toEqual(events);
  });

  test('what is no event is said in the log, and the others go on', async () => {
    const events = happen(2);
    feed.strangers = 1;
    await at(10 * second);
    expect(webhook.got).toEqual(events);
    expect(logged.join()).toMatch(/error the event store holds what is no event/);
  });

  test('a fault of its own is no end of it either', async () => {
    const events = happen(1);
    webhook.refuses = () => new TypeError('a secret in a message') as never;
    await at(10 * second);
    expect(logged.join()).toContain('CURFEW_INTERNAL');
    expect(logged.join()).not.toContain('secret');
    webhook.refuses = () => undefined;
    await at(20 * second);
    expect(webhook.got).toEqual(events);
  });
});

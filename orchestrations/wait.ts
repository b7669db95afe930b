import type { Task } from 'durable-functions';
import type { OutsideCommand } from '../shared/domain/decide.ts';
import type { RequestId } from '../shared/domain/ids.ts';
import { earliest, type Instant, plus } from '../shared/domain/time.ts';
import type { Mailbox } from './mailbox.ts';
import type { Story } from './story.ts';

/**
 * Waits until the instant, for as long as `goesOn`, doing the chores and letting the domain decide on each command that
 * comes. Chores and an extension that are under way at `limit` are left to themselves.
 */
export function* wait(
  story: Story,
  mailbox: Mailbox,
  until: Instant,
  goesOn: () => boolean,
  limit?: Instant,
): Generator<Task, void, unknown> {
  while (goesOn() && story.now() < until) {
    yield* story.chores(limit);
    const command = yield* mailbox.next(earliest(until, story.choresDue));
    if (command) yield* obey(story, command, limit);
  }
}

/** Goes on in a new history. What came while nobody waited would be dropped with the old one, so it is heard first. */
export function* renew(story: Story, mailbox: Mailbox): Generator<Task, void, unknown> {
  const next = () => mailbox.next(plus(story.now(), 1));
  for (let command = yield* next(); command; command = yield* next()) yield* obey(story, command);
  story.renew();
}

function* obey(story: Story, command: OutsideCommand, limit?: Instant): Generator<Task, void, unknown> {
  if (command.kind === 'extend') yield* moveDeadline(story, command.extension, limit);
  else if (command.kind === 'alarm-rang') story.rung = command.evidence;
  else story.apply(command);
}

/** Anybody's event may say that it is an approved extension: the activity looks it up. */
function* moveDeadline(story: Story, extension: RequestId, limit: Instant | undefined): Generator<Task, void, unknown> {
  if (story.request.state !== 'granted') return;
  const found = yield* story.call('extendHolds', { request: story.request, extension }, limit);
  if (found.ok) story.apply({ kind: 'move-deadline', extension, duration: found.result });
}

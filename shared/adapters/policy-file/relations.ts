import type { z } from 'zod';
import { describeDuration } from '../../domain/time.ts';
import { refuse } from './fields.ts';
import { quote } from './wording.ts';

/** What has to be so between one field and another. */
type Context = { addIssue(issue: z.core.$ZodRawIssue): void };

export function stageProblems(
  stage: { 'time-out': number; reminders: readonly number[]; escalation?: { after: number } | undefined },
  context: Context,
): void {
  const end = stage['time-out'];
  const sentence = `this is not before the time-out of ${describeDuration(end)}, so it never comes; shorten it`;
  for (const [index, reminder] of stage.reminders.entries()) {
    if (reminder >= end) refuse(context, 'after-the-time-out', ['reminders', index], sentence);
  }
  if ((stage.escalation?.after ?? 0) >= end) refuse(context, 'after-the-time-out', ['escalation', 'after'], sentence);
}

export function roleProblems(
  {
    duration,
    'break-glass': breakGlass,
  }: {
    duration: { default: number; maximum: number; step: number };
    'break-glass'?: { maximum: number } | undefined;
  },
  context: Context,
): void {
  const say = (path: string[], message: string) => refuse(context, 'default-and-maximum', path, message);
  const [asked, most, step] = [duration.default, duration.maximum, duration.step].map(describeDuration);
  if (duration.default > duration.maximum) {
    say(['duration', 'default'], `${asked} is over the maximum of ${most}; shorten the one or raise the other`);
  }
  if (duration.default % duration.step !== 0) {
    say(['duration', 'default'], `${asked} is no multiple of the step of ${step}; change the one or the other`);
  }
  if (breakGlass && breakGlass.maximum > duration.maximum) {
    say(['break-glass', 'maximum'], `this is over the role's maximum of ${most}; shorten it`);
  }
}

export function sameNameTwice(all: readonly { name: string }[], context: Context): void {
  for (const [index, { name }] of all.entries()) {
    if (all.findIndex((each) => each.name === name) === index) continue;
    refuse(context, 'same-name-twice', [index, 'name'], `${quote(name)} is here a second time; give each its own name`);
  }
}

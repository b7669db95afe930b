import type { AccessRequest } from '../../shared/domain/access-request.ts';
import { plus } from '../../shared/domain/time.ts';
import { timeline } from '../../shared/domain/timeline.ts';
import {
  alarmKinds,
  type CleanUp,
  type Delivered,
  type Failure,
  type Notification,
  type NotificationGroup,
} from '../contract.ts';
import { type Activity, type ActivityDependencies, attempt, limited } from './activity.ts';
import { cleanUp } from './clean-up.ts';
import { notify } from './notify.ts';
import { record } from './record.ts';

/** Records, cleans up and sends. Each part is tried by itself, but nothing is cleaned up before the end is recorded. */
export const deliver: Activity<'deliver'> = async (dependencies, input): Promise<Delivered> => {
  const { request, events, groups } = input;
  const requestId = request.id;
  const recorded =
    events.length === 0
      ? undefined
      : failureOf(await attempt(dependencies, { what: 'record', requestId }, () => record(dependencies, input)));
  const cleaned = input.cleanUp && (recorded ?? (await cleanedUp(dependencies, request, input.cleanUp)));
  const sent = await send(dependencies, groups);
  const unsent = sent.flatMap(({ failure }, position) => (failure ? [[position, failure] as const] : []));
  const notified = unsent.length > 0 ? Object.fromEntries(unsent) : undefined;
  return { recorded, notified, cleanedUp: cleaned };
};

/** Sends notifications in their order. One that hangs holds up the next for a moment. */
export async function send(
  dependencies: ActivityDependencies,
  groups: readonly NotificationGroup[],
): Promise<{ readonly notification: Notification; readonly failure: Failure | undefined }[]> {
  const { clock } = dependencies;
  const sending: Promise<{ notification: Notification; failure: Failure | undefined }>[] = [];
  for (const { request, notifications } of groups) {
    for (const notification of notifications) {
      const { kind } = notification;
      const context = { what: 'notify', requestId: request.id, kind, isAlarm: alarmKinds.includes(kind) };
      const work = () =>
        limited(dependencies, 'CURFEW_MAIL_UNAVAILABLE', () => notify(dependencies, { ...notification, request }));
      const sent = attempt(dependencies, context, work).then((outcome) => ({
        notification,
        failure: failureOf(outcome),
      }));
      sending.push(sent);
      await Promise.race([sent, clock.sleepUntil(plus(clock.now(), timeline.notifyStepMs))]);
    }
  }
  return Promise.all(sending);
}

async function cleanedUp(
  dependencies: ActivityDependencies,
  request: AccessRequest,
  wanted: CleanUp,
): Promise<Delivered['cleanedUp']> {
  const outcome = await attempt(dependencies, { what: 'clean-up', requestId: request.id }, () =>
    limited(dependencies, 'CURFEW_STORE_UNAVAILABLE', () => cleanUp(dependencies, request, wanted)),
  );
  if (!outcome.ok) return failureOf(outcome);
  return outcome.result && { notBefore: outcome.result };
}

function failureOf(outcome: { readonly ok: true } | ({ readonly ok: false } & Failure)): Failure | undefined {
  return outcome.ok ? undefined : { code: outcome.code, retryAfter: outcome.retryAfter };
}

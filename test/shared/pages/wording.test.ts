import { describe, expect, test } from 'vitest';
import { remedyInCli } from '../../../cli/remedies.ts';
import { remedyInApi } from '../../../functions/http/remedies.ts';
import { routes } from '../../../functions/routes.ts';
import type { AccessRequest } from '../../../shared/domain/access-request.ts';
import { type ErrorCode, errorCodes, type Refusal } from '../../../shared/domain/errors.ts';
import { approvalPage } from '../../../shared/pages/approval-page.ts';
import { remedyInLog } from '../../../shared/pages/log-remedies.ts';
import { remedyInMail, remedyOfFailure } from '../../../shared/pages/mail-remedies.ts';
import { errorPage } from '../../../shared/pages/message-page.ts';
import { outcomePage } from '../../../shared/pages/outcome-page.ts';
import { remedyOnPage } from '../../../shared/pages/page-remedies.ts';
import { alertMail, describeSeen } from '../../../shared/pages/reconciler-words.ts';
import { reviewPage } from '../../../shared/pages/review-page.ts';
import {
  signedInAsAnotherPage,
  signedOutPage,
  signInFailedPage,
  signInRequiredPage,
} from '../../../shared/pages/sign-in-pages.ts';
import { remedies } from '../../support/remedies.ts';
import { ada, bob, carla, eve } from '../../support/samples.ts';
import { mailKinds } from './mail-kinds.ts';
import { visibleText } from './safe-markup.ts';
import { now, plans, stories, storyOf } from './stories.ts';

const aRoute = /\b(GET|POST|PUT|DELETE)\b|\/api\/requests/;
const codes = Object.keys(errorCodes) as ErrorCode[];
const csrf = 'a-token';

describe('no route is named to people in', () => {
  test.each(mailKinds)('the mail of the kind %s', (_kind, write, fits) => {
    for (const [name, , request] of stories.filter(([, , story]) => fits(story))) {
      for (const recipient of [ada, bob, eve]) {
        const { subject, text, html } = write(request, recipient);
        for (const said of [subject, text, html]) expect(said, name).not.toMatch(aRoute);
      }
    }
  });

  test('the mail about a request that failed with any code', () => {
    const [, write] = mailKinds.find(([kind]) => kind === 'ended') ?? [];
    for (const failure of codes) {
      expect(write?.({ ...storyOf('refused'), failure } as AccessRequest, ada).text, failure).not.toMatch(aRoute);
    }
  });

  test('the alert about what the reconciler found', () => {
    const found = describeSeen({ kind: 'unseen', what: 'the holds', code: 'CURFEW_STORE_UNAVAILABLE' });
    expect(alertMail('ops@contoso.example', 'Found', [found], now).text).not.toMatch(aRoute);
  });

  test.each(stories)('the pages about a request that is %s', (_name, _state, request) => {
    const shown = { request, plans, csrf, now };
    const refusals: (Refusal | undefined)[] = [
      undefined,
      ...codes.map((code) => ({ code })),
      ...remedies.map((remedy) => ({ code: 'CURFEW_NOT_DUE', remedy }) as const),
    ];
    for (const markup of [
      approvalPage({ ...shown, approver: bob, history: [storyOf('denied')], rules: ['long: It asks for more.'] }),
      ...(request.terms.breakGlass ? [reviewPage({ ...shown, reviewer: carla })] : []),
      ...refusals.map((refusal) => outcomePage({ ...shown, approver: eve, refusal })),
    ]) {
      expect(markup).not.toMatch(aRoute);
    }
  });

  test('the pages about no request', () => {
    for (const markup of [
      ...codes.map((code) => errorPage({ refusal: { code } })),
      ...remedies.map((remedy) => errorPage({ refusal: { code: 'CURFEW_NOT_DUE', remedy } })),
      signedInAsAnotherPage({ signedInAs: 'Carla', csrf }),
      signInRequiredPage(),
      signInFailedPage({ refusal: { code: 'CURFEW_SIGN_IN_FAILED' } }),
      signedOutPage(),
    ]) {
      expect(markup).not.toMatch(aRoute);
    }
  });
});

describe.each(remedies)('the remedy $kind', (remedy) => {
  test('is one or more whole sentences on every surface that people read', () => {
    for (const say of [remedyInApi, remedyOnPage, remedyInMail, remedyInCli]) {
      expect(say(remedy)).toMatch(/^[A-Z].*[.;]$/);
      expect(say(remedy)).not.toMatch(/undefined|NaN/);
    }
    expect(remedyInLog(remedy)).not.toBe('');
  });

  test('names a route to callers of the API alone, and then one that there is', () => {
    for (const say of [remedyOnPage, remedyInMail, remedyInCli, remedyInLog]) expect(say(remedy)).not.toMatch(aRoute);
    for (const [, method, path] of remedyInApi(remedy).matchAll(/\b(GET|POST) \/api\/([\w/{}]+)/g)) {
      expect(routes.map((route) => `${route.method} ${route.path}`)).toContain(`${method} ${path}`);
    }
  });

  test('names commands and options to nobody but those at a terminal', () => {
    for (const say of [remedyInApi, remedyOnPage, remedyInMail]) expect(say(remedy)).not.toMatch(/ --\w|npx /);
  });
});

describe('a remedy reads as its reader acts:', () => {
  const kind = 'end-the-access';
  test('by a route', () => expect(remedyInApi({ kind })).toBe('End the access with POST /api/requests/{id}/revoke.'));
  test('by a button', () => expect(remedyOnPage({ kind: 'deny-or-let-time-out' })).toContain('press “Deny”'));
  test('by the link in the mail', () =>
    expect(remedyInMail({ kind: 'open-link-again' })).toBe('Open the link in your mail once more.'));
  test('by an option', () =>
    expect(remedyInCli({ kind: 'ask-for-at-most', duration: 5_400_000 })).toBe('Give --duration 1h30m or less.'));
  test('in the page’s own labels', () => {
    const markup = visibleText(approvalPage({ ...storyPage(), now }));
    for (const label of ['Deny', 'For less time']) expect(markup).toContain(label);
  });
});

test.each([
  ['CURFEW_LIMIT_REACHED', 'end-own-grant-or-wait'],
  ['CURFEW_TARGET_UNAVAILABLE', 'ask-again-later'],
  ['CURFEW_INTERNAL', 'ask-again-later'],
  ['CURFEW_REQUESTER_INELIGIBLE', 'ask-operators'],
] as const)('after a failure with %s the remedy is %s', (failure, kind) => {
  expect(remedyOfFailure({ failure })).toEqual({ kind });
});

function storyPage() {
  return { request: storyOf('waiting'), approver: bob, plans, history: [], rules: [], csrf };
}

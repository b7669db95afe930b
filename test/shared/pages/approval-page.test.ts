import { describe, expect, test } from 'vitest';
import { endedStates, isEnded, states } from '../../../shared/domain/access-request.ts';
import { type ErrorCode, errorCodes } from '../../../shared/domain/errors.ts';
import { plus } from '../../../shared/domain/time.ts';
import { approvalPage, errorPage, outcomePage } from '../../../shared/pages/approval-page.ts';
import { statusOf } from '../../../shared/pages/request-words.ts';
import { bob, carla, requestAfter, requested, terms } from '../../support/samples.ts';
import { expectSafeMarkup } from './safe-markup.ts';
import { answered, hostile, now, plans, stories, storyOf, waiting } from './stories.ts';

const page = (request = waiting, at = now) => approvalPage({ request, approver: bob, plans, now: at });
const hasForm = (markup: string) => markup.includes('<form method="post">');
const headingOf = (markup: string) => /<h1>(.*?)<\/h1>/.exec(markup)?.[1];

describe('the approval page', () => {
  test('has every state among the stories it is tried with', () => {
    expect(new Set(stories.map(([, state]) => state))).toEqual(new Set(states));
    for (const [, state, request] of stories) expect(request.state).toBe(state);
  });

  test.each(stories)('shows a request that is %s', (_, state, request) => {
    const markup = page(request);
    expectSafeMarkup(markup);
    expect(markup).toContain('<html lang="en">');
    expect(hasForm(markup)).toBe(state === 'waiting-for-approval');
    expect(markup.includes('href=""')).toBe(state !== 'waiting-for-approval' && !isEnded(state));
    for (const text of ['Ada Lindqvist', 'reader on orders', 'Refund case 4711', plans[0] ?? '', '8h'])
      expect(markup).toContain(text);
    if (request.decision) expect(markup).toContain('Bob Okafor (bob@contoso.example)');
    if (request.decision?.comment) expect(markup).toContain(request.decision.comment);
  });

  test('says something else of every state', () => {
    const headings = states.map((state) => {
      const [, , request = waiting] = stories.find(([, of]) => of === state) ?? [];
      return statusOf(request, now).heading;
    });
    expect(new Set(headings).size).toBe(states.length);
  });

  test('has two buttons that send the decision, and a comment with a label and a limit', () => {
    const markup = page();
    expect(markup).toMatch(/<button[^>]* name="decision" value="approve">/);
    expect(markup).toMatch(/<button[^>]* name="decision" value="deny">/);
    expect(markup).toContain('<label for="comment">');
    expect(markup).toMatch(/<textarea id="comment" name="comment" maxlength="1000"/);
    expect(markup).not.toContain('action=');
    expect(markup).toContain('Bob Okafor (bob@contoso.example)');
  });

  test('has no form once the time to answer is over, to the millisecond', () => {
    expect(hasForm(page(waiting, plus(terms.approveBy, -1)))).toBe(true);
    expect(hasForm(page(waiting, terms.approveBy))).toBe(false);
  });

  test('escapes everything that people wrote', () => {
    expectSafeMarkup(page(hostile()));
    expectSafeMarkup(page({ ...hostile(), state: 'waiting-for-approval' }));
    expect(page(hostile())).toContain('&lt;script&gt;');
  });

  test('never says of a standing access that it has ended', () => {
    for (const name of ['ending at the deadline', 'ending early', 'overdue']) {
      expect(endedStates.map(String)).not.toContain(storyOf(name).state);
      expect(statusOf(storyOf(name), now).sentences.join()).not.toContain('Seen gone');
    }
  });
});

describe('the page after an answer', () => {
  const by = (approver = bob, more = {}) => ({ approver, now, ...more });

  test.each([
    ['scheduled', 'You approved it'],
    ['being granted', 'You approved it'],
    ['granted', 'You approved it'],
    ['expired', 'You approved it'],
    ['refused', 'You approved it, but it could not be granted'],
    ['failed and undone', 'You approved it, but it could not be granted'],
    ['denied', 'You denied it'],
  ])('says of a request that is %s: %s', (name, heading) => {
    const markup = outcomePage({ request: storyOf(name), ...by() });
    expectSafeMarkup(markup);
    expect(headingOf(markup)).toBe(heading);
    expect(markup).toContain(statusOf(storyOf(name), now).heading);
  });

  test('says who decided first, and what', () => {
    const refusal = { code: 'CURFEW_ALREADY_DECIDED' } as const;
    const request = requestAfter(requested(), answered('access-denied', carla, 'No ticket.'));
    const markup = outcomePage({ request, ...by(bob, { refusal }) });
    expect(headingOf(markup)).toBe('Carla Reyes had denied it already');
    expect(markup).toContain('No ticket.');
    expect(headingOf(outcomePage({ request, ...by(carla, { refusal }) }))).toBe('You had denied it already');
    expect(headingOf(outcomePage({ request, ...by(bob) }))).toBe('Carla Reyes had denied it already');
  });

  test('promises nothing while the answer is still being worked on, and offers to look again', () => {
    const markup = outcomePage({ request: waiting, ...by(bob, { pending: true }) });
    expect(headingOf(markup)).toBe('Your answer is being worked on');
    expect(markup).toContain('href=""');
  });

  test.each(['withdrawn', 'timed out'])('says that a request that is %s took no answer', (name) => {
    const refusal = { code: 'CURFEW_REQUEST_ENDED' } as const;
    const markup = outcomePage({ request: storyOf(name), ...by(bob, { refusal }) });
    expect(headingOf(markup)).toBe('Your answer was not taken');
    expect(markup).toContain('CURFEW_REQUEST_ENDED');
    expect(markup).toContain(statusOf(storyOf(name), now).heading);
  });

  test('escapes everything that people wrote', () => {
    expectSafeMarkup(outcomePage({ request: hostile(), ...by() }));
    expectSafeMarkup(
      outcomePage({ request: hostile(), ...by(carla, { refusal: { code: 'CURFEW_ALREADY_DECIDED' } }) }),
    );
  });

  test.each(stories)('is safe and whole for a request that is %s', (_name, _state, request) => {
    expectSafeMarkup(outcomePage({ request, ...by() }));
  });
});

describe('the error page', () => {
  test.each(Object.keys(errorCodes) as ErrorCode[])('shows %s', (code) => {
    const markup = errorPage({ refusal: { code } });
    expectSafeMarkup(markup);
    expect(markup).toContain(code);
  });

  test('shows the way out, escaped', () => {
    const markup = errorPage({ refusal: { code: 'CURFEW_BODY_INVALID', detail: '<b>', wayOut: 'Choose <i>one</i>.' } });
    expect(headingOf(markup)).toBe('&lt;b&gt;');
    expect(markup).toContain('Choose &lt;i&gt;one&lt;/i&gt;.');
  });
});

import { describe, expect, test } from 'vitest';
import { endedStates, isEnded, states } from '../../../shared/domain/states.ts';
import { plus } from '../../../shared/domain/time.ts';
import { approvalPage } from '../../../shared/pages/approval-page.ts';
import { statusOf } from '../../../shared/pages/status.ts';
import { bob, carla, type requestId } from '../../support/samples.ts';
import { expectSafeMarkup, visibleText } from './safe-markup.ts';
import { hostile, nasty, now, plans, stories, storyOf, waiting } from './stories.ts';

const about = { approver: bob, plans, history: [], rules: [], csrf: 'a-token', now };
const page = (request = waiting, more: Partial<Parameters<typeof approvalPage>[0]> = {}) =>
  approvalPage({ ...about, request, ...more });
const hasForm = (markup: string) => markup.includes('<form method="post">');
const past = stories.map(([name, , request]) => ({ ...request, id: `req-${name}` as typeof requestId }));

describe('the approval page', () => {
  test('has every state among the stories it is tried with', () => {
    expect(new Set(stories.map(([, state]) => state))).toEqual(new Set(states));
    for (const [, state, request] of stories) expect(request.state).toBe(state);
  });

  test.each(stories)('shows a request that is %s, whatever people wrote', (name, state, request) => {
    const markup = page(request);
    expectSafeMarkup(markup);
    expect(markup).toContain('<html lang="en">');
    expect(hasForm(markup)).toBe(['waiting', 'waiting to be extended'].includes(name));
    expect(markup.includes('href=""')).toBe(!hasForm(markup) && !isEnded(state));
    for (const text of ['Ada Lindqvist', 'reader on orders', 'Refund case 4711']) expect(markup).toContain(text);
    expect(markup.includes(plans[0] ?? '')).toBe(request.extends === undefined);
    for (const { by, comment } of request.approvals) {
      expect(markup).toContain(`Approved by ${by.name} (${by.userPrincipalName})`);
      expect(markup).toContain(comment);
    }
    expectSafeMarkup(page(hostile(request), { history: past.map(hostile), rules: [nasty], signedInAs: nasty }));
  });

  test('says something else of every state', () => {
    const headings = states.map((state) => {
      const [, , request = waiting] = stories.find(([, of]) => of === state) ?? [];
      return statusOf(request, now).heading;
    });
    expect(new Set(headings).size).toBe(states.length);
  });

  test('has two buttons that send the decision, a comment, less time if wanted, and the token against forgery', () => {
    const markup = page();
    expect(markup).toMatch(/<button[^>]* name="decision" value="approve">/);
    expect(markup).toMatch(/<button[^>]* name="decision" value="deny">/);
    expect(markup).toMatch(/<textarea id="comment" name="comment" [^>]*maxlength="1000"/);
    expect(markup).toMatch(/<input id="duration" name="duration" /);
    expect(markup).toContain('At most 8h.');
    expect(markup).toContain('<input type="hidden" name="csrf" value="a-token">');
    expect(markup).not.toMatch(/action=|required/);
    expect(markup).toContain('Bob Okafor (bob@contoso.example)');
  });

  test('has no form once the time to answer is over, to the millisecond', () => {
    expect(hasForm(page(waiting, { now: plus(waiting.approveBy, -1) }))).toBe(true);
    expect(hasForm(page(waiting, { now: waiting.approveBy }))).toBe(false);
  });

  test('has no form for whoever has approved, is not asked, or follows the link of another stage', () => {
    const request = storyOf('in its second stage');
    expect(hasForm(page(request, { approver: carla }))).toBe(true);
    expect(hasForm(page(request, { approver: carla, stage: 0 }))).toBe(false);
    expect(page(request)).toContain('you have approved it');
    expect(hasForm(page(storyOf('approved by one of two'), { approver: carla }))).toBe(true);
  });

  test('says when the access would end, where that is known', () => {
    expect(page()).toContain('Approved now, it ends on Sat 2026-11-21 17:01 UTC.');
    expect(page(waiting, { approver: { ...bob, timeZone: 'Asia/Tokyo' } })).toContain(
      'Approved now, it ends on Sun 2026-11-22 02:01 UTC+9 (Sat 2026-11-21 17:01 UTC).',
    );
    expect(page(storyOf('waiting to be extended'))).not.toContain('Approved now');
  });

  test('shows what became of the last five other requests, each reason in one line', () => {
    const [first, ...others] = past.filter(({ state }) => isEnded(state));
    if (!first) throw new Error('nothing has ended');
    const markup = page(waiting, { history: [waiting, { ...first, reason: 'one\ntwo' }, ...others] });
    expect(markup.match(/<li>/g)).toHaveLength(5);
    expect(markup).toContain('one two');
    for (const other of [first, ...others].slice(0, 5)) expect(markup).toContain(statusOf(other, now).heading);
    expect(page()).toContain('No other requests by Ada Lindqvist lately.');
  });

  test('shows what the policy says, sentence by sentence', () => {
    expect(page(waiting, { rules: ['One.', 'Two.'] })).toMatch(
      /What the policy says \(2\).*\n<ul>\n<li>One\.<\/li>\n<li>Two/,
    );
    expect(page()).not.toContain('policy says');
  });

  test('says who is signed in and lets them out, where somebody is', () => {
    const markup = page(waiting, { signedInAs: 'Bob Okafor' });
    expect(visibleText(markup)).toContain('Signed in as Bob Okafor Sign out');
    expect(markup).toContain(
      '<form method="post" action="/api/sign-out">\n<input type="hidden" name="csrf" value="a-token">',
    );
    expect(page()).not.toContain('sign-out');
  });

  test('never says of a standing access that it has ended', () => {
    for (const name of ['ending at the deadline', 'ending early', 'overdue', 'held with broken glass']) {
      expect(endedStates.map(String)).not.toContain(storyOf(name).state);
      expect(statusOf(storyOf(name), now).sentences.join()).not.toContain('Seen gone');
    }
  });
});

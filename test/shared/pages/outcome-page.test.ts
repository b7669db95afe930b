import { describe, expect, test } from 'vitest';
import type { CommandId } from '../../../shared/domain/ids.ts';
import { outcomePage } from '../../../shared/pages/outcome-page.ts';
import { statusOf } from '../../../shared/pages/status.ts';
import { ada, bob, carla, commandId, eve, requestAfter, requested, stage } from '../../support/samples.ts';
import { expectSafeMarkup } from './safe-markup.ts';
import { answered, hostile, now, stories, storyOf, waiting } from './stories.ts';

const decided = { code: 'CURFEW_ALREADY_DECIDED' } as const;
const page = (request = waiting, more: Partial<Parameters<typeof outcomePage>[0]> = {}) =>
  outcomePage({ request, approver: bob, now, ...more });
const headingOf = (markup: string) => /<h1>(.*?)<\/h1>/.exec(markup)?.[1];
const commandOf = (principalId: string) => ({ commandId: `${commandId}-${principalId}` as CommandId });
const mine = { command: commandOf(bob.principalId) };
const another = { command: { commandId: 'another' as CommandId } };

describe('the page after an answer', () => {
  test.each([
    ['scheduled', 'You approved it'],
    ['being granted', 'You approved it'],
    ['granted', 'You approved it'],
    ['expired', 'You approved it'],
    ['approved for less', 'You approved it for 30m'],
    ['approved by one of two', 'You approved it; one more approval is needed'],
    ['in its second stage', 'You approved it; 2 more approvals are needed'],
    ['between two stages', 'You approved it; 2 more approvals are needed'],
    ['approved by two stages', 'You approved it'],
    ['extended', 'You approved it'],
    ['refused', 'You approved it, but it could not be granted'],
    ['extended too late', 'You approved it, but it could not be extended'],
    ['failed and undone', 'You approved it, but it could not be granted'],
    ['denied', 'You denied it'],
  ])('says of a request that is %s: %s', (name, heading) => {
    for (const more of [{}, mine]) {
      const markup = page(storyOf(name), more);
      expect(headingOf(markup)).toBe(heading);
      expect(markup).toContain(statusOf(storyOf(name), now).heading);
    }
  });

  test('says who decided first, and what', () => {
    const request = requestAfter(requested(), answered('access-denied', carla, 'No ticket.'));
    const markup = page(request, { refusal: decided, ...another });
    expect(headingOf(markup)).toBe('Carla Reyes had denied it already');
    expect(markup).toContain('No ticket.');
    expect(headingOf(page(request))).toBe('Carla Reyes had denied it already');
    expect(headingOf(page(request, { approver: carla, refusal: decided, ...another }))).toBe(
      'You had denied it already',
    );
  });

  test('says of a second click that the first one counted', () => {
    expect(headingOf(page(storyOf('granted'), { refusal: decided, ...another }))).toBe('You had approved it already');
    const markup = page(storyOf('approved by one of two'), { refusal: decided, ...another });
    expect(headingOf(markup)).toBe('You had approved it already');
    expect(markup).toContain('1 of 2 approvals given.');
  });

  test('tells the truth to two who answered at the same instant', () => {
    const both = requestAfter(
      requested({ stages: [{ ...stage, quorum: 2 }] }),
      answered('access-approved', bob),
      answered('access-denied', carla, 'No.'),
    );
    expect(headingOf(page(both, mine))).toBe('You approved it, but Carla Reyes denied it');
    expect(headingOf(page(both, { approver: carla, command: commandOf(carla.principalId) }))).toBe('You denied it');
  });

  test('says that a stage went on without an answer that came too late for it', () => {
    const refusal = { ...decided, detail: 'This stage of the approval is over.' };
    const markup = page(storyOf('in its second stage'), { approver: eve, refusal, ...another });
    expect(headingOf(markup)).toBe('Your answer was not taken');
    expect(markup).toContain('This stage of the approval is over.');
  });

  test('promises nothing while the answer is still being worked on, and offers to look again', () => {
    const markup = page(waiting, { pending: true, ...mine });
    expect(headingOf(markup)).toBe('Your answer is being worked on');
    expect(markup).toContain('href=""');
  });

  test.each(['withdrawn', 'timed out'])('says that a request that is %s took no answer', (name) => {
    const markup = page(storyOf(name), { refusal: { code: 'CURFEW_REQUEST_ENDED' }, ...mine });
    expect(headingOf(markup)).toBe('Your answer was not taken');
    expect(markup).toContain('CURFEW_REQUEST_ENDED');
    expect(markup).toContain(statusOf(storyOf(name), now).heading);
  });

  test.each(stories)('is safe and whole for a request that is %s, whatever people wrote', (_name, _state, story) => {
    for (const request of [story, hostile(story)]) {
      for (const approver of [bob, carla]) {
        for (const refusal of [undefined, decided]) expectSafeMarkup(page(request, { approver, refusal }));
      }
    }
  });
});

describe('the page after a review', () => {
  test('thanks who gave it, and says who was first', () => {
    const request = storyOf('reviewed');
    const ask = (approver = carla, more = {}) => headingOf(page(request, { approver, ...more }));
    expect(ask(carla, { command: { commandId } })).toBe('You reviewed it');
    expect(ask(carla, { refusal: { code: 'CURFEW_REVIEW_NOT_OWED' }, ...another })).toBe('You had reviewed it already');
    expect(ask(bob, { refusal: { code: 'CURFEW_REVIEW_NOT_OWED' } })).toBe('Carla Reyes had reviewed it already');
    expect(page(request)).toContain('It was needed.');
  });

  test('says why it was not taken, or that it is not known yet', () => {
    const refusal = { code: 'CURFEW_NOT_DUE' } as const;
    expect(headingOf(page(storyOf('held with broken glass'), { refusal }))).toBe('Your review was not taken');
    const own = { approver: ada, refusal: { code: 'CURFEW_SELF_APPROVAL' } } as const;
    expect(headingOf(page(storyOf('owing a review'), own))).toBe('Your review was not taken');
    expect(headingOf(page(storyOf('owing a review'), { pending: true }))).toBe('Your review is being worked on');
  });
});

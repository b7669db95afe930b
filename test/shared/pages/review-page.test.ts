import { describe, expect, test } from 'vitest';
import { reviewPage } from '../../../shared/pages/review-page.ts';
import { ada, carla } from '../../support/samples.ts';
import { expectSafeMarkup, visibleText } from './safe-markup.ts';
import { hostile, later, nasty, plans, stories, storyOf } from './stories.ts';

const page = (name: string, reviewer = carla) =>
  reviewPage({ request: storyOf(name), reviewer, plans, csrf: 'a-token', signedInAs: 'Carla', now: later });
const button = '<button class="approve" name="decision" value="reviewed">';

describe('the page for the review of a broken glass', () => {
  test('says what was taken, from when to when, and how many sessions ended, and has one button', () => {
    const markup = page('owing a review');
    const text = visibleText(markup);
    for (const part of [
      'Ada Lindqvist broke the glass for reader on orders',
      'Refund case 4711',
      'From Sat 2026-11-21 09:01 UTC Until Sat 2026-11-21 17:02 UTC',
      'Sessions that ended with it 1',
      plans[0],
    ])
      expect(text).toContain(part);
    expect(markup.match(/<button/g)).toHaveLength(2);
    expect(markup).toContain(button);
    expect(markup).toContain('name="csrf" value="a-token"');
  });

  test('takes no review before the end, from the requester, or twice', () => {
    expect(page('held with broken glass')).not.toContain(button);
    expect(page('held with broken glass')).toContain('It can be reviewed once the access has ended.');
    expect(page('owing a review', ada)).not.toContain(button);
    expect(page('owing a review', ada)).toContain('You broke the glass yourself');
    expect(page('reviewed')).not.toContain(button);
    expect(visibleText(page('reviewed'))).toMatch(/Reviewed by Carla Reyes .* It was needed\./);
  });

  test.each(stories.filter(([, , { terms }]) => terms.breakGlass))(
    'is safe and whole for a request that is %s, whatever people wrote',
    (name, _state, story) => {
      expectSafeMarkup(page(name));
      const request = hostile(story);
      expectSafeMarkup(
        reviewPage({ request, reviewer: carla, plans: [nasty], csrf: 'a-token', signedInAs: nasty, now: later }),
      );
    },
  );
});

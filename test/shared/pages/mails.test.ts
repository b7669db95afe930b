import { describe, expect, test } from 'vitest';
import { CurfewError } from '../../../shared/domain/errors.ts';
import type { Person } from '../../../shared/domain/policy.ts';
import { isSafeText } from '../../../shared/domain/text.ts';
import * as mails from '../../../shared/pages/mails.ts';
import type { MailMessage } from '../../../shared/ports.ts';
import { ada, bob, carla, entitlement, eve } from '../../support/samples.ts';
import { about, link, mailKinds, wanted } from './mail-kinds.ts';
import { expectSafeMarkup, visibleText } from './safe-markup.ts';
import { extended, hostile, later, plans, stories, storyOf, waiting } from './stories.ts';

describe.each(mailKinds)('the mail of the kind %s', (_kind, write, fits, hasLink) => {
  const fitting = stories.filter(([, , request]) => fits(request));

  test.each(fitting)('is sound for a request that is %s, whatever people wrote', (_name, _state, story) => {
    for (const request of [story, hostile(story)]) {
      for (const recipient of [ada, bob, eve].map((person) => ({ ...person, timeZone: 'Asia/Tokyo' }))) {
        const mail = write(request, recipient);
        expectSound(mail);
        expect(mail.to).toBe(recipient.mail);
        expect(mail.html.includes(`href="${link}"`)).toBe(hasLink);
        expect([...mail.html.matchAll(/href=/g)]).toHaveLength(hasLink ? 1 : 0);
        expect(mail.text.includes(link)).toBe(hasLink);
      }
    }
  });

  test('cannot be written of a request that it does not fit', () => {
    const [, , other] = stories.find(([, , request]) => !fits(request)) ?? [];
    if (other) expect(() => write(other, ada)).toThrow(CurfewError);
  });
});

function expectSound(mail: MailMessage): void {
  expectSafeMarkup(mail.html, link);
  expect(isSafeText(mail.text)).toBe(true);
  expect(mail.subject).toMatch(/^[^\r\n]{1,120}$/);
  expect(mail.subject).not.toContain('http');
  expect(isSafeText(mail.subject)).toBe(true);
  expect(mail.text).not.toMatch(/^Bcc:/m);
  expectSameWords(mail);
}

/** Each line of the text stands in the HTML too, but for what marks labels, quotations and lists; and no word is the HTML's alone. */
function expectSameWords({ text, html }: MailMessage): void {
  const plain = (line: string) =>
    line
      .replace(/^(?:> |- )/, '')
      .replace(/:(?=\s|$)/g, '')
      .replace(/\s+/g, ' ')
      .trim();
  const seen = plain(visibleText(html));
  for (const line of text.split('\n')) expect(seen).toContain(plain(line));
  const words = new Set(plain(text).split(' '));
  for (const word of seen.split(' ')) expect(words).toContain(word);
}

test('every mail shows times in the zone of who reads it', () => {
  for (const [, write] of mailKinds.filter(([name]) => !['decided', 'review'].includes(name))) {
    const mail = write(storyOf('granted'), { ...carla, timeZone: 'Asia/Tokyo' });
    expect(`${mail.subject} ${mail.text}`).toMatch(/UTC\+9 \((?:... \d{4}-\d\d-\d\d )?\d\d:\d\d UTC\)/);
  }
});

describe('the mail to an approver', () => {
  test('says who asks, for what, why, how long, what it does, until when to answer, and where', () => {
    const { text, to } = wanted();
    expect(to).toBe('bob@contoso.example');
    for (const part of [
      'Ada Lindqvist (ada@contoso.example)',
      'reader on orders',
      'Read every table of orders',
      'Refund case 4711',
      '8h',
      ...plans,
      'Sun 2026-11-22 09:00 UTC',
      link,
    ])
      expect(text).toContain(part);
  });

  test('says from when to when a booked access lasts', () => {
    const { text } = wanted(storyOf('scheduled'));
    expect(text).toContain('From Sat 2026-11-21 10:01 UTC\n- Until Sat 2026-11-21 18:01 UTC');
  });

  test('says which stage it is, and who has approved', () => {
    const { text } = wanted(storyOf('in its second stage'), carla);
    expect(text).toContain('Stage 2 of 2.\n0 of 2 approvals given.');
    expect(text).toMatch(/Approved by Bob Okafor .*:\n> Only this case\./);
  });

  test('of an extension says that it grants nothing else', () => {
    const mail = wanted(storyOf('waiting to be extended'));
    expect(mail.subject).toBe('Ada Lindqvist asks for 2h more of reader on orders');
    expect(mail.text).not.toContain(plans[0]);
  });

  test('says when it is a reminder', () => {
    expect(wanted(waiting, bob, true).subject).toMatch(/^Reminder: /);
    expect(wanted().subject).not.toContain('Reminder');
  });

  test('names the application that asked, and the ticket', () => {
    const { text } = wanted({ ...waiting, ticket: 'INC-4711', submittedBy: { ...eve, name: 'Portal' } });
    expect(text).toContain('Submitted for them by: Portal, an application');
    expect(text).toContain('Ticket: INC-4711');
  });

  test('keeps what the requester wrote apart from what Curfew says', () => {
    const { text } = wanted({ ...waiting, reason: 'Harmless.\n\nLook and answer:\nevil.example' });
    expect(text).toContain('> Harmless.\n> \n> Look and answer:\n> evil.example\n');
  });

  test('says so where there is no reason', () => {
    expect(wanted({ ...waiting, reason: ' ' }).text).toContain('No reason was given.');
  });

  test('has a bounded subject for a name without end', () => {
    expectSound(wanted({ ...waiting, requester: { ...ada, name: 'A'.repeat(5000) } }));
  });

  test('falls back on the user principal name where somebody has no name', () => {
    expect(wanted({ ...waiting, requester: { ...ada, name: '\u200b' } }).subject).toContain('ada@contoso.example');
  });
});

describe('the mail to a requester who waits', () => {
  test('says for whom, until when, in which stage, and how to take it back', () => {
    const request = storyOf('in its second stage');
    const { subject, text } = mails.waitingMail(about(request));
    expect(subject).toBe('Waiting for approval, stage 2 of 2: reader on orders');
    for (const part of ['- Carla Reyes', '- Eve Marchetti', '11:01 UTC', 'Withdraw the request', request.id])
      expect(text).toContain(part);
    expect(text).not.toContain('- Bob Okafor');
  });

  test('names a few of many', () => {
    const approvers = Array.from({ length: 30 }, (_, index) => ({ ...bob, name: `Approver ${index}` }));
    const { text } = mails.waitingMail(about({ ...waiting, approvers }));
    expect(text).toContain('and 22 more');
    expect(text).not.toContain('Approver 8 ');
  });
});

describe('the mail about a decision', () => {
  const to = (recipient: Person, name: string) => mails.decidedMail(about(storyOf(name), recipient));

  test('tells the requester who approved, and with what comment', () => {
    const { subject, text } = to(ada, 'granted');
    expect(subject).toBe('Bob Okafor approved reader on orders for you');
    expect(text).toMatch(/Approved by Bob Okafor \(bob@contoso\.example\) on .*:\n> Only this case\./);
    expect(text).not.toContain('You need not answer');
  });

  test('tells those who were asked that they need not answer, and those who answered nothing of the kind', () => {
    expect(to(eve, 'granted').text).toContain('You need not answer any more.');
    for (const answerer of [bob, carla, eve]) {
      expect(to(answerer, 'approved by two stages').text).not.toContain('You need not answer');
    }
  });

  test('names the rule where no person decided', () => {
    const { subject, text } = to(ada, 'approved automatically');
    expect(subject).toBe('The rule in office hours approved reader on orders for you');
    expect(text).toContain('Nobody was asked.');
  });

  test('says where an approver allowed less', () => {
    expect(to(ada, 'approved for less').text).toContain('It is for 30m.\n8h was asked for; an approver allowed less.');
  });

  test('says why it was denied', () => {
    expect(to(ada, 'denied').text).toMatch(/Denied by Bob Okafor .*:\n> Ask again with a ticket\./);
  });
});

describe('the mail about a grant', () => {
  test('says until when, how to connect, and how to end it', () => {
    const request = storyOf('granted');
    const mail = mails.grantedMail(about(request));
    expect(mail.subject).toContain('Sat 2026-11-21 17:01 UTC');
    expect(mail.text).toContain('\nsqlcmd -S localhost,1433 -d orders -G\n');
    expect(mail.text).toContain('Done sooner? End the access in the portal');
    expect(mail.text).toContain(request.id);
  });

  test('says how to extend it where the terms allow that, and not otherwise', () => {
    expect(mails.grantedMail(about(storyOf('granted'))).text).not.toContain('Ask to extend it');
    expect(mails.grantedMail(about(storyOf('granted and extendable'))).text).toContain(
      '2 times more, up to 12h in all',
    );
    expect(mails.grantedMail(about(storyOf('granted and extended'))).text).toContain('1 time more, up to 12h in all');
  });

  test('quotes a database name that a shell would take for more', () => {
    const request = storyOf('granted');
    const odd = { ...request, terms: { ...request.terms, entitlements: [{ ...entitlement, database: "o'$(rm) x" }] } };
    expect(mails.grantedMail(about(odd)).text).toContain(`-d 'o'\\''$(rm) x' -G`);
  });

  test('names a connection once, however many entitlements use it', () => {
    const request = storyOf('granted');
    const two = { ...request.terms, entitlements: [entitlement, { ...entitlement, role: 'orders_writer' }] };
    expect(mails.grantedMail(about({ ...request, terms: two })).text.match(/sqlcmd/g)).toHaveLength(1);
  });

  test('warns that it ends, says how long is left, and what to do where it can’t be extended', () => {
    const { subject, text } = mails.endingSoonMail(about(storyOf('granted')));
    expect(subject).toBe('reader on orders ends in 8h');
    expect(text).toContain('It can’t be extended.');
  });

  test('says the moved deadline', () => {
    const { subject } = mails.extendedMail(about(storyOf('granted and extended')));
    expect(subject).toBe('Extended: you have reader on orders until Sat 2026-11-21 19:01 UTC');
  });
});

test.each([
  ['expired', 'It went 3 ms after the deadline.'],
  ['expired', '1 live session ended with it.'],
  ['ended early', 'Ended early by Ada Lindqvist'],
  ['failed and undone', 'The database has a user of that name who is somebody else.'],
  ['refused', 'The target was not touched.'],
  ['refused by a limit', 'End a grant that you don’t need any more'],
  ['timed out', 'Nobody answered in time'],
  ['timed out with one of two', 'Too few approved in time'],
  ['extended', 'Extended until Sat 2026-11-21 19:01 UTC'],
  ['extended', `Its number is ${extended}.`],
  ['extended too late', 'Nothing was extended: the old deadline stands.'],
  ['reviewed', 'Carla Reyes reviewed it'],
])('the mail about the end says of a request that is %s: %s', (name, sentence) => {
  expect(mails.endedMail({ ...about(storyOf(name)), now: later }).text).toContain(sentence);
});

test('the alarm names the person, the deadline, the attempt, the code and the place', () => {
  const mail = mails.overdueMail({ ...about(storyOf('overdue'), bob), now: later });
  for (const text of [
    ada.principalId,
    'Sat 2026-11-21 17:01 UTC',
    'Attempt 2',
    'CURFEW_TARGET_UNAVAILABLE',
    'Role orders_reader in database orders on localhost, port 1433',
  ])
    expect(mail.text).toContain(text);
});

describe('broken glass', () => {
  test('rings with who, what, why, until when, that nobody approved, and how to end it', () => {
    const request = storyOf('taken by breaking the glass');
    const { subject, text } = mails.glassBrokenMail({ ...about(request, eve), plans });
    expect(subject).toMatch(/^BREAK-GLASS: Ada Lindqvist took reader on orders/);
    for (const part of [
      'Nobody approved this.',
      'Refund case 4711',
      'until about Sat 2026-11-21 17:01 UTC',
      'If this is not expected, end the access now',
      request.id,
      ada.principalId,
      ...plans,
    ])
      expect(text).toContain(part);
  });

  test('is to be reviewed: from when to when, how many sessions ended, since when it is owed', () => {
    const { text } = mails.reviewMail({ ...about(storyOf('owing a review'), carla), link });
    for (const part of [
      'From Sat 2026-11-21 09:01 UTC',
      'Until Sat 2026-11-21 17:02 UTC',
      'Sessions that ended with it: 1',
      'owed since Sat 2026-11-21 17:02 UTC',
      'every 24h',
    ])
      expect(text).toContain(part);
  });
});

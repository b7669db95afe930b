import { describe, expect, test } from 'vitest';
import { CurfewError } from '../../../shared/domain/errors.ts';
import { isSafeText } from '../../../shared/domain/text.ts';
import { approvalMail, decidedMail, endedMail, grantedMail, overdueMail } from '../../../shared/pages/mails.ts';
import type { MailMessage } from '../../../shared/ports.ts';
import { ada, bob, carla, entitlement } from '../../support/samples.ts';
import { expectSafeMarkup } from './safe-markup.ts';
import { hostile, later, now, plans, stories, storyOf, waiting } from './stories.ts';

const link = 'https://curfew.contoso.example/api/approvals/0123456789abcdefghijklmnopqrstuvwxyzABCDEFG';
const wanted = (request = waiting) => approvalMail({ request, approver: bob, link, plans, now });

function expectSound(mail: MailMessage): void {
  expectSafeMarkup(mail.html, link);
  expect(isSafeText(mail.text)).toBe(true);
  expect(mail.subject).toMatch(/^[^\r\n]{1,120}$/);
  expect(isSafeText(mail.subject)).toBe(true);
}

describe('the mail to an approver', () => {
  const mail = wanted();

  test('says in text and in HTML who asks, for what, why, how long, what it does, until when to answer, and where', () => {
    expectSound(mail);
    expect(mail.to).toBe('bob@contoso.example');
    for (const text of [
      'Ada Lindqvist (ada@contoso.example)',
      'reader on orders',
      'Read every table of orders',
      'Refund case 4711',
      '8h',
      ...plans,
      'Sun 2026-11-22 09:00 UTC',
      link,
    ]) {
      expect(mail.text).toContain(text);
      expect(mail.html).toContain(text);
    }
  });

  test('says when a booked access starts', () => {
    expect(wanted(storyOf('scheduled')).text).toContain('Sat 2026-11-21 10:01 UTC');
  });

  test('keeps what the requester wrote apart from what Curfew says', () => {
    const { text } = wanted({ ...waiting, reason: 'Harmless.\n\nLook and answer:\nevil.example' });
    expect(text).toContain('> Harmless.\n> \n> Look and answer:\n> evil.example\n');
  });

  test('says so where there is no reason', () => {
    expect(wanted({ ...waiting, reason: ' ' }).text).toContain('No reason was given.');
  });

  test('has the link only in its body, never in the subject', () => {
    expect(mail.subject).not.toContain('http');
  });
});

describe('every mail', () => {
  test('is safe whatever people wrote, and its subject is one bounded line', () => {
    const request = hostile();
    for (const mail of [
      wanted(request),
      decidedMail({ request, recipient: ada, now }),
      grantedMail({ request, now }),
      endedMail({ request, now }),
      overdueMail({ request, to: 'ops@contoso.example', now }),
    ]) {
      expectSound(mail);
      expect(mail.text).not.toMatch(/^Bcc:/m);
    }
  });

  test('has a bounded subject for a name without end', () => {
    const mail = wanted({ ...waiting, requester: { ...ada, name: 'A'.repeat(5000) } });
    expectSound(mail);
  });

  test('falls back on the user principal name where somebody has no name', () => {
    expect(wanted({ ...waiting, requester: { ...ada, name: '\u200b' } }).subject).toContain('ada@contoso.example');
  });
});

describe('the mail about a decision', () => {
  test.each(stories.filter(([, , { decision }]) => decision))(
    'is sound for a request that is %s',
    (_name, _state, request) => {
      for (const recipient of [ada, bob, carla]) {
        const mail = decidedMail({ request, recipient, now });
        expectSound(mail);
        expect(mail.to).toBe(recipient.mail);
        expect(mail.text).toContain('Bob Okafor (bob@contoso.example)');
        expect(mail.text).toContain(`> ${request.decision?.comment}`);
      }
    },
  );

  test('cannot be written before there is one', () => {
    expect(() => decidedMail({ request: waiting, recipient: ada, now })).toThrow(CurfewError);
  });
});

describe('the mail about a grant', () => {
  test('says until when, and how to connect', () => {
    const mail = grantedMail({ request: storyOf('granted'), now });
    expectSound(mail);
    expect(mail.to).toBe('ada@contoso.example');
    expect(mail.subject).toContain('Sat 2026-11-21 17:01 UTC');
    expect(mail.text).toContain('\nsqlcmd -S localhost,1433 -d orders -G\n');
  });

  test('quotes a database name that a shell would take for more', () => {
    const request = storyOf('granted');
    const odd = { ...request, terms: { ...request.terms, entitlements: [{ ...entitlement, database: "o'$(rm) x" }] } };
    expect(grantedMail({ request: odd, now }).text).toContain(`-d 'o'\\''$(rm) x' -G`);
  });

  test('names a connection once, however many entitlements use it', () => {
    const request = storyOf('granted');
    const two = { ...request.terms, entitlements: [entitlement, { ...entitlement, role: 'orders_writer' }] };
    expect(grantedMail({ request: { ...request, terms: two }, now }).text.match(/sqlcmd/g)).toHaveLength(1);
  });
});

describe('the mail about the end', () => {
  test.each(stories)('is sound for a request that is %s', (_name, _state, request) => {
    const mail = endedMail({ request, now: later });
    expectSound(mail);
    expect(mail.to).toBe('ada@contoso.example');
  });

  test.each([
    ['expired', 'It went 3 ms after the deadline.'],
    ['expired', '1 live session ended with it.'],
    ['ended early', 'Ended early by Ada Lindqvist'],
    ['failed and undone', 'The database has a user of that name who is somebody else.'],
    ['refused', 'The target was not touched.'],
    ['timed out', 'Nobody answered in time'],
  ])('says of a request that is %s: %s', (name, sentence) => {
    expect(endedMail({ request: storyOf(name), now: later }).text).toContain(sentence);
  });
});

test('the alarm names the person, the deadline, the attempt, the code and the place', () => {
  const mail = overdueMail({ request: storyOf('overdue'), to: 'ops@contoso.example', now: later });
  expectSound(mail);
  expect(mail.to).toBe('ops@contoso.example');
  for (const text of [
    ada.principalId,
    'Sat 2026-11-21 17:01 UTC',
    'Attempt 2',
    'CURFEW_TARGET_UNAVAILABLE',
    'Role orders_reader in database orders on localhost, port 1433',
  ]) {
    expect(mail.text).toContain(text);
    expect(mail.html).toContain(text);
  }
});

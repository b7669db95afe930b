import { describe, expect, test } from 'vitest';
import type { CurfewEvent } from '../../../shared/domain/events.ts';
import { link } from '../../../shared/domain/hash-chain.ts';
import { driftIdOf, type TargetId } from '../../../shared/domain/ids.ts';
import type { Person } from '../../../shared/domain/policy.ts';
import { isSafeText } from '../../../shared/domain/text.ts';
import { plus } from '../../../shared/domain/time.ts';
import { type Card, cardOf, isTold } from '../../../shared/pages/channel-card.ts';
import {
  ada,
  analysts,
  bob,
  carla,
  chainOf,
  commandId,
  entitlement,
  grantEvidence,
  requestAfter,
  requested,
  requestId,
  revocationEvidence,
  stage,
  start,
} from '../../support/samples.ts';
import { answered, deadline, extended, later, now } from './stories.ts';

const hour = 3_600_000;
const glass = {
  stages: [],
  breakGlass: {
    people: [ada],
    tell: { people: [], groups: [] },
    review: { by: { people: [], groups: [analysts] }, within: hour },
  },
};
const granted: CurfewEvent[] = [
  answered('access-approved', bob, 'Only this case.'),
  { type: 'grant-intended', at: now, deadline },
  { type: 'access-granted', at: now, evidence: [grantEvidence] },
  { type: 'revocation-began', at: deadline, cause: { kind: 'deadline' } },
];
const delayed: CurfewEvent = { type: 'revocation-delayed', at: later, attempt: 2, code: 'CURFEW_TARGET_UNAVAILABLE' };
const revoked: CurfewEvent = { type: 'access-revoked', at: later, evidence: [revocationEvidence], lateness: 60_000 };
const extension: CurfewEvent = {
  ...(requested({ duration: 2 * hour }) as Extract<CurfewEvent, { type: 'access-requested' }>),
  extends: extended,
};

/** The card for the last of these events. */
function cardFor(...events: CurfewEvent[]): Card | undefined {
  const recorded = chainOf(...events).at(-1);
  if (!recorded) throw new Error('no events');
  return cardOf(recorded, requestAfter(...events));
}
const headingOf = (card: Card | undefined) => card?.body[0]?.inlines[0]?.text;

/** Every event that there can be a card for, and its heading. */
const told: readonly [string, CurfewEvent[], string][] = [
  ['asks', [requested()], 'Ada Lindqvist asks for reader on orders'],
  ['asks for longer', [extension], 'Ada Lindqvist asks for 2h more of reader on orders'],
  ['is approved', [requested(), ...granted.slice(0, 1)], 'Bob Okafor approved reader on orders for Ada Lindqvist'],
  [
    'is denied',
    [requested(), answered('access-denied', bob, 'No ticket.')],
    'Bob Okafor denied reader on orders for Ada Lindqvist',
  ],
  [
    'is not answered',
    [requested(), { type: 'approval-timed-out', at: plus(start, 24 * hour) }],
    'Not answered in time: reader on orders for Ada Lindqvist',
  ],
  [
    'breaks the glass',
    [requested(glass), { type: 'glass-broken', at: now }],
    'BREAK-GLASS: Ada Lindqvist took reader on orders without approval',
  ],
  ['is overdue', [requested(), ...granted, delayed], 'OVERDUE: reader on orders may still be held by Ada Lindqvist'],
  [
    'is overdue no longer',
    [requested(), ...granted, delayed, revoked],
    'No longer overdue: reader on orders for Ada Lindqvist has ended',
  ],
];
const twoOfThem = { stages: [{ ...stage, quorum: 2 }] };
const untold: readonly [string, CurfewEvent[]][] = [
  ['asks, and a rule approves', [requested({ stages: [], automatic: { name: 'in office hours' } })]],
  ['asks by breaking the glass', [requested(glass)]],
  [
    'is approved by a rule',
    [requested({ stages: [] }), { type: 'access-approved-automatically', at: now, rule: 'in office hours' }],
  ],
  ['is approved by the first of two', [requested(twoOfThem), answered('access-approved', bob)]],
  ['is withdrawn', [requested(), { type: 'request-withdrawn', at: now, by: ada, commandId }]],
  ['is about to be granted', [requested(), ...granted.slice(0, 2)]],
  ['is granted', [requested(), ...granted.slice(0, 3)]],
  ['begins to end', [requested(), ...granted]],
  ['ends in time', [requested(), ...granted, { ...revoked, lateness: 3 } as CurfewEvent]],
];

describe('a card for the channel', () => {
  test('of somebody who asks says who, what, why, for how long, and who has been written to', () => {
    const run = (text: string, more = {}) => ({ type: 'TextRun', text, ...more });
    const line = (...inlines: object[]) => ({ type: 'RichTextBlock', inlines });
    const fact = (label: string, value: string) => line(run(`${label}: `, { weight: 'Bolder' }), run(value));
    expect(cardFor(requested())).toEqual({
      type: 'AdaptiveCard',
      $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
      version: '1.4',
      body: [
        line(run('Ada Lindqvist asks for reader on orders', { size: 'Large', weight: 'Bolder', color: 'Default' })),
        line(run('It can be answered until Sun 2026-11-22 09:00 UTC.')),
        line(run('Those who may approve it have been written to, and answer from their own mails.')),
        fact('Who', 'Ada Lindqvist (ada@contoso.example)'),
        fact('Role', 'reader on orders – Read every table of orders'),
        fact('Why', 'Refund case 4711'),
        fact('For how long', '8h; From the moment it is approved'),
        fact('Asked', 'Sat 2026-11-21 09:00 UTC'),
        line(run(requestId, { isSubtle: true })),
      ],
    });
  });

  test.each(told)('is posted when somebody %s', (_, events, heading) => {
    const card = cardFor(...events);
    expect(headingOf(card)).toBe(heading);
    expectLiteral(card);
  });

  test.each(untold)('is not posted when somebody %s', (_, events) => {
    expect(cardFor(...events)).toBeUndefined();
  });

  test('of a decision has the comment, and of an end how late it was', () => {
    const texts = (...events: CurfewEvent[]) => JSON.stringify(cardFor(...events));
    expect(texts(requested(), ...granted.slice(0, 1))).toContain('Only this case.');
    expect(texts(requested(), ...granted, delayed)).toContain('CURFEW_TARGET_UNAVAILABLE');
    expect(texts(requested(), ...granted, delayed, revoked)).toContain('1m after its deadline');
  });

  test('of one of two who approve comes with the second', () => {
    const first = answered('access-approved', bob, 'Fine.');
    const second = answered('access-approved', carla, 'Fine.');
    expect(headingOf(cardFor(requested(twoOfThem), first, second))).toMatch(/^Carla Reyes approved/);
  });

  const target = 'orders' as TargetId;
  const found = (name: string) =>
    link(driftIdOf(target), undefined, {
      type: 'drift-found',
      at: now,
      action: 'report',
      entitlement,
      holder: { principalId: bob.principalId, name },
    } as const);

  test('of drift says who holds what, and what the policy says to do', () => {
    const text = JSON.stringify(cardOf(found('bob'), undefined));
    expect(text).toContain(`bob (${bob.principalId}) holds orders_reader in orders on localhost, of orders`);
    expect(text).toContain('The policy says to leave them there.');
  });

  test('of a request needs the request', () => {
    const [asked] = chainOf(requested());
    if (!asked) throw new Error('no event');
    expect([isTold(asked), cardOf(asked, undefined)]).toEqual([true, undefined]);
  });

  const hostile = [
    '[Approve](https://evil.example/approve) ![x](https://evil.example/x.png)',
    '**bold** _it_ `code`\n# Heading\n- item\n<at>Everyone</at> <b>html</b>',
    '\u202egnirts \u0000\u0007\u200b {{DATE(2026-01-01T00:00:00Z)}} {{DATE(2026-01-01)}}',
    '𝕏'.repeat(1_000),
    'line\n'.repeat(200),
  ];
  test.each(hostile)('shows to the letter, on one line and not for ever: %j', (text) => {
    const nasty = (person: Person): Person => ({ ...person, name: text, userPrincipalName: text });
    const asked = {
      ...(requested({ roleDescription: text, stages: [{ ...stage, quorum: 12 }] }, nasty(ada)) as Extract<
        CurfewEvent,
        { type: 'access-requested' }
      >),
      ...{ reason: text, ticket: text, submittedBy: nasty(bob) },
    };
    const yes = Array.from({ length: 12 }, (_, index) => ({
      ...answered('access-approved', nasty({ ...carla, principalId: `a${index}` as Person['principalId'] }), text),
    }));
    const [, ...afterwards] = granted;
    const cards = [
      cardFor(asked),
      cardFor(asked, ...yes),
      cardFor(asked, answered('access-denied', nasty(bob), text)),
      cardFor({ ...asked, terms: { ...asked.terms, ...glass } }, { type: 'glass-broken', at: now }),
      cardFor(asked, ...yes, ...afterwards, delayed),
      cardFor(asked, ...yes, ...afterwards, delayed, revoked),
      cardOf(found(text), undefined),
    ];
    for (const card of cards) expectLiteral(card);
  });
});

/** Nothing but runs of safe text; nothing to press, to fetch or to follow; small enough for Teams. */
function expectLiteral(card: Card | undefined): void {
  if (!card) throw new Error('there is no card');
  expect(Object.keys(card)).toEqual(['type', '$schema', 'version', 'body']);
  for (const block of card.body) {
    expect(Object.keys(block)).toEqual(['type', 'inlines']);
    expect(block.type).toBe('RichTextBlock');
    for (const { type, text, size, weight, color, isSubtle, ...rest } of block.inlines) {
      expect([type, rest]).toEqual(['TextRun', {}]);
      expect([undefined, 'Large']).toContain(size);
      expect([undefined, 'Bolder']).toContain(weight);
      expect([undefined, 'Default', 'Good', 'Attention']).toContain(color);
      expect([undefined, true]).toContain(isSubtle);
      expect(text).toMatch(/^[^\n\r\t]{1,260}$/u);
      expect(isSafeText(text)).toBe(true);
      expect(text).not.toContain('{{');
    }
  }
  expect(JSON.stringify(card)).not.toMatch(/\/api\/|approvals/);
  expect(Buffer.byteLength(JSON.stringify(card))).toBeLessThan(27 * 1024);
}

import { describe, expect, it } from 'vitest';
import type { AccessRequest } from '../../shared/domain/access-request.ts';
import type { CurfewEvent, RecordedEvent } from '../../shared/domain/events.ts';
import { evolve } from '../../shared/domain/evolve.ts';
import { link } from '../../shared/domain/hash-chain.ts';
import { requestIdOf } from '../../shared/domain/ids.ts';
import { millisecondsOf, plus } from '../../shared/domain/time.ts';
import type { AuditLine, Evidence } from '../e2e/support/evidence.ts';
import { ada, bob, commandId, entitlement, requested, start } from '../support/samples.ts';
import { judge, type Verdict } from './judge.ts';

const deadline = 10_000;

interface Tale {
  readonly deadline?: number;
  /** Granted and seen to be granted, unless it never was. */
  readonly seenAt?: number | undefined;
  readonly endedBy?: number;
  readonly delays?: readonly number[];
  readonly droppedAt?: number | undefined;
  readonly verifiedAt?: number;
  readonly holdsUnknown?: true;
}

/** A request's chain. All times are milliseconds after the start. */
function tell(number: number, tale: Tale = {}): RecordedEvent[] {
  const { seenAt = 100, droppedAt, delays = [], verifiedAt = deadline + 20, holdsUnknown } = tale;
  const at = (milliseconds: number) => plus(start, milliseconds);
  const end = tale.deadline ?? deadline;
  const stage = { stage: 0, by: bob, through: 'link', comment: '', commandId } as const;
  const events: CurfewEvent[] = [
    requested({ duration: end }),
    { type: 'access-approved', at: at(0), ...stage },
    { type: 'grant-intended', at: at(0), deadline: at(end) },
    { type: 'access-granted', at: at(seenAt), evidence: [{ entitlement, outcome: 'granted', verifiedAt: at(seenAt) }] },
    tale.endedBy === undefined
      ? { type: 'revocation-began', at: at(end), cause: { kind: 'deadline' } }
      : {
          type: 'revocation-began',
          at: at(tale.endedBy),
          cause: { kind: 'ended-early', by: ada, as: 'requester', reason: '', commandId },
        },
    ...delays.map((late, index): CurfewEvent => {
      return { type: 'revocation-delayed', at: at(late), attempt: index + 1, code: 'CURFEW_TARGET_UNAVAILABLE' };
    }),
    {
      type: 'access-revoked',
      at: at(verifiedAt),
      evidence: [
        {
          entitlement,
          outcome: droppedAt === undefined ? 'absent' : 'revoked',
          droppedAt: droppedAt === undefined ? undefined : at(droppedAt),
          sessionsEnded: 0,
          verifiedAt: at(verifiedAt),
          holdsUnknown,
        },
      ],
    },
  ];
  const chain: RecordedEvent[] = [];
  for (const event of events) chain.push(link(requestIdOf(new Uint8Array(16).fill(number)), chain.at(-1), event));
  return chain;
}

const added = (at: number): AuditLine => line(at, 'ALTER ROLE ADD MEMBER');
const dropped = (at: number): AuditLine => line(at, 'ALTER ROLE DROP MEMBER');

function line(at: number, action: string): AuditLine {
  const { userPrincipalName: member } = ada;
  return { at: millisecondsOf(start) + at, principal: 'curfew-service', action, object: entitlement.role, member };
}

function evidenceOf(stories: readonly RecordedEvent[][], audit: readonly AuditLine[]): Evidence {
  const projections = stories.map((chain) =>
    chain.reduce<AccessRequest | undefined>((request, each) => evolve(request, each.requestId, each.event), undefined),
  );
  return {
    chains: new Map(stories.map((chain) => [chain[0]?.requestId ?? '', chain])),
    projections: new Map(projections.flatMap((request) => (request ? [[request.id, request] as const] : []))),
    holds: [],
    members: [],
    madeUsers: [],
    audit,
  };
}

/** What it counts, without what is 0. */
function count(stories: readonly RecordedEvent[][], audit: readonly AuditLine[], alerts: readonly string[] = []) {
  return counts(judge(evidenceOf(stories, audit), [], alerts));
}

function counts({ latenesses: _, ...lists }: Verdict): Record<string, number> {
  const all = Object.entries(lists).map(([name, { length }]) => [name, length] as const);
  return Object.fromEntries(all.filter(([, length]) => length > 0));
}

describe('the judge of the soak', () => {
  it('calls a drop within a second of the deadline on time', () => {
    const one = tell(1, { droppedAt: deadline + 3 });
    expect(count([one], [added(50), dropped(deadline + 3.5)])).toEqual({ onTime: 1 });
  });

  it('calls a drop before the deadline early', () => {
    const one = tell(1, { droppedAt: deadline + 3 });
    expect(count([one], [added(50), dropped(deadline - 0.2)])).toEqual({ early: 1 });
  });

  it('lets the last of two ends count', () => {
    const [first, second] = [tell(1), tell(2, { deadline: 20_000, verifiedAt: 20_010, droppedAt: 20_004 })];
    expect(count([first, second], [added(50), dropped(20_004)])).toEqual({ onTime: 1 });
    expect(count([first, second], [added(50), dropped(deadline + 5)])).toEqual({ early: 1 });
  });

  it('tells what was cut short without the holds from what is early', () => {
    const first = tell(1, { holdsUnknown: true, droppedAt: deadline + 5 });
    const second = tell(2, { deadline: 20_000, verifiedAt: 20_010 });
    expect(count([first, second], [added(50), dropped(deadline + 5)])).toEqual({ cutShort: 1 });
  });

  it('knows whose drop it was by the instant in the evidence, whoever ended last', () => {
    const blind = tell(1, { deadline: 4_000, holdsUnknown: true, droppedAt: 6_007, verifiedAt: 6_020 });
    const between = tell(2, { deadline: 5_000, verifiedAt: 7_000 });
    const lasting = tell(3, { deadline: 20_000, verifiedAt: 20_010 });
    expect(count([blind, between, lasting], [added(50), dropped(6_005)])).toEqual({ cutShort: 1 });
    const knowing = tell(1, { deadline: 4_000, droppedAt: 6_007, verifiedAt: 6_020 });
    expect(count([knowing, between, lasting], [added(50), dropped(6_005)])).toEqual({ early: 1 });
  });

  it('does not call it early where somebody ended it', () => {
    const one = tell(1, { endedBy: 4_000, droppedAt: 4_010, verifiedAt: 4_020 });
    expect(count([one], [added(50), dropped(4_010)])).toEqual({ onTime: 1 });
  });

  it('misses what was confirmed and never there', () => {
    expect(count([tell(1)], [])).toEqual({ early: 1 });
  });

  it('calls a drop late and told where the event dates it as the database does, or says that it was delayed', () => {
    const audit = [added(50), dropped(deadline + 8_000)];
    expect(count([tell(1, { droppedAt: deadline + 8_000, verifiedAt: deadline + 8_010 })], audit)).toEqual({
      lateAndTold: 1,
    });
    expect(count([tell(1, { delays: [deadline + 1_000], verifiedAt: deadline + 9_000 })], audit)).toEqual({
      lateAndTold: 1,
    });
  });

  it('calls a drop silent where the event dates it earlier than the database', () => {
    const one = tell(1, { droppedAt: deadline + 3, verifiedAt: deadline + 9_000 });
    expect(count([one], [added(50), dropped(deadline + 8_000)])).toEqual({ lateAndSilent: 1 });
  });

  it('blames who was still dropping it, not who ended later and left it to them', () => {
    const dropping = tell(1, { delays: [deadline + 900], droppedAt: 20_004, verifiedAt: 20_010 });
    const leaving = tell(2, { deadline: 15_000, verifiedAt: 15_100 });
    const verdict = judge(evidenceOf([dropping, leaving], [added(50), dropped(20_004)]), [], []);
    expect(counts(verdict)).toEqual({ lateAndTold: 1 });
    expect(verdict.latenesses).toEqual([10_004]);
  });

  it('wants an alert, in the chain and by mail, for what stood for more than a minute', () => {
    const end = deadline + 80_000;
    const told = { droppedAt: end, verifiedAt: end + 10 };
    const alerted = tell(1, { ...told, delays: [deadline + 900, deadline + 60_010] });
    const delayed = tell(1, { ...told, delays: [deadline + 900] });
    const audit = [added(50), dropped(end)];
    const mail = `OVERDUE ${alerted[0]?.requestId}`;
    expect(count([alerted], audit, [mail])).toEqual({ lateAndAlerted: 1 });
    expect(count([alerted], audit)).toEqual({ lateAndSilent: 1 });
    expect(count([delayed], audit, [mail])).toEqual({ lateAndSilent: 1 });
  });

  it('calls lost what the database did and no event intended or settled', () => {
    expect(count([], [added(50)])).toEqual({ lost: 1 });
    const one = tell(1, { droppedAt: deadline + 3 });
    expect(count([one], [added(50), dropped(deadline + 3), added(deadline + 500)])).toEqual({ onTime: 1, lost: 1 });
    expect(count([one], [added(50), dropped(deadline + 500)])).toMatchObject({ lost: 1 });
  });

  it('calls lost an event that is missing in a chain, and one at its end that the projection knows', () => {
    const one = tell(1, { droppedAt: deadline + 3 });
    const audit = [added(50), dropped(deadline + 3)];
    const evidence = evidenceOf([one], audit);
    const without = (left: RecordedEvent[]): Evidence => ({
      ...evidence,
      chains: new Map([[one[0]?.requestId ?? '', left]]),
    });
    expect(judge(without(one.toSpliced(1, 1)), [], []).lost).toHaveLength(1);
    expect(judge(without(one.slice(0, -1)), [], []).lost).toHaveLength(1);
  });

  it('does not miss what never was accepted', () => {
    const begun = tell(1).slice(0, 1);
    const evidence = { ...evidenceOf([begun], []), projections: new Map() };
    expect(judge(evidence, [], []).lost).toEqual([]);
    const id = begun[0]?.requestId ?? '';
    expect(judge(evidence, [{ id, requester: 'ada', commands: [] }], []).lost).toHaveLength(1);
  });

  it('calls lost what was acknowledged and is not in the store', () => {
    const one = tell(1, { droppedAt: deadline + 3 });
    const evidence = evidenceOf([one], [added(50), dropped(deadline + 3)]);
    const id = one[0]?.requestId ?? '';
    const command = (wish: 'approve' | 'deny', status: number) => ({ wish, by: 'bob', status });
    const asked = (commands: ReturnType<typeof command>[]) => [{ id, requester: 'ada', commands }];
    expect(judge(evidence, asked([command('approve', 200), command('deny', 409)]), []).lost).toEqual([]);
    expect(judge(evidence, asked([command('deny', 200)]), []).lost).toHaveLength(1);
    expect(judge(evidence, [{ id: 'req-nowhere', requester: 'ada', commands: [] }], []).lost).toHaveLength(1);
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  acquireHold,
  bar,
  claimHold,
  claimScheduled,
  clearFrom,
  forgetHold,
  type HoldDocument,
  holdKey,
  noteDropped,
  releaseHold,
  settleStanding,
  signClaim,
  withoutOverdue,
} from '../../../shared/domain/holds.ts';
import { type ActorId, type RequestId, requestIdOf } from '../../../shared/domain/ids.ts';
import { plus } from '../../../shared/domain/time.ts';
import { timeline } from '../../../shared/domain/timeline.ts';
import { ada, bob, entitlement, start } from '../../support/samples.ts';

const [one, two] = [1, 2].map((byte) => requestIdOf(new Uint8Array(16).fill(byte))) as [RequestId, RequestId];
const held: HoldDocument = { standing: false, holds: { [one]: start } };

describe('holds', () => {
  test('the last hold is dropped, and claimed meanwhile so that a new grant waits', () => {
    const release = releaseHold(held, one, true, start);
    expect(release).toMatchObject({ outcome: 'drop', document: { claimedBy: one } });
    expect(acquireHold(release.document, two, start)).toBe('claimed');
  });
  test('a drop that is tried again is still to be done', () => {
    const { document } = releaseHold(held, one, true, start);
    expect(releaseHold(document, one, true, start).outcome).toBe('drop');
  });
  test('while another holds it, it is kept', () => {
    const both = acquireHold(held, two, start) as HoldDocument;
    expect(releaseHold(both, one, true, start)).toEqual({
      outcome: 'kept',
      document: { standing: false, holds: { [two]: start } },
    });
  });
  test('one that ends sooner does not keep it, but stays until then: a claimer that is ended before that keeps it after all', () => {
    const end = plus(start, 1000);
    const both = acquireHold(held, two, end) as HoldDocument;
    const claimed = releaseHold(both, two, true, end);
    expect(claimed).toEqual({ outcome: 'drop', document: { ...both, claimedBy: two } });
    // Its own end comes in between, and changes nothing of the claim.
    expect(releaseHold(claimed.document, one, true, start)).toEqual({
      outcome: 'kept',
      document: { standing: false, holds: { [two]: end }, claimedBy: two },
    });
    expect(releaseHold(claimed.document, two, true, plus(start, -1))).toEqual({ outcome: 'kept', document: held });
  });
  test('a claim ahead of the end drops nothing that is still held by then, and gives nothing up', () => {
    const both = acquireHold(held, two, start) as HoldDocument;
    expect(claimHold(both, one, true, start, plus(start, -1))).toEqual({ outcome: 'undecided', document: both });
    expect(claimHold(both, one, true, start, start)).toEqual({ outcome: 'kept', document: forgetHold(both, one) });
    const sooner = acquireHold(held, two, plus(start, 1000)) as HoldDocument;
    expect(claimHold(sooner, two, true, plus(start, 1000), start)).toEqual({
      outcome: 'drop',
      document: { ...sooner, claimedBy: two },
    });
  });
  test('a claim that comes late clears away who was over before its end, and nobody who was to end with it or after', () => {
    const end = plus(start, 1000);
    const late = plus(end, 60_000);
    const overdue = acquireHold(held, two, end) as HoldDocument;
    expect(claimHold(overdue, two, true, end, late).document).toEqual({
      standing: false,
      holds: { [two]: end },
      claimedBy: two,
    });
    const together: HoldDocument = { standing: false, holds: { [one]: end, [two]: end } };
    const first = claimHold(together, one, true, end, late);
    expect(first).toEqual({ outcome: 'kept', document: forgetHold(together, one) });
    expect(claimHold(first.document, two, true, end, late).outcome).toBe('drop');
  });
  test('a standing membership is kept, whoever held it beside', () => {
    expect(releaseHold({ ...held, standing: true }, one, true, start)).toEqual({
      outcome: 'kept',
      document: undefined,
    });
  });
  test('what was never asked about was never granted', () => {
    const asked = acquireHold(undefined, one, start) as HoldDocument;
    expect(releaseHold(asked, one, false, start)).toEqual({ outcome: 'kept', document: undefined });
  });
  test('a claim that only bars the way drops nothing, however often it is asked', () => {
    const barred = bar(releaseHold({ holds: { [one]: start } }, one, false, start).document, one);
    expect(acquireHold(barred, two, start)).toBe('claimed');
    expect(releaseHold(barred, one, false, start)).toEqual({ outcome: 'kept', document: undefined });
    expect(forgetHold(barred, one)).toBeUndefined();
  });
  test('who bars the way leaves another request’s claim and holds as they are', () => {
    const claimed = releaseHold(held, one, true, start).document;
    expect(bar(claimed, two)).toEqual(claimed);
  });
  test('without a document only what this request granted is dropped', () => {
    expect(releaseHold(undefined, one, true, start).outcome).toBe('drop');
    expect(releaseHold(undefined, one, false, start).outcome).toBe('kept');
  });
  test('a request without a hold takes nothing from those that have one', () => {
    expect(releaseHold(held, two, true, start)).toEqual({ outcome: 'kept', document: held });
  });
  test('a late copy of the grant does not undo an extension', () => {
    const end = plus(start, 1000);
    const extended = acquireHold(held, one, end) as HoldDocument;
    expect(acquireHold(extended, one, start)).toEqual(extended);
  });
  test('the first to ask is right about what stood before', () => {
    expect(settleStanding({ holds: {} }, true).standing).toBe(true);
    expect(settleStanding({ standing: false, holds: {} }, true).standing).toBe(false);
  });
  test('a request that was turned away leaves the claim as it is, also after its deadline', () => {
    const claimed = releaseHold(held, one, true, start).document;
    const later = plus(start, 1000);
    expect(releaseHold(withoutOverdue(claimed, two, later), two, false, later)).toEqual({
      outcome: 'kept',
      document: claimed,
    });
    expect(forgetHold(claimed, two)).toBe(claimed);
    expect(releaseHold(withoutOverdue(claimed, one, later), one, true, later).outcome).toBe('drop');
  });
  test('a revocation that runs again claims anew, so that no grant comes in between', () => {
    const { document } = releaseHold(undefined, one, true, start);
    expect(acquireHold(document, two, start)).toBe('claimed');
    expect(forgetHold(document, one)).toBeUndefined();
  });
  test('who is forgotten leaves the others their holds', () => {
    const both = acquireHold(held, two, start) as HoldDocument;
    expect(forgetHold(both, one)).toEqual({ standing: false, holds: { [two]: start } });
  });
  test('another person, role or database is another document', () => {
    const keys = [
      holdKey(entitlement, ada.principalId),
      holdKey(entitlement, bob.principalId),
      holdKey({ ...entitlement, role: 'x' }, ada.principalId),
      holdKey({ ...entitlement, database: 'x' }, ada.principalId),
    ];
    expect(new Set(keys).size).toBe(4);
  });
  test('however requests come and go, one drop follows the last of them and none comes before', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 255 }), { minLength: 1, maxLength: 8 }), (bytes) => {
        const ids = bytes.map((byte) => requestIdOf(new Uint8Array(16).fill(byte)));
        let document: HoldDocument | undefined;
        for (const id of ids) document = settleStanding(acquireHold(document, id, start) as HoldDocument, false);
        const outcomes = ids.map((id) => {
          const release = releaseHold(document, id, true, start);
          document = release.document;
          return release.outcome;
        });
        expect(outcomes).toEqual([...ids.slice(1).map(() => 'kept'), 'drop']);
      }),
    );
  });
});

describe('a claim has an actor', () => {
  const [here, there] = ['here', 'there'] as ActorId[] as [ActorId, ActorId];
  const until = plus(start, timeline.claimLastsMs);
  const soon = plus(start, -timeline.lastClaimMs);
  const claim = (document: HoldDocument | undefined, id: ActorId, dead?: ActorId) =>
    claimScheduled(document, one, start, { id, until, dead }, soon);
  const claimed = claim(held, here).document;

  test('of two processes the first claims, and the second learns to whom it lost', () => {
    expect(claimed).toEqual({ ...held, claimedBy: one, actor: { id: here, until } });
    expect(claim(claimed, there)).toEqual({ outcome: 'lost', document: claimed, to: here });
  });
  test('a claim whose answer was lost is its own', () => {
    expect(claim(claimed, here)).toEqual({ outcome: 'drop', document: claimed });
  });
  test('it is taken over from an actor that is dead, and from no other', () => {
    const taken = claim(claimed, there, here);
    expect(taken.outcome).toBe('drop');
    expect(taken.document?.actor).toEqual({ id: there, until, isShared: true });
    expect(claim(taken.document, 'third' as ActorId, here)).toMatchObject({ outcome: 'lost', to: there });
  });
  test('a revocation whose deadline was moved, or whose request has no part in it, is not claimed', () => {
    const extended = acquireHold(held, one, plus(start, 1)) as HoldDocument;
    expect(claim(extended, here)).toEqual({ outcome: 'moved', document: extended });
    expect(claim(undefined, here)).toEqual({ outcome: 'released', document: undefined });
    const others: HoldDocument = { standing: false, holds: { [two]: start } };
    expect(claim(others, here)).toEqual({ outcome: 'released', document: others });
  });
  test('it is forgotten at once where its only actor is done, and else when no clock lets an actor act any more', () => {
    const over = plus(until, timeline.clockSkewMs);
    expect(clearFrom(claimed, one, here)).toBeUndefined();
    expect(clearFrom(claimed, one)).toBe(over);
    expect(clearFrom(claimed, one, there)).toBe(over);
    expect(clearFrom(claim(claimed, there, here).document, one, there)).toBe(over);
    expect(clearFrom(claimed, two, here)).toBeUndefined();
  });
  test('an actor that comes when the one before is over is the only one', () => {
    const later = plus(until, timeline.clockSkewMs);
    const signed = signClaim(claimed, there, plus(later, 1), later);
    expect(signed?.actor).toEqual({ id: there, until: plus(later, 1) });
    expect(signClaim(claimed, there, plus(later, 1), plus(later, -1))?.actor).toMatchObject({ isShared: true });
  });
  test('an actor never has less time than it had, and nobody signs what is not claimed', () => {
    expect(signClaim(claimed, here, start, soon)).toEqual(claimed);
    expect(signClaim(held, here, until, soon)).toEqual(held);
  });
  test('what was dropped under it outlasts the actor, and goes with the claim', () => {
    const dropped = { at: start, sessionsEnded: 2 };
    const noted = noteDropped(claimed, one, dropped);
    expect(signClaim(noted, there, until, soon)?.actor?.dropped).toEqual(dropped);
    expect(noteDropped(claimed, two, dropped)).toBe(claimed);
    expect(forgetHold(noted, one)).toBeUndefined();
  });
});

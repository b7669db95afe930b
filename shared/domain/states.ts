/**
 * Every state of a request, in the order in which it may come to them, with what the target may show in each. They are Curfew's
 * own and may become finer; what the API shows in their place is in `api-states.ts`, and stays.
 */

/** In these something is to come still. */
export const openStates = [
  /** Approvers are asked, stage by stage; or a rule, or broken glass, is about to stand in for them. The target shows nothing. */
  'waiting-for-approval',
  /** Approved, and its booked start lies ahead. The target shows nothing. */
  'scheduled',
  /** Approved, to be granted now. No intent is recorded and there is no deadline: the target shows nothing. */
  'approved',
  /** An approved extension, which is being applied to the grant that it extends. It grants nothing itself: the target shows the other. */
  'extending',
  /** The intent and the deadline are recorded. The target may show all, some or none of the entitlements. */
  'granting',
  /** The target, asked again, showed the entitlements. It shows them until the deadline, or until somebody ends them. */
  'granted',
  /** Taking away was decided: at the deadline, by somebody, or since the grant failed. The target may show some still. */
  'revoking',
  /** A try at taking away failed, and the next is to come. The target may show all of it still. */
  'overdue',
] as const;

/** In these the request stays. The target shows nothing that Curfew gave by it. */
export const endedStates = [
  /** An approver said no. Nothing was ever granted. */
  'denied',
  /** The requester took it back before anything was granted. */
  'withdrawn',
  /** A stage's time was over before its quorum was reached. Nothing was ever granted. */
  'timed-out',
  /** It could not be granted or applied; or not surely, and the target, asked again, showed that nothing is left of it. */
  'failed',
  /** Taken away at its deadline; the target, asked again, showed that it is gone. */
  'expired',
  /** Ended before its deadline, and seen to be gone; or called off by another than its requester before it was granted. */
  'revoked',
  /** An extension that has moved the deadline of the grant that it extends. */
  'extended',
] as const;

export const states = [...openStates, ...endedStates] as const;
export type State = (typeof states)[number];

/** In these a grant of the role stands, may stand, or is booked: what limits count. An extension is no grant of its own. */
export const holdingStates = [
  'scheduled',
  'approved',
  'granting',
  'granted',
  'revoking',
  'overdue',
] as const satisfies State[];

/** Asked of a state, or of what is in one. By the answer the compiler knows what a request has. */
export interface StatePredicate<Of extends State> {
  (state: State): state is Of;
  <Within extends { readonly state: State }>(within: Within): within is Within & { readonly state: Of };
}

function oneOf<const Of extends State>(...these: readonly Of[]): StatePredicate<Of> {
  const found: ReadonlySet<State> = new Set(these);
  const isFound = (asked: State | { readonly state: State }) =>
    found.has(typeof asked === 'string' ? asked : asked.state);
  return isFound as StatePredicate<Of>;
}

export const isAwaitingApproval = oneOf('waiting-for-approval');
/** Approved, and nothing is intended yet: the grant can be called off without touching the target. */
export const isAwaitingGrant = oneOf('scheduled', 'approved');
/** Approved, and neither granted nor applied to another grant yet. */
export const isBeingFulfilled = oneOf('scheduled', 'approved', 'extending', 'granting');
/** Nothing is intended, and no other grant is being extended: the requester can take it back. */
export const mayBeWithdrawn = oneOf('waiting-for-approval', 'scheduled', 'approved');
/** Nothing is intended: it can still fail without anything to undo. */
export const mayBeRefused = oneOf('waiting-for-approval', 'scheduled', 'approved', 'extending');
export const isExtending = oneOf('extending');
export const isGranting = oneOf('granting');
export const isGranted = oneOf('granted');
/** The access stands, or may by now, and has not begun to end. */
export const isRevocable = oneOf('granting', 'granted');
/** The access is being taken away. */
export const isEnding = oneOf('revoking', 'overdue');
/** From the intent to grant until the end is seen: the target may show the access. */
export const mayHold = oneOf('granting', 'granted', 'revoking', 'overdue');
/** Curfew is at it: the next state comes soon, and by itself. */
export const isPassing = oneOf('approved', 'extending', 'granting', 'revoking');
export const isEnded = oneOf(...endedStates);
/** The access is being taken away, or there is none any more. */
export const isOver = oneOf('revoking', 'overdue', ...endedStates);

/** Something is to come still, by which the request has to be remembered. */
export function isUnfinished({ state, review }: { readonly state: State; readonly review?: unknown }): boolean {
  return !isEnded(state) || review === 'owed';
}

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/**
 * Every duration on which the course of a request depends, in milliseconds. What must be shorter than what is asserted in
 * `timeline.test.ts`; docs/timeline.md shows them along one line and is compared with this file.
 */
export const timeline = {
  // The task hub.
  /** The longest durable timer: longer waits are made of several. The SDK splits timers of six days by itself, and loses count. */
  longestWaitMs: 2 * day,
  /** The shortest durable timer that is worth setting: one of a second or less fires at once. */
  shortestWaitMs: 1_100,
  /** A call is raced with a timer only where its limit is nearer than this; the host gives up on a hanging activity by itself. */
  raceWithinMs: 5 * minute,

  // Before a grant.
  /** So long before a booked start its orchestration is woken, so that the grant waits for the instant in a process. */
  startLeadMs: 8 * second,
  /** What was found out about requester and approvers holds good for so long: before a booked start they are checked by that much. */
  eligibilityLastsMs: second,
  /** How long one attempt at granting may take, from when it starts. */
  grantLimitMs: 30 * second,
  /** How long an approved request waits for the event store before its requester is notified. */
  heldUpAfterMs: minute,
  /** How long the directory is waited for before a break-glass grant goes on without it. */
  emergencyLookupMs: 2 * second,

  // The approach of a deadline.
  /** So long before the deadline the requester is warned. */
  warningLeadMs: 10 * minute,
  /** How often what begins or ends soon is read from the store. */
  feedIntervalMs: minute,
  /** So far ahead it is read. */
  feedAheadMs: 3 * minute,
  /** What ended so recently and still counts as granted is read too: a process that starts may find it undone. */
  feedBehindMs: 50 * second,
  /** For so long the invocation that read it stays open while something is due, so that the host keeps the process. */
  feedOpenMs: 45 * second,
  /** Within this before the deadline an extension is refused; the claim in the hold document decides between the two. */
  finalLeadMs: 10 * second,
  /** Claims begin no earlier before the deadline than this. */
  claimWindowMs: 45 * second,
  /** Claims begin this long before the deadline for one, and `claimTimeMs` earlier for each other that is nearly due. */
  lastClaimMs: 3_200,
  claimTimeMs: 3.5,
  /** The pause before a claim that failed is tried again. */
  claimPauseMs: 200,
  /** So long before the deadline connections are opened and names looked up. */
  preparationMs: 2 * second,
  /** How often a process that holds claims says that it lives, and after how long a silent one counts as dead. */
  heartbeatMs: 150,
  deadAfterMs: 600,

  // After the deadline.
  /** A claim is acted on no later than this after the deadline. */
  claimLastsMs: 2 * second,
  /** By so much the clocks of two processes may differ. */
  clockSkewMs: second,
  /** For so long reports of what was done wait for revocations that are still under way. */
  reportPauseMs: second,
  /** After so long without having been told to the orchestration, what was dropped is kept in the hold documents. */
  reportLimitMs: 2 * second,
  /** When the orchestration, having heard nothing, sees to the revocation itself. */
  guardMs: 5 * second,
  /** How long one attempt of the orchestration at revoking may take; doubled where the hub was too slow, up to the longest. */
  revokeLimitMs: 15 * second,
  longestRevokeLimitMs: 5 * minute,
  /** An attempt that says nothing for so long after its limit has died with its process. */
  lostAfterMs: 5 * second,
  /** How long a revocation that is under way in the same process is waited for. */
  settleLimitMs: 7 * second,
  /** How long the hold documents are asked for, how long one try may hang, and the pause between two. */
  holdLimitMs: 3 * second,
  holdTryMs: second,
  holdPauseMs: 100,
  /** How long residual access is looked for. */
  residualLimitMs: 2 * second,
  /** After this the reconciler ends what still stands. */
  toleranceMs: 10 * second,
  /** For so long what was done can be asked for in the process that did it. */
  evidenceKeptMs: minute,

  // Recording, notifying and cleaning up.
  /** How long recording, one notification or a clean-up may take. */
  outboxLimitMs: 5 * second,
  /** For so long one notification holds up the next. */
  notifyStepMs: 500,
  /** How long the others of a group are still written to after a notification of one failed. */
  groupLimitMs: 4 * second,
  /** The longest pause between two attempts to record or clean up, to notify, and to reach what stands in no deadline's way. */
  longestRecordPauseMs: minute,
  longestNotifyPauseMs: hour,
  longestPatientPauseMs: 5 * minute,

  // The reconciler.
  /** What is younger may be just under way. */
  settlingMs: 30 * second,
  /** Who holds again so soon after a revocation has access past its deadline; later it is drift. */
  regrantWindowMs: 10 * minute,

  // Callers.
  /** How long a caller of the API is kept waiting for what a command led to. */
  commandLimitMs: 15 * second,
} as const;

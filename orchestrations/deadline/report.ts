import type { DropEvidence } from '../../shared/domain/events.ts';
import type { ActorId } from '../../shared/domain/ids.ts';

/** What the scheduler, or an attempt that could not verify its drop, tells a request's orchestration. */
export type SchedulerReport =
  /** A booked start is near: the grant is to wait for it in a process. */
  | { readonly kind: 'start-near' }
  /**
   * The revocation is over: what was dropped, verified or not; nothing, where the orchestration is to do it. The orchestration
   * does not rely on it: the target is asked again, and a drop is taken for when it was, not for whether.
   */
  | {
      readonly kind: 'revocation-fired';
      readonly actor?: ActorId | undefined;
      readonly evidence: readonly DropEvidence[];
    };

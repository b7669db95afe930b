export type DurableErrorCode =
  | 'unknown-orchestrator'
  | 'already-exists'
  | 'not-found'
  | 'ended'
  | 'wrong-state'
  | 'bad-id'
  | 'bad-payload';

/** A client call that the extension would have answered with an error status. */
export class DurableError extends Error {
  readonly code: DurableErrorCode;

  constructor(code: DurableErrorCode, message: string) {
    super(message);
    this.name = 'DurableError';
    this.code = code;
  }
}

/** The stand-in does not do what it was asked, on purpose. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
}

import type { Message } from './contract.ts';

/**
 * Reads a message, or returns undefined. Anything may be raised as an event: a command that only the lifecycle itself may give, or
 * something that it cannot read and that must not end it.
 */
export function readMessage(value: unknown): Message | undefined {
  return isMessage(value) ? value : undefined;
}

function isMessage(value: unknown): value is Message {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, commandId, by, stage, through, comment, as, reason, extension, duration, evidence } = value as {
    readonly [key: string]: unknown;
  };
  if (kind === 'start-near') return true;
  if (kind === 'extend') return typeof extension === 'string';
  if (kind === 'revocation-fired') return Array.isArray(evidence);
  const isPerson = typeof by === 'object' && by !== null && 'principalId' in by;
  if (!isPerson || typeof commandId !== 'string') return false;
  if (kind === 'end') return typeof as === 'string' && typeof reason === 'string';
  if (kind === 'review') return typeof comment === 'string';
  if (kind === 'withdraw') return true;
  const isAnswer = (kind === 'approve' || kind === 'deny') && typeof comment === 'string';
  const isBounded = duration === undefined || typeof duration === 'number';
  return isAnswer && isBounded && typeof stage === 'number' && typeof through === 'string';
}

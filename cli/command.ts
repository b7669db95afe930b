import type { ParseArgsOptionsConfig } from 'node:util';
import { CurfewError } from '../shared/domain/errors.ts';
import type { Instant } from '../shared/domain/time.ts';
import { remedyInCli } from './remedies.ts';

/** What a command may touch. */
export interface System {
  out(text: string): void;
  error(text: string): void;
  /** The text of a file. */
  read(file: string): string;
  now(): Instant;
}

export interface Command {
  readonly usage: string;
  readonly options: ParseArgsOptionsConfig;
  /** Gives the exit code: 0 where all is well, 1 for findings, refusals and failures. */
  run(file: string, options: Options, system: System): number;
}

export type Options = { readonly [option: string]: string | boolean | (string | boolean)[] | undefined };

/** Prints a refusal and its remedy. Anything else is a fault, and thrown on. */
export function sayRefusal(error: unknown, system: System): void {
  if (!(error instanceof CurfewError)) throw error;
  const { detail = error.message, remedy } = error.refusal;
  system.error(remedy === undefined ? detail : `${detail}\n${remedyInCli(remedy)}`);
}

/** The command line makes no sense: exit code 2, with the usage. */
export class UsageError extends Error {}

export function readFileNamed(file: string, system: System): string {
  try {
    return system.read(file);
  } catch {
    throw new UsageError(`${file} cannot be read.`);
  }
}

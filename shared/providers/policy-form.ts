import type { z } from 'zod';
import type { Entitlement } from '../domain/policy.ts';

/** What a kind's target and its entitlements look like in a policy file. */
export interface PolicyForm<E extends Entitlement = Entitlement> {
  /** The fields of a target that this kind needs, beside its description and its roles; `resource-id` is what Azure knows it by. */
  readonly target: Readonly<Record<string, z.ZodType>>;
  /** What stands under the kind's name in a list of entitlements. */
  readonly entitlement: z.ZodType;
  /** Both as parsed. */
  read(target: Readonly<Record<string, unknown>>, entitlement: unknown): E;
  /** What is wrong between one target and another, or between two fields of one, which have been parsed each by itself. */
  problems?(targets: readonly TargetOfKind[]): readonly FormProblem[];
}

/** A target of a file, with those of its entitlements that are of the kind. */
export interface TargetOfKind {
  readonly name: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly entitlements: readonly { readonly value: unknown; readonly path: readonly (string | number)[] }[];
}

export interface FormProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** What only the parser refuses: JSON Schema has no words for it. */
  readonly reason: 'two-spellings' | 'another-resource' | 'fields-of-the-kind';
}

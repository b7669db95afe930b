import { z } from 'zod';
import type { Entitlement } from '../../domain/policy.ts';
import { kinds } from '../../providers/index.ts';
import type { FormProblem } from '../../providers/policy-form.ts';
import type { AccessKind } from '../../providers/provider.ts';

/** An entitlement as the file has it: one property, the kind's name. */
type EntitlementForm = Readonly<Record<string, unknown>>;
interface TargetForm {
  readonly roles: Readonly<Record<string, { readonly entitlements: readonly EntitlementForm[] }>>;
}

/** What may stand in a list of entitlements. */
export function entitlementForm(): z.ZodType<EntitlementForm> {
  const forms = kinds.map(({ kind, policy }) =>
    z.strictObject({ [kind]: policy.entitlement }).describe('One concrete thing that the role is made of.'),
  );
  const [only] = forms;
  if (forms.length === 1 && only) return only;
  return z.union(forms, { error: `write one of ${kinds.map(({ kind }) => kind).join(', ')}` });
}

/** The fields of a target that its kinds need. One that not every kind has may be left out; `problemsOfKinds` sees whether rightly. */
export function targetFields(): Record<never, z.ZodType> {
  const shapes = kinds.map(({ policy }) => policy.target);
  const isCommon = (field: string) => shapes.every((shape) => field in shape);
  return Object.fromEntries(
    shapes
      .flatMap((shape) => Object.entries(shape))
      .map(([field, schema]) => [field, isCommon(field) ? schema : withoutDefault(schema).optional()]),
  );
}

/** What stands in for a field that is left out is the kind's to say, and not for targets of other kinds. */
const withoutDefault = (schema: z.ZodType) =>
  schema instanceof z.ZodDefault ? (schema.unwrap() as z.ZodType) : schema;

/** Fields that are missing or have no business there, and what each kind finds wrong. */
export function problemsOfKinds(targets: Readonly<Record<string, TargetForm>>): FormProblem[] {
  const fields = Object.entries(targets).flatMap(([name, target]) => fieldProblems(name, target));
  if (fields.length > 0) return fields;
  return kinds.flatMap((kind) => [
    ...(kind.policy.problems?.(
      Object.entries(targets)
        .map(([name, target]) => ({
          name,
          fields: fieldsFor(kind, target),
          entitlements: entitlementsOf(kind, name, target),
        }))
        .filter(({ entitlements }) => entitlements.length > 0),
    ) ?? []),
  ]);
}

function fieldProblems(name: string, target: TargetForm): FormProblem[] {
  const used = kinds.filter((kind) => entitlementsOf(kind, name, target).length > 0);
  if (used.length === 0) return [];
  const fields = fieldsOf(target);
  const missing = used.flatMap(({ kind, policy }) =>
    Object.entries(policy.target)
      .filter(([field, schema]) => fields[field] === undefined && !schema.safeParse(undefined).success)
      .map(([field]): FormProblem => {
        const message = `add ${field}: ${kind} needs it`;
        return { path: ['targets', name, field], message, reason: 'fields-of-the-kind' };
      }),
  );
  const known = new Set(kinds.flatMap(({ policy }) => Object.keys(policy.target)));
  const wanted = new Set(used.flatMap(({ policy }) => Object.keys(policy.target)));
  const needless = Object.keys(fields)
    .filter((field) => known.has(field) && !wanted.has(field) && fields[field] !== undefined)
    .map((field): FormProblem => {
      const message = `no entitlement of this target needs it; leave it out`;
      return { path: ['targets', name, field], message, reason: 'fields-of-the-kind' };
    });
  return [...missing, ...needless];
}

/** Fails where there is no such kind, which the form has refused. */
export function readEntitlement(target: TargetForm, form: EntitlementForm): Entitlement {
  const kind = kinds.find((each) => each.kind in form);
  if (!kind) throw new TypeError('no kind has this entitlement');
  return kind.policy.read(fieldsFor(kind, target), form[kind.kind]);
}

/** By what Azure knows the target. */
export function resourceIdOf(target: TargetForm): { resourceId?: string } {
  const { 'resource-id': resourceId } = fieldsOf(target);
  return typeof resourceId === 'string' ? { resourceId } : {};
}

/** The kind's fields of a target, with what stands in for those that are left out. */
function fieldsFor({ policy }: AccessKind, target: TargetForm): Readonly<Record<string, unknown>> {
  const fields = fieldsOf(target);
  return Object.fromEntries(
    Object.entries(policy.target).map(([field, schema]) => [field, fields[field] ?? schema.safeParse(undefined).data]),
  );
}

/** The form of a target is put together from those of the kinds, so that no type says what it has. */
const fieldsOf = (target: TargetForm) => target as unknown as Readonly<Record<string, unknown>>;

function entitlementsOf({ kind }: AccessKind, name: string, { roles }: TargetForm) {
  return Object.entries(roles).flatMap(([role, { entitlements }]) =>
    entitlements.flatMap((form, index) =>
      kind in form ? [{ value: form[kind], path: ['targets', name, 'roles', role, 'entitlements', index] }] : [],
    ),
  );
}

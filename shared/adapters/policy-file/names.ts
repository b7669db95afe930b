import { z } from 'zod';
import { beyond, name, userPrincipalName } from './fields.ts';
import { quote, suggest } from './wording.ts';

/** What the file gives names to, so that every use of a name can be checked where it stands. */
export interface Names {
  readonly groups: readonly string[];
  readonly applications: readonly string[];
  readonly 'emergency-groups': readonly string[];
  readonly targets: readonly string[];
  /** Of all targets together. */
  readonly roles: readonly string[];
}

/** Read from whatever is there; the form of the rest is not its business. Undefined where nothing can be said. */
export function namesIn(data: unknown): Partial<Names> {
  const targets = membersOf(data, 'targets');
  const roles = targets && Object.values(targets).map((target) => membersOf(target, 'roles'));
  const keys = (field: string) => Object.keys(membersOf(data, field) ?? {});
  return {
    groups: keys('groups'),
    applications: keys('applications'),
    'emergency-groups': keys('emergency-groups'),
    ...(targets && { targets: Object.keys(targets) }),
    ...(roles && { roles: roles.flatMap((each) => Object.keys(each ?? {})) }),
  };
}

function membersOf(data: unknown, field: string): Record<string, unknown> | undefined {
  return z.object({ [field]: z.record(z.string(), z.unknown()) }).safeParse(data).data?.[field];
}

/** Lists of names, and the audiences made of them. */
export function namedIn(names: Partial<Names>) {
  const reference = (kind: keyof Names) => {
    const known = names[kind];
    const what = kind.replace('-', ' ').replace(/s$/, '');
    return name.refine((value) => known?.includes(value) ?? true, {
      error: ({ input }) =>
        `no ${what} is named ${quote(input)}; ${suggest(String(input), known ?? []) ?? `add it under ${kind}`}`,
      ...beyond('unknown-name'),
    });
  };
  const list = (kind: keyof Names) => z.array(reference(kind));
  const groups = list('groups').default([]).describe('Names from groups at the top of the file.');
  const people = z.array(userPrincipalName).default([]).describe('User principal names.');
  const applications = list('applications').default([]).describe('Names from applications at the top of the file.');
  const manager = z.literal(true, { error: 'write true, or leave it out' }).optional();

  return {
    list,
    /** Of people alone. */
    people: (description: string) =>
      z
        .strictObject({ groups, people })
        .refine((audience) => audience.groups.length + audience.people.length > 0, {
          error: 'nobody is named; add a group or a person',
        })
        .meta({ description, anyOf: ['groups', 'people'].map(filled) }),
    /** Applications too. */
    requesters: (description: string) =>
      z
        .strictObject({ groups, people, applications })
        .refine(({ groups, people, applications }) => groups.length + people.length + applications.length > 0, {
          error: 'nobody is named; add a group, a person or an application',
        })
        .meta({ description, anyOf: ['groups', 'people', 'applications'].map(filled) }),
    approvers: (description: string) =>
      z
        .strictObject({ groups, people, manager: manager.describe("The requester's manager in Entra ID.") })
        .refine(({ groups, people, manager }) => groups.length + people.length > 0 || manager, {
          error: 'nobody is named; add a group, a person or manager: true',
        })
        .meta({ description, anyOf: [...['groups', 'people'].map(filled), { required: ['manager'] }] }),
  };
}

function filled(field: string) {
  return { required: [field], properties: { [field]: { minItems: 1 } } };
}

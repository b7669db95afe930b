import type { readPolicyFile } from '../../shared/adapters/policy-file/read-policy.ts';
import type { Path, Problem } from '../../shared/adapters/policy-file/read-yaml.ts';
import { quote } from '../../shared/adapters/policy-file/wording.ts';
import type { PrincipalId } from '../../shared/domain/ids.ts';
import type { Approvers, Audience, Demands, Role, Rule, Stage, Target } from '../../shared/domain/policy.ts';
import { canBeFilled, type Seats } from '../../shared/domain/quorum.ts';
import { demandsOf, describeTightening, strictest } from '../../shared/domain/strictest.ts';
import { foldCase } from '../../shared/domain/text.ts';
import { describeDuration } from '../../shared/domain/time.ts';

type PolicyDocument = ReturnType<typeof readPolicyFile>;

/** A role with where it stands, and what is asked of everybody: its own demands and those of the rules that always apply. */
interface Place {
  readonly target: Target;
  readonly role: Role;
  readonly path: Path;
  readonly demands: Demands;
}

interface Warning {
  readonly path: Path;
  readonly sentence: string;
  /** It is about the name at the end of the path. */
  readonly atKey?: true;
}

/** What can be read and looks like a mistake all the same, as far as the file alone can tell. */
export function warningsOf({ data: file, policy, yaml }: PolicyDocument): Problem[] {
  const places = policy.targets.flatMap((target) =>
    target.roles.map(
      (role): Place => ({
        target,
        role,
        path: ['targets', target.id, 'roles', role.id],
        demands: policy.rules
          .filter((rule) => isFor(rule, target, role) && isAlways(rule))
          .reduce((demands, rule) => strictest(demands, demandsOf(rule)), role.demands),
      }),
    ),
  );
  const always = (place: Place) =>
    policy.rules.filter((rule) => isFor(rule, place.target, place.role) && isAlways(rule));
  const found: Warning[] = [
    ...unused(file),
    ...places.flatMap((place) => [
      ...neverGiven(place),
      ...neverApproved(place),
      ...neverAsked(place),
      ...forbidden(place, always(place)),
      ...withoutSignIn(place),
      ...reviewedByThemselves(place),
      ...neverProven(place.role.demands, place.path),
    ]),
    ...policy.rules.flatMap((rule, index) => neverProven(rule.demands, ['rules', index, 'then'])),
    ...policy.rules.flatMap((rule, index) => ruleWarnings(rule, ['rules', index], places)),
  ];
  return found.map(({ path, sentence, atKey }) => ({
    offset: atKey ? yaml.offsetOfKey(path) : yaml.offsetOf(path),
    path,
    sentence,
  }));
}

function isFor({ when }: Rule, target: Target, role: Role): boolean {
  return (when.targets?.includes(target.id) ?? true) && (when.roles?.includes(role.id) ?? true);
}

function isAlways({ when }: Rule): boolean {
  return when.requesters === undefined && when.longerThan === undefined;
}

function unused(file: PolicyDocument['data']): Warning[] {
  return (['groups', 'applications', 'emergency-groups'] as const).flatMap((kind) => {
    const used = new Set(listsUnder([file.targets, file.rules], kind));
    return Object.keys(file[kind])
      .filter((name) => !used.has(name))
      .map((name) => ({ path: [kind, name], sentence: 'nothing in the file uses this name', atKey: true }));
  });
}

/** What the lists hold that stand anywhere below under this key. */
function listsUnder(value: unknown, field: string): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inside]) =>
    key === field && Array.isArray(inside) ? inside : listsUnder(inside, field),
  );
}

/** Nobody can ask so that it is given. */
function neverGiven({ role, path, demands }: Place): Warning[] {
  const { step } = role.duration;
  const warnings: Warning[] = [];
  if (demands.maximum < step) {
    const sentence = `nothing can be asked for: ${describeDuration(demands.maximum)} is the maximum, with the rules that always apply`;
    warnings.push({ path: [...path, 'duration', 'step'], sentence });
  }
  if (role.breakGlass && role.breakGlass.maximum < step) {
    const sentence = `this is under the step of ${describeDuration(step)}, so that nobody can break the glass`;
    warnings.push({ path: [...path, 'break-glass', 'maximum'], sentence });
  }
  if (demands.askingNeeds.length > 0 && role.requesters.applications) {
    const { people, groups } = role.requesters;
    const nobody = people.length + groups.length === 0 ? ', and so nobody may ask for this role' : '';
    const sentence = `an application does not sign in with ${demands.askingNeeds.join(' and ')}${nobody}`;
    warnings.push({ path: [...path, 'requesters', 'applications'], sentence });
  }
  return warnings;
}

/** Too few people are there to approve, whoever of them answers. */
function neverApproved({ role, path, demands }: Place): Warning[] {
  const short = firstShort(demands.stages);
  if (short !== undefined) {
    const own = role.demands.stages.findIndex((_, index) => index === short);
    return [
      {
        path: own < 0 ? path : [...path, 'approval', 'stages', own],
        sentence: `stage ${short + 1} cannot reach its quorum: too few people are named, and one person counts once in all stages`,
      },
    ];
  }
  const { people, groups, applications } = role.requesters;
  const isAlone = people.length === 1 && groups.length === 0 && applications === undefined;
  return people.flatMap((person, index) => {
    const at = [...path, 'requesters', 'people', index];
    if (firstShort(demands.stages, person) !== undefined) {
      return [{ path: at, sentence: 'they cannot get this role: without them too few people are left to approve' }];
    }
    const approves = demands.stages.some(({ approvers }) => approvers.people.some((each) => isSame(each, person)));
    return isAlone && approves
      ? [
          {
            path: at,
            sentence:
              'nobody else may ask for this role, and nobody approves their own request; take them out of the approvers',
          },
        ]
      : [];
  });
}

/** The first stage that can't have its quorum when one person counts once, and somebody, the requester, not at all. */
function firstShort(stages: readonly Stage[], without = ''): number | undefined {
  const everySeat = stages.reduce((sum, { quorum }) => sum + quorum, 0);
  const seats = stages.map(({ quorum, approvers, escalation }): Seats => {
    const asked = escalation ? [approvers, escalation.to] : [approvers];
    const people = asked.flatMap((each) => each.people).filter((person) => !isSame(person, without));
    // How many are in a group the file doesn't say: enough.
    const members = asked.some(({ groups }) => groups.length > 0)
      ? Array.from({ length: everySeat }, (_, i) => `${i}`)
      : [];
    const manager = asked.some((each) => each.manager) ? ['manager'] : [];
    return { quorum, candidates: [...people.map(foldCase), ...members, ...manager] as PrincipalId[] };
  });
  const short = seats.findIndex((_, index) => !canBeFilled(seats.slice(0, index + 1)));
  return short < 0 ? undefined : short;
}

/** An escalation, or an automatic approval, that never comes to anything. */
function neverAsked({ role, path }: Place): Warning[] {
  const escalations = role.demands.stages.flatMap(({ approvers, escalation }, index) =>
    escalation && isWithin(escalation.to, approvers)
      ? [
          {
            path: [...path, 'approval', 'stages', index, 'escalation', 'to'],
            sentence: 'these are approvers from the beginning, so the escalation asks nobody new',
          },
        ]
      : [],
  );
  const automatic = role.automaticApprovals.flatMap(({ durationUpTo, hours }, index) => {
    const longest = Math.min(durationUpTo ?? Infinity, hours ? (hours.to - hours.from) * 60_000 : Infinity);
    if (longest >= role.duration.step) return [];
    const sentence = `this approves nothing: the step is ${describeDuration(role.duration.step)}`;
    return [{ path: [...path, 'automatic-approval', index], sentence }];
  });
  return [...escalations, ...automatic];
}

function isWithin(some: Approvers, all: Approvers): boolean {
  return (
    some.people.every((person) => all.people.some((each) => isSame(each, person))) &&
    some.groups.every((group) => all.groups.includes(group)) &&
    (!some.manager || all.manager === true)
  );
}

/** What the role offers and a rule that always applies takes away. */
function forbidden({ role, path }: Place, always: readonly Rule[]): Warning[] {
  const offers = [
    ['automaticApproval', 'automatic-approval'],
    ['breakGlass', 'break-glass'],
  ] as const;
  return offers.flatMap(([field, key]) => {
    const rule = role.demands[field] ? always.find(({ demands }) => demands[field] === false) : undefined;
    return rule ? [{ path: [...path, key], sentence: `the rule ${quote(rule.name)} always forbids this` }] : [];
  });
}

function withoutSignIn({ path, demands }: Place): Warning[] {
  if (demands.signIn) return [];
  const at = [...path, 'approval', 'sign-in'];
  const meaning = 'whoever holds the link from the mail decides, be it forwarded or stolen';
  return demands.decidingNeeds.length === 0
    ? [{ path: at, sentence: meaning }]
    : [
        {
          path: at,
          sentence: `${meaning}, and nobody can show ${demands.decidingNeeds.join(' and ')} without signing in`,
        },
      ];
}

function reviewedByThemselves({ role, path }: Place): Warning[] {
  const { people = [], review } = role.breakGlass ?? {};
  const alone = people.find(
    ({ userPrincipalName }) =>
      review?.by.groups.length === 0 && review.by.people.every((person) => isSame(person, userPrincipalName)),
  );
  if (!alone) return [];
  const sentence = `nobody but ${alone.userPrincipalName} reviews what they did themselves; name somebody else too`;
  return [{ path: [...path, 'break-glass', 'review', 'by'], sentence }];
}

/** Entra ID puts `amr` into v1.0 tokens only, and people sign in to a page with a v2.0 one. */
function neverProven({ decidingNeeds = [] }: Partial<Demands>, path: Path): Warning[] {
  const sentence =
    'nobody can show mfa on a page when they sign in by Entra ID; take an authentication context, like c1';
  return decidingNeeds.includes('mfa') ? [{ path: [...path, 'authentication', 'deciding'], sentence }] : [];
}

function ruleWarnings(rule: Rule, path: Path, places: readonly Place[]): Warning[] {
  const met = places.filter((place) => isFor(rule, place.target, place.role) && canBeMet(rule, place));
  if (met.length === 0) return [{ path, sentence: 'no request can meet what stands under when' }];
  const demands = demandsOf(rule);
  if (met.every(({ role }) => describeTightening(role.demands, strictest(role.demands, demands)).length === 0)) {
    return [{ path, sentence: 'this never asks for more than the roles do' }];
  }
  return met
    .filter((place) => !isAlways(rule) && firstShort(place.demands.stages) === undefined)
    .filter((place) => firstShort(strictest(place.demands, demands).stages) !== undefined)
    .map(({ role, target }) => ({
      path: [...path, 'then', 'approval', 'stages'],
      sentence: `with these stages ${role.id} on ${target.id} cannot be approved: too few people are named`,
    }));
}

/** Whether some request for the role could fulfil the rule's conditions. */
function canBeMet({ when }: Rule, { role, demands }: Place): boolean {
  if (when.longerThan !== undefined && when.longerThan >= demands.maximum) return false;
  if (!when.requesters) return true;
  const emergency = role.breakGlass?.people.map(({ userPrincipalName }) => userPrincipalName) ?? [];
  const askers: Audience = { ...role.requesters, people: [...role.requesters.people, ...emergency] };
  return canShare(when.requesters, askers);
}

/** Who is in a group the file doesn't say: anybody may be, of people and of applications. */
function canShare(one: Audience, other: Audience): boolean {
  return (
    one.groups.length > 0 ||
    other.groups.length > 0 ||
    one.people.some((person) => other.people.some((each) => isSame(each, person))) ||
    (one.applications ?? []).some((application) => other.applications?.includes(application) ?? false)
  );
}

function isSame(one: string, other: string): boolean {
  return foldCase(one) === foldCase(other);
}

import { canonicalJson, type Json } from './canonical-json.ts';
import type { Authentication, Demands, Rule, Stage } from './policy.ts';
import { describeDuration } from './time.ts';

/** Longer than anything, and it survives JSON. */
const unlimited = Number.MAX_SAFE_INTEGER;

/** Asks for nothing: stricter than it is whatever is joined with it. */
export const nothingDemanded: Demands = {
  maximum: unlimited,
  startHorizon: unlimited,
  reasonLength: 0,
  tickets: [],
  askingNeeds: [],
  decidingNeeds: [],
  stages: [],
  signIn: false,
  automaticApproval: true,
  breakGlass: true,
  limits: { perPerson: null, perRole: null },
  extension: { times: unlimited, total: unlimited },
};

/**
 * Both sets of demands in one: whoever meets it meets each of them. In what order several are joined makes no difference
 * but to the order of the stages, and joining one twice is joining it once.
 */
export function strictest(one: Demands, other: Demands): Demands {
  return {
    maximum: Math.min(one.maximum, other.maximum),
    startHorizon: Math.min(one.startHorizon, other.startHorizon),
    reasonLength: Math.max(one.reasonLength, other.reasonLength),
    tickets: union(one.tickets, other.tickets),
    askingNeeds: union(one.askingNeeds, other.askingNeeds),
    decidingNeeds: union(one.decidingNeeds, other.decidingNeeds),
    stages: union(one.stages, other.stages),
    signIn: one.signIn || other.signIn,
    automaticApproval: one.automaticApproval && other.automaticApproval,
    breakGlass: one.breakGlass && other.breakGlass,
    limits: {
      perPerson: fewest(one.limits.perPerson, other.limits.perPerson),
      perRole: fewest(one.limits.perRole, other.limits.perRole),
    },
    extension: {
      times: Math.min(one.extension.times, other.extension.times),
      total: Math.min(one.extension.total, other.extension.total),
    },
  };
}

export function demandsOf({ demands }: Rule): Demands {
  return { ...nothingDemanded, ...demands };
}

/** What `after` asks for beyond `before`, in words. */
export function describeTightening(before: Demands, after: Demands): string[] {
  return (Object.keys(inWords) as (keyof Demands)[]).flatMap((field) =>
    isSame(before[field], after[field]) ? [] : [inWords[field](after)],
  );
}

const inWords: { readonly [Field in keyof Demands]: (demands: Demands) => string } = {
  maximum: ({ maximum }) => `${describeDuration(maximum)} at most`,
  startHorizon: ({ startHorizon }) =>
    startHorizon === 0 ? 'no start in the future' : `a start within ${describeDuration(startHorizon)}`,
  reasonLength: ({ reasonLength }) => `a reason of ${reasonLength} characters or more`,
  tickets: ({ tickets }) => `a ticket such as ${tickets.map(({ example }) => example).join(' and ')}`,
  askingNeeds: ({ askingNeeds }) => `${listed(askingNeeds)} for asking`,
  decidingNeeds: ({ decidingNeeds }) => `${listed(decidingNeeds)} for deciding`,
  stages: ({ stages }) => `approval by ${stages.map(describeStage).join(', then by ')}`,
  signIn: () => 'signing in to decide',
  automaticApproval: () => 'no automatic approval',
  breakGlass: () => 'no breaking of the glass',
  limits: ({ limits: { perPerson, perRole } }) =>
    [
      perPerson === null ? [] : [`${perPerson} at once for one person`],
      perRole === null ? [] : [`${perRole} at once for everybody`],
    ]
      .flat()
      .join(', '),
  extension: ({ extension: { times, total } }) =>
    times === 0 ? 'no extension' : `${times} extensions, up to ${describeDuration(total)} in all`,
};

export function describeStage({ quorum, approvers }: Stage): string {
  const who = [
    ...approvers.people,
    ...(approvers.groups.length > 0
      ? [`${approvers.groups.length} group${approvers.groups.length > 1 ? 's' : ''}`]
      : []),
    ...(approvers.manager ? ["the requester's manager"] : []),
  ];
  return `${quorum} of ${who.join(', ')}`;
}

function listed(needs: readonly Authentication[]): string {
  return needs.join(' and ');
}

/** What is in either, as often as in the one that has it more often: two stages that are alike want two people. */
function union<Item extends object | string>(one: readonly Item[], other: readonly Item[]): readonly Item[] {
  const spare = [...one];
  const missing = other.filter((item) => {
    const found = spare.findIndex((present) => isSame(present, item));
    if (found >= 0) spare.splice(found, 1);
    return found < 0;
  });
  return [...one, ...missing];
}

function fewest(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other;
  return Math.min(one, other);
}

function isSame(one: unknown, other: unknown): boolean {
  return canonicalJson(one as Json) === canonicalJson(other as Json);
}

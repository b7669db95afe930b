import type { Digest, PrincipalId, RoleId, TargetId } from '../../domain/ids.ts';
import type {
  Approvers,
  Audience,
  AutomaticApproval,
  BreakGlass,
  Demands,
  Person,
  Policy,
  Role,
  Rule,
  Stage,
} from '../../domain/policy.ts';
import { nothingDemanded } from '../../domain/strictest.ts';
import { foldCase } from '../../domain/text.ts';
import { readEntitlement, resourceIdOf } from './kinds.ts';
import type { PolicyFile } from './schema.ts';

type TargetForm = PolicyFile['targets'][string];
type RoleForm = TargetForm['roles'][string];
type StageForm = RoleForm['approval']['stages'][number];
type AudienceForm = { readonly groups: readonly string[]; readonly people: readonly string[] };

/** What a file means: names become object ids, and what is left out becomes what it stands for. */
export function toPolicy(file: PolicyFile, digest: Digest): Policy {
  const zones = Object.fromEntries(
    Object.entries(file['time-zones']).flatMap(([zone, users]) => users.map((user) => [foldCase(user), zone])),
  );
  const ids = (names: readonly string[], known: Record<string, string>) => [
    ...new Set(names.map((name) => principalId(known[name] ?? ''))),
  ];
  const audience = ({ groups, people }: AudienceForm): Audience => ({
    people: [...new Set(people)],
    groups: ids(groups, file.groups),
  });
  const requesters = (form: AudienceForm & { readonly applications: readonly string[] }): Audience => ({
    ...audience(form),
    ...(form.applications.length > 0 && { applications: ids(form.applications, file.applications) }),
  });
  const approvers = (form: StageForm['approvers']): Approvers => ({
    ...audience(form),
    ...(form.manager && { manager: true as const }),
  });
  const stage = (form: StageForm): Stage => ({
    approvers: approvers(form.approvers),
    quorum: form.quorum,
    timeOut: form['time-out'],
    reminders: [...new Set(form.reminders)].sort((one, other) => one - other),
    ...(form.escalation && { escalation: { after: form.escalation.after, to: approvers(form.escalation.to) } }),
  });
  const member = (form: PolicyFile['emergency-groups'][string][number]): Person => ({
    principalId: principalId(form['object-id']),
    name: form.name,
    userPrincipalName: form.user,
    mail: form.mail ?? form.user,
    timeZone: zones[foldCase(form.user)] ?? file['time-zone'],
  });

  const demands = (form: RoleForm): Demands => ({
    maximum: form.duration.maximum,
    startHorizon: form.start,
    reasonLength: form.reason,
    tickets: form.ticket ? [form.ticket] : [],
    askingNeeds: form.authentication?.asking ?? [],
    decidingNeeds: form.authentication?.deciding ?? [],
    stages: form.approval.stages.map(stage),
    signIn: form.approval['sign-in'] === 'required',
    automaticApproval: form['automatic-approval'].length > 0,
    breakGlass: form['break-glass'] !== undefined,
    limits: { perPerson: form.limits?.['per-person'] ?? null, perRole: form.limits?.['per-role'] ?? null },
    extension: { times: form.extension?.times ?? 0, total: form.extension?.['up-to'] ?? 0 },
  });
  const automaticApproval = (form: RoleForm['automatic-approval'][number]): AutomaticApproval => ({
    name: form.name,
    requesters: form.requesters && requesters(form.requesters),
    hours: form.hours && {
      days: form.hours.days,
      from: form.hours.from,
      to: form.hours.to,
      timeZone: form.hours['time-zone'],
    },
    durationUpTo: form['duration-up-to'],
    approvedBefore: form['approved-before'],
  });
  const breakGlass = (form: NonNullable<RoleForm['break-glass']>): BreakGlass => {
    const members = form['emergency-groups'].flatMap((name) => file['emergency-groups'][name] ?? []).map(member);
    return {
      people: [...new Map(members.map((person) => [person.principalId, person])).values()],
      maximum: form.maximum,
      tell: audience(form.tell),
      review: { by: audience(form.review.by), within: form.review.within },
    };
  };
  const role = (target: TargetForm, id: string, form: RoleForm): Role => ({
    id: id as RoleId,
    description: form.description,
    entitlements: form.entitlements.map((entitlement) => readEntitlement(target, entitlement)),
    requesters: requesters(form.requesters),
    duration: { default: form.duration.default, step: form.duration.step },
    demands: demands(form),
    automaticApprovals: form['automatic-approval'].map(automaticApproval),
    drift: { action: form.drift, standing: form.standing.map(principalId) },
    ...(form['break-glass'] && { breakGlass: breakGlass(form['break-glass']) }),
  });
  const rule = ({ name, when, then }: PolicyFile['rules'][number]): Rule => {
    const { extension } = then;
    const more: { [Field in keyof Demands]: Demands[Field] | undefined } = {
      maximum: then.maximum,
      startHorizon: then.start,
      reasonLength: then.reason,
      tickets: then.ticket && [then.ticket],
      askingNeeds: then.authentication?.asking,
      decidingNeeds: then.authentication?.deciding,
      stages: then.approval?.stages?.map(stage),
      signIn: then.approval?.['sign-in'] && true,
      automaticApproval: then['automatic-approval'] && false,
      breakGlass: then['break-glass'] && false,
      limits: then.limits && {
        perPerson: then.limits['per-person'] ?? null,
        perRole: then.limits['per-role'] ?? null,
      },
      extension:
        extension === 'never'
          ? { times: 0, total: 0 }
          : extension && {
              times: extension.times ?? nothingDemanded.extension.times,
              total: extension['up-to'] ?? nothingDemanded.extension.total,
            },
    };
    return {
      name,
      when: {
        targets: when.targets as TargetId[] | undefined,
        roles: when.roles as RoleId[] | undefined,
        requesters: when.requesters && requesters(when.requesters),
        longerThan: when['longer-than'],
      },
      // `demandsOf` spreads these over what asks for nothing, where an undefined would stand in its way.
      demands: Object.fromEntries(Object.entries(more).filter(([, value]) => value !== undefined)),
    };
  };

  return {
    digest,
    targets: Object.entries(file.targets).map(([id, form]) => ({
      id: id as TargetId,
      description: form.description,
      ...resourceIdOf(form),
      roles: Object.entries(form.roles).map(([roleId, each]) => role(form, roleId, each)),
    })),
    rules: file.rules.map(rule),
    timeZone: file['time-zone'],
    zones,
  };
}

function principalId(guid: string): PrincipalId {
  return guid.toLowerCase() as PrincipalId;
}

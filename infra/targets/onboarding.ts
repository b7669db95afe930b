import { readFileSync } from 'node:fs';
import type { PrincipalId } from '../../shared/domain/ids.ts';
import { sidOf } from '../../shared/providers/sql-role/sid.ts';

export interface Onboarding {
  /** The name of the service's user in the database; that of its managed identity is a good one. */
  readonly user: string;
  /** Of the managed identity. Not its object id: a database knows an application by this. */
  readonly clientId: string;
  /** What Curfew is to give and take. A role that isn't there is made, and gives nothing at first. */
  readonly roles: readonly string[];
  /** What the first of the roles is to read: a schema. */
  readonly reads?: string | undefined;
}

/** The batches that onboard a database, in their order; those of the laptop's sample too. Throws where a name would break out of its quotes. */
export function onboarding({ user, clientId, roles, reads }: Onboarding): string[] {
  const service = serviceOf({ user, clientId });
  return [
    ...batches('service.sql', service),
    ...roles.flatMap((Role) => batches('role.sql', { ...service, Role })),
    ...(reads === undefined ? [] : batches('reader.sql', { Schema: reads, Role: roles[0] ?? '' })),
  ];
}

/** The batches that take Curfew out of it again. */
export function offboarding(service: Pick<Onboarding, 'user' | 'clientId'>): string[] {
  return batches('offboard.sql', serviceOf(service));
}

function serviceOf({ user, clientId }: Pick<Onboarding, 'user' | 'clientId'>) {
  const id = clientId as PrincipalId;
  return { User: user, Sid: `0x${sidOf({ principalId: id, clientId: id }).toString('hex')}` };
}

/** As sqlcmd does it: `$(Name)` is replaced, GO on a line ends a batch. */
function batches(file: string, values: Readonly<Record<string, string>>): string[] {
  const text = readFileSync(new URL(file, import.meta.url), 'utf8').replaceAll(/\$\((\w+)\)/g, (_, name: string) => {
    const value = values[name] ?? '';
    if (!/^[\w .@-]{1,128}$/.test(value)) throw new Error(`${name} is not a name that can stand in ${file} as it is`);
    return value;
  });
  return text.split(/^GO$/m).filter((batch) => batch.trim() !== '');
}

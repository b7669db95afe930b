import type { AccessKind } from '../provider.ts';
import { type SqlRoleEntitlement, sqlRoleEntitlement } from './entitlement.ts';
import { sqlcmd, sqlRoleOnboarding } from './onboarding.ts';
import { sqlRoleForm } from './policy-form.ts';
import { createSqlRoleProvider } from './provider.ts';
import { createTargetRegistry } from './target-registry.ts';

export const sqlRole: AccessKind<SqlRoleEntitlement> = {
  kind: 'sql-role',
  entitlement: sqlRoleEntitlement,
  policy: sqlRoleForm,
  describe: ({ server, database, role }) => `${role} in ${database} on ${server}`,
  describePlace: ({ server, port, database }) => `${database} on ${server},${port}`,
  connectHint: sqlcmd,
  endByHand: ({ server, port, database, role }) => ({
    what: `Role ${role} in database ${database} on ${server}, port ${port}`,
    steps: [
      'Tell the people who run Curfew and this database.',
      'See that the server answers, and that Curfew’s identity may still alter the role.',
      'If the access must end at once, take the person out of the role and end their sessions by hand. Curfew goes on trying, and records the end once the target shows it.',
    ],
  }),
  onboarding: sqlRoleOnboarding,
  createProvider: createSqlRoleProvider,
  createRegistry: createTargetRegistry,
};

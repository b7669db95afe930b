import { shellWord } from '../../domain/text.ts';
import type { Fix, Identity, Onboarding } from '../provider.ts';
import type { Place, SqlRoleEntitlement } from './entitlement.ts';

const inShell = '# in a shell, in this folder';

/** A command that opens a prompt on the database. */
export function sqlcmd({ server, port, database }: Place): string {
  return `sqlcmd -S ${shellWord(`${server},${port}`)} -d ${shellWord(database)} -G`;
}

/** Nobody but db_owner changes who is in them: in their place Curfew is left one of its own, which is to be put inside. */
const fixedRole = /^(public|db_(owner|accessadmin|securityadmin|ddladmin|backupoperator|(deny)?data(reader|writer)))$/i;

export const sqlRoleOnboarding: Onboarding<SqlRoleEntitlement> = {
  /** `-b` stops at the first error. */
  mend: (place, statements) => ({ where: `-- ${sqlcmd(place)} -b`, lines: statements, end: 'GO' }),

  /** Where a person asks, the names are those of the service in `azd env get-values`. */
  letIn(entitlements, identity): Fix {
    const { server = '', port, database = '' } = entitlements[0] ?? {};
    const { clientId, name } = identity ?? {};
    const isService = clientId !== undefined && name !== undefined;
    const roles = new Set(entitlements.map(({ role }) => (fixedRole.test(role) ? `curfew_${role}` : role)));
    const command = [
      `node infra/targets/onboard.ts --server ${shellWord(server)}`,
      ...(port === 1433 ? [] : [`--port ${port}`]),
      `--database ${shellWord(database)}`,
      `--user ${isService ? shellWord(name) : '"$CURFEW_SERVICE_NAME"'}`,
      `--client-id ${isService ? shellWord(clientId) : '"$CURFEW_SERVICE_CLIENT_ID"'}`,
      ...[...roles].map((role) => `--role ${shellWord(role)}`),
    ];
    return { where: inShell, lines: [command.join(' ')] };
  },

  /** The role that sees whether databases of a subscription are still there. */
  readRegistry({ resourceId = '' }, identity: Identity | undefined): Fix {
    const [, subscription = ''] = /^\/subscriptions\/([^/]+)/i.exec(resourceId) ?? [];
    const command = [
      `az deployment sub create --subscription ${shellWord(subscription)} --location "$AZURE_LOCATION"`,
      '--template-file infra/roles/subscription.bicep --parameters name="$AZURE_ENV_NAME"',
      `targetReader=${identity?.clientId === undefined ? '"$CURFEW_SERVICE_PRINCIPAL_ID"' : shellWord(identity.objectId)}`,
    ];
    return { where: inShell, lines: [command.join(' ')] };
  },
};

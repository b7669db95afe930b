import type { Entitlement, Target } from '../../shared/domain/policy.ts';
import { shellWord } from '../../shared/pages/words.ts';
import type { Asker } from './asker.ts';

/** What mends something, to be copied. What is to be run in the same place is printed together, each line once. */
export interface Fix {
  /** A comment, in the language of the lines. */
  readonly where: string;
  readonly lines: readonly string[];
}

const inShell = '# in a shell, in this folder';

/** `-b` stops at the first error. */
export function inDatabase({ server, port, database }: Entitlement, lines: readonly string[]): Fix {
  return { where: `-- sqlcmd -S ${shellWord(`${server},${port}`)} -d ${shellWord(database)} -G -b`, lines };
}

/** Nobody but db_owner changes who is in them: in their place Curfew is left one of its own, which is to be put inside. */
const fixedRole = /^(public|db_(owner|accessadmin|securityadmin|ddladmin|backupoperator|(deny)?data(reader|writer)))$/i;

/** Where a person asks, the names are those of the service in `azd env get-values`. */
export function onboarding(target: Target, { server, port, database }: Entitlement, asker: Asker | undefined): Fix {
  const { clientId, name } = asker ?? {};
  const isService = clientId !== undefined && name !== undefined;
  const named = target.roles.flatMap(({ entitlements }) => entitlements.map(({ role }) => role));
  const roles = new Set(named.map((role) => (fixedRole.test(role) ? `curfew_${role}` : role)));
  const command = [
    `node infra/targets/onboard.ts --server ${shellWord(server)}`,
    ...(port === 1433 ? [] : [`--port ${port}`]),
    `--database ${shellWord(database)}`,
    `--user ${isService ? shellWord(name) : '"$CURFEW_SERVICE_NAME"'}`,
    `--client-id ${isService ? shellWord(clientId) : '"$CURFEW_SERVICE_CLIENT_ID"'}`,
    ...[...roles].map((role) => `--role ${shellWord(role)}`),
  ];
  return { where: inShell, lines: [command.join(' ')] };
}

/** The role that sees whether databases of a subscription are still there. */
export function targetReader(subscription: string, asker: Asker | undefined): Fix {
  const command = [
    `az deployment sub create --subscription ${shellWord(subscription)} --location "$AZURE_LOCATION"`,
    '--template-file infra/roles/subscription.bicep --parameters name="$AZURE_ENV_NAME"',
    `targetReader=${asker?.clientId === undefined ? '"$CURFEW_SERVICE_PRINCIPAL_ID"' : shellWord(asker.objectId)}`,
  ];
  return { where: inShell, lines: [command.join(' ')] };
}

/** All of them as text. */
export function describeFixes(fixes: readonly Fix[]): string {
  const places = [...new Set(fixes.map(({ where }) => where))];
  return places
    .map((place) => {
      const toRun = new Set(fixes.flatMap(({ where, lines }) => (where === place ? lines : [])));
      return [place, ...toRun, ...(place === inShell ? [] : ['GO'])].join('\n');
    })
    .join('\n\n');
}

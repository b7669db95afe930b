import { existsSync, writeFileSync } from 'node:fs';
import { stringify } from 'yaml';

/** The role that onboarding makes for it. */
export const firstRole = 'curfew_reader';

/** One database, one role, who deploys may ask, and the first approver decides: the least that can be tried. As YAML. */
export function firstPolicy(of: {
  readonly server: string;
  readonly database: string;
  readonly resourceId: string;
  readonly approver: string;
  readonly requester: string;
}): string {
  const { server, database, resourceId, approver, requester } = of;
  // A target's name begins with a letter; that of a database needs not.
  const name = `db-${database.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}`.slice(0, 64).replace(/-+$/, '');
  const target = {
    description: `The database ${database} on ${server}`,
    server,
    database,
    'resource-id': resourceId,
    roles: {
      reader: {
        description: `Read every table in dbo of ${database}`,
        entitlements: [{ 'sql-role': firstRole }],
        requesters: { people: [requester] },
        duration: { default: '1h', maximum: '8h' },
        approval: { stages: [{ approvers: { people: [approver] }, 'time-out': '24h' }] },
      },
    },
  };
  const head =
    '# The first policy, made of what azd asked. It is yours from here on: docs/policy.md says what else it can say.\n';
  return head + stringify({ version: 1, targets: { [name]: target } });
}

if (import.meta.main) {
  const {
    CURFEW_TARGET_SERVER: server,
    CURFEW_TARGET_DATABASE: database,
    CURFEW_TARGET_DATABASE_ID: resourceId,
  } = process.env;
  const { CURFEW_APPROVER: approver, CURFEW_REQUESTER: requester } = process.env;
  if (existsSync('policy.yaml')) {
    console.log('policy.yaml is there, and stays as it is.');
  } else if (!server || !database || !resourceId || !approver || !requester) {
    console.error('Needed: CURFEW_TARGET_SERVER, _DATABASE and _DATABASE_ID, CURFEW_APPROVER and CURFEW_REQUESTER');
    process.exitCode = 2;
  } else if (approver.toLowerCase() === requester.toLowerCase()) {
    console.error(
      'Nobody decides on their own request: name another approver than yourself (azd env set CURFEW_APPROVER …).',
    );
    process.exitCode = 1;
  } else {
    writeFileSync('policy.yaml', firstPolicy({ server, database, resourceId, approver, requester }));
    console.log(`policy.yaml: ${requester} may ask for reader on ${database}, and ${approver} decides.`);
  }
}

import { parseArgs } from 'node:util';
import { DefaultAzureCredential } from '@azure/identity';
import mssql from 'mssql';
import { offboarding, onboarding } from './onboarding.ts';

/**
 * Onboards a database as whoever is signed in (`az login`), who has to be in the server's group of Entra administrators.
 *   node infra/targets/onboard.ts --server orders.database.windows.net --database orders --user curfew-service \
 *     --client-id 00000000-… --role orders_reader --role orders_writer [--reads dbo] [--print]
 * `--print` says what would be run, for sqlcmd or for a colleague. `--remove`, which takes no role, takes Curfew out again.
 */
const { values } = parseArgs({
  options: {
    server: { type: 'string' },
    port: { type: 'string', default: '1433' },
    database: { type: 'string' },
    user: { type: 'string' },
    'client-id': { type: 'string' },
    role: { type: 'string', multiple: true },
    reads: { type: 'string' },
    print: { type: 'boolean', default: false },
    remove: { type: 'boolean', default: false },
  },
});
const { server, port, database, user, 'client-id': clientId, role: roles = [], reads, print, remove } = values;
if (!user || !clientId || remove !== (roles.length === 0) || (!print && (!server || !database))) {
  console.error('Needed: --user, --client-id, --role (or --remove), and --server and --database or --print');
  process.exit(2);
}
const batches = remove ? offboarding({ user, clientId }) : onboarding({ user, clientId, roles, reads });
if (print) {
  console.log(batches.map((batch) => `${batch.trim()}\nGO`).join('\n'));
} else {
  const pool = await new mssql.ConnectionPool({
    server: server ?? '',
    port: Number(port),
    database: database ?? '',
    authentication: { type: 'token-credential', options: { credential: new DefaultAzureCredential() } },
    options: { encrypt: true },
    // A serverless database that was paused takes its time.
    connectionTimeout: 90_000,
    pool: { max: 1 },
  }).connect();
  try {
    for (const batch of batches) await pool.request().batch(batch);
    console.log(`${database}: Curfew ${remove ? 'is out of it' : `may give and take ${roles.join(', ')}`}.`);
  } finally {
    await pool.close();
  }
}

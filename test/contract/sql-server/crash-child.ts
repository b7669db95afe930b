import { startSqlServer } from '../../../local/sql-server/index.ts';
import { ADA, ADMINISTRATOR, certificate, type Person, SAMPLE } from './support.ts';

// A server in a process of its own, so that a test can kill it.
const server = await startSqlServer({
  port: 0,
  dataPath: process.argv[2] ?? '',
  tls: await certificate(),
  databases: [{ name: 'orders', seed: SAMPLE }],
  logins: [{ name: ADA.name, password: 'ada-on-a-laptop', objectId: ADA.objectId }],
  authenticateToken: async (token) => JSON.parse(token) as Person,
  tokenAuthority: 'https://login.example/tenant',
  administrator: ADMINISTRATOR.objectId,
});
process.send?.(server.port);

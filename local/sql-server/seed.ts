import { DBO } from './catalog-schema.ts';
import type { Database } from './database.ts';
import { runBatch } from './execute.ts';
import type { SessionRegistry } from './session-registry.ts';
import { quote, type Sqlite } from './sqlite.ts';
import { Reply } from './tds/reply.ts';
import { parseBatch } from './tsql/parser.ts';

class SeedReply extends Reply {
  override error(error: Error): never {
    throw error;
  }
}

/** Runs a script as dbo, all or nothing, the first time that the database is opened. */
export async function seed(registry: SessionRegistry, database: Database, script: string) {
  if (database.seeded) return;
  const login = { name: 'dbo', sid: Buffer.from([1]), hostName: 'localhost', programName: 'seed', libraryName: '' };
  const session = registry.add(database, login, DBO);
  const { signal } = new AbortController();
  try {
    await session.write('data', signal, undefined, clear);
    await session.begin(signal);
    for (const batch of script.split(/^\s*GO\s*$/im)) {
      const frame = { session, signal, inProcedure: false, types: new Map(), values: new Map() };
      await runBatch({ ...frame, reply: new SeedReply('seed') }, parseBatch(batch));
    }
    await session.write('catalog', signal, undefined, (on) => on.run("INSERT INTO sys.meta VALUES ('seeded', 'yes')"));
    session.commit();
  } finally {
    session.end();
  }
}

/** What a seeding that was cut short has left behind. */
function clear(data: Sqlite) {
  data.exec('PRAGMA defer_foreign_keys = ON');
  for (const { name } of data.all(
    "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
  )) {
    data.exec(`DROP TABLE ${quote(String(name))}`);
  }
}

import { nextId, objectByName, schemaByName } from './catalog.ts';
import { tableFinder } from './compile.ts';
import { isOwner, may } from './permissions.ts';
import { SqlError } from './server-error.ts';
import type { Session } from './session.ts';
import { datetimeText } from './tds/date-text.ts';
import { tableSql } from './tsql/ddl.ts';
import { Emit } from './tsql/emit.ts';
import type { Statement } from './tsql/statement.ts';

type Of<Kind extends Statement['kind']> = Extract<Statement, { kind: Kind }>;

const invalid = (schema: string, name: string) => new SqlError(208, `Invalid object name '${schema}.${name}'.`);

/** Tables live in the data file and are listed in the catalog; a statement of their own is one transaction on both. */
export async function createTable(
  session: Session,
  { table, sql, references }: Of<'create-table'>,
  signal?: AbortSignal,
) {
  const { database } = session;
  const rights = session.rights();
  const schema = schemaByName(session.catalog, table.schema);
  if (!schema || ['sys', 'standin'].includes(table.schema.toLowerCase())) {
    throw new SqlError(
      2760,
      `The specified schema name "${table.schema}" either does not exist or you do not have permission to use it.`,
    );
  }
  if (!may(rights, 'CREATE TABLE') || !may(rights, 'ALTER', { class: 'schema', schema })) {
    throw new SqlError(262, `CREATE TABLE permission denied in database '${database.name}'.`, 14);
  }
  if (objectByName(session.catalog, table.schema, table.name)) {
    throw new SqlError(2714, `There is already an object named '${table.name}' in the database.`);
  }
  for (const target of references) {
    const self = target.name.toLowerCase() === table.name.toLowerCase() && target.schema === table.schema;
    if (!self && !objectByName(session.catalog, target.schema, target.name)) {
      throw new SqlError(1767, `Foreign key references invalid table '${target.schema}.${target.name}'.`);
    }
  }
  const change = { action: 'CREATE TABLE', object: `${schema.name}.${table.name}` };
  await together(session, signal, async () => {
    await session.write('data', signal, undefined, (on) => {
      const e = new Emit(new Map(), tableFinder(database, on, new Set()));
      on.exec(sql(e, tableSql(schema.name, table.name)));
    });
    await session.write('catalog', signal, change, (on) =>
      on.run(
        'INSERT INTO sys.object VALUES (?, ?, ?, ?)',
        ...[BigInt(nextId(on, 'object')), table.name, BigInt(schema.id), datetimeText(database.now())],
      ),
    );
  });
}

export async function dropTable(session: Session, { table, ifExists }: Of<'drop-table'>, signal?: AbortSignal) {
  const object = objectByName(session.catalog, table.schema, table.name);
  const schema = schemaByName(session.catalog, table.schema);
  if (!object && ifExists) return;
  if (!object || !schema || !may(session.rights(), 'ALTER', { class: 'object', object, schema })) {
    throw new SqlError(
      3701,
      `Cannot drop the table '${table.name}', because it does not exist or you do not have permission.`,
      11,
    );
  }
  const change = { action: 'DROP TABLE', object: `${object.schema}.${object.name}` };
  await together(session, signal, async () => {
    await session.write('data', signal, undefined, (on) =>
      on.exec(`DROP TABLE ${tableSql(object.schema, object.name)}`),
    );
    await session.write('catalog', signal, change, (on) => {
      on.run('DELETE FROM sys.permission WHERE class = 1 AND major_id = ?', BigInt(object.id));
      on.run('DELETE FROM sys.object WHERE object_id = ?', BigInt(object.id));
    });
  });
}

export async function createIndex(session: Session, { table, sql }: Of<'create-index'>, signal?: AbortSignal) {
  const object = objectByName(session.catalog, table.schema, table.name);
  if (!object || !isOwner(session.rights())) throw invalid(table.schema, table.name);
  await session.write('data', signal, undefined, (on) => on.exec(sql(tableSql(object.schema, object.name))));
  session.database.shape++;
}

async function together(session: Session, signal: AbortSignal | undefined, action: () => Promise<void>) {
  const own = !session.transaction;
  if (own) await session.begin(signal);
  try {
    await action();
    if (own) session.commit();
  } catch (error) {
    if (own && session.transaction) session.rollback();
    throw error;
  } finally {
    session.database.shape++;
  }
}

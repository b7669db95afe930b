import mssql from 'mssql';

/** What the stand-in of Azure SQL writes down of a change of membership. */
type Action = 'ALTER ROLE ADD MEMBER' | 'ALTER ROLE DROP MEMBER';

/** Returns the number of the newest entry. */
export async function lastEntry(pool: mssql.ConnectionPool): Promise<number> {
  const { recordset } = await pool.request().query<{ last: number }>('SELECT MAX(id) AS last FROM standin.audit');
  return recordset[0]?.last ?? 0;
}

/** Returns the changes after an entry, each with the instant of its commit by the database's own clock. */
export async function changesSince(
  pool: mssql.ConnectionPool,
  entry: number,
  action: Action,
): Promise<{ at: number; member: string }[]> {
  const { recordset } = await pool
    .request()
    .input('entry', mssql.Int, entry)
    .input('action', mssql.NVarChar, action)
    .query<{ at: number; member: string }>(
      'SELECT at, member FROM standin.audit WHERE id > @entry AND action = @action AND succeeded = 1',
    );
  return recordset;
}

import sql from 'mssql';

/** A connection to the sample database with somebody's Entra token, by the ordinary driver. */
export async function connectAs(token: string, port: number, database = 'orders'): Promise<sql.ConnectionPool> {
  const pool = new sql.ConnectionPool({
    server: 'localhost',
    port,
    database,
    authentication: { type: 'azure-active-directory-access-token', options: { token } },
    options: { encrypt: true, trustServerCertificate: false },
    pool: { min: 1, max: 1 },
  });
  // A session that is ended from outside shows up here; unheard, it would end the process.
  pool.on('error', () => {});
  return pool.connect();
}

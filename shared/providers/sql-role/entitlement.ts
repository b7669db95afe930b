import { z } from 'zod';

/** Membership of a database role in Azure SQL. */
export const sqlRoleEntitlement = z.object({
  kind: z.literal('sql-role'),
  server: z.string(),
  port: z.int(),
  database: z.string(),
  role: z.string(),
});
export type SqlRoleEntitlement = Readonly<z.infer<typeof sqlRoleEntitlement>>;

export type Place = Pick<SqlRoleEntitlement, 'server' | 'port' | 'database'>;

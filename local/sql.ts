import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { certificateIn, trust } from './certificate.ts';
import { connectAs } from './database.ts';
import { tokenFor } from './people.ts';

/** Runs one statement as a sample person, with an Entra token: `npm run -s sql ada "SELECT TOP 5 * FROM orders"`. */
const [name = 'ada', statement = 'SELECT TOP 5 * FROM orders'] = process.argv.slice(2);
const folder = process.env.CURFEW_LAPTOP_FOLDER ?? '.curfew';
trust(await certificateIn(folder));
const { authority, sqlPort } = JSON.parse(readFileSync(join(folder, 'addresses.json'), 'utf8')) as {
  authority: string;
  sqlPort: number;
};
try {
  const pool = await connectAs(await tokenFor(name, authority, 'https://database.windows.net/.default'), sqlPort);
  const { recordset } = await pool.request().query(statement);
  console.table(recordset);
  await pool.close();
} catch (error) {
  const { message, number, code } = error as { message: string; number?: number; code?: string };
  console.error(`Refused (${number ?? code}): ${message}`);
  process.exitCode = 1;
}

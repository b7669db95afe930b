import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { certificateIn, trust } from './certificate.ts';
import { tokenFor } from './people.ts';

/** Prints an access token for Curfew's API: `npm run -s token ada`. */
const folder = process.env.CURFEW_LAPTOP_FOLDER ?? '.curfew';
trust(await certificateIn(folder));
const { authority } = JSON.parse(readFileSync(join(folder, 'addresses.json'), 'utf8')) as { authority: string };
console.log(await tokenFor(process.argv[2] ?? 'ada', authority, 'api://curfew/.default'));

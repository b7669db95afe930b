import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { certificateIn, trust } from './certificate.ts';
import { tokenFor } from './people.ts';

/** Prints an access token for Curfew's API: `npm run -s token ada`, or `npm run -s token -- ada --mfa` with a second factor. */
const { values, positionals } = parseArgs({
  options: { mfa: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const folder = process.env.CURFEW_LAPTOP_FOLDER ?? '.curfew';
trust(await certificateIn(folder));
const { authority } = JSON.parse(readFileSync(join(folder, 'addresses.json'), 'utf8')) as { authority: string };
const methods = values.mfa ? { amr: ['pwd', 'mfa'] } : {};
console.log(await tokenFor(positionals[0] ?? 'ada', authority, 'api://curfew/.default', methods));

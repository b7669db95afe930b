import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fixedPorts, startLaptop } from './laptop.ts';

const begun = performance.now();
const folder = process.env.CURFEW_LAPTOP_FOLDER ?? '.curfew';
// As early and as late as Azure Storage's timers really are, for those who want to see it.
const timers = process.env.CURFEW_LAPTOP_TIMERS === 'azure-storage' ? 'azure-storage' : 'exact';
// As long as the steps of a task hub really take.
const steps = process.env.CURFEW_LAPTOP_HUB === 'measured' ? 'measured' : 'none';
const bundled = process.env.CURFEW_BUNDLE === '1';
const laptop = await startLaptop({ folder, ports: fixedPorts, timers, steps, bundled });
const { ports, entra, mail } = laptop;
const api = `http://localhost:${ports.api}/api`;
// What the other commands of the laptop need: `npm run token` and `npm run sql`.
writeFileSync(join(folder, 'addresses.json'), JSON.stringify({ authority: entra.authority, sqlPort: ports.sql }));

console.log(`
Curfew is up, on a laptop's Azure, after ${Math.round(performance.now() - begun)} ms. Everything listens on 127.0.0.1 only.

  API       ${api}
  Inbox     ${mail.url}
  Sign-in   ${entra.authority}
  SQL       localhost,${ports.sql}  (database orders)
  Cosmos    https://localhost:${ports.cosmos}  (database curfew)

  Ada Lindqvist, analyst      ada@contoso.example    password ada-on-a-laptop
  Bob Okafor, owns the data   bob@contoso.example    password bob-on-a-laptop

Ask for access as Ada, then approve it from Bob's mail in the inbox (the browser will warn of the sign-in page's certificate, which is your own):
  curl -sS -X POST ${api}/requests -H "authorization: Bearer $(npm run -s token ada)" -H "content-type: application/json" -d '{"target":"orders","role":"reader","reason":"Refund case 4711","duration":"10m"}'

Look at her requests:
  curl -sS '${api}/requests?requester=me' -H "authorization: Bearer $(npm run -s token ada)"

Connect to the database as Ada (refused before the grant and after its end):
  npm run -s sql ada "SELECT TOP 5 * FROM orders"

Stop with Ctrl+C. What has happened is kept in ${folder}.
`);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void laptop.close().then(() => process.exit(0));
  });
}

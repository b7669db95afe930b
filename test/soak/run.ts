import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { companyOf, signIn } from '../../bench/company.ts';
import { inParallel } from '../../bench/figures.ts';
import { Mailbox } from '../../bench/mailbox.ts';
import { certificateIn, trust } from '../../local/certificate.ts';
import { seededRandom } from '../../local/functions-host/durable/timers.ts';
import { createContainers, settingsFor, startDirectory } from '../../local/laptop.ts';
import { startMail } from '../../local/mail/index.ts';
import { gather } from '../e2e/support/evidence.ts';
import { leftOver } from '../e2e/support/examine.ts';
import { findPorts } from '../e2e/support/laptop-child.ts';
import { createPortal } from '../e2e/support/portal.ts';
import { pick } from '../e2e/support/random.ts';
import { judge } from './judge.ts';
import { Link } from './link.ts';
import { Part, type PartName } from './part.ts';
import { endAll, playAll } from './people.ts';
import { reportOf } from './report.ts';
import { cut, cutFor, kill, sleepUntil } from './trouble.ts';

/**
 * Live requests with short grants, while Curfew and the stand-ins for Azure SQL and Cosmos DB are killed with SIGKILL, each for
 * itself, and the wires between them are cut. At the end the database is out of reach for longer than a minute, so that there is
 * something to alert about. What is counted is defined in judge.ts.
 *
 * The same seed makes the same people do the same, and the deaths come at the same moments, as far as clocks allow.
 */
const seconds = Number(process.argv[2] ?? process.env.CURFEW_SOAK_SECONDS ?? 180);
const seed = Number(process.env.CURFEW_SOAK_SEED ?? Date.now() % 1_000_000);
if (!(seconds >= 20 && seconds <= 86_400 && Number.isInteger(seed))) {
  console.error(
    'Usage: npm run soak -- [seconds, from 20 on; 180 where it is left out]\n  CURFEW_SOAK_SEED=<whole number> repeats a run.',
  );
  process.exit(2);
}
/** How long the database is out of reach at the end, where there is time for it. Milliseconds, like all that follows. */
const blackout = seconds >= 150 ? 90_000 : 0;
const total = seconds * 1_000;
const rush = total - blackout - 10_000;
/** 500 in a run of three minutes: as many as the real host was asked in little more than a minute. */
const count = Math.round(rush / 160);
/** How long everything may take to end and to be cleared up, once it is left in peace. */
const patience = 120_000;
/** Whoever tries again at once keeps a service busy that has just come up. */
const persistent = { stamina: 60_000, timeout: 20_000, pause: 1_000 };
const alertAddress = 'on-call@contoso.example';

const preface = `# Soak

Live requests with short grants, while Curfew and the stand-ins for Azure SQL and Cosmos DB are killed with \`kill -9\`, each for itself, and
the wires between them refuse, hang or break. \`npm run soak\` does it for three minutes; \`CURFEW_SOAK_SEED\` repeats a run,
\`CURFEW_SOAK_RECORD=1\` writes this page. What each line counts is said in \`test/soak/judge.ts\`.
`;

const folder = mkdtempSync(join(tmpdir(), 'curfew-soak-'));
const random = seededRandom(seed);
const company = companyOf(24);
const place = { folder, company, ports: await findPorts(random), certificate: await certificateIn(folder) };
trust(place.certificate);
const { ports } = place;
// Nobody kills these two: whom Curfew asks who somebody is, and who keeps its mail.
const entra = await startDirectory(place);
const mail = await startMail({ smtpPort: ports.smtp, httpPort: ports.inbox, path: join(folder, 'mail.sqlite') });
const settings = settingsFor(place, entra, {
  policy: readFileSync(new URL('policy.yaml', import.meta.url), 'utf8'),
  // Nobody wants to wait a minute for the next try once everything works again.
  settings: { CURFEW_ALERT_ADDRESS: alertAddress, CURFEW_RETRY_PAUSE: '10' },
});
const wires = { sql: new Link(ports.sql), cosmos: new Link(ports.cosmos) };
await Promise.all(Object.values(wires).map((wire) => wire.open()));
const part = (name: PartName) =>
  new Part({ folder, company, ports, part: name, settings }, (port) => {
    if (name !== 'curfew') wires[name].target = port;
  });
const parts = { curfew: part('curfew'), sql: part('sql'), cosmos: part('cosmos') };

try {
  process.exitCode = (await run()) ? 0 : 1;
} finally {
  await Promise.all(Object.values(parts).map((each) => each.kill()));
  for (const wire of Object.values(wires)) wire.close();
  await Promise.all([mail.close(), entra.close()]);
  if (process.env.CURFEW_KEEP) console.log(`Everything is kept in ${folder}.`);
  else rmSync(folder, { recursive: true, force: true });
}
// Node 24 may spin for ever while it clears away sockets that were reset.
process.exit();

/** Whether all that must hold held. */
async function run(): Promise<boolean> {
  console.log(`npm run soak: seed ${seed}, ${count} requests in ${rush / 1_000} s, ${seconds} s of trouble`);
  await Promise.all([parts.sql.start(), parts.cosmos.start()]);
  await createContainers(place);
  await parts.curfew.start();
  const signedIn = await inParallel(24, 8, (number) => signIn(entra, number));
  const mailbox = new Mailbox({ folder });
  const link = (id: string, approver: string) => mailbox.find(id, `${approver}@contoso.example`);
  const tokens = new Map(
    signedIn.map(({ userPrincipalName, token }) => [userPrincipalName.split('@')[0] ?? '', token]),
  );
  const portal = createPortal(ports.api, { link }, tokens, persistent);
  const end = Date.now() + total;
  const dark = end - blackout - 5_000;
  const [played] = await Promise.all([
    playAll({ portal, people: [...tokens.keys()], count, rush, seed }),
    kill(parts.curfew, end, seededRandom(seed + 1)),
    kill(parts.sql, end, seededRandom(seed + 2)),
    kill(parts.cosmos, end, seededRandom(seed + 3)),
    cut(wires.cosmos, end, seededRandom(seed + 4)),
    cut(wires.sql, dark, seededRandom(seed + 5)).then(async () => {
      if (blackout === 0) return;
      await sleepUntil(dark);
      await cutFor(wires.sql, pick(random, ['refuse', 'hang']), blackout);
    }),
  ]);
  console.log('Left in peace; what is open is to end now.');
  const { asked, vain } = played;
  const unended = await endAll(portal, asked, patience);
  let evidence = await gather(place, entra.authority);
  // What is ended is cleared up a little after it.
  for (const giveUp = performance.now() + patience; leftOver(evidence).length > 0 && performance.now() < giveUp; ) {
    await sleep(1_000);
    evidence = await gather(place, entra.authority);
  }
  const alerts = (await mail.messages(alertAddress)).map(({ text }) => text);
  mailbox.close();
  const verdict = judge(evidence, asked, alerts);
  const all = { seed, seconds, parts: Object.values(parts), wires, asked, vain, unended, evidence, alerts, verdict };
  const { table, findings, holds } = reportOf(all);
  console.log(['', table, '', ...findings].join('\n'));
  for (const { name, warnings } of all.parts) {
    for (const [message, times] of warnings) console.log(`${name} logged ${times} × ${message}`);
  }
  const document = new URL('../../docs/soak.md', import.meta.url);
  if (process.env.CURFEW_SOAK_RECORD) writeFileSync(document, `${preface}\n${table}\n`);
  return holds;
}

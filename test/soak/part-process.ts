import { certificateIn, trust } from '../../local/certificate.ts';
import { openTokenVerifier, type Place, startCurfew, startDatabase, startStore } from '../../local/laptop.ts';
import type { PartOptions } from './part.ts';

/** One part of the laptop in a process of its own, so that it can be killed without the others. Says on which port it listens. */
const { part, settings, ...options } = JSON.parse(process.argv[2] ?? '') as PartOptions;
// Whoever started it may be killed as well; then nobody would end this.
process.once('disconnect', () => process.exit(1));
const place: Place = { ...options, certificate: await certificateIn(options.folder) };
trust(place.certificate);
Object.assign(process.env, settings);
process.send?.(await start());

/** What has a link before it takes any free port, and the link has the place's. */
async function start(): Promise<number> {
  if (part === 'curfew') {
    await startCurfew(place);
    return place.ports.api;
  }
  const entra = await openTokenVerifier(place);
  return (await (part === 'sql' ? startDatabase : startStore)(place, entra, 0)).port;
}

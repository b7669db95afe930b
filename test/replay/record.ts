import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { currentVersion, folderOf, record, releasedVersions, write } from './history.ts';
import { stories } from './stories.ts';

/** `node test/replay/record.ts`: the histories of the version that is being made. Those of a released version stay as they are. */
if (releasedVersions.includes(currentVersion)) {
  process.stderr.write(`${currentVersion} is released. Raise the version in package.json, and record that.\n`);
  process.exit(1);
}
const folder = folderOf(currentVersion);
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
for (const [name, play] of Object.entries(stories))
  writeFileSync(new URL(`${name}.json`, folder), write(await record(play)));

import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateRawSync } from 'node:zlib';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../', import.meta.url));

/** `index.js`, the service in one CommonJS file, and what the Functions host reads beside it. Gives the modules that it leaves out. */
export async function bundle(folder: string): Promise<string[]> {
  mkdirSync(folder, { recursive: true });
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['functions/index.ts'],
    outfile: join(folder, 'index.js'),
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    // The host brings it along.
    external: ['@azure/functions-core'],
    // What is written as an ES module may ask where it is.
    banner: { js: 'const whereItIs = require("node:url").pathToFileURL(__filename).href;' },
    define: { 'import.meta.url': 'whereItIs' },
    // Names stay, for the stacks of errors.
    minifySyntax: true,
    minifyWhitespace: true,
    sourcemap: true,
    sourcesContent: false,
    legalComments: 'linked',
    metafile: true,
    logLevel: 'warning',
  });
  const { name, version, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;
  const manifest = { name, version, license, private: true, type: 'commonjs', main: 'index.js' };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest, undefined, 2));
  copyFileSync(join(root, 'host.json'), join(folder, 'host.json'));
  const outside = Object.values(metafile.outputs).flatMap(({ imports }) => imports.filter(({ external }) => external));
  return [...new Set(outside.map(({ path }) => path))];
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
}

/** What a folder of files takes when it is packed. Bytes, without the few that zip adds of its own. */
export function zippedSize(folder: string): number {
  return readdirSync(folder).reduce(
    (sum, file) => sum + deflateRawSync(readFileSync(join(folder, file)), { level: 9 }).length,
    0,
  );
}

if (import.meta.main) {
  const folder = join(root, 'dist');
  await bundle(folder);
  console.log(`dist/: ${readdirSync(folder).join(', ')}; ${(zippedSize(folder) / 2 ** 20).toFixed(1)} MiB zipped`);
}

import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateRawSync } from 'node:zlib';
import { build, type Plugin } from 'esbuild';

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
    plugins: [oneOfEach],
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

const telemetry = dirname(createRequire(import.meta.url).resolve('@opentelemetry/sdk-node'));

/**
 * One copy of each package, for every megabyte costs some 15 ms at start: as it is required, since some are asked for in both ways; and of
 * OpenTelemetry those that go with its SDK, since what lies above them in node_modules is older, and a tool's.
 */
const oneOfEach: Plugin = {
  name: 'one-of-each',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /^@(?:azure|opentelemetry)\// }, async ({ path, kind, pluginData, ...from }) => {
      if (pluginData === oneOfEach || kind === 'require-resolve') return undefined;
      const resolveDir = path.startsWith('@opentelemetry/') ? telemetry : from.resolveDir;
      const found = await resolve(path, { ...from, resolveDir, kind: 'require-call', pluginData: oneOfEach });
      return found.errors.length > 0 ? undefined : found;
    });
  },
};

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

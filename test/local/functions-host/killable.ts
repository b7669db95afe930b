import { startFunctionsHost } from '../../../local/functions-host/index.ts';

/** A host in a process of its own; says where it listens and waits to be killed. */
const [app = '', statePath = ''] = process.argv.slice(2);
const host = await startFunctionsHost({ app: new URL(app), port: 0, statePath });
process.stdout.write(`${host.url}\n`);

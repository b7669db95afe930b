import { startCosmos } from '../../../local/cosmos/index.ts';

// A server in a process of its own, to be killed: node serve.ts <file> <key>
const [, , path = '', key = ''] = process.argv;
const { url } = await startCosmos({ port: 0, path, key });
process.stdout.write(`${url}\n`);

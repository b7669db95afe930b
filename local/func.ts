import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fixedPorts, startLaptop } from './laptop.ts';

/** The same sources on the real Functions host: Azurite for its storage, `func start`, the other stand-ins beside it. */
if (spawnSync('func', ['--version']).error) {
  console.error(`Azure Functions Core Tools are not installed, and npm run func needs them:
  https://learn.microsoft.com/azure/azure-functions/functions-run-local  (npm install -g azure-functions-core-tools@4)
npm start brings up the same service on Curfew's own stand-in for the host, without them.`);
  process.exit(1);
}
const folder = process.env.CURFEW_LAPTOP_FOLDER ?? '.curfew';
const laptop = await startLaptop({ folder, ports: fixedPorts, withoutCurfew: true });
mkdirSync(`${folder}/azurite`, { recursive: true });
const azurite = spawn('azurite', ['--silent', '--skipApiVersionCheck', '--location', `${folder}/azurite`], {
  stdio: 'inherit',
});
const Values = {
  FUNCTIONS_WORKER_RUNTIME: 'node',
  AzureWebJobsStorage: 'UseDevelopmentStorage=true',
  ...laptop.settings,
};
writeFileSync('local.settings.json', JSON.stringify({ IsEncrypted: false, Values }, null, 2), { mode: 0o600 });
const func = spawn('func', ['start', '--port', String(fixedPorts.api)], {
  stdio: 'inherit',
  env: { ...process.env, NODE_EXTRA_CA_CERTS: `${folder}/localhost.pem` },
});
console.log(`Inbox ${laptop.mail.url}, SQL localhost,${laptop.ports.sql}`);
func.once('exit', (code) => {
  azurite.kill();
  void laptop.close().then(() => process.exit(code ?? 1));
});

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { DefaultAzureCredential } from '@azure/identity';
import { createActivities } from '../orchestrations/activities/index.ts';
import { openContainers } from '../shared/adapters/cosmos/client.ts';
import { createEventStore } from '../shared/adapters/cosmos/event-store.ts';
import { createHoldStore } from '../shared/adapters/cosmos/hold-store.ts';
import { createLinkStore } from '../shared/adapters/cosmos/link-store.ts';
import { createRequestStore } from '../shared/adapters/cosmos/request-store.ts';
import { createGraphDirectory } from '../shared/adapters/entra/directory.ts';
import { createTokenVerifier } from '../shared/adapters/entra/tokens.ts';
import { createSmtpNotifier } from '../shared/adapters/mail/smtp.ts';
import { readPolicy } from '../shared/adapters/policy-file/read-policy.ts';
import { createSqlRoleProvider } from '../shared/adapters/sql/sql-role.ts';
import { type Configuration, readConfiguration } from '../shared/configuration.ts';
import { CurfewError } from '../shared/domain/errors.ts';
import { requestIdOf } from '../shared/domain/ids.ts';
import type { Policy } from '../shared/domain/policy.ts';
import { instantOf, millisecondsOf } from '../shared/domain/time.ts';
import type { Clock, Entropy, Log } from '../shared/ports.ts';
import type { Service } from './service.ts';

/** setTimeout takes no more, and may fire a millisecond early. */
const longestSleep = 2 ** 31 - 1;

const clock: Clock = {
  now: () => instantOf(Date.now()),
  async sleepUntil(instant) {
    const end = millisecondsOf(instant);
    for (let rest = end - Date.now(); rest > 0; rest = end - Date.now()) {
      await sleep(Math.min(rest, longestSleep), undefined, { ref: false });
    }
  },
};

const entropy: Entropy = { bytes: (count) => randomBytes(count) };

/** One line of JSON each, for Application Insights and for people with `jq`. */
const log: Log = (level, message, properties) => {
  const line = JSON.stringify({ at: clock.now(), level, message, ...properties });
  if (level === 'info') console.log(line);
  else console.error(line);
};

/** Makes everything once. Throws only where a setting is wrong; what can't be reached yet is tried again later. */
export function createService(env: Record<string, string | undefined>): Service {
  const configuration = readConfiguration(env);
  const credential = new DefaultAzureCredential({
    ...(configuration.authorityHost === undefined
      ? {}
      : { authorityHost: configuration.authorityHost, disableInstanceDiscovery: true }),
  });
  const containers = openContainers({ ...configuration.cosmos, credential });
  const stores = {
    events: createEventStore(containers.events),
    requests: createRequestStore(containers.requests),
    links: createLinkStore(containers.links, clock),
    holds: createHoldStore(containers.holds),
  };
  const directory = createGraphDirectory({ url: configuration.graphUrl, credential });
  const notifier = createSmtpNotifier(configuration.mail);
  const providers = { 'sql-role': createSqlRoleProvider({ credential, clock }) };
  const policy = policyOf(configuration);
  const common = { clock, entropy, log, ...stores, directory, providers, publicUrl: configuration.publicUrl };
  const checks = createChecks({ ...common, policy });
  return {
    ...common,
    activities: createActivities({ ...common, notifier }),
    verifyToken: createTokenVerifier({ ...configuration.token, clock }),
    policy,
    ...checks,
  };
}

/** The policy as it stands in the file at start. While it can't be read, whoever asks for it gets the reason. */
function policyOf({ policyFile }: Configuration): () => Policy {
  try {
    const policy = readPolicy(readFileSync(policyFile, 'utf8'), policyFile);
    return () => policy;
  } catch (error) {
    const cause =
      error instanceof CurfewError
        ? error
        : new CurfewError('CURFEW_POLICY_INVALID', { detail: 'The policy file cannot be opened.' });
    log('error', cause.message);
    return () => {
      // Where the file is and what stands in it is the engineer's business, not the caller's.
      throw new CurfewError('CURFEW_POLICY_INVALID', { cause, wayOut: 'Curfew’s log says what is wrong with it.' });
    };
  }
}

type Checked = Pick<Service, 'clock' | 'requests' | 'directory' | 'providers' | 'policy'>;

function createChecks(service: Checked): Pick<Service, 'check' | 'watch'> {
  const nobody = requestIdOf(new Uint8Array(16));
  const probes = (): [string, () => Promise<unknown>][] => [
    ['policy', async () => service.policy()],
    ['eventStore', () => service.requests.find(nobody)],
    ['directory', () => service.directory.person(nobody)],
    ...targetsOf(service).map(([name, probe]): [string, () => Promise<unknown>] => [`target ${name}`, probe]),
  ];
  const probeAll = () =>
    Promise.all(
      probes().map(async ([name, probe]) => {
        const failure = await probe().then(
          () => undefined,
          (error: unknown) => (error instanceof CurfewError ? error.message : 'CURFEW_INTERNAL'),
        );
        return { name, failure };
      }),
    );
  return {
    async check() {
      return Object.fromEntries((await probeAll()).map(({ name, failure }) => [name, failure === undefined]));
    },
    async watch() {
      for (let pause = 1_000; ; pause = Math.min(30_000, pause * 2)) {
        const failing = (await probeAll()).filter(({ failure }) => failure !== undefined);
        if (failing.length === 0) return log('info', 'everything that Curfew needs can be reached');
        for (const { name, failure = '' } of failing) {
          log('error', `${name} does not work; trying again`, { failure, seconds: pause / 1000 });
        }
        await clock.sleepUntil(instantOf(millisecondsOf(clock.now()) + pause));
      }
    },
  };
}

/** One probe per entitlement: can Curfew grant, revoke, end sessions and read back there? */
function targetsOf({ policy, providers }: Checked): [string, () => Promise<unknown>][] {
  try {
    return policy().targets.map((target) => [
      target.id,
      async () => {
        for (const entitlement of target.roles.flatMap((role) => role.entitlements)) {
          const lacks = await providers[entitlement.kind].preflight(entitlement);
          if (lacks.length > 0) {
            throw new CurfewError('CURFEW_TARGET_REFUSED', { detail: lacks.map(({ missing }) => missing).join('; ') });
          }
        }
      },
    ]);
  } catch {
    return [];
  }
}

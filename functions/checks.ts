import { asCurfewError, CurfewError } from '../shared/domain/errors.ts';
import { requestIdOf } from '../shared/domain/ids.ts';
import type { Target } from '../shared/domain/policy.ts';
import { plus } from '../shared/domain/time.ts';
import { remedyInLog } from '../shared/pages/log-remedies.ts';
import { batchesOf, preflightOf } from '../shared/preflight.ts';
import type { Service } from './service.ts';

type Checked = Pick<Service, 'clock' | 'log' | 'requests' | 'directory' | 'providers' | 'heartbeat' | 'policy'>;

/** For how long an answer about the health is given again. Milliseconds. */
const freshness = 2_000;

/** Whether what Curfew needs can be reached and does what Curfew needs of it. */
export function createChecks(service: Checked): Pick<Service, 'check' | 'watch'> {
  const nothing = requestIdOf(new Uint8Array(16));
  const nobody = '00000000-0000-0000-0000-000000000000';
  const probes = (): [string, () => Promise<unknown>][] => [
    ['policy', async () => service.policy()],
    ['eventStore', () => service.requests.find(nothing)],
    ['directory', () => service.directory.person(nobody)],
    ['reconciler', () => service.heartbeat.check()],
    ...targetsOf(service).map(([name, probe]): [string, () => Promise<unknown>] => [`target ${name}`, probe]),
  ];
  const probeAll = () =>
    Promise.all(
      probes().map(async ([name, probe]) => {
        const failure = await probe().then(() => undefined, asCurfewError);
        return { name, failure };
      }),
    );
  let fresh: ReturnType<typeof probeAll> | undefined;
  const say = (what: string, { message: failure, refusal: { remedy } }: CurfewError, more: { seconds?: number } = {}) =>
    service.log('error', what, { failure, ...(remedy && { remedy: remedyInLog(remedy) }), ...more });
  /** Whoever asks for the health every minute need not find the same in the log every minute. */
  const said = new Map<string, string>();
  const sayNews = (results: Awaited<ReturnType<typeof probeAll>>) => {
    for (const { name, failure } of results) {
      if (failure && said.get(name) !== failure.message) say(`${name} does not work`, failure);
      said.set(name, failure?.message ?? '');
    }
  };
  return {
    async check() {
      // Anybody may ask for the health: many askers are no reason for many probes.
      const results = fresh ?? probeAll();
      if (!fresh) {
        fresh = results;
        void results.then(sayNews);
        void service.clock.sleepUntil(plus(service.clock.now(), freshness)).then(() => {
          fresh = undefined;
        });
      }
      return Object.fromEntries((await results).map(({ name, failure }) => [name, failure === undefined]));
    },
    async watch() {
      for (let pause = 1_000; ; pause = Math.min(30_000, pause * 2)) {
        const failing = (await probeAll()).filter(({ failure }) => failure !== undefined);
        if (failing.length === 0) return service.log('info', 'everything that Curfew needs can be reached');
        for (const { name, failure } of failing) {
          if (failure) say(`${name} does not work; trying again`, failure, { seconds: pause / 1000 });
        }
        await service.clock.sleepUntil(plus(service.clock.now(), pause));
      }
    },
  };
}

function targetsOf({ policy, providers }: Checked): [string, () => Promise<unknown>][] {
  try {
    return policy().targets.map((target) => [target.id, () => checkTarget(target, providers)]);
  } catch {
    return [];
  }
}

/** Can Curfew grant, revoke, end sessions and read back there? Fails with what is missing, and what mends it. */
async function checkTarget(target: Target, providers: Checked['providers']): Promise<void> {
  for (const entitlements of batchesOf(target, providers)) {
    const found = await preflightOf(entitlements, providers);
    if (found.user === undefined) {
      throw new CurfewError('CURFEW_TARGET_REFUSED', {
        detail: 'There is no user for Curfew, or no such database.',
        remedy: { kind: 'onboard-target' },
      });
    }
    if (found.lacks.length > 0) {
      throw new CurfewError('CURFEW_TARGET_REFUSED', {
        detail: `Curfew lacks ${found.lacks.map(({ missing }) => missing).join('; ')}`,
        remedy: { kind: 'run-statements', statements: found.lacks.map(({ statement }) => statement) },
      });
    }
  }
}

import { CurfewError } from '../shared/domain/errors.ts';
import { requestIdOf } from '../shared/domain/ids.ts';
import { plus } from '../shared/domain/time.ts';
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
        const failure = await probe().then(
          () => undefined,
          (error: unknown) => (error instanceof CurfewError ? error.message : 'CURFEW_INTERNAL'),
        );
        return { name, failure };
      }),
    );
  let fresh: ReturnType<typeof probeAll> | undefined;
  return {
    async check() {
      // Anybody may ask for the health: many askers are no reason for many probes.
      const results = fresh ?? probeAll();
      if (!fresh) {
        fresh = results;
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
        for (const { name, failure = '' } of failing) {
          service.log('error', `${name} does not work; trying again`, { failure, seconds: pause / 1000 });
        }
        await service.clock.sleepUntil(plus(service.clock.now(), pause));
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

import type { HealthReport } from './http/shapes.ts';
import { json } from './http/view.ts';
import type { PublicHandler } from './service.ts';

/** Whether Curfew can do its work. Names what fails, and nothing that an outsider could use. */
export const health: PublicHandler = async (service) => {
  const checks = await service.check();
  const isHealthy = Object.values(checks).every(Boolean);
  const shown = Object.fromEntries(
    Object.entries(checks).map(([name, works]) => [name, works ? 'works' : 'fails'] as const),
  );
  return json(isHealthy ? 200 : 503, {
    status: isHealthy ? 'healthy' : 'unhealthy',
    checks: shown,
  } satisfies HealthReport);
};

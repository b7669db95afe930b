import { readFileSync } from 'node:fs';
import { onboarding } from '../../infra/targets/onboarding.ts';

/** The service's application in the sample company: what a managed identity is in Azure. */
export const serviceClientId = 'c0000000-0000-4000-8000-000000000002';

/** The shop, and Curfew in it with the very statements that onboard a database in Azure. */
export function sampleDatabase(): string {
  const shop = readFileSync(new URL('orders.sql', import.meta.url), 'utf8');
  const roles = ['orders_reader', 'orders_writer'];
  return [shop, ...onboarding({ user: 'curfew-service', clientId: serviceClientId, roles })].join('\nGO\n');
}

import { expect, test } from 'vitest';
import { firstPolicy, firstRole } from '../../infra/first-policy.ts';
import { readPolicy } from '../../shared/adapters/policy-file/read-policy.ts';
import { read } from './bicep.ts';

const resourceId =
  '/subscriptions/5b000000-0000-4000-8000-000000000001/resourceGroups/shop/providers/Microsoft.Sql/servers/contoso-orders/databases/Orders_EU';
const answers = {
  server: 'contoso-orders.database.windows.net',
  database: 'Orders_EU',
  resourceId,
  approver: 'bob@contoso.example',
  requester: 'ada@contoso.example',
};

test('the first policy is read as it was meant: who deploys asks, the first approver decides', () => {
  const { targets } = readPolicy(firstPolicy(answers), 'policy.yaml');
  expect(targets).toMatchObject([
    {
      id: 'db-orders-eu',
      resourceId,
      roles: [
        {
          id: 'reader',
          entitlements: [{ kind: 'sql-role', server: answers.server, database: 'Orders_EU', role: firstRole }],
        },
      ],
    },
  ]);
});

const policyFor = (database: string) =>
  firstPolicy({ ...answers, database, resourceId: resourceId.replace('Orders_EU', database) });

test.each(['42', '_', 'sales (old)', 'x'.repeat(128)])('a database called %j makes a policy too', (database) => {
  const [target] = readPolicy(policyFor(database), 'policy.yaml').targets;
  expect(target?.roles[0]?.entitlements).toMatchObject([{ database }]);
});

test('onboarding makes the role that it names', () => {
  expect(read('azure.yaml')).toContain(`--role ${firstRole} --reads dbo`);
});

import { describe, expect, test } from 'vitest';
import containers from '../../infra/containers.json' with { type: 'json' };
import { all, declarations, template, templates } from './bicep.ts';

/** https://learn.microsoft.com/azure/role-based-access-control/built-in-roles */
const builtIn: Readonly<Record<string, string>> = {
  'b24988ac-6180-42a0-ab88-20f7382dd24c': 'Contributor',
  'acdd72a7-3385-48ef-bd42-f606fba81ae7': 'Reader',
  'f58310d9-a9f6-439a-9e8d-f62e7b41a168': 'Role Based Access Control Administrator',
  'b7e6dc6d-f1e8-4753-8033-0f276bb0955b': 'Storage Blob Data Owner',
  '974c5e8b-45b9-4653-ba55-5f855dd0fb88': 'Storage Queue Data Contributor',
  '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3': 'Storage Table Data Contributor',
  '3913510d-42f4-4e42-8a64-420c390055eb': 'Monitoring Metrics Publisher',
  '09976791-48a7-449e-bb21-39d1a415f350': 'Communication and Email Service Owner',
  '4633458b-17de-408a-b874-0445c86b69e6': 'Key Vault Secrets User',
  '0ad04412-c4d5-4796-b79c-f76d14c8d402': 'Durable Task Data Contributor',
};
const group = template('roles/group.bicep');
const subscription = template('roles/subscription.bicep');
const resources = [...declarations(group, 'resource'), ...declarations(subscription, 'resource')];
const assignments = resources.filter(({ body }) => body.includes('Microsoft.Authorization/roleAssignments@'));
const ids = new Map(
  [...group.matchAll(/^var (\w+) = '([0-9a-f-]{36})'$/gm)].map(([, name = '', id = '']) => [name, id]),
);

describe('rights in Azure', () => {
  test('are given in infra/roles alone', () => {
    const elsewhere = [...templates].filter(([path, text]) => {
      return !path.startsWith('roles/') && /roleAssignments|roleDefinitions|sqlRole/i.test(text);
    });
    expect(elsewhere.map(([path]) => path)).toEqual([]);
    expect(assignments.length).toBe(11);
  });

  test('are built-in roles by their right id, or roles that are defined beside them', () => {
    expect([...ids.values()].filter((id) => !(id in builtIn))).toEqual([]);
    expect(all(group + subscription, /'([0-9a-f]{8}-[0-9a-f-]{27})'/g).filter((id) => !(id in builtIn))).toEqual([]);
    const defined = resources
      .filter(({ body }) => /roleDefinitions@|sqlRoleDefinitions@/i.test(body))
      .map(({ name }) => name);
    const named = all(group + subscription, /roleDefinitionId: (\w+(?:\([^)]*\)|(?:\[index\])?\.id))/g);
    const unknown = named.filter((value) => {
      const ofBuiltIn = /^subscriptionResourceId\('Microsoft.Authorization\/roleDefinitions', (\w+)\)$/.exec(
        value,
      )?.[1];
      const ofDefined = /^(\w+)(?:\[index\])?\.id$/.exec(value)?.[1];
      return (
        !(ofBuiltIn && (ids.has(ofBuiltIn) || ofBuiltIn === 'role')) && !(ofDefined && defined.includes(ofDefined))
      );
    });
    expect(unknown).toEqual([]);
  });

  test('go to identities, under names that a second deployment finds again', () => {
    for (const { body } of assignments) {
      expect(body).toContain("principalType: 'ServicePrincipal'");
      expect(body).toMatch(/ name: guid\(/);
    }
  });

  test('that the workflow may hand on are those of the service, never its own', () => {
    const givable =
      all(group, /var givable = join\(\s*\[([^\]]*)\]/g)[0]
        ?.split(',')
        .map((name) => name.trim()) ?? [];
    const toService = assignments.flatMap(({ body }) =>
      body.includes('principalId: service') ? all(body, /'Microsoft.Authorization\/roleDefinitions', (\w+)\)/g) : [],
    );
    const inLoop = all(group, /for role in \[([^\]]*)\]/g).flatMap((names) => names.split(', '));
    expect(new Set(givable)).toEqual(new Set([...toService.filter((name) => name !== 'role'), ...inLoop]));
    expect(group).toContain('condition: fence');
  });

  test('on a target are the three to read that the policy’s page names', () => {
    const actions = all(subscription, /'(Microsoft\.Sql\/[^']+)'/g);
    expect(actions).toEqual([
      'Microsoft.Sql/servers/read',
      'Microsoft.Sql/servers/databases/read',
      'Microsoft.Sql/checkNameAvailability/action',
    ]);
  });

  test('let nobody replace or delete an event', () => {
    expect(containers.find(({ id }) => id === 'events')?.may).toEqual(['create', 'read', 'query', 'readChangeFeed']);
  });

  test('to query come with the change feed, without which the SDK can’t', () => {
    expect(containers.filter(({ may }) => may.includes('query') && !may.includes('readChangeFeed'))).toEqual([]);
  });
});

import { expect, test } from 'vitest';
import { settings } from '../../shared/configuration.ts';
import { all, declarations, template } from './bicep.ts';

/** Names for which the host or the SDKs look, and not Curfew. */
const others = new Set([
  // https://learn.microsoft.com/azure/azure-functions/functions-reference#common-properties-for-identity-based-connections
  'AzureWebJobsStorage__credential',
  'AzureWebJobsStorage__clientId',
  'AzureWebJobsStorage__blobServiceUri',
  'AzureWebJobsStorage__queueServiceUri',
  'AzureWebJobsStorage__tableServiceUri',
  // https://learn.microsoft.com/azure/azure-functions/functions-app-settings
  'AzureWebJobsDisableHomepage',
  'APPLICATIONINSIGHTS_CONNECTION_STRING',
  'APPLICATIONINSIGHTS_AUTHENTICATION_STRING',
  // https://learn.microsoft.com/javascript/api/@azure/identity/environmentcredential: which of the app's identities is meant
  'AZURE_CLIENT_ID',
  // docs/host.md
  'DURABLE_TASK_SCHEDULER_CONNECTION_STRING',
]);

const given = [
  ...all(template('host.bicep'), /\b([A-Z]\w*_\w+|AzureWebJobs\w+): /g),
  ...declarations(template('main.bicep'), 'module').flatMap(({ name, body }) =>
    name === 'host' ? all(body, /\b(CURFEW_\w+): /g) : [],
  ),
];

test('Bicep sets every setting that the service can’t do without', () => {
  const required = settings.filter((setting) => setting.required).map(({ name }) => name);
  expect(required.filter((name) => !given.includes(name))).toEqual([]);
});

test('Bicep sets none that nobody reads', () => {
  const known = settings.map(({ name }) => name);
  expect(given.filter((name) => !known.includes(name) && !others.has(name))).toEqual([]);
});

test('Bicep sets no setting twice', () => {
  expect(given.filter((name, index) => given.indexOf(name) !== index)).toEqual([]);
});

test('Bicep turns off the page that the host has at its root, which tells everybody what runs there', () => {
  expect(template('host.bicep')).toContain("AzureWebJobsDisableHomepage: 'true'");
});

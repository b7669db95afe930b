import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readConfiguration, settings } from '../../shared/configuration.ts';
import { CurfewError } from '../../shared/domain/errors.ts';

const required = {
  CURFEW_PUBLIC_URL: 'https://curfew.contoso.example/',
  CURFEW_POLICY_FILE: 'policy.yaml',
  CURFEW_TOKEN_ISSUER: 'https://login.microsoftonline.com/72f988bf-0000-4000-8000-0c0ffee00001/v2.0',
  CURFEW_TOKEN_AUDIENCE: 'c0000000-0000-4000-8000-000000000001',
  CURFEW_TENANT_ID: '72F988BF-0000-4000-8000-0C0FFEE00001',
  CURFEW_COSMOS_ENDPOINT: 'https://curfew.documents.azure.com:443/',
  CURFEW_MAIL_FROM: 'Curfew <curfew@contoso.example>',
};
const enough = { ...required, CURFEW_SMTP_URL: 'smtps://curfew:hunter2@smtp.contoso.example' };

/** One of them, and not both. */
const mail = ['CURFEW_MAIL_ENDPOINT', 'CURFEW_SMTP_URL'];
/** Either of them, but not both. */
const telemetry = ['APPLICATIONINSIGHTS_CONNECTION_STRING', 'OTEL_EXPORTER_OTLP_ENDPOINT'];

/** The names of the settings that are refused, in the order in which they are. */
function refused(env: Record<string, string | undefined>): string[] {
  return sentences(env).map((sentence) => sentence.split(' ')[0] ?? '');
}

function sentences(env: Record<string, string | undefined>): string[] {
  try {
    readConfiguration(env);
    return [];
  } catch (error) {
    if (!(error instanceof CurfewError)) throw error;
    expect(error.code).toBe('CURFEW_CONFIGURATION_INVALID');
    return error.refusal.detail?.split('\n') ?? [];
  }
}

describe('the settings', () => {
  test('are read, with defaults, without slashes at the end of what paths are added to', () => {
    expect(readConfiguration({ ...enough, PATH: '/bin', CURFEW_ELSE: 'x' })).toEqual({
      publicUrl: 'https://curfew.contoso.example',
      policyFile: 'policy.yaml',
      token: {
        issuer: 'https://login.microsoftonline.com/72f988bf-0000-4000-8000-0c0ffee00001/v2.0',
        audience: 'c0000000-0000-4000-8000-000000000001',
        tenantId: '72f988bf-0000-4000-8000-0c0ffee00001',
      },
      graphUrl: 'https://graph.microsoft.com/v1.0',
      authorityHost: undefined,
      resourceManagerUrl: 'https://management.azure.com',
      cosmos: { endpoint: 'https://curfew.documents.azure.com:443', database: 'curfew' },
      mail: { smtpUrl: 'smtps://curfew:hunter2@smtp.contoso.example', from: 'Curfew <curfew@contoso.example>' },
      revocation: { isScheduled: true, longestPause: 60_000 },
      revocationBatch: 1_000,
      purgeAfter: 2_592_000_000,
      callsPerMinute: 600,
      telemetry: { isOtlp: false },
    });
  });

  test('keep the issuers to the letter, since tokens are compared with them', () => {
    const issuer = 'https://sts.windows.net/72f988bf-0000-4000-8000-0c0ffee00001/';
    const v1 = { CURFEW_TOKEN_ISSUER_V1: issuer, CURFEW_TOKEN_AUDIENCE_V1: 'api://Curfew' };
    const { token } = readConfiguration({ ...enough, CURFEW_TOKEN_ISSUER: issuer, ...v1 });
    expect(token).toMatchObject({ issuer, v1: { issuer, audience: 'api://Curfew' } });
  });

  test('for v1.0 tokens go together: the one that is missing is named', () => {
    const v1 = {
      CURFEW_TOKEN_ISSUER_V1: 'https://sts.windows.net/72f988bf-0000-4000-8000-0c0ffee00001/',
      CURFEW_TOKEN_AUDIENCE_V1: 'api://curfew',
    };
    expect(refused({ ...enough, ...v1 })).toEqual([]);
    expect(refused({ ...enough, ...v1, CURFEW_TOKEN_ISSUER_V1: ' ' })).toEqual(['CURFEW_TOKEN_ISSUER_V1']);
    expect(refused({ ...enough, ...v1, CURFEW_TOKEN_AUDIENCE_V1: undefined })).toEqual(['CURFEW_TOKEN_AUDIENCE_V1']);
    expect(refused({ ...enough, ...v1, CURFEW_PUBLIC_URL: 'x', CURFEW_TOKEN_AUDIENCE_V1: '' })).toEqual([
      'CURFEW_PUBLIC_URL',
      'CURFEW_TOKEN_AUDIENCE_V1',
    ]);
    const elsewhere = v1.CURFEW_TOKEN_ISSUER_V1.replace('0001/', '0002/');
    expect(refused({ ...enough, ...v1, CURFEW_TOKEN_ISSUER_V1: elsewhere })).toEqual(['CURFEW_TOKEN_ISSUER_V1']);
  });

  test('for telemetry exclude each other: nothing is sent to one of two places in silence', () => {
    const [monitor = '', collector = ''] = telemetry;
    const both = { [monitor]: `InstrumentationKey=${required.CURFEW_TENANT_ID}`, [collector]: 'http://localhost:4318' };
    expect(refused({ ...enough, ...both })).toEqual([collector]);
    for (const left of telemetry) expect(refused({ ...enough, ...both, [left]: '' })).toEqual([]);
  });

  test('for mail: one is needed, and two are refused', () => {
    const [endpoint = '', server = ''] = mail;
    const both = { ...enough, [endpoint]: 'https://curfew.europe.communication.azure.com/' };
    expect(refused(both)).toEqual([server]);
    expect(sentences(required)).toEqual([expect.stringMatching(new RegExp(`^${endpoint} is missing.*${server}`))]);
    expect(readConfiguration({ ...both, [server]: '' }).mail).toEqual({
      endpoint: 'https://curfew.europe.communication.azure.com',
      from: required.CURFEW_MAIL_FROM,
    });
  });

  test('for the webhook go together, with one secret or with two', () => {
    const secrets = [32, 64, 24].map((length) => `whsec_${Buffer.alloc(length, length).toString('base64')}`);
    const both = { CURFEW_WEBHOOK_URL: 'https://siem.contoso.example/in', CURFEW_WEBHOOK_SECRET: secrets[0] ?? '' };
    expect(readConfiguration({ ...enough, ...both }).webhook).toEqual({
      url: both.CURFEW_WEBHOOK_URL,
      keys: [Buffer.alloc(32, 32)],
    });
    const two = { ...both, CURFEW_WEBHOOK_SECRET: secrets.slice(1).join(' ') };
    expect(readConfiguration({ ...enough, ...two }).webhook?.keys.map(({ length }) => length)).toEqual([64, 24]);
    for (const missing of Object.keys(both)) {
      expect(refused({ ...enough, ...both, [missing]: '' })).toEqual([missing]);
    }
    for (const wrong of [
      secrets.join(' '),
      'whsec_',
      Buffer.alloc(32).toString('base64'),
      `whsec_${Buffer.alloc(23).toString('base64')}`,
      `whsec_${Buffer.alloc(65).toString('base64')}`,
      `${secrets[0]},${secrets[1]}`,
      '@Microsoft.KeyVault(SecretUri=https://x.vault.azure.net/secrets/webhook-secret)',
    ]) {
      expect(refused({ ...enough, ...both, CURFEW_WEBHOOK_SECRET: wrong })).toEqual(['CURFEW_WEBHOOK_SECRET']);
    }
  });

  test('are all named at once when all are missing, and an empty one is missing', () => {
    const needed = [...Object.keys(required), 'CURFEW_MAIL_ENDPOINT'];
    expect(refused({})).toEqual(needed);
    expect(refused(Object.fromEntries(needed.map((name) => [name, '  '])))).toEqual(needed);
  });

  test.each([
    ['CURFEW_PUBLIC_URL', 'curfew.contoso.example'],
    ['CURFEW_PUBLIC_URL', 'http://curfew.contoso.example'],
    ['CURFEW_PUBLIC_URL', 'http://localhost.contoso.example'],
    ['CURFEW_PUBLIC_URL', 'https://user:password@curfew.contoso.example'],
    ['CURFEW_PUBLIC_URL', 'https://curfew.contoso.example/?a=b'],
    ['CURFEW_PUBLIC_URL', 'javascript:alert(1)'],
    ['CURFEW_TOKEN_ISSUER', 'http://login.microsoftonline.com/x'],
    ['CURFEW_TOKEN_ISSUER', 'https://login.microsoftonline.com/72f988bf-0000-4000-8000-0c0ffee00002/v2.0'],
    ['CURFEW_TENANT_ID', 'contoso.example'],
    ['CURFEW_GRAPH_URL', 'ftp://graph.microsoft.com'],
    ['CURFEW_RESOURCE_MANAGER_URL', 'http://management.azure.com'],
    ['CURFEW_AUTHORITY_HOST', 'http://login.contoso.example'],
    ['CURFEW_AUTHORITY_HOST', 'https://login.contoso.example/tenant'],
    ['CURFEW_COSMOS_ENDPOINT', 'AccountEndpoint=https://x;AccountKey=y'],
    ['CURFEW_COSMOS_DATABASE', 'a/b'],
    ['CURFEW_MAIL_ENDPOINT', 'http://curfew.europe.communication.azure.com'],
    ['CURFEW_MAIL_ENDPOINT', 'endpoint=https://curfew.europe.communication.azure.com/;accesskey=x'],
    ['CURFEW_SMTP_URL', 'https://smtp.contoso.example'],
    ['CURFEW_SMTP_URL', 'smtp://'],
    ['CURFEW_PURGE_AFTER', '0'],
    ['CURFEW_PURGE_AFTER', 'P30D'],
    ['CURFEW_MAIL_FROM', 'Curfew'],
    ['CURFEW_MAIL_FROM', 'Curfew <curfew@contoso.example>, x@y.example'],
    ['CURFEW_MAIL_FROM', 'Curfew\r\nBcc: <x@y.example>'],
    ['CURFEW_WEBHOOK_URL', 'http://siem.contoso.example/in'],
    ['CURFEW_WEBHOOK_URL', 'https://siem.contoso.example/in?code=x'],
    ['CURFEW_TEAMS_URL', 'http://workflows.contoso.example/invoke?sig=x'],
    ['CURFEW_TEAMS_URL', 'https://user:password@workflows.contoso.example/invoke?sig=x'],
    ['CURFEW_TEAMS_URL', 'https://workflows.contoso.example/invoke?sig=x#y'],
    ['APPLICATIONINSIGHTS_CONNECTION_STRING', 'https://westeurope-5.in.applicationinsights.azure.com/'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'http://collector.contoso.example:4318'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'https://user:password@collector.contoso.example'],
  ])('refuse %s = %j', (name, value) => {
    expect(refused({ ...enough, [name]: value })).toEqual([name]);
  });

  test.each([
    ['CURFEW_PUBLIC_URL', 'http://localhost:7071'],
    ['CURFEW_PUBLIC_URL', 'http://127.0.0.1:7071'],
    ['CURFEW_SMTP_URL', 'smtp://localhost:1025'],
    ['CURFEW_MAIL_FROM', 'curfew@contoso.example'],
    ['CURFEW_TEAMS_URL', 'https://workflows.contoso.example/invoke?api-version=1&sig=x'],
    ['CURFEW_TEAMS_URL', 'http://localhost:9000/invoke?sig=x'],
  ])('take %s = %j', (name, value) => {
    expect(refused({ ...enough, [name]: value })).toEqual([]);
  });

  test.each([
    ['login.microsoftonline.com', undefined],
    ['https://login.microsoftonline.com/', undefined],
    ['login.microsoftonline.us', 'https://login.microsoftonline.us'],
    ['localhost:8443', 'https://localhost:8443'],
    ['https://localhost:8443', 'https://localhost:8443'],
  ])('give the authority host %s as %s', (host, expected) => {
    expect(readConfiguration({ ...enough, CURFEW_AUTHORITY_HOST: host }).authorityHost).toBe(expected);
  });

  test('another tenant in the issuer is named even where other settings are wrong', () => {
    const env = { ...enough, CURFEW_PUBLIC_URL: 'x', CURFEW_TENANT_ID: '72f988bf-0000-4000-8000-0c0ffee00002' };
    expect(refused(env)).toEqual(['CURFEW_PUBLIC_URL', 'CURFEW_TOKEN_ISSUER']);
  });

  test('no value is ever echoed: a secret may stand in the wrong place', () => {
    const secret = 'hunter2-and-more';
    for (const { name } of settings) {
      for (const value of [
        secret,
        `https://${secret}:${secret}@x.example/?${secret}`,
        `smtp:${secret}`,
        `<${secret}>`,
      ]) {
        expect(sentences({ ...enough, [name]: value }).join()).not.toContain(secret);
      }
    }
    expect(sentences(Object.fromEntries(settings.map(({ name }) => [name, secret]))).join()).not.toContain(secret);
  });
});

describe('the list of settings', () => {
  test('says what is needed, what is not, and what is secret', () => {
    expect(settings.filter((setting) => setting.required).map(({ name }) => name)).toEqual(Object.keys(required));
    expect(settings.filter((setting) => setting.secret).map(({ name }) => name)).toEqual([
      'CURFEW_SMTP_URL',
      'CURFEW_WEBHOOK_SECRET',
      'CURFEW_TEAMS_URL',
    ]);
    expect(
      Object.fromEntries(settings.flatMap((setting) => (setting.default ? [[setting.name, setting.default]] : []))),
    ).toEqual({
      CURFEW_GRAPH_URL: 'https://graph.microsoft.com/v1.0',
      CURFEW_RESOURCE_MANAGER_URL: 'https://management.azure.com',
      CURFEW_COSMOS_DATABASE: 'curfew',
      CURFEW_DEADLINE_SCHEDULER: 'on',
      CURFEW_REVOCATION_BATCH: '1000',
      CURFEW_RETRY_PAUSE: '60',
      CURFEW_PURGE_AFTER: '30',
      CURFEW_CALLS_PER_MINUTE: '600',
    });
  });

  test('describes each in a line of its own, with an example that passes', () => {
    expect(new Set(settings.map(({ description }) => description)).size).toBe(settings.length);
    const examples = Object.fromEntries(settings.map(({ name, example }) => [name, example]));
    for (const out of telemetry) {
      for (const other of mail) expect(refused({ ...examples, [out]: '', [other]: '' })).toEqual([]);
    }
    for (const { description } of settings) expect(description).toMatch(/^[^\n|]+\.$/);
  });

  test('is the one in local.settings.sample.json, whose values pass', () => {
    const file = readFileSync(new URL('../../local.settings.sample.json', import.meta.url), 'utf8');
    const { Values: values } = JSON.parse(file) as { Values: Record<string, string> };
    const names = settings.map(({ name }) => name);
    const ours = Object.keys(values).filter((name) => name.startsWith('CURFEW_') || names.includes(name));
    expect(ours).toEqual(names);
    expect(readConfiguration(values).publicUrl).toBe('http://localhost:7071');
    expect(values).toMatchObject({
      FUNCTIONS_WORKER_RUNTIME: 'node',
      AzureWebJobsStorage: 'UseDevelopmentStorage=true',
    });
    expect(Object.keys(values)).toEqual(
      expect.arrayContaining(['AZURE_TENANT_ID', 'AZURE_CLIENT_ID', 'AZURE_CLIENT_SECRET']),
    );
  });
});

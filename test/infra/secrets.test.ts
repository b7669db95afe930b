import { describe, expect, test } from 'vitest';
import { settings } from '../../shared/configuration.ts';
import { all, declarations, parametersOf, template, templates } from './bicep.ts';

/** What a secret is called. An address of a secret is none. */
const secret = /password|secret(?!Uri)|token(?!Exchange)|smtpUrl|accessKey|sharedKey|connectionString/i;

describe('secrets', () => {
  test.each([...templates])('of %s are secure parameters, and no output', (_path, text) => {
    const plain = parametersOf(text).filter(({ name, isSecure }) => secret.test(name) && !isSecure);
    expect(plain).toEqual([]);
    const secure = parametersOf(text).filter(({ isSecure }) => isSecure);
    for (const { name, body } of declarations(text, 'output')) {
      expect(name).not.toMatch(secret);
      for (const parameter of secure) expect(body).not.toMatch(new RegExp(`\\b${parameter.name}\\b`));
    }
  });

  test('reach the app by way of Key Vault, each by a name that is there', () => {
    const references = [
      ...template('main.bicep').matchAll(
        /(CURFEW_\w+): '@Microsoft\.KeyVault\(SecretUri=\$\{vaultUri\}secrets\/([\w-]+)\)'/g,
      ),
    ];
    const secrets = settings.filter((setting) => setting.secret).map(({ name }) => name);
    expect(references.map(([, name]) => name)).toEqual(secrets);
    expect(references.map(([, , secretName]) => secretName)).toEqual(
      all(template('vault.bicep'), /^ {4}name: '([\w-]+)'/gm),
    );
  });

  test('are never fetched: no template asks for a key', () => {
    for (const text of templates.values()) expect(all(text, /\b(list\w*)\(/g)).toEqual([]);
  });

  test('open nothing: whatever can do without keys does', () => {
    expect(template('host.bicep')).toContain('allowSharedKeyAccess: false');
    for (const path of ['store.bicep', 'mail.bicep']) expect(template(path)).toContain('disableLocalAuth: true');
    expect(all(template('monitoring.bicep'), /(isableLocalAuth: true)/g)).toHaveLength(2);
  });
});

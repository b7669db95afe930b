import { expect, test } from 'vitest';
import { all, parametersOf, read, template } from './bicep.ts';

const parameters = parametersOf(template('main.bicep'));
const names = new Set(parameters.map(({ name }) => name));
const asked = JSON.parse(read('infra/main.parameters.json')) as { parameters: Record<string, { value: string }> };
const workflow = read('infra/workflow.bicepparam');

test('azd and the workflows give the template the same parameters, all of them', () => {
  expect(new Set(Object.keys(asked.parameters))).toEqual(names);
  expect(new Set(all(workflow, /^param (\w+) =/gm))).toEqual(names);
});

test('azd asks four questions', () => {
  const withoutDefault = Object.entries(asked.parameters).filter(([, { value }]) => !value.includes('='));
  // Of the environment azd knows the name, and the registration's client id comes from a script.
  const answered = new Set(['environmentName', 'apiClientId']);
  const questions = withoutDefault.map(([name]) => name).filter((name) => !answered.has(name));
  expect(questions).toEqual(['location', 'tenantId', 'targetDatabaseId', 'approver']);
  expect(parameters.filter(({ hasDefault }) => !hasDefault).map(({ name }) => name)).toEqual(
    expect.arrayContaining(questions),
  );
});

test('both fall back to what the template falls back to', () => {
  const fallbacks = Object.entries(asked.parameters).flatMap(([name, { value }]) => {
    const found = /^\$\{\w+=(.*)\}$/.exec(value);
    // These two a workflow knows for itself.
    return found && !['byOwner', 'githubRepository'].includes(name) ? [[name, found[1] ?? '']] : [];
  });
  const text = template('main.bicep');
  for (const [name, value] of fallbacks) {
    expect(new RegExp(`^param ${name} \\w+ = '?(.*?)'?$`, 'm').exec(text)?.[1]).toBe(value);
    expect(new RegExp(`^param ${name} = .*, '(.*?)'\\)+$`, 'm').exec(workflow)?.[1]).toBe(value);
  }
});

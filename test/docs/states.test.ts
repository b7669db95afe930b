import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { apiStateNames, apiStateOf, apiStates, statesOfApi } from '../../shared/domain/api-states.ts';
import { endedStates, isEnded, states } from '../../shared/domain/states.ts';

const page = readFileSync('docs/states.md', 'utf8');

describe('docs/states.md says what the code does', () => {
  test('its table has every state that is shown, and what it means', () => {
    const rows = page.split('\n').filter((line) => line.startsWith('| `'));
    expect(rows).toEqual(Object.entries(apiStates).map(([state, meaning]) => `| \`${state}\` | ${meaning} |`));
  });
  test('it names the states in which a request ends', () => {
    const [, sentence = ''] = page.split('A request ends in one of ');
    const [named = ''] = sentence.split(', and stays there');
    expect(Array.from(named.matchAll(/`([a-z-]+)`/g), ([, state]) => state)).toEqual([...endedStates]);
  });
});

describe('the states that are shown', () => {
  test('are the names that portals and alerts rely on', () => {
    expect(apiStateNames).toEqual([
      'waiting-for-approval',
      'scheduled',
      'granting',
      'granted',
      'revoking',
      'overdue',
      'denied',
      'withdrawn',
      'timed-out',
      'failed',
      'expired',
      'revoked',
      'extended',
    ]);
  });
  test('stand for every state of a request, each for one that ends just when it does', () => {
    expect(apiStateNames.flatMap(statesOfApi).toSorted()).toEqual([...states].toSorted());
    expect(statesOfApi('granting')).toEqual(['approved', 'extending', 'granting']);
    for (const state of states) expect(isEnded(apiStateOf(state))).toBe(isEnded(state));
  });
});

import { expect, test } from 'vitest';
import { changed, logSaved } from '../../shared/request-log.ts';
import { approved, requestAfter, requested } from '../support/samples.ts';

test('a line of the log says who asked for what and until when, and nothing that they wrote', () => {
  const lines: unknown[][] = [];
  const request = requestAfter(requested());
  logSaved((...line) => void lines.push(line), request);
  const { id, version, state, requester, terms } = request;
  const said = { requestId: id, version, state, target: terms.targetId, role: terms.roleId, deadline: undefined };
  expect(lines).toEqual([['info', changed, { ...said, requester: requester.userPrincipalName }]]);
  expect(JSON.stringify(lines)).not.toContain(request.reason);
});

test('a line of the log says a state as the API does', () => {
  const lines: unknown[][] = [];
  const request = requestAfter(requested(), approved);
  logSaved((...line) => void lines.push(line), request);
  expect([request.state, lines[0]?.[2]]).toMatchObject(['approved', { state: 'granting' }]);
});

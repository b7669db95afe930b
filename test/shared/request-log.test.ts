import { expect, test } from 'vitest';
import { changed, logSaved } from '../../shared/request-log.ts';
import { requestAfter, requested } from '../support/samples.ts';

test('a line of the log says who asked for what and until when, and nothing that they wrote', () => {
  const lines: unknown[][] = [];
  const request = requestAfter(requested());
  logSaved((...line) => void lines.push(line), request);
  const { id, version, state, requester, terms } = request;
  const said = { requestId: id, version, state, target: terms.targetId, role: terms.roleId, deadline: undefined };
  expect(lines).toEqual([['info', changed, { ...said, requester: requester.userPrincipalName }]]);
  expect(JSON.stringify(lines)).not.toContain(request.reason);
});

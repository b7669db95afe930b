import { z } from 'zod';
import type { Directory } from './directory.ts';
import { json, nothing, type Reply, type Request, refused } from './http.ts';
import type { StateFile } from './state-file.ts';

const ApplicationEdit = z.strictObject({ accountEnabled: z.boolean() });
const PersonEdit = z
  .strictObject({ accountEnabled: z.boolean(), managerId: z.guid().toLowerCase().nullable() })
  .partial();
const MembersEdit = z.strictObject({ members: z.array(z.guid().toLowerCase()) });

/** Changes to the directory, for tests and demonstrations. Nothing of this is in Entra; it is there only when asked for. */
export function answerControl(directory: Directory, file: StateFile, request: Request): Reply {
  // A page elsewhere can't send JSON here without asking first, and this server never says yes.
  if (request.header('content-type')?.split(';')[0] !== 'application/json')
    return refused(415, 'invalid_request', 'The body must be application/json.');
  const [, kind, id = '', part] = request.path;
  const edits = file.state.edits;
  const body: unknown = parse(request.body);

  if (request.method === 'PATCH' && kind === 'people' && part === undefined) {
    const person = directory.person(id);
    const edit = PersonEdit.safeParse(body);
    if (!person) return refused(404, 'not_found', 'There is no such person.');
    if (!edit.success)
      return refused(400, 'invalid_request', 'The body must have accountEnabled, managerId or both, and nothing else.');
    const { accountEnabled, managerId } = edit.data;
    if (managerId && directory.person(managerId)?.id !== managerId)
      return refused(404, 'not_found', `${managerId} is no person.`);
    if (accountEnabled !== undefined) edits.accountEnabled[person.id] = accountEnabled;
    if (managerId !== undefined) edits.managerId[person.id] = managerId;
  } else if (request.method === 'PATCH' && kind === 'servicePrincipals' && part === undefined) {
    const application = directory.servicePrincipal(id);
    const edit = ApplicationEdit.safeParse(body);
    if (!application) return refused(404, 'not_found', 'There is no such application.');
    if (!edit.success) return refused(400, 'invalid_request', 'The body must be {"accountEnabled": true|false}.');
    edits.accountEnabled[application.servicePrincipalId] = edit.data.accountEnabled;
  } else if (request.method === 'PUT' && kind === 'groups' && part === 'members') {
    const group = directory.group(id);
    const edit = MembersEdit.safeParse(body);
    if (!group) return refused(404, 'not_found', 'There is no such group.');
    if (!edit.success) return refused(400, 'invalid_request', 'The body must be {"members": [ids]}.');
    const stranger = edit.data.members.find((member) => !directory.has(member));
    if (stranger !== undefined) return json({ error: 'not_found', error_description: `${stranger} is nobody.` }, 404);
    edits.members[group.id] = [...new Set(edit.data.members)];
  } else return refused(404, 'not_found', 'There is no such control.');
  file.save();
  return nothing();
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

import { type State, states } from './states.ts';

/**
 * The states as everybody outside Curfew knows them: the API and its list, logs, metrics and the reconciler's mails. They are
 * stable: portals and alerts rely on the names, and on what each says.
 */
export const apiStates = {
  'waiting-for-approval': 'Approvers are asked. The target was not touched.',
  scheduled: 'It is approved, and its start lies ahead. The target was not touched.',
  granting: 'It is approved, and the grant, or the extension, is being made. The target may show the access.',
  granted: 'The target shows the access, until the deadline.',
  revoking: 'The access is being taken away. The target may show it still.',
  overdue: 'The end of the access can’t be confirmed; Curfew tries again without end. The target may show it still.',
  denied: 'An approver said no. Nothing was granted.',
  withdrawn: 'The requester took it back before anything was granted.',
  'timed-out': 'Too few approved in time. Nothing was granted.',
  failed: 'It could not be granted or extended; whatever had been granted was taken back.',
  expired: 'The access ended at its deadline, and the target was seen to show it no more.',
  revoked: 'Somebody ended the access early, and it was seen to be gone; or called it off before it began.',
  extended: 'This extension moved the deadline of the access that it extends.',
} as const satisfies { readonly [Shown in State]?: string };

export type ApiState = keyof typeof apiStates;
export const apiStateNames = Object.keys(apiStates) as ApiState[];

/** What is shown for a state. How far Curfew has come with a grant is its own business. */
export function apiStateOf(state: State): ApiState {
  return state === 'approved' || state === 'extending' ? 'granting' : state;
}

/** The states of which this is shown. */
export function statesOfApi(shown: ApiState): State[] {
  return states.filter((state) => apiStateOf(state) === shown);
}

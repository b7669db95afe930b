import { getApproval, postApproval } from './approvals.ts';
import { decideRequest, reviewRequest, revoke, withdraw } from './commands.ts';
import { listDrift } from './drift.ts';
import { extend } from './extension.ts';
import { health } from './health.ts';
import { refuseAsPage } from './http/page.ts';
import { openApi } from './openapi/document.ts';
import { getEvents, getRequest, listRequests, listTargets } from './requests.ts';
import type { Route } from './service.ts';
import { finishSignIn, signedOut, signOut } from './sessions.ts';
import { submit } from './submit.ts';

/** The whole HTTP API. README's table of routes is compared with this. */
export const routes = [
  {
    name: 'listTargets',
    needs: 'token',
    method: 'GET',
    path: 'targets',
    about: 'What I may ask for',
    handler: listTargets,
  },
  {
    name: 'submitRequest',
    needs: ['Access.Request', 'Access.RequestForOthers'],
    method: 'POST',
    path: 'requests',
    about: 'Ask for access',
    handler: submit,
  },
  {
    name: 'listRequests',
    needs: 'token',
    method: 'GET',
    path: 'requests',
    about: 'Requests that are mine to see',
    handler: listRequests,
  },
  {
    name: 'getRequest',
    needs: 'token',
    method: 'GET',
    path: 'requests/{id}',
    about: 'One request',
    handler: getRequest,
  },
  {
    name: 'getEvents',
    needs: 'token',
    method: 'GET',
    path: 'requests/{id}/events',
    about: 'Its events and their chain',
    handler: getEvents,
  },
  {
    name: 'listDrift',
    needs: ['Access.Audit', 'Access.Administer'],
    method: 'GET',
    path: 'drift',
    about: 'What was found on the targets that Curfew never granted',
    handler: listDrift,
  },
  {
    name: 'withdrawRequest',
    needs: 'token',
    method: 'POST',
    path: 'requests/{id}/withdraw',
    about: 'Take it back before it is granted',
    handler: withdraw,
  },
  {
    name: 'revokeRequest',
    needs: 'token',
    method: 'POST',
    path: 'requests/{id}/revoke',
    about: 'End the access now',
    handler: revoke,
  },
  {
    name: 'decideRequest',
    needs: ['Access.Approve'],
    method: 'POST',
    path: 'requests/{id}/decision',
    about: 'Approve or deny it, as an approver',
    handler: decideRequest,
  },
  {
    name: 'extendRequest',
    needs: ['Access.Request', 'Access.RequestForOthers'],
    method: 'POST',
    path: 'requests/{id}/extension',
    about: 'Ask for a later deadline',
    handler: extend,
  },
  {
    name: 'reviewRequest',
    needs: ['Access.Approve'],
    method: 'POST',
    path: 'requests/{id}/review',
    about: 'Confirm the review of a broken glass',
    handler: reviewRequest,
  },
  {
    name: 'getApproval',
    needs: 'nothing',
    method: 'GET',
    path: 'approvals/{token}',
    about: "The approver's page; changes nothing",
    handler: getApproval,
    refuse: refuseAsPage,
  },
  {
    name: 'postApproval',
    needs: 'nothing',
    method: 'POST',
    path: 'approvals/{token}',
    about: "The approver's decision",
    handler: postApproval,
    refuse: refuseAsPage,
  },
  {
    name: 'finishSignIn',
    needs: 'nothing',
    method: 'GET',
    path: 'sign-in/callback',
    about: 'Back from the sign-in',
    handler: finishSignIn,
    refuse: refuseAsPage,
  },
  {
    name: 'signOut',
    needs: 'nothing',
    method: 'POST',
    path: 'sign-out',
    about: 'Sign out of the pages',
    handler: signOut,
    refuse: refuseAsPage,
  },
  {
    name: 'signedOut',
    needs: 'nothing',
    method: 'GET',
    path: 'signed-out',
    about: 'Signed out',
    handler: signedOut,
    refuse: refuseAsPage,
  },
  {
    name: 'health',
    needs: 'nothing',
    method: 'GET',
    path: 'health',
    about: 'Whether Curfew can do its work',
    handler: health,
  },
  {
    name: 'openApi',
    needs: 'nothing',
    method: 'GET',
    path: 'openapi.json',
    about: 'This API as an OpenAPI document',
    handler: openApi((): readonly Route[] => routes),
  },
] as const satisfies readonly Route[];
export type RouteName = (typeof routes)[number]['name'];

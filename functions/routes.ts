import { getApproval, postApproval, refuseAsPage } from './approvals.ts';
import { health } from './health.ts';
import { getEvents, getRequest, listRequests, listTargets, revoke, withdraw } from './requests.ts';
import type { Route } from './service.ts';
import { submit } from './submit.ts';

/** The whole HTTP API. README's table of routes is compared with this. */
export const routes: readonly Route[] = [
  { name: 'listTargets', method: 'GET', path: 'targets', about: 'What I may ask for', handler: listTargets },
  { name: 'submitRequest', method: 'POST', path: 'requests', about: 'Ask for access', handler: submit },
  {
    name: 'listRequests',
    method: 'GET',
    path: 'requests',
    about: 'Requests that are mine to see',
    handler: listRequests,
  },
  { name: 'getRequest', method: 'GET', path: 'requests/{id}', about: 'One request', handler: getRequest },
  {
    name: 'getEvents',
    method: 'GET',
    path: 'requests/{id}/events',
    about: 'Its events and their chain',
    handler: getEvents,
  },
  {
    name: 'withdrawRequest',
    method: 'POST',
    path: 'requests/{id}/withdraw',
    about: 'Take it back before it is granted',
    handler: withdraw,
  },
  { name: 'revokeRequest', method: 'POST', path: 'requests/{id}/revoke', about: 'End the access now', handler: revoke },
  {
    name: 'getApproval',
    method: 'GET',
    path: 'approvals/{token}',
    about: "The approver's page; changes nothing",
    handler: getApproval,
    refuse: refuseAsPage,
  },
  {
    name: 'postApproval',
    method: 'POST',
    path: 'approvals/{token}',
    about: "The approver's decision",
    handler: postApproval,
    refuse: refuseAsPage,
  },
  { name: 'health', method: 'GET', path: 'health', about: 'Whether Curfew can do its work', handler: health },
];

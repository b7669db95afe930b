import { remedyInApi } from '../http/remedies.ts';
import type { Preview, ProblemDetails, RequestList, ShownRequest, TargetList } from '../http/shapes.ts';

/** Requests and answers as the sample company and its policy make them. A test replays each of the requests. */

export const submissions = {
  reading: {
    summary: 'Read for an hour',
    value: { target: 'orders', role: 'reader', reason: 'Refund case 4711', duration: '1h' },
  },
  planned: {
    summary: 'Planned work, with a ticket and a booked start',
    value: {
      target: 'orders',
      role: 'maintainer',
      reason: 'Move the archive to another table',
      ticket: 'INC-004711',
      duration: '2h',
      startsAt: '2026-11-22T20:00:00+01:00',
    },
  },
  emergency: {
    summary: 'Break the glass',
    value: {
      target: 'orders',
      role: 'writer',
      reason: 'Orders are charged twice, and nobody else is up',
      duration: '30m',
      breakGlass: true,
    },
  },
  forSomebody: {
    summary: 'An application asks for a person',
    value: { target: 'orders', role: 'reader', reason: 'Ticket 815', for: 'ada@contoso.example' },
  },
};

export const extensions = {
  longer: { summary: 'An hour more', value: { duration: '1h', reason: 'The case has a second part' } },
};

export const answers = {
  approve: { summary: 'Approve', value: { decision: 'approve', comment: 'Only this case.' } },
  approveLess: { summary: 'Approve less than was asked for', value: { decision: 'approve', duration: '30m' } },
  deny: { summary: 'Deny', value: { decision: 'deny', comment: 'Ask again with a ticket.' } },
};

export const reviews = {
  reviewed: { summary: 'In order', value: { comment: 'Every statement was about the double charges.' } },
};

export const revocations = {
  done: { summary: 'I am done', value: { reason: 'Done earlier than planned' } },
};

export const approvalForms = {
  approve: {
    summary: 'Approve',
    value: { csrf: 'as in the page', decision: 'approve', comment: 'Only this case.', duration: '' },
  },
};

const ada = {
  principalId: 'a0000000-0000-4000-8000-000000000001',
  name: 'Ada Lindqvist',
  userPrincipalName: 'ada@contoso.example',
};
const bob = {
  principalId: 'a0000000-0000-4000-8000-000000000002',
  name: 'Bob Okafor',
  userPrincipalName: 'bob@contoso.example',
};

const { id, ...waiting } = {
  id: 'req-0e1w70w3gf1w70w3gf1w70w3gf',
  state: 'waiting-for-approval',
  target: 'orders',
  role: 'reader',
  requester: ada,
  reason: 'Refund case 4711',
  duration: 'PT1H',
  submittedAt: '2026-11-21T09:00:00.000Z',
  changedAt: '2026-11-21T09:00:00.000Z',
  stage: { number: 1, of: 1, missing: 1 },
  approveBy: '2026-11-22T09:00:00.000Z',
  approvers: [bob],
  approvals: [],
  extensions: [],
  policyDigest: '6e1f0d0c7b0f4e0c8f2b7a86a1b7a5a7c7a6a3f0d9d5b1e5f1c2d3e4f5a6b7c8',
} satisfies ShownRequest;

const approvedAt = '2026-11-21T09:04:10.000Z';
const { stage: _, ...past } = waiting;
const granted = {
  ...past,
  id,
  state: 'granted',
  changedAt: '2026-11-21T09:04:11.250Z',
  approvals: [{ stage: 1, by: bob, through: 'api', comment: 'Only this case.', at: approvedAt }],
  decision: { outcome: 'approved', by: bob, comment: 'Only this case.', at: approvedAt },
  deadline: '2026-11-21T10:04:10.500Z',
  grantedAt: '2026-11-21T09:04:11.250Z',
  alreadyHeld: false,
} satisfies ShownRequest;

export const requests = {
  waiting: { summary: 'Waiting for Bob', value: { id, ...waiting } },
  granted: { summary: 'Granted', value: granted },
  withdrawn: {
    summary: 'Withdrawn',
    value: {
      ...past,
      id,
      state: 'withdrawn',
      changedAt: approvedAt,
      calledOff: { by: ada, as: 'requester', at: approvedAt },
    },
  },
  revoked: {
    summary: 'Ended by its requester',
    value: {
      ...granted,
      state: 'revoked',
      changedAt: '2026-11-21T09:30:00.400Z',
      endedEarly: { by: ada, as: 'requester', reason: 'Done earlier than planned' },
      revokedAt: '2026-11-21T09:30:00.400Z',
    },
  },
} satisfies Record<string, { summary: string; value: ShownRequest }>;

export const previews = {
  reading: {
    summary: 'What would be done',
    value: {
      ...waiting,
      dryRun: true,
      plans: ['Makes ada@contoso.example a member of the role orders_reader in the database orders on localhost.'],
      explanation: [{ rule: 'reader on orders', outcome: 'applies', sentence: 'It asks for 8h at most; a reason.' }],
    },
  },
} satisfies Record<string, { summary: string; value: Preview }>;

export const lists = {
  mine: { summary: 'One page, and no other', value: { requests: [granted] } },
} satisfies Record<string, { summary: string; value: RequestList }>;

export const targetLists = {
  analyst: {
    summary: 'What an analyst may ask for',
    value: {
      targets: [
        {
          id: 'orders',
          description: 'The orders database of the web shop',
          roles: [
            {
              id: 'reader',
              description: 'Read every table of orders',
              defaultDuration: 'PT1H',
              maximumDuration: 'PT8H',
              step: 'PT1S',
              startsWithin: 'PT720H',
              reasonLength: 1,
              ticketExamples: [],
              authentication: [],
              extensions: 2,
              offered: true,
              breakGlass: false,
            },
          ],
        },
      ],
    },
  },
} satisfies Record<string, { summary: string; value: TargetList }>;

export const problems = {
  tooLong: {
    summary: 'Longer than the role allows',
    value: {
      type: 'urn:curfew:error:CURFEW_DURATION_TOO_LONG',
      title: "The duration is over the role's maximum.",
      status: 422,
      code: 'CURFEW_DURATION_TOO_LONG',
      path: '/duration',
      remedy: remedyInApi({ kind: 'ask-for-at-most', duration: 8 * 3_600_000 }),
      remedyKind: 'ask-for-at-most',
    },
  },
} satisfies Record<string, { summary: string; value: ProblemDetails }>;

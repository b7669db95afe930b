import type { Container, SqlParameter } from '@azure/cosmos';
import { z } from 'zod';
import type { AccessRequest } from '../../domain/access-request.ts';
import { openStates } from '../../domain/states.ts';
import { type Upcoming, upcomingOf } from '../../domain/upcoming.ts';
import type { RequestFilter, RequestStore } from '../../ports.ts';
import { queryPage, readItem, writeItem } from './client.ts';

const stored = z.object({
  sortKey: z.string(),
  request: z.looseObject({ id: z.string(), state: z.string(), version: z.int(), submittedAt: z.string() }),
});

const storedUpcoming = z.object({
  upcomingKey: z.string(),
  upcoming: z.looseObject({ id: z.string(), kind: z.enum(['start', 'end']), at: z.string() }),
});

function readRequest(item: unknown): AccessRequest {
  return stored.parse(item).request as unknown as AccessRequest;
}

/** Beside the request stand the fields to search by. A key with the id in it makes an order one that paging can rely on. */
function buildItem(request: AccessRequest) {
  const { submittedBy } = request;
  const upcoming = upcomingOf(request);
  return {
    id: request.id,
    sortKey: `${request.submittedAt}_${request.id}`,
    state: request.state,
    targetId: request.terms.targetId,
    roleId: request.terms.roleId,
    requesterId: request.requester.principalId,
    upcoming,
    upcomingKey: upcoming && `${upcoming.at}_${upcoming.id}`,
    visibleTo: [request.requester.principalId, ...(submittedBy ? [submittedBy.principalId] : []), ...request.asked],
    request,
  };
}

function buildQuery(filter: RequestFilter, limit: number, after: string | undefined) {
  const parameters: SqlParameter[] = [];
  const bind = (value: SqlParameter['value']) => {
    const name = `@p${parameters.length}`;
    parameters.push({ name, value });
    return name;
  };
  const conditions = ['true'];
  if (filter.visibleTo !== undefined) conditions.push(`ARRAY_CONTAINS(c.visibleTo, ${bind(filter.visibleTo)})`);
  if (filter.requester !== undefined) conditions.push(`c.requesterId = ${bind(filter.requester)}`);
  if (filter.target !== undefined) conditions.push(`c.targetId = ${bind(filter.target)}`);
  if (filter.role !== undefined) conditions.push(`c.roleId = ${bind(filter.role)}`);
  if (filter.states !== undefined) conditions.push(`ARRAY_CONTAINS(${bind([...filter.states])}, c.state)`);
  if (filter.isUnfinished) {
    conditions.push(`(ARRAY_CONTAINS(${bind([...openStates])}, c.state) OR c.request.review = 'owed')`);
  }
  if (after !== undefined) conditions.push(`c.sortKey < ${bind(after)}`);
  const query = `SELECT * FROM c WHERE ${conditions.join(' AND ')} ORDER BY c.sortKey DESC OFFSET 0 LIMIT ${bind(limit)}`;
  return { query, parameters };
}

/** Container `requests`: partition key `/id`, one document per request. */
export function createRequestStore(
  container: Container,
  /** Told of each projection that was written, and of the one in whose place it was. */
  onSaved: (before: AccessRequest | undefined, after: AccessRequest) => void = () => {},
): RequestStore {
  return {
    async find(id) {
      const item = await readItem(container, id);
      return item && readRequest(item);
    },
    async save(request) {
      for (;;) {
        const present = await readItem(container, request.id);
        const before = present && readRequest(present);
        if (before && before.version >= request.version) return;
        if (await writeItem(container, buildItem(request), present)) return onSaved(before, request);
      }
    },
    async list(filter, limit, after) {
      const { items, last } = await queryPage(container, buildQuery(filter, limit + 1, after), limit);
      return { requests: items.map(readRequest), next: last === undefined ? undefined : stored.parse(last).sortKey };
    },
    async upcoming(from, to, limit, after = from) {
      const query = {
        query:
          'SELECT c.upcoming, c.upcomingKey FROM c WHERE c.upcomingKey > @after AND c.upcoming.at <= @to ORDER BY c.upcomingKey OFFSET 0 LIMIT @limit',
        parameters: [
          { name: '@after', value: after },
          { name: '@to', value: to },
          { name: '@limit', value: limit + 1 },
        ],
      };
      const { items, last } = await queryPage(container, query, limit);
      const upcoming = items.map((item) => storedUpcoming.parse(item).upcoming as unknown as Upcoming);
      return { upcoming, next: last === undefined ? undefined : storedUpcoming.parse(last).upcomingKey };
    },
  };
}

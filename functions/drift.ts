import { z } from 'zod';
import { openDrifts } from '../shared/domain/drift.ts';
import { verifyChain } from '../shared/domain/hash-chain.ts';
import { driftIdOf, type TargetId } from '../shared/domain/ids.ts';
import { parse } from './http/read.ts';
import type { DriftList } from './http/shapes.ts';
import { json } from './http/view.ts';
import type { Handler } from './service.ts';

export const driftQuery = z.strictObject({
  target: z.string().max(100).optional().describe('A target of the policy; all of them where it is left out.'),
});

/** What the reconciler found on each target beside Curfew's grants, as it was written, and whether the chain holds. */
export const listDrift: Handler = async (service, request) => {
  const query = parse(driftQuery, Object.fromEntries(request.query), 'CURFEW_PARAMETER_INVALID');
  const all = service.policy().targets.map(({ id }) => id);
  const wanted = query.target === undefined ? all : all.filter((id) => id === query.target);
  const targets = await Promise.all(wanted.map((target) => view(service, target)));
  return json(200, { targets } satisfies DriftList);
};

async function view({ drifts }: Parameters<Handler>[0], target: TargetId): Promise<DriftList['targets'][number]> {
  const events = await drifts.read(target);
  const chain = events.length === 0 ? 'intact' : (verifyChain(driftIdOf(target), events) ?? 'intact');
  return { target, open: [...openDrifts(events).values()], events, chain };
}

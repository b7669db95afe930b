import { type DurableClient, OrchestrationRuntimeStatus } from 'durable-functions';
import { commandEvent, type OrchestratorInput, orchestratorName } from '../orchestrations/contract.ts';
import { type AccessRequest, isOutcomeOf } from '../shared/domain/access-request.ts';
import { decide, type PersonCommand } from '../shared/domain/decide.ts';
import { CurfewError, type Refusal } from '../shared/domain/errors.ts';
import type { CommandId, RequestId } from '../shared/domain/ids.ts';
import type { Life } from '../shared/domain/reconcile.ts';
import { isPassing } from '../shared/domain/states.ts';
import { type Instant, plus } from '../shared/domain/time.ts';
import { timeline } from '../shared/domain/timeline.ts';
import { say, traceparent } from '../shared/telemetry.ts';
import type { Service } from './service.ts';

/**
 * Starts the request's orchestration unless it has one. The host replaces an ended instance of the same id without a
 * word, so it is asked first, and an ended request is never started again. Says whether it was started now.
 */
export async function ensureStarted(service: Service, client: DurableClient, id: RequestId): Promise<boolean> {
  if (await isKnown(client, id)) return false;
  const [first, ...others] = await service.events.read(id);
  // Every later event was written by its orchestration, which the task hub has forgotten since it ended.
  if (!first || others.length > 0) return false;
  const input: OrchestratorInput = { first, trace: traceparent() };
  await client.startNew(orchestratorName, { instanceId: id, input });
  return true;
}

/** The SDK throws where the host answers 404, and for all else; a fresh start then fails on its own. */
async function isKnown(client: DurableClient, id: RequestId): Promise<boolean> {
  try {
    await client.getStatus(id);
    return true;
  } catch {
    return false;
  }
}

export interface CommandOutcome {
  readonly commandId: CommandId;
  readonly request: AccessRequest;
  /** Why the command changed nothing. */
  readonly refusal?: Refusal;
  /** The command was taken, and what comes of it takes longer than the caller was kept waiting. */
  readonly pending?: true;
}

/**
 * Gives a command to the orchestration and waits for what becomes of the request: by this command, or by another that
 * came first. An event that was raised says nothing yet.
 */
export async function command(
  service: Service,
  client: DurableClient,
  request: AccessRequest,
  wanted: PersonCommand,
): Promise<CommandOutcome> {
  const { commandId } = wanted;
  say({ 'curfew.request_id': request.id });
  // Judged by this instant throughout: that time runs out while the answer is under way doesn't say that it came too late.
  const asked = service.clock.now();
  const early = refusalOf(request, wanted, asked);
  if (early) return { commandId, request, refusal: early };
  try {
    await raise(service, client, request.id, wanted);
  } catch (error) {
    // The task hub forgets what ended long ago. What became of the request is known all the same.
    const ended = await service.requests.find(request.id);
    const refusal = ended && refusalOf(ended, wanted, asked);
    if (refusal) return { commandId, request: ended, refusal };
    throw error;
  }
  const giveUp = plus(asked, timeline.commandLimitMs);
  let current = request;
  for (let pause = 10; service.clock.now() < giveUp; pause = Math.min(250, pause * 1.5)) {
    await service.clock.sleepUntil(plus(service.clock.now(), Math.ceil(pause)));
    current = (await service.requests.find(request.id)) ?? current;
    if (isOutcomeOf(current, commandId)) {
      if (!isPassing(current)) return { commandId, request: current };
    } else {
      const refusal = refusalOf(current, wanted, asked);
      if (refusal) return { commandId, request: current, refusal };
    }
  }
  return { commandId, request: current, pending: true };
}

function refusalOf(request: AccessRequest, wanted: PersonCommand, now: Instant): Refusal | undefined {
  const decision = decide(request, wanted, now);
  return 'refusal' in decision ? decision.refusal : undefined;
}

async function raise(service: Service, client: DurableClient, id: RequestId, wanted: PersonCommand): Promise<void> {
  try {
    await client.raiseEvent(id, commandEvent, wanted);
  } catch {
    // The one good reason is that a crash came between accepting the request and starting its orchestration.
    await ensureStarted(service, client, id);
    await client.raiseEvent(id, commandEvent, wanted).catch((cause: unknown) => {
      throw new CurfewError('CURFEW_STORE_UNAVAILABLE', { cause });
    });
  }
}

/** Whether the instance goes on. One that can't be asked about counts as gone: a running one can't be started over. */
export async function lifeOf(client: Pick<DurableClient, 'getStatus'>, id: RequestId): Promise<Life> {
  const status = await client.getStatus(id, { showInput: false }).catch(() => undefined);
  return status && living.has(status.runtimeStatus) ? 'alive' : 'gone';
}

const { Running, Pending, ContinuedAsNew, Suspended } = OrchestrationRuntimeStatus;
const living: ReadonlySet<string> = new Set([Running, Pending, ContinuedAsNew, Suspended]);

export function newCommandId({ entropy }: Pick<Service, 'entropy'>): CommandId {
  return Buffer.from(entropy.bytes(16)).toString('hex') as CommandId;
}

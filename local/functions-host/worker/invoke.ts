import { randomUUID } from 'node:crypto';
import type { InvocationContext } from '@azure/functions';
import type { Log } from '../log.ts';
import {
  type CoreContext,
  type FunctionApp,
  type Handler,
  invocationModel,
  type RegisteredFunction,
  type TypedData,
} from './core-api.ts';

export interface Worker {
  readonly app: FunctionApp;
  /** Shared by all hooks from `appStart` on. */
  readonly appHookData: Record<string, unknown>;
  readonly log: Log;
  /** What the durable client input binding receives. */
  readonly durableClient: () => string;
}

export interface Invocation {
  readonly result: unknown;
  /** The bindings' answer, as the SDK encodes it. */
  respond(): Promise<TypedData | null | undefined>;
}

/**
 * One call of a function by way of the SDK's own invocation model; the hooks are the worker's business. `prepare` sees the
 * context before the function does.
 */
export async function invoke(
  worker: Worker,
  fn: RegisteredFunction,
  trigger: TypedData | undefined,
  prepare: (context: InvocationContext) => void = () => {},
): Promise<Invocation> {
  const core: CoreContext = {
    invocationId: randomUUID(),
    metadata: { name: fn.name, bindings: fn.bindings },
    request: { inputData: inputs(worker, fn, trigger), triggerMetadata: {} },
    log: (level, category, message) =>
      worker.log({ level, category: category === 'user' ? fn.name : `worker.${fn.name}`, message }),
  };
  const model = invocationModel(core);
  const { context, inputs: args } = await model.getArguments();
  prepare(context);
  const result = await withHooks(worker, core, context, args, fn.handler, (final, handler) =>
    model.invokeFunction(context, final, handler),
  );
  return {
    result,
    async respond() {
      const { returnValue, outputData } = await model.getResponse(context, result);
      if (outputData && outputData.length > 0)
        throw new Error('This local host has no output bindings but the HTTP response.');
      return returnValue;
    },
  };
}

async function withHooks(
  { app, appHookData }: Worker,
  core: CoreContext,
  invocationContext: InvocationContext,
  inputs: unknown[],
  functionCallback: Handler,
  call: (inputs: unknown[], handler: Handler) => Promise<unknown>,
): Promise<unknown> {
  const before = { hookData: {}, appHookData, invocationContext, inputs, functionCallback };
  core.state = 'preInvocationHooks';
  await app.runHooks('preInvocation', before);
  core.state = 'invocation';
  const outcome: { result?: unknown; error?: unknown; failed: boolean } = { failed: false };
  try {
    outcome.result = await call(before.inputs, before.functionCallback);
  } catch (error) {
    outcome.error = error;
    outcome.failed = true;
  }
  const after = { ...before, result: outcome.result, error: outcome.error };
  core.state = 'postInvocationHooks';
  await app.runHooks('postInvocation', after);
  // As in the real worker: whoever throws `undefined` has succeeded, and a hook may clear or replace an error.
  if (after.error !== undefined && after.error !== null) throw after.error;
  return after.result;
}

function inputs(
  worker: Worker,
  fn: RegisteredFunction,
  trigger: TypedData | undefined,
): { name: string; data?: TypedData }[] {
  return Object.entries(fn.bindings)
    .filter(([, { direction }]) => direction === 'in')
    .map(([name, { type }]) => {
      const data = type === 'durableClient' ? { json: worker.durableClient() } : trigger;
      return data ? { name, data } : { name };
    });
}

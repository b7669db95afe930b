import { registerHooks } from 'node:module';
import type { InvocationContext } from '@azure/functions';
import type { LogLevel } from '../log.ts';

/** The part of the worker's `@azure/functions-core` module that the npm SDKs use, as version 4.16.5 of `@azure/functions` calls it. */

export interface Binding {
  readonly type: string;
  readonly direction: 'in' | 'out';
  readonly [option: string]: unknown;
}

export type Handler = (...args: unknown[]) => unknown;
export type HookCallback = (context: object) => unknown;

export interface RegisteredFunction {
  readonly name: string;
  readonly bindings: Readonly<Record<string, Binding>>;
  readonly handler: Handler;
}

export interface TypedData {
  readonly string?: string;
  readonly json?: string;
  readonly bytes?: Uint8Array;
  readonly http?: HttpData;
}

export interface HttpData {
  readonly method?: string;
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly params?: Readonly<Record<string, string>>;
  readonly nullableQuery?: Readonly<Record<string, { value: string }>>;
  readonly nullableHeaders?: Readonly<Record<string, { value: string }>>;
  readonly statusCode?: string;
  readonly cookies?: readonly HttpCookie[];
  readonly body?: TypedData | null;
}

export interface HttpCookie {
  readonly name: string;
  readonly value: string;
  readonly domain?: { readonly value: string };
  readonly path?: { readonly value: string };
  readonly expires?: { readonly value: { readonly seconds: number } };
  readonly secure?: { readonly value: boolean };
  readonly httpOnly?: { readonly value: boolean };
  readonly sameSite?: 'none' | 'lax' | 'strict' | 'explicitNone';
  readonly maxAge?: { readonly value: number };
}

export interface CoreContext {
  readonly invocationId: string;
  readonly metadata: { readonly name: string; readonly bindings: Readonly<Record<string, Binding>> };
  readonly request: {
    readonly inputData: readonly { name: string; data?: TypedData }[];
    readonly triggerMetadata: Record<string, TypedData>;
  };
  state?: 'preInvocationHooks' | 'postInvocationHooks' | 'invocation';
  log(level: LogLevel, category: 'user' | 'system', message: string): void;
}

export interface InvocationModel {
  getArguments(): Promise<{ context: InvocationContext; inputs: unknown[] }>;
  invokeFunction(context: InvocationContext, inputs: unknown[], handler: Handler): Promise<unknown>;
  getResponse(
    context: InvocationContext,
    result: unknown,
  ): Promise<{ returnValue?: TypedData | null; outputData?: readonly { name: string }[] }>;
}

interface ProgrammingModel {
  getInvocationModel(context: CoreContext): InvocationModel;
  getCapabilities(capabilities: Record<string, string>): Promise<Record<string, string>>;
}

/** What a module registered while it was imported. */
export class FunctionApp {
  readonly functions: RegisteredFunction[] = [];
  readonly #hooks = new Map<string, Set<HookCallback>>();

  addHook(name: string, callback: HookCallback): { dispose(): void } {
    const callbacks = this.#hooks.get(name) ?? new Set();
    callbacks.add(callback);
    this.#hooks.set(name, callbacks);
    return { dispose: () => callbacks.delete(callback) };
  }

  async runHooks(name: string, context: object): Promise<void> {
    for (const callback of this.#hooks.get(name) ?? []) await callback(context);
  }
}

const MODULE = '@azure/functions-core';
const slot = Symbol.for('curfew.local.functions-core');

interface CoreState {
  model?: ProgrammingModel;
  importing?: FunctionApp;
  readonly imported: Map<string, FunctionApp>;
  log: (level: LogLevel, category: string, message: string) => void;
}

// The SDK keeps its half in module state, so there is one per process here as well.
const state: CoreState = { imported: new Map(), log: () => {} };

const coreApi = {
  version: '0.0.0-local',
  hostVersion: '4.0.0-local',
  setProgrammingModel(model: ProgrammingModel) {
    state.model = model;
  },
  registerFunction(metadata: { name: string; bindings: Record<string, Binding> }, handler: Handler) {
    const app = collector('A function');
    if (app.functions.some(({ name }) => name.toLowerCase() === metadata.name.toLowerCase())) {
      throw new Error(`A function named '${metadata.name}' is registered already.`);
    }
    app.functions.push({ ...metadata, handler });
    return { dispose() {} };
  },
  registerHook: (name: string, callback: HookCallback) => collector('A hook').addHook(name, callback),
  log: (level: LogLevel, category: string, message: string) => state.log(level, category, message),
};

function collector(what: string): FunctionApp {
  if (state.importing) return state.importing;
  throw new Error(`${what} can be registered only while the app's module is being imported.`);
}

function install(): void {
  if (Object.hasOwn(globalThis, slot)) return;
  Object.defineProperty(globalThis, slot, { value: coreApi });
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === MODULE
        ? { url: `local:${MODULE}`, format: 'commonjs', shortCircuit: true }
        : next(specifier, context),
    load: (url, context, next) =>
      url === `local:${MODULE}`
        ? {
            format: 'commonjs',
            source: `module.exports = globalThis[Symbol.for('curfew.local.functions-core')]`,
            shortCircuit: true,
          }
        : next(url, context),
  });
}

/** Imports the app's module, or returns what it registered when this process imported it before. */
export async function importApp(url: URL, log: CoreState['log']): Promise<FunctionApp> {
  install();
  state.log = log;
  const known = state.imported.get(url.href);
  if (known) return known;
  const app = new FunctionApp();
  state.importing = app;
  try {
    await import(url.href);
  } finally {
    state.importing = undefined;
  }
  const capabilities = (await state.model?.getCapabilities({})) ?? {};
  if (capabilities.HttpUri) throw new Error('This local host does not do enableHttpStream; see its README.');
  state.imported.set(url.href, app);
  return app;
}

export function invocationModel(context: CoreContext): InvocationModel {
  if (!state.model) throw new Error("The app registered no function through '@azure/functions'.");
  return state.model.getInvocationModel(context);
}

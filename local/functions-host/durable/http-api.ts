import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Log } from '../log.ts';
import type { Engine } from './engine.ts';
import { DurableError, type DurableErrorCode } from './errors.ts';
import { statusOf } from './status.ts';
import type { InstanceFilter, RuntimeStatus } from './store.ts';

const HUB = 'local';
const known: ReadonlySet<string> = new Set<RuntimeStatus>([
  'Pending',
  'Running',
  'Suspended',
  'Completed',
  'Failed',
  'Terminated',
]);
const ended: readonly RuntimeStatus[] = ['Completed', 'Failed', 'Terminated'];

type Answer = { readonly status: number; readonly body?: unknown; readonly headers?: Record<string, string> };

const answers: Readonly<
  Record<DurableErrorCode, { status: number; message: string; type: string } | { status: number }>
> = {
  'unknown-orchestrator': {
    status: 400,
    message: 'One or more of the arguments submitted is incorrect',
    type: 'System.ArgumentException',
  },
  'already-exists': {
    status: 500,
    message: 'Something went wrong while processing your request',
    type: 'DurableTask.Core.Exceptions.OrchestrationAlreadyExistsException',
  },
  'wrong-state': {
    status: 500,
    message: 'Something went wrong while processing your request',
    type: 'System.InvalidOperationException',
  },
  'bad-id': {
    status: 400,
    message: 'One or more of the arguments submitted is incorrect',
    type: 'System.ArgumentException',
  },
  'bad-payload': { status: 400, message: 'Invalid JSON content', type: 'Newtonsoft.Json.JsonReaderException' },
  'not-found': { status: 404 },
  ended: { status: 410 },
};

/**
 * The extension's HTTP API, as far as the SDK's client calls it. On Azure the client reaches it on a port of its own without a key;
 * here it shares the app's port, behind a path that nobody can guess.
 */
export class DurableHttpApi {
  readonly #engine: () => Engine;
  readonly #origin: () => string;
  readonly #log: Log;
  readonly #base = `/durabletask-${randomBytes(16).toString('hex')}/`;

  constructor(engine: () => Engine, origin: () => string, log: Log) {
    this.#engine = engine;
    this.#origin = origin;
    this.#log = log;
  }

  /** The value of the durable client input binding, as JSON. */
  binding(): string {
    const webhooks = `${this.#origin()}/runtime/webhooks/durabletask`;
    return JSON.stringify({
      taskHubName: HUB,
      creationUrls: {
        createNewInstancePostUri: `${webhooks}/orchestrators/{functionName}[/{instanceId}]`,
        createAndWaitOnNewInstancePostUri: `${webhooks}/orchestrators/{functionName}[/{instanceId}]?timeout={timeoutInSeconds}&pollingInterval={intervalInSeconds}`,
      },
      managementUrls: { ...this.#links('INSTANCEID'), id: 'INSTANCEID' },
      baseUrl: webhooks,
      requiredQueryStringParameters: `taskHub=${HUB}`,
      rpcBaseUrl: `${this.#origin()}${this.#base}`,
    });
  }

  async handle(request: IncomingMessage, response: ServerResponse, path: string): Promise<boolean> {
    if (path.startsWith('/runtime/webhooks')) {
      send(response, { status: 401, headers: { 'WWW-Authenticate': 'Bearer' } });
      return true;
    }
    if (!path.startsWith(this.#base)) return false;
    const segments = path.slice(this.#base.length).split('/');
    if (segments.at(-1) === '') segments.pop();
    const query = new URL(request.url ?? '/', 'http://local').searchParams;
    const body = await text(request);
    try {
      send(response, await this.#route(request.method ?? 'GET', segments, query, body));
    } catch (error) {
      if (!(error instanceof DurableError)) throw error;
      const answer = answers[error.code];
      const body =
        'type' in answer
          ? { Message: answer.message, ExceptionMessage: error.message, ExceptionType: answer.type }
          : undefined;
      send(response, { status: answer.status, body });
    }
    return true;
  }

  async #route(method: string, segments: readonly string[], query: URLSearchParams, body: string): Promise<Answer> {
    const [kind, name = '', third, fourth] = segments;
    if (kind === 'orchestrators' && method === 'POST' && name !== '' && segments.length <= 3) {
      return this.#start(name, third, body, query.get('version') ?? undefined);
    }
    if (kind === 'entities') return this.#refuse('durable entities');
    if (kind !== 'instances' || segments.length > 4) return { status: 404 };
    if (method === 'DELETE' && segments.length === 1) return this.#purgeBy(query);
    if (method === 'DELETE' && segments.length === 2) return this.#purge([name]);
    if (method === 'GET' && segments.length === 1) return this.#list(query);
    if (method === 'GET' && segments.length === 2) return this.#status(name, query);
    if (method !== 'POST') return { status: 404 };
    const reason = query.get('reason') ?? '';
    const engine = this.#engine();
    switch (third) {
      case 'raiseEvent':
        if (fourth === undefined) return { status: 404 };
        await engine.raise(name, fourth, payload(body));
        return { status: 202 };
      case 'terminate':
        await engine.terminate(name, reason);
        return { status: 202 };
      case 'suspend':
        await engine.suspend(name, reason);
        return { status: 202 };
      case 'resume':
        await engine.resume(name, reason);
        return { status: 202 };
      case 'rewind':
        return engine.row(name) ? this.#refuse('rewinding') : { status: 404 };
      default:
        return { status: 404 };
    }
  }

  async #start(name: string, id: string | undefined, body: string, version?: string): Promise<Answer> {
    if (id !== undefined) checkId(id);
    // The client posts an empty body where the input was left out, and that is what the orchestrator gets.
    const text = body === '' ? '""' : payload(body);
    const input = text === 'null' ? null : text;
    const instance = await this.#engine().start(name, id, input, version);
    const links = this.#links(instance);
    return {
      status: 202,
      body: { id: instance, ...links },
      headers: { Location: links.statusQueryGetUri, 'Retry-After': '10' },
    };
  }

  #status(id: string, query: URLSearchParams): Answer {
    const row = this.#engine().row(id);
    if (!row) return { status: 404 };
    const body = statusOf(row, query.get('showInput')?.toLowerCase() !== 'false');
    if (row.status === 'Failed' && query.get('returnInternalServerErrorOnFailure') === 'true')
      return { status: 500, body };
    return { status: ended.includes(row.status) ? 200 : 202, body };
  }

  #list(query: URLSearchParams): Answer {
    const showInput = query.get('showInput')?.toLowerCase() !== 'false';
    return {
      status: 200,
      body: this.#engine()
        .list(filterOf(query))
        .map((row) => statusOf(row, showInput)),
    };
  }

  async #purge(ids: readonly string[]): Promise<Answer> {
    const instancesDeleted = await this.#engine().purge(ids);
    return instancesDeleted > 0 ? { status: 200, body: { instancesDeleted } } : { status: 404 };
  }

  /** By filter only ended instances go. */
  async #purgeBy(query: URLSearchParams): Promise<Answer> {
    if (!query.has('createdTimeFrom'))
      throw new DurableError('bad-payload', 'A purge by filter needs createdTimeFrom.');
    const { statuses = ended, ...filter } = filterOf(query);
    const rows = this.#engine().list({ ...filter, statuses: ended.filter((each) => statuses.includes(each)) });
    return this.#purge(rows.map(({ id }) => id));
  }

  #refuse(what: string): Answer {
    const message = `This local host does not do ${what}; see its README.`;
    this.#log({ level: 'error', category: 'durable', message });
    return { status: 501, body: message };
  }

  #links(id: string) {
    const instance = `${this.#origin()}/runtime/webhooks/durabletask/instances/${encodeURIComponent(id)}`;
    return {
      statusQueryGetUri: `${instance}?taskHub=${HUB}`,
      sendEventPostUri: `${instance}/raiseEvent/{eventName}?taskHub=${HUB}`,
      terminatePostUri: `${instance}/terminate?reason={text}&taskHub=${HUB}`,
      rewindPostUri: `${instance}/rewind?reason={text}&taskHub=${HUB}`,
      purgeHistoryDeleteUri: `${instance}?taskHub=${HUB}`,
      restartPostUri: `${instance}/restart?taskHub=${HUB}`,
      suspendPostUri: `${instance}/suspend?reason={text}&taskHub=${HUB}`,
      resumePostUri: `${instance}/resume?reason={text}&taskHub=${HUB}`,
    };
  }
}

/** Unknown statuses and unreadable dates are ignored, as by the extension. */
function filterOf(query: URLSearchParams): InstanceFilter {
  const statuses = (query.get('runtimeStatus') ?? '').split(',').filter((status) => known.has(status));
  const [from, to] = ['createdTimeFrom', 'createdTimeTo'].map((key) => Date.parse(query.get(key) ?? ''));
  const prefix = query.get('instanceIdPrefix');
  return {
    ...(statuses.length > 0 && { statuses }),
    ...(from && { createdFrom: from }),
    ...(to && { createdTo: to }),
    ...(prefix && { prefix }),
  };
}

function checkId(id: string): void {
  if (id.startsWith('@')) throw new DurableError('bad-id', 'Orchestration instance ids must not start with "@".');
  if (id.length > 256)
    throw new DurableError('bad-id', 'Orchestration instance ids must not be longer than 256 characters.');
}

/** JSON text in, JSON text as Newtonsoft writes it out. */
function payload(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body)).replace(
      /[\u0085\u2028\u2029]/g,
      (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
  } catch {
    throw new DurableError('bad-payload', "Error reading JToken from JsonReader. Path '', line 0, position 0.");
  }
}

async function text(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}

function send(response: ServerResponse, { status, body, headers = {} }: Answer): void {
  if (body === undefined) {
    response.writeHead(status, { ...headers, 'Content-Length': 0 });
    response.end();
  } else {
    response.writeHead(status, { ...headers, 'Content-Type': 'application/json; charset=utf-8' });
    response.end(JSON.stringify(body));
  }
}

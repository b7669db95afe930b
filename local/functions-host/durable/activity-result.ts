import { taskCompleted, taskFailed } from './history.ts';
import type { HistoryEvent } from './wire.ts';

/** What a returned value becomes on its way through the host's RPC layer: JSON text, or null for nothing. */
export function encodeResult(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'number') return encodeNumber(value);
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    throw new TypeError('This local host passes no bytes out of an activity; return a string.');
  }
  return JSON.stringify(value) ?? null;
}

/** Whole numbers travel as 64-bit integers and overflow silently; what is no number at all arrives as a word. */
function encodeNumber(value: number): string {
  if (Number.isInteger(value)) return BigInt.asIntN(64, BigInt(value)).toString();
  return Number.isFinite(value) ? JSON.stringify(value) : JSON.stringify(String(value));
}

/** `throw undefined` and `throw null` reach the host as success. */
export function failureEvent(at: number, id: number, name: string, thrown: unknown): HistoryEvent {
  if (thrown === undefined || thrown === null) return taskCompleted(at, id, null);
  const { message, stack } = describe(thrown);
  return taskFailed(at, id, `Activity function '${name}' failed:  ${message}`, details(message, stack));
}

function describe(thrown: unknown): { message: string; stack: string } {
  if (thrown instanceof Error) return { message: thrown.message, stack: thrown.stack ?? '' };
  const message = typeof thrown === 'string' ? thrown : (JSON.stringify(thrown) ?? String(thrown));
  return { message, stack: `Error: ${message}` };
}

/** The .NET exception as the extension serialises it, less its own stack: orchestrators see this text in `error.message`. */
function details(message: string, stack: string): string {
  return JSON.stringify({
    $type: 'System.Exception, System.Private.CoreLib',
    ClassName: 'System.Exception',
    Message: ` ${message}`,
    Data: null,
    InnerException: {
      $type: 'Microsoft.Azure.WebJobs.Script.Workers.Rpc.RpcException, Microsoft.Azure.WebJobs.Script',
      IsUserException: false,
      RemoteStackTrace: stack,
      RemoteMessage: message,
      RemoteTypeName: null,
      Message: `Result: Failure\nException: ${message}\nStack: ${stack}`,
      Data: { $type: 'System.Collections.ListDictionaryInternal, System.Private.CoreLib' },
      InnerException: null,
      HelpLink: null,
      Source: 'System.Private.CoreLib',
      HResult: -2146233088,
      StackTrace: null,
    },
    HelpURL: null,
    StackTraceString: null,
    RemoteStackTraceString: null,
    RemoteStackIndex: 0,
    ExceptionMethod: null,
    HResult: -2146233088,
    Source: null,
    WatsonBuckets: null,
  });
}

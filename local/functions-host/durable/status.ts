import type { InstanceRow, RuntimeStatus } from './store.ts';

/** The status as the extension's HTTP API words it. Times are ISO 8601 in whole seconds, rounded down. */
export interface InstanceStatus {
  readonly name: string;
  readonly instanceId: string;
  readonly runtimeStatus: RuntimeStatus;
  readonly input: unknown;
  readonly customStatus: unknown;
  /** The result; for Failed the error's text; for Terminated and Suspended the reason. */
  readonly output: unknown;
  readonly createdTime: string;
  readonly lastUpdatedTime: string;
}

export function statusOf(row: InstanceRow, showInput = true): InstanceStatus {
  return {
    name: row.name,
    instanceId: row.id,
    runtimeStatus: row.status,
    // The SDK refuses a status without `input` and `output`: null, never left out.
    input: showInput ? decode(row.input) : null,
    customStatus: decode(row.customStatus),
    output: decode(row.output),
    createdTime: wholeSeconds(row.created),
    lastUpdatedTime: wholeSeconds(row.updated),
  };
}

const decode = (text: string | null): unknown => (text === null ? null : JSON.parse(text));

const wholeSeconds = (epochMs: number): string => new Date(epochMs).toISOString().replace(/\.\d+Z$/, 'Z');

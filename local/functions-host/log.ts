export type LogLevel = 'trace' | 'debug' | 'information' | 'warning' | 'error' | 'critical' | 'none';

export interface LogEntry {
  readonly level: LogLevel;
  /** `host`, `durable`, or the name of the function that wrote the line. */
  readonly category: string;
  readonly message: string;
}

export type Log = (entry: LogEntry) => void;

export const silent: Log = () => {};

import type { IncomingHttpHeaders } from 'node:http';
import { Refusal } from './refusal.ts';

/** What an operation answers, before it is HTTP. `charge` is an estimate in request units. */
export interface Outcome {
  status: 200 | 201 | 204 | 207 | 304;
  body?: string;
  etag?: string;
  charge: number;
  headers?: Record<string, string>;
}

export interface Conditions {
  ifMatch?: string | undefined;
  ifNoneMatch?: string | undefined;
}

export const conditionsFrom = (headers: IncomingHttpHeaders): Conditions => ({
  ifMatch: headers['if-match'],
  ifNoneMatch: headers['if-none-match'],
});

/** For writes: a condition that doesn't hold is 412. */
export function requireConditions({ ifMatch, ifNoneMatch }: Conditions, etag: string): void {
  const unmatched = ifMatch !== undefined && ifMatch !== '*' && ifMatch !== etag;
  if (unmatched || ifNoneMatch === '*' || ifNoneMatch === etag)
    throw new Refusal(412, 'Operation cannot be performed because one of the specified precondition is not met.');
}

const kilobytesAboveOne = (bytes: number) => Math.max(0, bytes / 1024 - 1);
/** Roughly Azure's: 1 RU to read 1 KB, 10 for 100 KB; 5.3 to write 1 KB, 50 for 100 KB; twice that to change it. */
export const readCharge = (bytes: number) => 1 + kilobytesAboveOne(bytes) * 0.09;
export const writeCharge = (bytes: number) => 5.29 + kilobytesAboveOne(bytes) * 0.45;
export const changeCharge = (bytes: number) => 2 * writeCharge(bytes);
export const queryCharge = (scanned: number, bytes: number) => 2.3 + scanned * 0.03 + (bytes / 1024) * 0.1;

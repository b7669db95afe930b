import { badRequest } from './refusal.ts';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };
/** What an expression gives: `undefined` is Cosmos DB's own Undefined, which is neither null nor false. */
export type Value = Json | undefined;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A member of an object or array, and never something inherited: `c.constructor` is Undefined. */
export function member(value: Value, step: string | number): Value {
  if (Array.isArray(value)) return typeof step === 'number' ? value[step] : undefined;
  return isObject(value) && typeof step === 'string' && Object.hasOwn(value, step) ? value[step] : undefined;
}

export function parseJson(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw badRequest('The request body is not valid JSON.');
  }
}

export function parseObject(text: string): JsonObject {
  const value = parseJson(text);
  if (!isObject(value)) throw badRequest('The request body must be a JSON object.');
  return value;
}

export function equal(a: Value, b: Value): boolean {
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => equal(item, b[i]));
  if (!isObject(a) || !isObject(b)) return a === b;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && equal(a[key], b[key]));
}

/** The order of types in ORDER BY: undefined < null < boolean < number < string < array < object. */
export function rank(value: Value): number {
  if (value === undefined) return 0;
  if (value === null) return 1;
  if (typeof value === 'boolean') return 2;
  if (typeof value === 'number') return 3;
  if (typeof value === 'string') return 4;
  return Array.isArray(value) ? 5 : 6;
}

/** Total order over values; arrays and objects tie among themselves. */
export function compare(a: Value, b: Value): number {
  const ranks = rank(a) - rank(b);
  if (ranks !== 0 || a === b || a === undefined || b === undefined || a === null || b === null) return ranks;
  if (typeof a === 'object' || typeof b === 'object') return 0;
  return a < b ? -1 : 1;
}

/** One text per value, whatever the order of an object's keys. */
export function canonical(value: Value): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (!isObject(value)) return value === undefined ? 'undefined' : JSON.stringify(value);
  const entries = Object.keys(value).sort((a, b) => (a < b ? -1 : 1));
  return `{${entries.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join()}}`;
}

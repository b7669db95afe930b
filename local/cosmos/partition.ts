import { type Json, member, parseJson, type Value } from './json.ts';
import { badRequest, Refusal } from './refusal.ts';

/** The text a partition is stored under: `["eu"]`, `[null]`, and `[{}]` where the property is missing. */
export type Partition = string & { readonly __partition: never };

const write = (value: Value): Partition => {
  if (typeof value === 'object' && value !== null)
    throw badRequest('A partition key is a string, number, boolean or null.');
  const text = JSON.stringify([value === undefined ? {} : value]);
  if (Buffer.byteLength(text) > 2048) throw badRequest('The partition key is longer than 2 KB.');
  return text as Partition;
};

export const partitionOf = (document: Json, path: readonly string[]): Partition =>
  write(path.reduce<Value>((value, step) => member(value, step), document));

/** Reads `x-ms-documentdb-partitionkey`, a JSON array of one value; `{}` stands for a missing one. */
export function partitionFrom(header: string): Partition {
  const list = parseJson(header);
  if (!Array.isArray(list) || list.length !== 1) throw badRequest('The partition key must have exactly one value.');
  const value = list[0];
  const missing =
    typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;
  return write(missing ? undefined : value);
}

export const partitionOfValue = (value: Value): Partition => write(value);

export function requireSame(given: Partition, inDocument: Partition): void {
  if (given === inDocument) return;
  const message = 'PartitionKey extracted from document doesn’t match the one specified in the header.';
  throw new Refusal(400, message, { substatus: 1001 });
}

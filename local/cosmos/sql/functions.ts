import { equal, isObject, type Json, type Value } from '../json.ts';

interface BuiltIn {
  min: number;
  max: number;
  apply(args: Value[]): Value;
}

const isPrimitive = (value: Value) => value === null || ['boolean', 'number', 'string'].includes(typeof value);
const test = (check: (value: Value) => boolean): BuiltIn => ({ min: 1, max: 1, apply: ([value]) => check(value) });

const onString = (work: (text: string) => Json): BuiltIn => ({
  min: 1,
  max: 1,
  apply: ([text]) => (typeof text === 'string' ? work(text) : undefined),
});

/** The third argument asks to ignore case; anything but strings gives Undefined. */
const onTwoStrings = (work: (text: string, part: string) => boolean): BuiltIn => ({
  min: 2,
  max: 3,
  apply: ([text, part, ignoreCase = false]) => {
    if (typeof text !== 'string' || typeof part !== 'string' || typeof ignoreCase !== 'boolean') return undefined;
    return ignoreCase ? work(text.toLowerCase(), part.toLowerCase()) : work(text, part);
  },
});

/** A partial match: every property of the pattern is in the item, nested objects likewise. */
const covers = (item: Value, pattern: Value): boolean =>
  isObject(item) && isObject(pattern)
    ? Object.entries(pattern).every(([key, value]) => Object.hasOwn(item, key) && covers(item[key], value))
    : equal(item, pattern);

export const functions: ReadonlyMap<string, BuiltIn> = new Map<string, BuiltIn>([
  ['IS_DEFINED', test((value) => value !== undefined)],
  ['IS_NULL', test((value) => value === null)],
  ['IS_BOOL', test((value) => typeof value === 'boolean')],
  ['IS_NUMBER', test((value) => typeof value === 'number')],
  ['IS_STRING', test((value) => typeof value === 'string')],
  ['IS_ARRAY', test(Array.isArray)],
  ['IS_OBJECT', test(isObject)],
  ['IS_PRIMITIVE', test(isPrimitive)],
  ['LOWER', onString((text) => text.toLowerCase())],
  ['UPPER', onString((text) => text.toUpperCase())],
  ['LENGTH', onString((text) => text.length)],
  ['CONTAINS', onTwoStrings((text, part) => text.includes(part))],
  ['STARTSWITH', onTwoStrings((text, part) => text.startsWith(part))],
  ['ENDSWITH', onTwoStrings((text, part) => text.endsWith(part))],
  ['ARRAY_LENGTH', { min: 1, max: 1, apply: ([list]) => (Array.isArray(list) ? list.length : undefined) }],
  [
    'ARRAY_CONTAINS',
    {
      min: 2,
      max: 3,
      apply: ([list, wanted, partial = false]) =>
        Array.isArray(list) && wanted !== undefined
          ? list.some((item) => (partial === true ? covers(item, wanted) : equal(item, wanted)))
          : undefined,
    },
  ],
]);

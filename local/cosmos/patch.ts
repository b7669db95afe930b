import { isObject, type Json, type JsonObject, member, type Value } from './json.ts';
import { badRequest, Refusal } from './refusal.ts';
import { compile } from './sql/compile.ts';
import { parseCondition } from './sql/parser.ts';

const fixed = new Set(['id', '_rid', '_self', '_etag', '_attachments', '_ts']);

/**
 * Applies `{operations, condition?}` to a copy of the document. The partition key is guarded by the caller, who compares
 * the outcome's with the request's.
 */
export function applyPatch(patch: JsonObject, document: JsonObject): JsonObject {
  const { operations, condition } = patch;
  if (!Array.isArray(operations) || operations.length === 0) throw badRequest('A patch has at least one operation.');
  if (operations.length > 10) throw badRequest('A patch has at most 10 operations.');
  if (condition !== undefined && condition !== null) requireCondition(condition, document);
  const copy = structuredClone(document);
  for (const operation of operations) {
    if (!isObject(operation)) throw badRequest('A patch operation is an object.');
    apply(copy, operation);
  }
  return copy;
}

/** A patch comes as an object, or as the bare list of its operations. */
export function readPatch(value: Json | undefined): JsonObject {
  if (Array.isArray(value)) return { operations: value };
  if (!isObject(value)) throw badRequest('A patch is an object or a list of operations.');
  return value;
}

function requireCondition(condition: Json, document: JsonObject): void {
  if (typeof condition !== 'string') throw badRequest('The condition of a patch is a text.');
  if (compile(parseCondition(condition), new Map())(document) !== true)
    throw new Refusal(412, 'The condition of the patch is not met.');
}

function pointer(path: Value): string[] {
  if (typeof path !== 'string' || !path.startsWith('/')) throw badRequest('A patch path starts with a slash.');
  return path
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function apply(document: JsonObject, { op, path, from, value }: JsonObject): void {
  const steps = pointer(path);
  if (fixed.has(steps[0] ?? '')) throw badRequest(`The property '${steps[0]}' cannot be patched.`);
  if (op === 'move') {
    const source = pointer(from);
    if (fixed.has(source[0] ?? '')) throw badRequest(`The property '${source[0]}' cannot be patched.`);
    const moved = placeOf(document, source).take();
    placeOf(document, steps).put('add', moved);
    return;
  }
  const place = placeOf(document, steps);
  if (op === 'remove') {
    place.take();
    return;
  }
  if (value === undefined) throw badRequest('The patch operation has no value.');
  if (op === 'incr') {
    const before = place.current ?? 0;
    if (typeof before !== 'number' || typeof value !== 'number') throw badRequest('incr takes numbers only.');
    place.put('set', before + value);
  } else if (op === 'add' || op === 'set' || op === 'replace') {
    if (op === 'replace' && place.current === undefined)
      throw badRequest(`There is nothing to replace at ${String(path)}.`);
    place.put(op, value);
  } else throw badRequest(`The patch operation '${String(op)}' is not supported.`);
}

interface Place {
  current: Value;
  put(op: 'add' | 'set' | 'replace', value: Json): void;
  take(): Json;
}

function placeOf(document: JsonObject, steps: string[]): Place {
  const parent = steps.slice(0, -1).reduce<Value>(step, document);
  const last = steps.at(-1) ?? '';
  const missing = () => badRequest(`There is nothing at /${steps.join('/')}.`);
  if (Array.isArray(parent)) {
    const at = last === '-' ? parent.length : /^(?:0|[1-9]\d*)$/u.test(last) ? Number(last) : Number.NaN;
    const current = parent[at];
    return {
      current,
      put(op, value) {
        if (!(at <= parent.length)) throw missing();
        // `add` inserts before the element; `set` and `replace` take its place; each appends at the end.
        parent.splice(at, op === 'add' || at === parent.length ? 0 : 1, value);
      },
      take() {
        if (current === undefined) throw missing();
        parent.splice(at, 1);
        return current;
      },
    };
  }
  if (!isObject(parent)) throw missing();
  const current = member(parent, last);
  return {
    current,
    put(_, value) {
      // Not an assignment: a property named __proto__ is a property.
      Object.defineProperty(parent, last, { value, writable: true, enumerable: true, configurable: true });
    },
    take() {
      if (current === undefined) throw missing();
      delete parent[last];
      return current;
    },
  };
}

const step = (value: Value, name: string): Value =>
  Array.isArray(value) && /^(?:0|[1-9]\d*)$/u.test(name) ? value[Number(name)] : member(value, name);

import { compare, equal, isObject, type Json, type JsonObject, member, rank, type Value } from '../json.ts';
import { badRequest } from '../refusal.ts';
import type { Comparison, Expression, Step } from './ast.ts';
import { functions } from './functions.ts';

export type Parameters = ReadonlyMap<string, Json>;
export type Evaluate = (document: Json) => Value;

const orderings: Record<Exclude<Comparison, '=' | '!='>, (order: number) => boolean> = {
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};

/** Equality across types is false; order across types, and of arrays and objects, is Undefined. */
function comparison(operator: Comparison, a: Value, b: Value): Value {
  if (a === undefined || b === undefined) return undefined;
  if (operator === '=') return equal(a, b);
  if (operator === '!=') return !equal(a, b);
  return rank(a) === rank(b) && rank(a) < 5 ? orderings[operator](compare(a, b)) : undefined;
}

/** Undefined passes through unless the other side decides alone. */
function logical(kind: 'and' | 'or', a: Value, b: Value): Value {
  const decisive = kind === 'or';
  if (a === decisive || b === decisive) return decisive;
  return typeof a === 'boolean' && typeof b === 'boolean' ? !decisive : undefined;
}

export const valueAt = (document: Value, steps: readonly Step[]): Value =>
  steps.reduce<Value>((value, step) => member(value, step), document);

export function parameter(name: string, parameters: Parameters): Json {
  const value = parameters.get(name);
  if (value === undefined) throw badRequest(`The parameter '${name}' was not supplied.`);
  return value;
}

/** Values come from parameters as values: nothing of them is ever parsed as SQL. */
export function compile(expression: Expression, parameters: Parameters): Evaluate {
  const inner = (of: Expression) => compile(of, parameters);
  switch (expression.kind) {
    case 'constant':
      return () => expression.value;
    case 'parameter': {
      const value = parameter(expression.name, parameters);
      return () => value;
    }
    case 'path':
      return (document) => valueAt(document, expression.steps);
    case 'compare': {
      const [left, right] = [inner(expression.left), inner(expression.right)];
      return (document) => comparison(expression.operator, left(document), right(document));
    }
    case 'and':
    case 'or': {
      const [left, right] = [inner(expression.left), inner(expression.right)];
      return (document) => logical(expression.kind, left(document), right(document));
    }
    case 'not': {
      const operand = inner(expression.operand);
      return (document) => {
        const value = operand(document);
        return typeof value === 'boolean' ? !value : undefined;
      };
    }
    case 'in': {
      const [operand, list] = [inner(expression.operand), expression.list.map(inner)];
      return (document) => {
        const value = operand(document);
        return value === undefined ? undefined : list.some((item) => equal(value, item(document)));
      };
    }
    case 'call': {
      const args = expression.args.map(inner);
      const built = functions.get(expression.name);
      if (built === undefined) throw badRequest(`'${expression.name}' is not a recognized built-in function name.`);
      return (document) => built.apply(args.map((arg) => arg(document)));
    }
    case 'array': {
      const items = expression.items.map(inner);
      return (document) => items.map((item) => item(document)).filter((item) => item !== undefined);
    }
    case 'object': {
      const entries = expression.entries.map(({ name, value }) => [name, inner(value)] as const);
      return (document) => objectOf(entries, document);
    }
  }
}

/** Properties whose value is Undefined are left out. */
export function objectOf(entries: readonly (readonly [string, Evaluate])[], document: Json): JsonObject {
  const made: JsonObject = Object.create(null) as JsonObject;
  for (const [name, value] of entries) {
    const found = value(document);
    if (found !== undefined) made[name] = found;
  }
  return made;
}

/** What the top-level ANDs of a WHERE pin to one value, so that the store needn't look at everything. */
export function pinned(where: Expression | undefined, parameters: Parameters, steps: readonly Step[]): Value {
  if (where?.kind === 'and') return pinned(where.left, parameters, steps) ?? pinned(where.right, parameters, steps);
  if (where?.kind !== 'compare' || where.operator !== '=') return undefined;
  for (const [path, other] of [
    [where.left, where.right],
    [where.right, where.left],
  ] as const) {
    const same = path.kind === 'path' && path.steps.length === steps.length;
    if (!same || !path.steps.every((step, i) => step === steps[i])) continue;
    const value = other.kind === 'parameter' ? parameter(other.name, parameters) : undefined;
    const found = other.kind === 'constant' ? other.value : value;
    return isObject(found) || Array.isArray(found) ? undefined : found;
  }
  return undefined;
}

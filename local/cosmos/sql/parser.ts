import { badRequest } from '../refusal.ts';
import type { Aggregate, Comparison, Expression, Projection, Query, Step } from './ast.ts';
import { functions } from './functions.ts';
import { syntaxError, type Token, tokens } from './lexer.ts';

// Cosmos DB refuses these after a dot or as a bare name (`c.value`, `c.order`); `c["value"]` is the way to say it.
const reserved = new Set(
  `and array as asc between by desc distinct escape exists false from group in join like limit not null offset or order
   select top true udf undefined value where`.split(/\s+/u),
);
const comparisons: Record<string, Comparison> = {
  '=': '=',
  '!=': '!=',
  '<>': '!=',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
};
const aggregates = new Set<string>(['COUNT', 'MIN', 'MAX', 'SUM', 'AVG'] satisfies Aggregate[]);
const isAggregate = (name: string): name is Aggregate => aggregates.has(name);

/** Recursive descent over the part of the grammar the README lists; anything else is a 400, as in Azure. */
class Parser {
  readonly #tokens: Token[];
  #next = 0;
  #alias = 'c';

  constructor(sql: string) {
    this.#tokens = tokens(sql);
    // FROM comes after the projection that uses its alias, so look ahead for it.
    const from = this.#tokens.findIndex((token) => token.kind === 'word' && token.text.toLowerCase() === 'from');
    if (from >= 0) this.#alias = this.#readAlias(from + 1);
  }

  query(): Query {
    this.#expectWord('select');
    const distinct = this.#acceptWord('distinct');
    const top = this.#acceptWord('top') ? this.#countOf() : undefined;
    const projection = this.#projection();
    this.#expectWord('from');
    this.#from();
    const where = this.#acceptWord('where') ? this.#or() : undefined;
    const orderBy = this.#acceptWord('order') ? this.#orderBy() : [];
    let offset: Expression | undefined;
    let limit: Expression | undefined;
    if (this.#acceptWord('offset')) {
      offset = this.#countOf();
      this.#expectWord('limit');
      limit = this.#countOf();
    }
    this.#expectEnd();
    if (top !== undefined && offset !== undefined) throw badRequest("'TOP' cannot be used with 'OFFSET LIMIT'.");
    if (projection.kind === 'aggregate' && (distinct || top || offset || orderBy.length > 0))
      throw badRequest('An aggregate with DISTINCT, TOP, ORDER BY or OFFSET LIMIT is not supported.');
    return { projection, distinct, where, orderBy, top, offset, limit };
  }

  /** `from c where …`, the condition of a patch. */
  condition(): Expression {
    this.#expectWord('from');
    this.#from();
    this.#expectWord('where');
    const where = this.#or();
    this.#expectEnd();
    return where;
  }

  #projection(): Projection {
    if (this.#accept('*')) return { kind: 'all' };
    if (this.#acceptWord('value')) {
      const name = this.#peek().text.toUpperCase();
      if (isAggregate(name) && this.#peek(1).text === '(') {
        this.#next += 2;
        const of = this.#or();
        this.#expect(')');
        return { kind: 'aggregate', function: name, of };
      }
      return { kind: 'value', of: this.#or() };
    }
    const columns: { name: string; of: Expression }[] = [];
    do {
      const of = this.#or();
      const alias = this.#acceptWord('as') ? this.#name() : undefined;
      const last = of.kind === 'path' ? of.steps.at(-1) : undefined;
      const whole = of.kind === 'path' && of.steps.length === 0 ? this.#alias : undefined;
      const name = alias ?? whole ?? (typeof last === 'string' ? last : `$${columns.length + 1}`);
      if (columns.some((column) => column.name === name))
        throw badRequest(`Cannot create an object with two properties named '${name}'.`);
      columns.push({ name, of });
    } while (this.#accept(','));
    return { kind: 'columns', columns };
  }

  #readAlias(at: number): string {
    const source = this.#tokens[at];
    const second = this.#tokens[at + 1];
    const after = second?.text.toLowerCase() === 'as' ? this.#tokens[at + 2] : second;
    const named = after?.kind === 'word' && !reserved.has(after.text.toLowerCase());
    return (named ? after : source)?.text ?? 'c';
  }

  #from(): void {
    this.#alias = this.#readAlias(this.#next);
    this.#name();
    if (this.#acceptWord('as') || this.#isName(this.#peek())) this.#name();
  }

  #orderBy(): Query['orderBy'] {
    this.#expectWord('by');
    const paths: Query['orderBy'] = [];
    do {
      const by = this.#primary();
      if (by.kind !== 'path' || by.steps.length === 0) throw badRequest('ORDER BY takes property paths only.');
      const descending = this.#acceptWord('desc');
      if (!descending) this.#acceptWord('asc');
      paths.push({ steps: by.steps, descending });
    } while (this.#accept(','));
    if (paths.length > 2) throw badRequest('ORDER BY of more than two paths is not supported.');
    return paths;
  }

  #countOf(): Expression {
    const token = this.#take();
    if (token.kind === 'parameter') return { kind: 'parameter', name: token.text };
    if (token.kind === 'number' && Number.isInteger(token.value)) return { kind: 'constant', value: token.value };
    throw syntaxError(token.text, token.at);
  }

  #or(): Expression {
    let left = this.#and();
    while (this.#acceptWord('or')) left = { kind: 'or', left, right: this.#and() };
    return left;
  }

  #and(): Expression {
    let left = this.#comparison();
    while (this.#acceptWord('and')) left = { kind: 'and', left, right: this.#comparison() };
    return left;
  }

  #comparison(): Expression {
    if (this.#acceptWord('not')) {
      // In Cosmos DB, NOT binds tighter than `=`. Nobody means that, so it must be said with parentheses.
      const operand = this.#primary();
      const next = this.#peek();
      if (next.text in comparisons || this.#isWord('in') || this.#isWord('between'))
        throw badRequest('Put the operand of NOT in parentheses.');
      return { kind: 'not', operand };
    }
    const left = this.#primary();
    const operator = comparisons[this.#peek().text];
    if (this.#peek().kind === 'symbol' && operator !== undefined) {
      this.#next += 1;
      return { kind: 'compare', operator, left, right: this.#primary() };
    }
    const negated = this.#acceptWord('not');
    const tested = this.#inOrBetween(left);
    if (tested === undefined) {
      if (negated) throw syntaxError(this.#peek().text, this.#peek().at);
      return left;
    }
    return negated ? { kind: 'not', operand: tested } : tested;
  }

  #inOrBetween(operand: Expression): Expression | undefined {
    if (this.#acceptWord('in')) {
      this.#expect('(');
      return { kind: 'in', operand, list: this.#listUntil(')') };
    }
    if (!this.#acceptWord('between')) return undefined;
    const low = this.#primary();
    this.#expectWord('and');
    const high = this.#primary();
    return {
      kind: 'and',
      left: { kind: 'compare', operator: '>=', left: operand, right: low },
      right: { kind: 'compare', operator: '<=', left: operand, right: high },
    };
  }

  #primary(): Expression {
    const token = this.#take();
    if (token.kind === 'number' || token.kind === 'string') return { kind: 'constant', value: token.value };
    if (token.kind === 'parameter') return { kind: 'parameter', name: token.text };
    if (token.kind === 'symbol') return this.#bracketed(token);
    if (token.kind === 'end') throw syntaxError(token.text, token.at);
    const constants = new Map([
      ['true', true],
      ['false', false],
      ['null', null],
      ['undefined', undefined],
    ] as const);
    const word = token.text.toLowerCase() as 'true';
    if (constants.has(word)) return { kind: 'constant', value: constants.get(word) };
    if (this.#accept('(')) return this.#call(token);
    if (token.text !== this.#alias)
      throw badRequest(`Identifier '${token.text}' could not be resolved at ${token.at}.`);
    return { kind: 'path', steps: this.#steps() };
  }

  #bracketed(token: Token): Expression {
    switch (token.text) {
      case '(': {
        const inner = this.#or();
        this.#expect(')');
        return inner;
      }
      case '-': {
        const number = this.#take();
        if (number.kind !== 'number') throw syntaxError(number.text, number.at);
        return { kind: 'constant', value: -number.value };
      }
      case '[':
        return { kind: 'array', items: this.#accept(']') ? [] : this.#listUntil(']') };
      case '{': {
        const entries: { name: string; value: Expression }[] = [];
        if (this.#accept('}')) return { kind: 'object', entries };
        do {
          const name = this.#take();
          if (name.kind !== 'string' && name.kind !== 'word') throw syntaxError(name.text, name.at);
          this.#expect(':');
          entries.push({ name: name.kind === 'string' ? name.value : name.text, value: this.#or() });
        } while (this.#accept(','));
        this.#expect('}');
        return { kind: 'object', entries };
      }
      default:
        throw syntaxError(token.text, token.at);
    }
  }

  #call(token: Token): Expression {
    const name = token.text.toUpperCase();
    if (isAggregate(name)) throw badRequest('Aggregates are supported as SELECT VALUE only.');
    const known = functions.get(name);
    if (known === undefined) throw badRequest(`'${token.text}' is not a recognized built-in function name.`);
    const args = this.#accept(')') ? [] : this.#listUntil(')');
    if (args.length < known.min || args.length > known.max)
      throw badRequest(`The ${name} function requires ${known.min} to ${known.max} arguments.`);
    return { kind: 'call', name, args };
  }

  #steps(): Step[] {
    const steps: Step[] = [];
    for (;;) {
      if (this.#accept('.')) steps.push(this.#name());
      else if (this.#accept('[')) {
        const step = this.#take();
        if (step.kind !== 'string' && step.kind !== 'number') throw syntaxError(step.text, step.at);
        steps.push(step.value);
        this.#expect(']');
      } else return steps;
    }
  }

  #listUntil(close: string): Expression[] {
    const items: Expression[] = [];
    do items.push(this.#or());
    while (this.#accept(','));
    this.#expect(close);
    return items;
  }

  #peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#next + ahead, this.#tokens.length - 1)] ?? { kind: 'end', text: '', at: 0 };
  }
  #take(): Token {
    const token = this.#peek();
    this.#next += 1;
    return token;
  }
  #accept(symbol: string): boolean {
    const found = this.#peek().kind === 'symbol' && this.#peek().text === symbol;
    if (found) this.#next += 1;
    return found;
  }
  #expect(symbol: string): void {
    if (!this.#accept(symbol)) throw syntaxError(this.#peek().text, this.#peek().at);
  }
  #isWord(word: string): boolean {
    return this.#peek().kind === 'word' && this.#peek().text.toLowerCase() === word;
  }
  #acceptWord(word: string): boolean {
    const found = this.#isWord(word);
    if (found) this.#next += 1;
    return found;
  }
  #expectWord(word: string): void {
    if (!this.#acceptWord(word)) throw syntaxError(this.#peek().text, this.#peek().at);
  }
  #isName(token: Token): boolean {
    return token.kind === 'word' && !reserved.has(token.text.toLowerCase());
  }
  #name(): string {
    const token = this.#take();
    if (!this.#isName(token)) throw syntaxError(token.text, token.at);
    return token.text;
  }
  #expectEnd(): void {
    if (this.#peek().kind !== 'end') throw syntaxError(this.#peek().text, this.#peek().at);
  }
}

export const parseQuery = (sql: string): Query => new Parser(sql).query();
export const parseCondition = (text: string): Expression => new Parser(text).condition();

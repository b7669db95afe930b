import { SqlError } from '../server-error.ts';
import type { SqlType } from '../tds/sql-type.ts';

/** A piece of T-SQL that can be written for SQLite once the tables are known. `column` is set for a bare column. */
export interface Expression {
  sql(e: Emit): string;
  type(e: Emit): SqlType | undefined;
  column?: string;
}

export interface Query {
  sql(e: Emit): string;
  /** One per column of the result; without a type where only the values will tell. */
  columns(e: Emit): OutputColumn[];
  /** Variables that the columns are assigned to, in SELECT @x = … */
  assigns: string[];
}

export interface OutputColumn {
  name: string;
  type: SqlType | undefined;
}

export interface Source {
  alias: string;
  columns(e: Emit): OutputColumn[];
}

/** The tables that names can refer to, innermost first. */
export interface Scope {
  outer?: Scope;
  sources: Source[];
  /** Common table expressions, by name. */
  named: Map<string, Source>;
}

export const innerScope = (outer?: Scope): Scope => ({ ...(outer ? { outer } : {}), sources: [], named: new Map() });

export interface Table {
  /** As SQLite knows it, quoted. */
  sql: string;
  columns: OutputColumn[];
  /** The column that numbers itself. */
  identity?: string;
}

/** What writing needs to know: tables of the database, and the types of the variables in use. */
export class Emit {
  /** Variables in the order of their ? marks. */
  readonly used: string[] = [];
  readonly #variables: ReadonlyMap<string, SqlType>;
  readonly #table: (schema: string, name: string, database?: string) => Table;

  constructor(
    variables: ReadonlyMap<string, SqlType>,
    table: (schema: string, name: string, database?: string) => Table,
  ) {
    this.#variables = variables;
    this.#table = table;
  }

  variable(name: string): string {
    this.variableType(name);
    if (!this.used.includes(name)) this.used.push(name);
    return `?${this.used.indexOf(name) + 1}`;
  }

  variableType(name: string): SqlType {
    const type = this.#variables.get(name);
    if (!type) throw new SqlError(137, `Must declare the scalar variable "${name}".`, 15);
    return type;
  }

  table(schema: string, name: string, database?: string): Table {
    return this.#table(schema, name, database);
  }

  columnType(scope: Scope, qualifier: string | undefined, column: string): SqlType | undefined {
    const key = column.toLowerCase();
    for (let at: Scope | undefined = scope; at; at = at.outer) {
      for (const source of at.sources) {
        if (qualifier !== undefined && source.alias.toLowerCase() !== qualifier.toLowerCase()) continue;
        const found = source.columns(this).find((one) => one.name.toLowerCase() === key);
        if (found) return found.type;
      }
    }
    return undefined;
  }
}

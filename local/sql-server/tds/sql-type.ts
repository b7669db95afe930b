/** The types that columns, parameters and variables can have here. A length of MAX is `max`. */
export type SqlType =
  | { kind: 'int'; bytes: 1 | 2 | 4 | 8 }
  | { kind: 'bit' }
  | { kind: 'float'; bytes: 4 | 8 }
  | { kind: 'decimal'; precision: number; scale: number }
  | { kind: 'nvarchar'; length: number }
  | { kind: 'varbinary'; length: number }
  | { kind: 'uniqueidentifier' }
  | { kind: 'date' }
  | { kind: 'time'; scale: number }
  | { kind: 'datetime' }
  | { kind: 'datetime2'; scale: number };

export const MAX = -1;
export const INT: SqlType = { kind: 'int', bytes: 4 };
export const BIGINT: SqlType = { kind: 'int', bytes: 8 };
export const FLOAT: SqlType = { kind: 'float', bytes: 8 };
export const TEXT: SqlType = { kind: 'nvarchar', length: 4000 };
export const SYSNAME: SqlType = { kind: 'nvarchar', length: 128 };
export const DATETIME2: SqlType = { kind: 'datetime2', scale: 7 };

/**
 * What SQLite holds: text for character, GUID and date types (dates in the shortest ISO form, which sorts as it should),
 * bigint for integers and bits, number for real ones.
 */
export type SqlValue = null | bigint | number | string | Uint8Array;

const NAMED: Record<string, (a?: number, b?: number) => SqlType> = {
  tinyint: () => ({ kind: 'int', bytes: 1 }),
  smallint: () => ({ kind: 'int', bytes: 2 }),
  int: () => INT,
  integer: () => INT,
  bigint: () => BIGINT,
  bit: () => ({ kind: 'bit' }),
  float: () => FLOAT,
  real: () => ({ kind: 'float', bytes: 4 }),
  decimal: (precision = 18, scale = 0) => ({ kind: 'decimal', precision, scale }),
  numeric: (precision = 18, scale = 0) => ({ kind: 'decimal', precision, scale }),
  money: () => ({ kind: 'decimal', precision: 19, scale: 4 }),
  smallmoney: () => ({ kind: 'decimal', precision: 10, scale: 4 }),
  nvarchar: (length = 1) => ({ kind: 'nvarchar', length }),
  varchar: (length = 1) => ({ kind: 'nvarchar', length }),
  nchar: (length = 1) => ({ kind: 'nvarchar', length }),
  char: (length = 1) => ({ kind: 'nvarchar', length }),
  sysname: () => SYSNAME,
  ntext: () => ({ kind: 'nvarchar', length: MAX }),
  text: () => ({ kind: 'nvarchar', length: MAX }),
  varbinary: (length = 1) => ({ kind: 'varbinary', length }),
  binary: (length = 1) => ({ kind: 'varbinary', length }),
  uniqueidentifier: () => ({ kind: 'uniqueidentifier' }),
  date: () => ({ kind: 'date' }),
  time: (scale = 7) => ({ kind: 'time', scale }),
  datetime: () => ({ kind: 'datetime' }),
  smalldatetime: () => ({ kind: 'datetime' }),
  datetime2: (scale = 7) => ({ kind: 'datetime2', scale }),
};

export const namedType = (name: string, a?: number, b?: number): SqlType | undefined =>
  Object.hasOwn(NAMED, name.toLowerCase()) ? NAMED[name.toLowerCase()]?.(a, b) : undefined;

const DECLARED = /^\s*(\w+)\s*(?:\(\s*(\w+)\s*(?:,\s*(\d+)\s*)?\))?\s*$/;

/** Reads a type as it is declared: `decimal(10, 2)`, `nvarchar(max)`. */
export function readType(declared: string): SqlType | undefined {
  const match = DECLARED.exec(declared);
  if (!match?.[1]) return undefined;
  const size = match[2]?.toLowerCase() === 'max' ? MAX : match[2] === undefined ? undefined : Number(match[2]);
  return namedType(match[1], size, match[3] === undefined ? undefined : Number(match[3]));
}

/** How SQLite is told about a type: its affinity follows from the name, and the driver's metadata is read back from it. */
export function writeType(type: SqlType): string {
  const size = (length: number) => (length === MAX ? 'max' : String(length));
  switch (type.kind) {
    case 'int':
      return { 1: 'tinyint', 2: 'smallint', 4: 'int', 8: 'bigint' }[type.bytes];
    case 'float':
      return type.bytes === 4 ? 'real' : 'float';
    case 'decimal':
      return `decimal(${type.precision},${type.scale})`;
    case 'nvarchar':
    case 'varbinary':
      return `${type.kind}(${size(type.length)})`;
    case 'time':
    case 'datetime2':
      return `${type.kind}(${type.scale})`;
    default:
      return type.kind;
  }
}

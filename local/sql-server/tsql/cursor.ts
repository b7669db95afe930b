import { SqlError, syntaxError } from '../server-error.ts';
import { MAX, namedType, type SqlType } from '../tds/sql-type.ts';
import { type Token, tokenize } from './lexer.ts';

/** Words that can't be names or aliases unless they are quoted. */
const RESERVED = new Set(
  `ADD ALL ALTER AND ANY AS ASC AUTHORIZATION BACKUP BEGIN BETWEEN BREAK BULK BY CASE CHECK CLOSE COALESCE COLLATE COLUMN
  COMMIT CONSTRAINT CONTINUE CONVERT CREATE CROSS CURRENT CURSOR DATABASE DBCC DECLARE DEFAULT DELETE DENY DESC DISTINCT DROP
  ELSE END ESCAPE EXCEPT EXEC EXECUTE EXISTS FETCH FOR FOREIGN FROM FULL FUNCTION GOTO GRANT GROUP HAVING IDENTITY IF IN
  INDEX INNER INSERT INTERSECT INTO IS JOIN KEY KILL LEFT LIKE MERGE NOT NULL NULLIF OF OFF ON OPEN OPTION OR ORDER OUTER OVER
  PERCENT PIVOT PLAN PRIMARY PRINT PROC PROCEDURE PUBLIC RAISERROR READ REFERENCES RESTORE RETURN REVERT REVOKE RIGHT ROLLBACK SAVE
  SCHEMA SELECT SESSION_USER SET SHUTDOWN SOME SYSTEM_USER TABLE THEN TO TOP TRAN TRANSACTION TRIGGER TRUNCATE UNION UNIQUE UPDATE
  USE USER VALUES VIEW WAITFOR WHEN WHERE WHILE WITH`.split(/\s+/),
);

/** Walks over the tokens of a batch. */
export class Cursor {
  readonly #tokens: Token[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = tokenize(text);
  }

  peek(ahead = 0): Token {
    const token = this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)];
    if (!token) throw syntaxError('');
    return token;
  }

  take(): Token {
    const token = this.peek();
    if (token.kind !== 'end') this.#at++;
    return token;
  }

  fail(): SqlError {
    const { kind, raw } = this.peek();
    if (kind === 'word' && RESERVED.has(raw.toUpperCase())) {
      return new SqlError(156, `Incorrect syntax near the keyword '${raw}'.`, 15);
    }
    return syntaxError(raw);
  }

  /** Are the next tokens these words or operators? */
  at(...texts: string[]): boolean {
    return texts.every((text, i) => {
      const token = this.peek(i);
      return (token.kind === 'word' || token.kind === 'operator') && token.text === text;
    });
  }

  atKind(kind: Token['kind']) {
    return this.peek().kind === kind;
  }

  /** Takes the words or operators if they are next. */
  accept(...texts: string[]): boolean {
    if (!this.at(...texts)) return false;
    this.#at += texts.length;
    return true;
  }

  acceptAny(...texts: string[]): string | undefined {
    return texts.find((text) => this.accept(text));
  }

  expect(...texts: string[]) {
    if (!this.accept(...texts)) throw this.fail();
  }

  atName(ahead = 0): boolean {
    const { kind, text } = this.peek(ahead);
    return kind === 'quoted' || (kind === 'word' && !RESERVED.has(text));
  }

  name(): string {
    const { kind, text, raw } = this.peek();
    if (!this.atName()) throw this.fail();
    if (kind === 'quoted' && text === '') {
      throw new SqlError(1038, 'An object or column name is missing or empty.', 15);
    }
    this.#at++;
    const name = kind === 'quoted' ? text : raw;
    if (name.length > 128) {
      throw new SqlError(
        103,
        `The identifier that starts with '${name.slice(0, 128)}' is too long. Maximum length is 128.`,
        15,
      );
    }
    return name;
  }

  /** Parts of a dotted name, at most `most`. */
  names(most: number): string[] {
    const parts = [this.name()];
    while (this.at('.') && parts.length < most) {
      this.take();
      parts.push(this.name());
    }
    return parts;
  }

  /** Schema and name of an object; a database name before them has to be the current one and is checked where it is used. */
  objectName(): { database?: string; schema: string; name: string; qualified: boolean } {
    const parts = this.names(3);
    const name = parts.at(-1) ?? '';
    const schema = parts.at(-2) ?? 'dbo';
    const database = parts.at(-3);
    const qualified = parts.length > 1;
    return database === undefined ? { schema, name, qualified } : { database, schema, name, qualified };
  }

  variable(): string {
    if (!this.atKind('variable')) throw this.fail();
    return this.take().text;
  }

  string(): string {
    if (!this.atKind('string')) throw this.fail();
    return this.take().text;
  }

  integer(): number {
    const negative = this.accept('-');
    const { kind, text } = this.peek();
    if (kind !== 'number' || !/^\d+$/.test(text)) throw this.fail();
    this.#at++;
    return negative ? -Number(text) : Number(text);
  }

  binary(): Buffer {
    if (!this.atKind('binary')) throw this.fail();
    return binaryOf(this.take().text);
  }

  type(): SqlType {
    const raw = this.atKind('quoted') ? this.name() : this.take().raw;
    if (raw.toLowerCase() === 'sys' && this.accept('.')) return this.type();
    const sizes: number[] = [];
    if (this.accept('(')) {
      do sizes.push(this.accept('MAX') ? MAX : this.integer());
      while (this.accept(','));
      this.expect(')');
    }
    const type = namedType(raw, ...sizes);
    if (!type) throw new SqlError(2715, `Cannot find data type ${raw}.`);
    return type;
  }
}

/** An odd number of digits has a 0 put before it. */
export const binaryOf = (digits: string) => Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex');

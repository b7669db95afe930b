import { SqlError, syntaxError } from '../server-error.ts';

export type TokenKind = 'word' | 'quoted' | 'string' | 'number' | 'binary' | 'variable' | 'operator' | 'end';

export interface Token {
  kind: TokenKind;
  /** Words in upper case, names and strings unquoted, variables with their @, the rest as written. */
  text: string;
  /** As written, for names and for messages. */
  raw: string;
  line: number;
}

const SPACE = /\s+|--[^\n]*/y;
const WORD = /[\p{L}_#][\p{L}\p{N}_@#$]*/uy;
const VARIABLE = /@@?[\p{L}\p{N}_@#$]+/uy;
const BINARY = /0x[0-9a-f]*/iy;
const NUMBER = /(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?/iy;
const OPERATOR = /<>|!=|<=|>=|!<|!>|\+=|-=|\*=|\/=|::|[-+*/%=<>(),.;~&|^]/y;

function match(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let line = 1;
  const add = (kind: TokenKind, value: string, raw: string) => {
    tokens.push({ kind, text: value, raw, line });
    at += raw.length;
    if (raw.includes('\n')) line += raw.split('\n').length - 1;
  };
  const skip = (length: number) => {
    line += text.slice(at, at + length).split('\n').length - 1;
    at += length;
  };
  /** Up to the closing mark; doubled, the mark stands for itself. */
  const enclosed = (open: number, mark: string, number: number): [value: string, raw: string] => {
    let value = '';
    for (let from = at + open; ; ) {
      const end = text.indexOf(mark, from);
      if (end < 0)
        throw new SqlError(
          number,
          `Unclosed quotation mark after the character string '${text.slice(at + open, at + 40)}'.`,
          15,
        );
      value += text.slice(from, end);
      if (text[end + 1] !== mark) return [value, text.slice(at, end + 1)];
      value += mark;
      from = end + 2;
    }
  };
  while (at < text.length) {
    const space = match(SPACE, text, at);
    if (space !== undefined) {
      skip(space.length);
      continue;
    }
    if (text.startsWith('/*', at)) {
      skip(commentLength(text, at));
      continue;
    }
    const character = text[at] ?? '';
    if (character === "'" || ((character === 'N' || character === 'n') && text[at + 1] === "'")) {
      add('string', ...enclosed(character === "'" ? 1 : 2, "'", 105));
    } else if (character === '[') {
      add('quoted', ...enclosed(1, ']', 105));
    } else if (character === '"') {
      add('quoted', ...enclosed(1, '"', 105));
    } else {
      const [kind, raw] = tokenAt(text, at);
      add(kind, folded(kind, raw), raw);
    }
  }
  tokens.push({ kind: 'end', text: '', raw: 'end of file', line });
  return tokens;
}

const KINDS: [TokenKind, RegExp][] = [
  ['word', WORD],
  ['binary', BINARY],
  ['number', NUMBER],
  ['variable', VARIABLE],
  ['operator', OPERATOR],
];

function tokenAt(text: string, at: number): [TokenKind, string] {
  for (const [kind, pattern] of KINDS) {
    const raw = match(pattern, text, at);
    if (raw !== undefined) return [kind, raw];
  }
  throw syntaxError(text[at] ?? '');
}

function folded(kind: TokenKind, raw: string): string {
  if (kind === 'word') return raw.toUpperCase();
  if (kind === 'variable') return raw.toLowerCase();
  return kind === 'binary' ? raw.slice(2) : raw;
}

/** Comments nest. */
function commentLength(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    if (text.startsWith('/*', at)) {
      depth++;
      at++;
    } else if (text.startsWith('*/', at)) {
      depth--;
      at++;
      if (depth === 0) return at + 1 - start;
    }
  }
  throw new SqlError(113, "Missing end comment mark '*/'.", 15);
}

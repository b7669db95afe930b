import { badRequest } from '../refusal.ts';

export type Token =
  | { kind: 'word' | 'parameter' | 'symbol'; text: string; at: number }
  | { kind: 'number'; text: string; value: number; at: number }
  | { kind: 'string'; text: string; value: string; at: number }
  | { kind: 'end'; text: string; at: number };

const pattern =
  /(?<space>\s+|--[^\n]*)|(?<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?<parameter>@\w+)|(?<word>[A-Za-z_]\w*)|(?<symbol><=|>=|!=|<>|[=<>(),.*[\]{}:-])/suy;

const escapes: Record<string, string> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

const unquote = (text: string) =>
  text
    .slice(1, -1)
    .replace(/\\(?:u([0-9a-fA-F]{4})|(.))/gsu, (_, hex: string | undefined, plain: string) =>
      hex === undefined ? (escapes[plain] ?? plain) : String.fromCharCode(Number.parseInt(hex, 16)),
    );

export function tokens(sql: string): Token[] {
  const found: Token[] = [];
  let at = 0;
  while (at < sql.length) {
    pattern.lastIndex = at;
    const groups = pattern.exec(sql)?.groups;
    if (groups === undefined) throw syntaxError(sql.charAt(at), at);
    const text = Object.values(groups).find((group) => group !== undefined) ?? '';
    if (groups.number !== undefined) found.push({ kind: 'number', text, value: Number(text), at });
    else if (groups.string !== undefined) found.push({ kind: 'string', text, value: unquote(text), at });
    else if (groups.parameter !== undefined) found.push({ kind: 'parameter', text, at });
    else if (groups.word !== undefined) found.push({ kind: 'word', text, at });
    else if (groups.symbol !== undefined) found.push({ kind: 'symbol', text, at });
    at = pattern.lastIndex;
  }
  found.push({ kind: 'end', text: 'end of query', at });
  return found;
}

export const syntaxError = (near: string, at: number) =>
  badRequest(`Syntax error, incorrect syntax near '${near}' at ${at}.`);

import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type YAMLMap,
} from 'yaml';
import { quote, visible } from './wording.ts';

/** Keys and indexes from the root. */
export type Path = readonly (string | number)[];

/** `offset` is where in the text, in UTF-16 units. */
export interface Problem {
  readonly offset: number;
  readonly path: Path;
  readonly sentence: string;
}

/** What a YAML text says, as plain data, and where it says it. */
export interface YamlText {
  /** Undefined where the problems leave nothing that could be read on. */
  readonly data: unknown;
  readonly problems: readonly Problem[];
  /** Where the value at the path begins, or else the nearest value around it. */
  offsetOf(path: Path): number;
  /** Where the key at the end of the path is. */
  offsetOfKey(path: Path): number;
  has(path: Path): boolean;
  position(offset: number): { line: number; column: number };
}

/**
 * Reads the plain part of YAML 1.2: mappings with distinct text keys, lists and plain values. Anchors, aliases, tags and
 * other versions of YAML are refused: what a reviewer sees in a policy is all there is to it.
 */
export function readYaml(text: string): YamlText {
  const lines = new LineCounter();
  // Duplicate keys are looked for below: the package's own search takes a minute for a file of 60,000 keys.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false, schema: 'core' });
  const syntax = [...document.errors, ...document.warnings].map(({ pos, message }) => ({
    offset: pos[0],
    path: [],
    sentence: `this is not YAML that can be read (${visible(message, 200)}); correct it, the rest is looked at afterwards`,
  }));
  const root = document.contents;
  const unwanted = root === null ? [] : problemsIn(root, []);
  if (document.directives?.yaml.explicit && document.directives.yaml.version !== '1.2') {
    unwanted.push({ offset: 0, path: [], sentence: 'another version of YAML is asked for; take the %YAML line away' });
  }
  const readable = syntax.length === 0 && unwanted.every(({ data }) => data !== 'lost');
  return {
    data: readable ? document.toJS({ maxAliasCount: 0 }) : undefined,
    problems: [...syntax, ...unwanted],
    offsetOf: (path) => startOf(nodeAt(root, path).node),
    offsetOfKey(path) {
      const { node, found } = nodeAt(root, path.slice(0, -1));
      const pair = found && isMap(node) ? pairOf(node, path.at(-1)) : undefined;
      return startOf(isNode(pair?.key) ? pair.key : node);
    },
    has: (path) => nodeAt(root, path).found,
    position(offset) {
      const { line, col } = lines.linePos(Math.min(offset, text.length));
      return { line: Math.max(line, 1), column: Math.max(col, 1) };
    },
  };
}

/** Twice what a policy needs, and far less than the stack holds. */
const deepest = 20;

interface Unwanted extends Problem {
  /** Nothing that could be read on comes of it. */
  readonly data?: 'lost';
}

function problemsIn(node: Node, path: Path): Unwanted[] {
  const offset = startOf(node);
  if (isAlias(node)) {
    return [{ offset, path, sentence: 'this is an alias (*); write out what it stands for', data: 'lost' }];
  }
  if (path.length > deepest) return [{ offset, path: [], sentence: 'this is nested too deeply', data: 'lost' }];
  const own: Unwanted[] = [];
  if (node.anchor !== undefined) own.push({ offset, path, sentence: 'this has an anchor (&); take the anchor away' });
  if (node.tag !== undefined)
    own.push({ offset, path, sentence: 'this has a tag (!); take the tag away', data: 'lost' });
  if (isSeq<Node>(node)) return [...own, ...node.items.flatMap((item, index) => problemsIn(item, [...path, index]))];
  if (!isMap<Node, Node | null>(node)) return own;
  const seen = new Set<string>();
  const inside = node.items.flatMap(({ key, value }): Unwanted[] => {
    const at = startOf(key);
    if (!isScalar(key) || typeof key.value !== 'string' || key.value === '__proto__' || key.anchor || key.tag) {
      return [{ offset: at, path, sentence: 'a key here is not a plain word; write it as one', data: 'lost' }];
    }
    const sentence = `${quote(key.value)} is here a second time; leave one of them out`;
    const twice = seen.has(key.value) ? [{ offset: at, path, sentence }] : [];
    seen.add(key.value);
    return value ? [...twice, ...problemsIn(value, [...path, key.value])] : twice;
  });
  return [...own, ...inside];
}

function nodeAt(root: Node | null, path: Path): { node: Node | null; found: boolean } {
  let node = root;
  for (const step of path) {
    const next = isMap(node) ? pairOf(node, step)?.value : isSeq(node) ? node.items[Number(step)] : undefined;
    if (!isNode(next)) return { node, found: false };
    node = next;
  }
  return { node, found: node !== null };
}

/** Looked up rather than searched for: a hostile file may have a mapping of 100,000 unknown fields. */
const indexes = new WeakMap<YAMLMap, ReadonlyMap<unknown, Pair>>();

function pairOf(map: YAMLMap, key: string | number | undefined): Pair | undefined {
  const index =
    indexes.get(map) ?? new Map(map.items.map((pair) => [isScalar(pair.key) ? pair.key.value : pair, pair]));
  indexes.set(map, index);
  return index.get(key);
}

function startOf(node: Node | null): number {
  return node?.range?.[0] ?? 0;
}

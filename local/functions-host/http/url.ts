/** How ASP.NET Core reads and writes URLs, as far as handlers can see it. */

const encodedRun = /(?:%[0-9a-f]{2})+/gi;

/** Decodes what is valid UTF-8 and leaves everything else as it stands. */
export function decodeLeniently(text: string, keep: (triplet: string) => boolean = () => false): string {
  return text.replace(encodedRun, (run) => {
    const triplets = run.match(/.{3}/g) ?? [];
    let out = '';
    for (let at = 0; at < triplets.length; ) {
      const [length, character] = keep(triplets[at] ?? '')
        ? [1, undefined]
        : decodeCharacter(triplets.slice(at, at + 4));
      out += character ?? triplets[at];
      at += length;
    }
    return out;
  });
}

function decodeCharacter(triplets: readonly string[]): [length: number, character: string | undefined] {
  for (let length = 1; length <= triplets.length; length++) {
    try {
      return [length, decodeURIComponent(triplets.slice(0, length).join(''))];
    } catch {
      // Not a whole character yet, or none at all.
    }
  }
  return [1, undefined];
}

/** Undefined for a path that Kestrel answers with 400. `%2F` stays encoded: it is not a separator. */
export function decodePath(raw: string): string | undefined {
  const decoded = decodeLeniently(
    Buffer.from(raw, 'latin1').toString('utf8'),
    (triplet) => triplet.toUpperCase() === '%2F',
  );
  if (decoded.includes('\0')) return undefined;
  return removeDotSegments(decoded);
}

function removeDotSegments(path: string): string {
  if (!/(?:^|\/)\.\.?(?:\/|$)/.test(path)) return path;
  const out: string[] = [];
  const segments = path.split('/').slice(1);
  for (const [index, segment] of segments.entries()) {
    const last = index === segments.length - 1;
    if (segment === '..') out.pop();
    else if (segment !== '.') out.push(segment);
    if (last && (segment === '.' || segment === '..')) out.push('');
  }
  return `/${out.join('/')}`;
}

/** `PathString.ToUriComponent`: what looks like an escape is left alone, so `%252F` and `%2F` arrive as the same. */
export function encodePath(decoded: string): string {
  return decoded.replace(/%(?![0-9a-f]{2})|[^%A-Za-z0-9\-._~!$&'()*+,;=:@/]+/gi, (run) =>
    run === '%' ? '%25' : encodeURIComponent(run.isWellFormed() ? run : run.toWellFormed()),
  );
}

/** Repeated keys, in any case, are joined by commas under the last spelling: the real host gives `a` for `A=1&a=2`. */
export function joinQuery(query: string): Record<string, string> {
  const joined = new Map<string, { key: string; values: string[] }>();
  for (const pair of query.split('&')) {
    if (pair === '') continue;
    const [key = '', value = ''] = splitOnce(pair).map((part) => decodeLeniently(part.replaceAll('+', ' ')));
    const before = joined.get(key.toLowerCase())?.values ?? [];
    joined.set(key.toLowerCase(), { key, values: [...before, value] });
  }
  return Object.fromEntries([...joined.values()].map(({ key, values }) => [key, values.join(',')]));
}

function splitOnce(pair: string): [string, string] {
  const at = pair.indexOf('=');
  return at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
}

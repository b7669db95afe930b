/** `/` + prefix + template, compiled. Captured values are what `request.params` shows. */
export interface Route {
  match(segments: readonly string[]): Record<string, string> | undefined;
}

interface Segment {
  readonly pattern: RegExp;
  readonly name?: string;
  readonly optional: boolean;
  readonly wildcard: boolean;
}

const constraints: Readonly<Record<string, string>> = {
  int: '-?\\d+',
  guid: '[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}',
  alpha: '[A-Za-z]+',
};

const literally = (literal: string): string => literal.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

function segmentOf(text: string): Segment {
  const parameter = /^\{(\*)?([A-Za-z_]\w*)(?::(\w+))?(\?)?\}$/.exec(text);
  if (!parameter) {
    if (/[{}]/.test(text)) throw new Error(`This local host does not do the route segment '${text}'.`);
    return { pattern: new RegExp(`^${literally(text)}$`, 'i'), optional: false, wildcard: false };
  }
  const [, star, name = '', constraint, question] = parameter;
  const shape = constraint === undefined ? '.+' : constraints[constraint];
  if (!shape) throw new Error(`This local host does not do the route constraint '${constraint}'.`);
  return {
    pattern: new RegExp(`^(?:${shape})$`, 's'),
    name,
    optional: Boolean(question) || Boolean(star),
    wildcard: Boolean(star),
  };
}

export function compileRoute(template: string): Route {
  const segments = template.split('/').filter(Boolean).map(segmentOf);
  return {
    match(path) {
      const params: Record<string, string> = {};
      for (const [index, segment] of segments.entries()) {
        const value = segment.wildcard ? path.slice(index).join('/') : path[index];
        if (value === undefined || value === '') {
          if (segment.optional && path.length <= index) return params;
          return undefined;
        }
        if (!segment.pattern.test(value)) return undefined;
        if (segment.name) params[segment.name] = value;
        if (segment.wildcard) return params;
      }
      return path.length === segments.length ? params : undefined;
    },
  };
}

/** One trailing slash does not count; empty segments elsewhere match nothing. */
export function pathSegments(path: string): string[] {
  const segments = path.split('/').slice(1);
  if (segments.at(-1) === '') segments.pop();
  return segments;
}

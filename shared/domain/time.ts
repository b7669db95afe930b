/** An instant in UTC, to the millisecond, as `Date.prototype.toISOString` writes it: `2026-11-21T09:00:00.000Z`. */
export type Instant = string & { readonly __brand: 'Instant' };

export function instantOf(milliseconds: number): Instant {
  return new Date(milliseconds).toISOString() as Instant;
}

/** Milliseconds since 1970. */
export function millisecondsOf(instant: Instant): number {
  return Date.parse(instant);
}

export function plus(instant: Instant, milliseconds: number): Instant {
  return instantOf(millisecondsOf(instant) + milliseconds);
}

export function latest(first: Instant, ...others: (Instant | undefined)[]): Instant {
  return others.reduce<Instant>((found, other) => (other !== undefined && other > found ? other : found), first);
}

export function earliest(first: Instant, ...others: (Instant | undefined)[]): Instant {
  return others.reduce<Instant>((found, other) => (other !== undefined && other < found ? other : found), first);
}

const units = { w: 604_800, d: 86_400, h: 3_600, m: 60, s: 1 };
const iso = /^P(?=.)(?:(\d+)W)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/;
const human = /^(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/;

/**
 * Reads a duration of whole seconds: ISO 8601 without years and months, whose length varies (`PT1H30M`), or as people
 * write it (`1h30m`, `90m`, `2d`). Gives milliseconds, or undefined if it is neither.
 */
export function parseDuration(text: string): number | undefined {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed.length > 40) return undefined;
  const found = iso.exec(trimmed) ?? human.exec(trimmed.toLowerCase().replaceAll(' ', ''));
  if (!found) return undefined;
  const seconds = Object.values(units).reduce((sum, unit, index) => sum + unit * Number(found[index + 1] ?? 0), 0);
  return Number.isSafeInteger(seconds * 1000) ? seconds * 1000 : undefined;
}

/** Milliseconds as ISO 8601, in hours, minutes and seconds: `PT8H`. A part of a second is cut off. */
export function formatDuration(milliseconds: number): string {
  return `PT${
    parts(milliseconds)
      .map(([count, unit]) => `${count}${unit.toUpperCase()}`)
      .join('') || '0S'
  }`;
}

/** Milliseconds as people write them: `1h 30m`. */
export function describeDuration(milliseconds: number): string {
  return (
    parts(milliseconds)
      .map(([count, unit]) => `${count}${unit}`)
      .join(' ') || '0s'
  );
}

function parts(milliseconds: number): [count: number, unit: string][] {
  const seconds = Math.floor(milliseconds / 1000);
  const counts: [number, string][] = [
    [Math.floor(seconds / 3600), 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ];
  return counts.filter(([count]) => count > 0);
}

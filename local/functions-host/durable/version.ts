/**
 * Whether a host whose `defaultVersion` is `current` runs an instance of this version, under the extension's `CurrentOrOlder`. No
 * version is older than any; numbers joined by points are compared as .NET's `System.Version`, all else as text.
 */
export function isCurrentOrOlder(version: string, current: string): boolean {
  if (version === '' || current === '') return version === '';
  const [one, other] = [numbersOf(version), numbersOf(current)];
  if (!one || !other) return version.toLowerCase() <= current.toLowerCase();
  const index = one.findIndex((number, place) => number !== other[place]);
  return index < 0 || (one[index] ?? -1) < (other[index] ?? -1);
}

/** Four of them; what was left out is older than 0. */
function numbersOf(version: string): number[] | undefined {
  if (!/^\d+(\.\d+){1,3}$/.test(version)) return undefined;
  const numbers = version.split('.').map(Number);
  return [...numbers, -1, -1].slice(0, 4);
}

import { isSafeText } from '../../domain/text.ts';

/** What the file says, in quotes. */
export function quote(value: unknown): string {
  return `"${visible(typeof value === 'string' ? value : String(JSON.stringify(value) ?? value), 60)}"`;
}

/** Text from the file in a form that can't break, reorder or flood the line that it stands in. */
export function visible(text: string, longest: number): string {
  const characters = [...text.slice(0, longest)].map((character) =>
    isSafeText(character) && !/[\n\t]/.test(character)
      ? character
      : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
  return `${characters.join('')}${text.length > longest ? '…' : ''}`;
}

/** "did you mean …", where one of the known words is close enough to be meant. */
export function suggest(word: string, known: readonly string[]): string | undefined {
  const [nearest] = known
    .map((candidate) => ({ candidate, distance: editDistance(word.slice(0, 64), candidate) }))
    .filter(({ candidate, distance }) => distance <= Math.max(2, Math.floor(candidate.length / 3)))
    .sort((one, other) => one.distance - other.distance);
  return nearest && `did you mean ${quote(nearest.candidate)}?`;
}

/** Levenshtein's. */
function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [i, character] of [...one].entries()) {
    const next = [i + 1];
    for (let j = 0; j < other.length; j++) {
      const replaced = (row[j] ?? 0) + (character === other[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}

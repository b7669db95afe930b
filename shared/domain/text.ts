/**
 * Characters that have no place in a line that people read and decide by: controls (but line feed and tab), and those
 * that reorder or hide text (bidirectional controls, line separators, zero-width spaces, the tag block). See Unicode TR36.
 */
const unsafe = /(?![\n\t])\p{Cc}|[\p{Bidi_Control}\p{Zl}\p{Zp}\u200b\u2060-\u2064\ufeff\u{e0000}-\u{e007f}]/u;

export function isSafeText(text: string): boolean {
  return text.isWellFormed() && !unsafe.test(text);
}

/** For comparing names: the case of ASCII letters alone. Elsewhere it makes other letters alike, as K (U+212A) and k. */
export function foldCase(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** Text from outside as one line: no line breaks, nothing that reorders or hides, and an end. */
export function oneLine(text: string, longest = 100): string {
  const safe = [...text].map((character) => (/\s/.test(character) || !isSafeText(character) ? ' ' : character));
  const characters = [...safe.join('').replace(/ +/g, ' ').trim()];
  return characters.length > longest ? `${characters.slice(0, longest - 1).join('')}…` : characters.join('');
}

/** One word for a shell. A database may have a name with spaces, quotes and worse. */
export function shellWord(name: string): string {
  const text = oneLine(name, 1000);
  return /^[\w.,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

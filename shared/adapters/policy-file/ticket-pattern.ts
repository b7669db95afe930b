/**
 * A backtracking engine tries a pattern in so many ways at most. Each unbounded quantifier counts for a hundred, the
 * length of a ticket.
 */
const waysAllowed = 10_000_000;
const longestTicket = 100;

/** What is wrong with a pattern for tickets, in words; undefined where it is sound and quick on any text. */
export function ticketPatternProblem(pattern: string): string | undefined {
  try {
    new RegExp(pattern, 'u');
  } catch {
    return 'this is not a regular expression; correct it';
  }
  // Sound from here on: brackets are balanced, and every quantifier follows something.
  const groups = [{ before: 1, ways: 1, branches: 0 }];
  let atom = 1;
  for (const [token] of pattern.matchAll(tokens)) {
    const group = groups.at(-1);
    if (!group) return 'this is not a regular expression; correct it';
    if (/^\(\?<?[=!]/.test(token)) return 'look-around is not allowed here; say what the ticket is made of';
    if (/^\\[1-9k]/.test(token)) return 'back-references are not allowed here; write the part out again';
    if (token.startsWith('(')) {
      groups.push({ before: atom, ways: 1, branches: 0 });
      atom = 1;
    } else if (token === ')') {
      atom = group.ways * atom + group.branches;
      groups.pop();
      const outer = groups.at(-1);
      if (outer) outer.ways *= group.before;
    } else if (token === '|') {
      group.branches += group.ways * atom;
      group.ways = 1;
      atom = 1;
    } else if (isQuantifier.test(token)) {
      const choices = choicesOf(token);
      if (atom > 1 && !/^(?:\?|\{0,1\})/.test(token)) {
        return 'what is repeated here holds a repetition or a choice itself, which can take for ever; write it out';
      }
      atom = atom * choices;
    } else {
      group.ways *= atom;
      atom = 1;
    }
  }
  const all = groups[0];
  const ways = (all?.ways ?? 1) * atom + (all?.branches ?? 0);
  return ways > waysAllowed ? 'this has too many repetitions and choices; write a simpler pattern' : undefined;
}

const tokens =
  /\\(?:[kpPux](?:<[^>]*>|\{[^}]*\})?|[\s\S])|\[(?:\\[\s\S]|[^\]\\])*\]|\(\?<?[=!]|\((?:\?(?:<[^>]*>|[a-z-]*:))?|\)|\||[*+?]\??|\{[^}]*\}\??|[\s\S]/gu;
const isQuantifier = /^(?:[*+?]|\{)/;

/** In how many numbers something may be there; a fixed number counts as two, so that it isn't repeated in its turn. */
function choicesOf(quantifier: string): number {
  if (quantifier.startsWith('?')) return 2;
  const [, least, comma, most] = /^\{(\d+)(,?)(\d*)\}/.exec(quantifier) ?? [];
  if (least === undefined) return longestTicket;
  if (comma === '') return 2;
  return most === '' ? longestTicket : Math.min(Number(most) - Number(least) + 2, longestTicket);
}

// Finds the known name that an unknown one was probably meant to be.

/** Names are compared up to this length: longer ones are not typing errors, and comparing them takes long. */
const MAX_LENGTH = 64;

/** One error per this many characters may be a typing error; with more, it is another name. */
const LENGTH_PER_ERROR = 3;

/** More errors than this are never typing errors. */
const MAX_ERRORS = 3;

/** A unit at the end of a name, which is easily forgotten. */
const UNIT = /(?:Ms|Bytes|-ms|-bytes)$/;

/**
 * The one of `known` that `name` was probably meant to be, or undefined. Capitals, dashes and underscores are ignored,
 * and so is a missing unit.
 */
export function nearest(name: string, known: readonly string[]): string | undefined {
  if (name.length > MAX_LENGTH) return undefined;
  const written = plain(name);
  const limit = Math.min(MAX_ERRORS, Math.max(1, Math.floor(written.length / LENGTH_PER_ERROR)));
  let found: string | undefined;
  let least = limit + 1;
  for (const candidate of known) {
    const names = [plain(candidate), plain(candidate.replace(UNIT, ''))];
    const distance = Math.min(...names.map((each) => editDistance(each, written)));
    if (distance >= least) continue;
    least = distance;
    found = candidate;
  }
  return found;
}

function plain(name: string): string {
  return name.replaceAll(/[-_]/g, '').toLowerCase();
}

/** Insertions, deletions, substitutions and swaps of neighbours (Damerau, optimal string alignment). */
function editDistance(a: string, b: string): number {
  let before: readonly number[] = [];
  let row: readonly number[] = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swap = isSwap ? (before[j - 2] ?? 0) + 1 : substitution;
      next.push(Math.min(substitution, swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}

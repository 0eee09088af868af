// How a setting is written: as a flag, as a variable of the environment, and which known name an unknown one is
// nearest to.

/** What all variables begin with. */
export const VARIABLE_PREFIX = 'EPOLL_SERVER_';

/** `keepAliveTimeoutMs` -> `keep-alive-timeout-ms`, which is its flag and its key in a config file. */
export function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** `keepAliveTimeoutMs` -> `EPOLL_SERVER_KEEP_ALIVE_TIMEOUT_MS`. */
export function variableOf(name: string): string {
  return VARIABLE_PREFIX + kebab(name).replaceAll('-', '_').toUpperCase();
}

/** A name further away than this is another name, not a slip. */
const MAX_DISTANCE = 3;

/** Longer names are no slips either, and would take long to compare. */
const MAX_LENGTH = 64;

/** The one of `known` that `name`, however its words are joined, was probably meant to be; undefined: none. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  if (name.length > MAX_LENGTH) return undefined;
  const written = kebab(name).replaceAll('_', '-');
  const [first] = known
    .map((candidate) => ({ candidate, distance: editDistance(candidate, written) }))
    .sort((a, b) => a.distance - b.distance);
  return first !== undefined && first.distance <= MAX_DISTANCE ? first.candidate : undefined;
}

/** Levenshtein's distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

// Cache-Control by the path that a file has in its site: the first rule that matches decides. It must not know files.

import picomatch from 'picomatch';

/**
 * A glob over the path of a file as requests name it, below its mount too (`/assets/**`, or `/assets/` for the same); over
 * the name if it has no slash; or `@fingerprinted`. An index counts by its own name: `/` is `index.html`.
 */
export interface CacheRule {
  readonly pattern: string;
  /** The field's value; `immutable` alone stands for {@link IMMUTABLE}. */
  readonly value: string;
}

/** A year, as RFC 9111 lets caches have for ever, and no revalidation even on reload (RFC 8246). */
export const IMMUTABLE = 'public, max-age=31536000, immutable';

/** Matches names that bundlers put a hash of the content into. */
export const FINGERPRINTED = '@fingerprinted';

/** The last part in front of the ending: 8 characters or more behind a dot or dash, as in `app-BXl3vA9d.js`. */
const LAST_PART = /[.-]([0-9A-Za-z_-]{8,64})(?:\.[0-9a-z]{1,8}){1,2}$/;

/** Whether a name looks as if it changes with its content: no word and no date looks like a hash. */
export function isFingerprinted(name: string): boolean {
  const part = LAST_PART.exec(name)?.[1]?.split('-').at(-1) ?? '';
  if (part.length < 8) return false;
  const hasDigit = /\d/.test(part);
  const [hasLower, hasUpper] = [/[a-z]/.test(part), /[A-Z]/.test(part)];
  return hasDigit ? hasLower || hasUpper : hasLower && hasUpper && !/^[A-Z]?[a-z]+(?:[A-Z][a-z]+)*$/.test(part);
}

export class CacheRules {
  readonly #rules: readonly (readonly [(path: string) => boolean, string])[];

  constructor(rules: readonly CacheRule[]) {
    this.#rules = rules.map(({ pattern, value }) => [matcherOf(pattern), value === 'immutable' ? IMMUTABLE : value]);
  }

  /** The Cache-Control of a file, by its path without `/` in front; undefined: none. */
  valueFor(path: string): string | undefined {
    return this.#rules.find(([matches]) => matches(path))?.[1];
  }
}

/** @throws Error: a pattern that is no glob. */
export function matcherOf(given: string): (path: string) => boolean {
  const pattern = given.endsWith('/') ? `${given}**` : given;
  if (pattern === FINGERPRINTED) return (path) => isFingerprinted(path.slice(path.lastIndexOf('/') + 1));
  // Without a slash it is about names, wherever they are.
  return picomatch(pattern.replace(/^\//, ''), { dot: true, basename: !pattern.includes('/') });
}

// Cache-Control by the path of a file in its site: the first matching rule applies.

import type { CacheRule } from '../options/cache-rule.ts';
import { matcherOf } from '../options/path-pattern.ts';

/** One year, which RFC 9111 allows and caches treat as unlimited, and no revalidation even on reload (RFC 8246). */
export const IMMUTABLE = 'public, max-age=31536000, immutable';

export class CacheRules {
  readonly #rules: readonly (readonly [(path: string) => boolean, string])[];

  constructor(rules: readonly CacheRule[]) {
    this.#rules = rules.map(({ pattern, value }) => [matcherOf(pattern), value === 'immutable' ? IMMUTABLE : value]);
  }

  /** The Cache-Control of a file, by its path without the leading `/`. Undefined: none. */
  valueFor(path: string): string | undefined {
    return this.#rules.find(([matches]) => matches(path))?.[1];
  }
}

// One Cache-Control rule, as text and as an object.

import { messageOf } from '../errors.ts';
import { precompileFields } from '../http/fields.ts';
import { matcherOf } from './path-pattern.ts';

/**
 * A glob over the path of a file as requests name it, including its mount path (`/assets/**`, or `/assets/` for the
 * same). Without a slash it is a glob over the name; `@fingerprinted` matches hashed names. An index is matched by its
 * own name: `/` is `index.html`.
 */
export interface CacheRule {
  /** The glob, or `@fingerprinted`. */
  readonly pattern: string;
  /** The value of the field; `immutable` alone stands for {@link IMMUTABLE}. */
  readonly value: string;
}

/** The response directives of Cache-Control: RFC 9111 section 5.2.2, RFC 5861, RFC 8246. */
const DIRECTIVES: ReadonlySet<string> = new Set([
  ...['max-age', 's-maxage', 'no-cache', 'no-store', 'no-transform', 'must-revalidate', 'proxy-revalidate'],
  ...['must-understand', 'private', 'public', 'immutable', 'stale-while-revalidate', 'stale-if-error'],
]);

/**
 * Parses `[PATTERN:]VALUE`. No value of Cache-Control contains a colon. Text without one is a value for all files if it
 * names a directive; otherwise it is a pattern without a value.
 */
export function cacheRuleOf(text: string): CacheRule {
  const colon = text.indexOf(':');
  if (colon >= 0) return { pattern: text.slice(0, colon).trim(), value: text.slice(colon + 1).trim() };
  const directives = text.split(',').map((directive) => (directive.split('=')[0] ?? '').trim().toLowerCase());
  const isValue = directives.some((name) => DIRECTIVES.has(name));
  return isValue ? { pattern: '**', value: text.trim() } : { pattern: text.trim(), value: '' };
}

/** @throws Error: a pattern or a value is missing or invalid. */
export function checkCacheRule({ pattern, value }: CacheRule): void {
  if (value.trim() === '') throw new Error(`the pattern ${quoted(pattern)} needs a value, as in *.html:no-cache`);
  if (pattern.trim() === '') throw new Error(`the value ${quoted(value)} needs a pattern, as in **:no-cache`);
  try {
    precompileFields([['Cache-Control', value]]);
  } catch {
    throw new Error(`the value ${quoted(value)} of ${quoted(pattern)} contains a byte that a field cannot have`);
  }
  try {
    matcherOf(pattern);
  } catch (error) {
    throw new Error(`the pattern ${quoted(pattern)} is not a valid glob (${messageOf(error)})`);
  }
}

/** Longer texts are cut in messages. */
const MAX_QUOTED = 80;

function quoted(text: string): string {
  return JSON.stringify(text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}...` : text);
}

// One Cache-Control rule, as text and as an object.

import { messageOf } from '../errors.ts';
import { precompileFields } from '../http/fields.ts';
import { matcherOf } from './path-pattern.ts';

/**
 * A glob over the path of a file as requests name it, including its mount path (`/assets/**`, or `/assets/` for the
 * same). Without a slash it is a glob over the name; `@fingerprinted` matches hashed names. An index counts by its own
 * name: `/` is `index.html`.
 */
export interface CacheRule {
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

/** @throws Error whose text follows "must be": a pattern or a value is missing or invalid. */
export function checkCacheRule({ pattern, value }: CacheRule): void {
  const fail = (what: string): Error => new Error(`must be ${what}`);
  if (value.trim() === '') throw fail(`rules with a value, such as *.html:no-cache: ${quoted(pattern)} has no value`);
  if (pattern.trim() === '') throw fail(`rules with a pattern, such as **:no-cache: ${quoted(value)} has no pattern`);
  try {
    precompileFields([['Cache-Control', value]]);
  } catch {
    throw fail(
      `rules whose value is valid in a field: ${quoted(value)} of ${quoted(pattern)} contains an invalid byte`,
    );
  }
  try {
    matcherOf(pattern);
  } catch (error) {
    throw fail(`rules whose pattern is a glob: ${quoted(pattern)} is not one (${messageOf(error)})`);
  }
}

/** Longer texts are cut in messages. */
const MAX_QUOTED = 80;

function quoted(text: string): string {
  return JSON.stringify(text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}...` : text);
}

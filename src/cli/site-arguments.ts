// The flags about static files, and the options of `serve` that they make. Checks of values are the server's.

import { EpollServerError } from '../errors.ts';
import type { SiteOptions } from '../server/site-options.ts';
import type { Flag } from './arguments.ts';

export const SITE_FLAGS: readonly Flag[] = [
  { name: 'index', value: 'NAME', many: true, text: 'what answers for a folder (default index.html)' },
  { name: 'listing', text: 'list folders without an index, as a page or as JSON' },
  { name: 'clean-urls', text: '/about is answered by about.html' },
  { name: 'spa', value: 'FALLBACK', text: 'a file of the root that answers for pages that are not there' },
  {
    name: 'cache-control',
    value: '[PATTERN:]VALUE',
    many: true,
    text: 'Cache-Control of files that match; "@fingerprinted:immutable" for hashed names',
  },
  { name: 'charset', value: 'NAME', text: 'of text (default utf-8)' },
  { name: 'dotfiles', text: 'serve names that begin with a dot' },
  { name: 'no-compression', text: 'send files as they are, without .br, .zst, .gz or compression' },
  { name: 'no-security-headers', text: 'send neither X-Content-Type-Options nor Referrer-Policy' },
  { name: 'mount', value: 'PATH=FOLDER', many: true, text: 'serve another folder below a path, as in /assets=./dist' },
  { name: 'vhost', value: 'HOST=FOLDER', many: true, text: 'another root for a host; *.example.org for all below it' },
];

/** Values of one flag, in order. */
export type ValuesOf = (name: string) => readonly string[];

/** `isSet`: whether a flag without a value was given. `places`: mounts that were given without their flag. */
export function parseSite(
  valuesOf: ValuesOf,
  isSet: (name: string) => boolean,
  places: readonly string[],
): SiteOptions {
  const [index, spa, charset] = [valuesOf('index'), valuesOf('spa').at(-1), valuesOf('charset').at(-1)];
  const rules = valuesOf('cache-control').map(parseRule);
  const [mounts, hosts] = [pairsOf('mount', [...valuesOf('mount'), ...places]), pairsOf('vhost', valuesOf('vhost'))];
  return {
    ...(index.length === 0 ? {} : { index }),
    ...(isSet('listing') ? { listing: true } : {}),
    ...(isSet('clean-urls') ? { cleanUrls: true } : {}),
    ...(spa === undefined ? {} : { spa }),
    ...(rules.length === 0 ? {} : { cacheControl: rules }),
    ...(charset === undefined ? {} : { charset }),
    ...(isSet('dotfiles') ? { dotfiles: true } : {}),
    ...(isSet('no-compression') ? { compression: false } : {}),
    ...(isSet('no-security-headers') ? { securityHeaders: false } : {}),
    ...(mounts === undefined ? {} : { mounts }),
    ...(hosts === undefined ? {} : { hosts }),
  };
}

/** No value of Cache-Control has a colon. */
function parseRule(text: string): { pattern: string; value: string } {
  const colon = text.indexOf(':');
  const [pattern, value] = colon < 0 ? ['**', text] : [text.slice(0, colon), text.slice(colon + 1)];
  return { pattern: pattern.trim(), value: value.trim() };
}

/** @throws EpollServerError `ERR_OPTION`: not two things with `=` between them, or the first of them twice. */
function pairsOf(flag: string, values: readonly string[]): Readonly<Record<string, string>> | undefined {
  if (values.length === 0) return undefined;
  const pairs = new Map<string, string>();
  for (const value of values) {
    const equals = value.indexOf('=');
    const [key, folder] = [value.slice(0, equals), value.slice(equals + 1)];
    if (equals < 1 || folder === '') throw wrong(`--${flag} is written like /assets=./dist, not "${value}"`);
    if (pairs.has(key)) throw wrong(`--${flag} gives ${key} twice: "${pairs.get(key)}" and "${folder}"`);
    pairs.set(key, folder);
  }
  return Object.fromEntries(pairs);
}

function wrong(text: string): EpollServerError {
  return new EpollServerError('ERR_OPTION', text);
}

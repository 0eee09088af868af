// What serve() takes about static files, and the checks of it.

import { EpollServerError, messageOf } from '../errors.ts';
import { precompileFields } from '../http/fields.ts';
import { type CacheRule, matcherOf } from './cache-rules.ts';
import { hostName } from './hosts.ts';
import { isMediaType } from './media-types.ts';

/** How the files of `root` are served. Every option has a flag of the same name in the command. */
export interface SiteOptions {
  /** What answers for a folder, the first that is there. Default: `['index.html']`. */
  readonly index?: readonly string[];
  /** Lists folders without an index: a page, or JSON for who asks for it. Default: false. */
  readonly listing?: boolean;
  /** `/about` is answered by `about.html`, and `/about.html` sends there. Default: false. */
  readonly cleanUrls?: boolean;
  /**
   * A file of the root that answers navigations, with 200, to what is no file and what the application, if there is one,
   * answers with 404. Other requests keep that 404. False: none, also for a host. Default: false.
   */
  readonly spa?: string | false;
  /**
   * Cache-Control by pattern, the first that matches: a glob over the path as requests name it (below a mount too), over
   * the name if it has no slash, or `@fingerprinted`. The value `immutable` stands for a year and no revalidation. Default: none.
   */
  readonly cacheControl?: readonly CacheRule[];
  /**
   * Media types by the ending of a name, `{ '.glsl': 'text/plain' }`, for endings that the table of mime-db does not have,
   * or has another type for. Default: none.
   */
  readonly types?: Readonly<Record<string, string>>;
  /** Of text; empty: none is told. Default: `utf-8`. */
  readonly charset?: string;
  /** Shows names that begin with a dot. Default: false, but for `.well-known`. */
  readonly dotfiles?: boolean;
  /** Sends `.br`, `.zst` and `.gz` siblings, and compresses what has none. Default: true. */
  readonly compression?: boolean;
  /** Sends X-Content-Type-Options and Referrer-Policy. Default: true. */
  readonly securityHeaders?: boolean;
  /**
   * Files and folders that are never served, though they lie in a folder that is, nor `.br`, `.zst` and `.gz` siblings of
   * such files. They need not be there yet. Default: none.
   */
  readonly hide?: readonly string[];
  /** The same for what may lie outside of all these folders, such as the config file of the command. Default: none. */
  readonly hideIfServed?: readonly string[];
  /** Other folders by the path below which they appear: `{ '/assets': './dist' }`. */
  readonly mounts?: Readonly<Record<string, string>>;
  /**
   * Other roots by host: `{ 'a.example': './a', '*.b.example': { root: './b', listing: true } }`; `root` is that of all
   * other hosts. A host has neither their mounts nor their cache rules; what else it does not say itself, it inherits.
   */
  readonly hosts?: Readonly<Record<string, string | HostOptions>>;
}

/** Options that a host may have of its own. Those that are true are inherited where it does not. */
const HOST_OPTIONS = {
  index: true,
  listing: true,
  cleanUrls: true,
  spa: true,
  cacheControl: false,
  types: true,
  charset: true,
  dotfiles: true,
  compression: true,
  securityHeaders: true,
  mounts: false,
} as const;

/** How the files of one host are served. */
export interface HostOptions extends Pick<SiteOptions, keyof typeof HOST_OPTIONS> {
  readonly root: string;
}

/** All that holds for a host: its own options, and what it inherits from `site`. */
export function siteOfHost(site: SiteOptions, { root: _root, ...own }: HostOptions): SiteOptions {
  const inherited = Object.entries(site).filter(([name]) => isHostOption(name) && HOST_OPTIONS[name]);
  const given = Object.entries(own).filter(([, value]) => value !== undefined);
  return Object.fromEntries([...inherited, ...given]);
}

function isHostOption(name: string): name is keyof typeof HOST_OPTIONS {
  return Object.hasOwn(HOST_OPTIONS, name);
}

const KINDS: Readonly<Record<keyof SiteOptions, (value: unknown) => boolean>> = {
  index: (value) => Array.isArray(value) && value.every(isName),
  listing: isBoolean,
  cleanUrls: isBoolean,
  spa: (value) => value === false || isPath(value),
  cacheControl: (value) => Array.isArray(value) && value.every(isRule),
  types: isRecord,
  charset: (value) => typeof value === 'string' && /^[\w.:-]*$/.test(value),
  dotfiles: isBoolean,
  compression: isBoolean,
  securityHeaders: isBoolean,
  hide: isPaths,
  hideIfServed: isPaths,
  mounts: isRecord,
  hosts: isHosts,
};

const EXPECTED: Readonly<Record<keyof SiteOptions, string>> = {
  index: 'a list of file names',
  listing: 'true or false',
  cleanUrls: 'true or false',
  spa: 'a path below the root, such as index.html',
  cacheControl: 'a list of { pattern, value }',
  types: 'media types by ending',
  charset: 'a name such as utf-8',
  dotfiles: 'true or false',
  compression: 'true or false',
  securityHeaders: 'true or false',
  hide: 'a list of paths',
  hideIfServed: 'a list of paths',
  mounts: 'folders by path',
  hosts: 'folders by host, or { root } and options by host',
};

/** @throws EpollServerError `ERR_OPTION` that names the option, its value and what was expected. */
export function checkSite(site: SiteOptions, path = 'site'): void {
  for (const [name, value] of Object.entries(site)) {
    if (!isSiteOption(name)) throw wrong(`there is no option "${path}.${name}"`);
    if (value !== undefined && !KINDS[name](value)) {
      throw wrong(`${path}.${name} must be ${EXPECTED[name]}, not ${JSON.stringify(value)}`);
    }
  }
  for (const rule of site.cacheControl ?? []) checkRule(rule, path);
  mountsOf(site.mounts ?? {});
  checkTypes(site.types ?? {});
  for (const [host, { root: _root, ...options }] of hostsOf(site.hosts ?? {})) {
    const other = Object.keys(options).find((name) => !isHostOption(name));
    if (other !== undefined) throw wrong(`a host has no option "${other}" of its own (${path}.hosts, ${host})`);
    checkSite(options, `${path}.hosts["${host}"]`);
  }
}

/** @throws EpollServerError `ERR_OPTION`: no ending, the same one twice, or no media type. */
export function checkTypes(types: Readonly<Record<string, string>>): void {
  const seen = new Set<string>();
  for (const [given, type] of Object.entries(types)) {
    const ending = given.toLowerCase();
    if (!/^\.[^./\\\0]+$/.test(ending)) throw wrong(`a media type is for an ending such as .md, not "${given}"`);
    if (seen.has(ending)) throw wrong(`the ending ${ending} has two media types: give it one`);
    if (!isMediaType(type)) throw wrong(`the media type of ${given} is written like text/plain, not "${type}"`);
    seen.add(ending);
  }
}

/**
 * The names of each mount's path, and its folder.
 * @throws EpollServerError `ERR_OPTION`: no path, or the same path twice.
 */
export function mountsOf(mounts: Readonly<Record<string, string>>): readonly (readonly [readonly string[], string])[] {
  const seen = new Set<string>();
  return Object.entries(mounts).map(([path, folder]) => {
    const names = path.split('/').filter((name) => name !== '');
    if (!path.startsWith('/') || names.length === 0 || names.some((name) => name === '.' || name === '..')) {
      throw wrong(`a folder is mounted below a path such as /assets, not "${path}"`);
    }
    const key = names.join('/');
    if (seen.has(key)) throw wrong(`two folders are mounted below /${key}: give it one`);
    seen.add(key);
    return [names, folder];
  });
}

/**
 * Each host in lower case, and its options.
 * @throws EpollServerError `ERR_OPTION`: no host, or the same host twice.
 */
export function hostsOf(hosts: NonNullable<SiteOptions['hosts']>): readonly (readonly [string, HostOptions])[] {
  const seen = new Set<string>();
  return Object.entries(hosts).map(([given, options]) => {
    const name = hostName(given);
    if (!/^(?:\*\.)?(?:[\w-]+(?:\.[\w-]+)*|\[[\d:a-f.]+\])$/.test(name)) {
      throw wrong(`a host is a name such as www.example.org or *.example.org, without a port, not "${given}"`);
    }
    if (seen.has(name)) throw wrong(`the host ${name} has two folders: give it one`);
    seen.add(name);
    return [name, typeof options === 'string' ? { root: options } : options];
  });
}

function isSiteOption(name: string): name is keyof SiteOptions {
  return Object.hasOwn(KINDS, name);
}

function isBoolean(value: unknown): boolean {
  return typeof value === 'boolean';
}

function isName(value: unknown): boolean {
  return typeof value === 'string' && value !== '' && value !== '.' && value !== '..' && !/[/\\\0]/.test(value);
}

function isPath(value: unknown): boolean {
  return typeof value === 'string' && value.replace(/^\//, '').split('/').every(isName);
}

function isPaths(value: unknown): boolean {
  return Array.isArray(value) && value.every((each) => typeof each === 'string' && each !== '');
}

function isRule(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('pattern' in value) || !('value' in value)) return false;
  return typeof value.pattern === 'string' && typeof value.value === 'string';
}

/** @throws EpollServerError `ERR_OPTION` that names the rule. */
function checkRule({ pattern, value }: CacheRule, path: string): void {
  const refuse = (what: string): EpollServerError => wrong(`${path}.cacheControl must be ${what}`);
  if (value.trim() === '') throw refuse(`rules with a value, such as *.html:no-cache: ${quoted(pattern)} has none`);
  if (pattern.trim() === '') throw refuse(`rules with a pattern, such as **:no-cache: ${quoted(value)} has none`);
  try {
    precompileFields([['Cache-Control', value]]);
  } catch {
    throw refuse(
      `rules whose value a field may have: ${quoted(value)} of ${quoted(pattern)} holds a byte that none may`,
    );
  }
  try {
    matcherOf(pattern);
  } catch (error) {
    throw refuse(`rules whose pattern is a glob: ${quoted(pattern)} is none (${messageOf(error)})`);
  }
}

/** Longer texts are cut in messages. */
const MAX_QUOTED = 80;

function quoted(text: string): string {
  return JSON.stringify(text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}...` : text);
}

/** Text by text. */
function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isFilled);
}

function isFilled(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function isHosts(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isHost);
}

function isHost(value: unknown): boolean {
  return isFilled(value) || (typeof value === 'object' && value !== null && 'root' in value && isFilled(value.root));
}

function wrong(text: string): EpollServerError {
  return new EpollServerError('ERR_OPTION', text);
}

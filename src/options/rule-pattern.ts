// The pattern of a rule: a glob over the paths of requests, with a host in front if it begins with two slashes.

import { messageOf } from '../errors.ts';
import { hostName, isClearHost, isHostName } from './host-name.ts';
import { matcherOf } from './path-pattern.ts';

type Matcher = (path: string) => boolean;

/** Characters with a meaning in globs. */
const GLOB = /[*?[\]{}()!@+\\]/;

const CONTROLS = /\p{Cc}/u;

/** The file that a server sends for a folder. */
const INDEX = /(?:^|\/)index\.\w+$/;

/**
 * A glob as in `--cache-control`: `/docs/**` or `/docs/` is all below it, and a pattern without a slash is a glob over
 * names in any folder. Paths are compared in their normal form: decoded, without empty names, without slashes at both
 * ends. So `/docs` matches a request for `/docs/` too, and `/docs/index.html` matches both.
 */
export class RulePattern {
  /** As it was written. */
  readonly text: string;
  /** A host such as `www.example.org` or `*.example.org`; null: all. */
  readonly host: string | null;
  /** The path part, without the host. */
  readonly path: string;
  /** Matches all paths, even one without a normal form. */
  readonly isAll: boolean;
  /** All matching paths; null: it is a glob. */
  readonly paths: readonly string[] | null;
  /** The first name of all matching paths, folded; null: they differ. */
  readonly first: string | null;
  readonly #matches: Matcher;
  #matchesFolded: Matcher | null = null;

  /** @throws Error whose text follows "must be": it is not a pattern. */
  constructor(text: string) {
    const hostEnd = text.startsWith('//') ? endOfHost(text) : 0;
    const [host, path] = [hostEnd === 0 ? null : text.slice(2, hostEnd), decodedPattern(text.slice(hostEnd))];
    this.text = text;
    this.host = host === null ? null : checkedHost(host, text);
    this.path = path === '' || path === '/' ? '/**' : path;
    this.isAll = ['**', '/**'].includes(this.path);
    checkPath(this.path, text);
    const [first = ''] = this.path.replace(/^\//, '').split('/');
    this.paths = isExact(this.path) ? pathsOf(bareOf(this.path)) : null;
    this.first = this.path.includes('/') && !GLOB.test(first) ? foldedPath(first) : null;
    this.#matches = pathMatcher(this.path);
  }

  /** `path`: in its normal form. */
  matches(path: string): boolean {
    return this.isAll || this.#matches(path);
  }

  /** The same for all spellings of a {@link foldedPath}, whose normal form was folded. */
  matchesFolded(path: string): boolean {
    this.#matchesFolded ??= pathMatcher(foldedPath(this.path));
    return this.isAll || this.#matchesFolded(path);
  }

  /** Whether each request that `other` matches is matched by this pattern. False: not that it is known. */
  covers(other: RulePattern): boolean {
    if (!this.coversHost(other)) return false;
    if (this.isAll || this.path === other.path) return true;
    const { paths } = other;
    if (paths !== null) return paths.every((path) => this.matches(path));
    const folder = /^(\/.*\/)\*\*$/.exec(this.path)?.[1] ?? (this.path.endsWith('/') ? this.path : null);
    return folder !== null && !GLOB.test(folder) && other.path.startsWith(folder);
  }

  /** Whether this pattern is for all hosts of `other`. */
  coversHost({ host }: RulePattern): boolean {
    if (this.host === null || this.host === host) return true;
    return this.host.startsWith('*.') && host?.endsWith(this.host.slice(1)) === true;
  }
}

/** What an escape in a pattern cannot stand for: it would have a meaning there, or none in a path. */
const UNDECODED = /[%/:*?[\]{}()!@+\\\p{Cc}]/u;

/** `path` without the escapes of a URL, since patterns are compared with decoded paths. */
export function decodedPattern(path: string): string {
  return path.replaceAll(/(?:%[0-9A-Fa-f]{2})+/g, (escapes) => {
    try {
      const decoded = decodeURIComponent(escapes);
      return UNDECODED.test(decoded) ? escapes : decoded;
    } catch {
      return escapes;
    }
  });
}

/** Characters that some file systems ignore in names (CVE-2014-9390). */
const IGNORED = /\p{Default_Ignorable_Code_Point}/gu;

const ASCII = /^[\0-\x7f]*$/;

/**
 * The same text for all paths that a file system or a router may take for the same: upper and lower case, composed and
 * decomposed characters, invisible ones (APFS of macOS, ext4 with casefold, the Unicode Standard section 5.18).
 */
export function foldedPath(path: string): string {
  if (ASCII.test(path)) return path.toLowerCase();
  const letters = path.normalize('NFD').replaceAll(IGNORED, '').toLowerCase().toUpperCase().toLowerCase();
  // Only the letter at the end of a word is another one.
  return letters.replaceAll('ς', 'σ').normalize('NFC');
}

/** Where the path begins behind `//HOST`, as in `//*.example.org/assets/**`. */
function endOfHost(text: string): number {
  const slash = text.indexOf('/', 2);
  return slash < 0 ? text.length : slash;
}

function checkedHost(given: string, text: string): string {
  const name = hostName(given);
  if (isHostName(name) && isClearHost(name.replace(/^\*\./, ''))) return name;
  throw new Error(
    `must be a pattern whose host is a name such as //www.example.org/ or //*.example.org/, not ${quotedPattern(text)}`,
  );
}

/** A path may be compared with each combination of the alternatives in braces. */
const MAX_COMBINATIONS = 100;

/** Why a client could make a glob expensive: its matcher would try many ways to divide a path. */
function costProblem(path: string): string | null {
  if (/[()]/.test(path)) return 'parentheses';
  if (/[\]}]\+/.test(path)) return 'a + behind a set or alternatives';
  const combinations = path
    .split('{')
    .reduce((product, part, at) => product * (at === 0 ? 1 : part.split(',').length), 1);
  if (combinations > MAX_COMBINATIONS) return `more than ${MAX_COMBINATIONS} combinations of alternatives`;
  const names = path.split('/');
  if (names.some((name) => name !== '**' && name.replaceAll(/[^*]/g, '').length > 1)) return 'two * in one name';
  const inside = names.slice(0, -1).filter((name) => name === '**').length;
  return inside > 1 ? '** in two places before its end' : null;
}

/** @throws Error: no path can match, or matching could take long. */
function checkPath(path: string, text: string): void {
  const fail = (why: string): Error =>
    new Error(`must be a pattern such as /docs/**, not ${quotedPattern(text)}: ${why}`);
  if (text.trim() === '' || CONTROLS.test(text)) throw fail('it is empty, or has a control character');
  if (path.includes('//')) throw fail('requested paths have no empty names');
  if (path.split('/').some((name) => name === '.' || name === '..')) throw fail('requested paths have no dot segments');
  if (/%[0-9A-Fa-f]{2}/.test(path)) throw fail('this escape has a meaning in patterns, or is not UTF-8');
  if (path.startsWith('!')) throw fail('a pattern cannot be negated');
  if (path.startsWith('@')) throw fail('names with a hash are known for files only');
  const cost = costProblem(path);
  if (cost !== null) throw fail(`it has ${cost}, so that a client could make it slow`);
  try {
    matcherOf(path);
  } catch (error) {
    throw fail(messageOf(error));
  }
}

/** Usual forms are compared without a regular expression. */
function pathMatcher(path: string): Matcher {
  const bare = bareOf(path);
  if (isExact(path)) {
    const [own, folder] = pathsOf(bare);
    return (given) => given === own || given === folder;
  }
  const folder = bare.endsWith('/') ? bare.slice(0, -1) : bare.endsWith('/**') ? bare.slice(0, -'/**'.length) : null;
  if (folder !== null && !GLOB.test(folder)) {
    const below = `${folder}/`;
    return (given) => given.startsWith(below) || given === folder;
  }
  const ending = /^\*(\.[^*?[\]{}!+\\]+)$/.exec(path)?.[1];
  if (ending !== undefined) return (given) => given.endsWith(ending) && !endsInBareName(given, ending);
  return matcherOf(path);
}

function bareOf(path: string): string {
  return path.replace(/^\//, '');
}

/** Whether it is a path, and no glob. */
function isExact(path: string): boolean {
  return path.includes('/') && !GLOB.test(path) && !path.endsWith('/');
}

/** A path of an index is also the path of its folder. */
function pathsOf(bare: string): readonly string[] {
  return INDEX.test(bare) ? [bare, bare.replace(INDEX, '')] : [bare];
}

/** Whether the last name is `ending` itself: a `*` stands for at least one character. */
function endsInBareName(path: string, ending: string): boolean {
  const before = path.length - ending.length - 1;
  return before < 0 || path[before] === '/';
}

/** Longer patterns are cut in messages. */
const MAX_QUOTED = 80;

function quotedPattern(text: string): string {
  return JSON.stringify(text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}...` : text);
}

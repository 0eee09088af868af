// Parses `_headers` and `_redirects` of a root, in the syntax of Netlify and Cloudflare Pages.

import { join } from 'node:path';
import { EpollServerError, messageOf } from '../errors.ts';
import { parseFilePath } from '../files/file-path.ts';
import { checkValue } from '../options/check.ts';
import type { HeaderRuleOptions } from '../options/header-rule.ts';
import { hostName } from '../options/host-name.ts';
import { optionNamed } from '../options/lookup.ts';
import type { StaticSettings } from '../options/option-types.ts';
import { RULE_KINDS, type RuleLists, type RulesSettings, rootsOf, SITE_FILES } from '../options/rules-settings.ts';
import { readWatched, watchedText } from './watched-file.ts';

/** A rule as it is given to an option. */
interface Line {
  /** The name of the option. */
  readonly option: 'header' | 'redirect' | 'rewrite' | 'errorPage';
  readonly given: object;
  readonly number: number;
}

const [HEADERS, REDIRECTS] = SITE_FILES;

/** A file of a root that describes rules. */
interface SiteFile {
  readonly root: string;
  readonly path: string;
  /** Parses its text. */
  readonly linesOf: (text: string) => readonly Line[];
}

/** The files that are read, which need not exist. */
export function siteFilesOf({ siteFiles }: RulesSettings, served: StaticSettings | null): readonly SiteFile[] {
  if (!siteFiles || served === null) return [];
  return rootsOf(served).flatMap(([host, root]): readonly SiteFile[] => {
    const prefix = host === null ? '' : `//${host}`;
    return [
      { root, path: join(root, HEADERS), linesOf: (text) => headerLines(text, prefix) },
      { root, path: join(root, REDIRECTS), linesOf: (text) => redirectLines(text, prefix, root) },
    ];
  });
}

/** The text of a file; empty: it does not exist. @throws EpollServerError `ERR_OPTION`. */
export function siteFileText(path: string): string {
  try {
    const content = readWatched(path, null);
    return content === null ? '' : watchedText(content);
  } catch (error) {
    throw new EpollServerError('ERR_OPTION', messageOf(error), { cause: error });
  }
}

/**
 * The rules of options, followed by those of the files in all roots. `textOf`: the text of a file by its path.
 * @throws EpollServerError `ERR_OPTION` with the file and the line.
 */
export function withSiteFiles(
  settings: RulesSettings,
  served: StaticSettings | null,
  textOf: (path: string) => string,
): RuleLists {
  const files = siteFilesOf(settings, served);
  if (files.length === 0) return settings;
  const all = files.flatMap((file) => rulesIn(file, textOf(file.path)));
  const of = <K extends keyof RuleLists>(kind: K): RuleLists[K] => {
    const found = all.filter(({ option }) => option === RULE_KINDS[kind]).map(({ rule }) => rule);
    // The option of a kind has made all its rules.
    return [...settings[kind], ...found] as unknown as RuleLists[K];
  };
  return {
    ...settings,
    headers: of('headers'),
    redirects: of('redirects'),
    rewrites: of('rewrites'),
    errorPages: of('errorPages'),
  };
}

interface ReadRule {
  readonly option: string;
  readonly rule: unknown;
}

function rulesIn({ root, path, linesOf }: SiteFile, text: string): readonly ReadRule[] {
  try {
    return linesOf(text).map(({ option, given, number }) => {
      const where = `${path}:${number}`;
      const [rule] = [checkValue(optionNamed(option), given, { where, code: 'ERR_OPTION' })].flat();
      return { option, rule: Object.assign(rule ?? {}, { root }) };
    });
  } catch (error) {
    if (error instanceof EpollServerError) throw error;
    throw new EpollServerError('ERR_OPTION', `${path}:${messageOf(error)}`, { cause: error });
  }
}

/** A field of `_headers`. */
interface Field {
  readonly pattern: string;
  readonly name: string;
  /** Those of all its lines; null: it is removed. */
  readonly values: readonly string[] | null;
  readonly number: number;
}

/** A path is followed by fields: `Name: value`, or `! Name` to remove one (Cloudflare). Values of one name are joined. */
function headerLines(text: string, prefix: string): readonly Line[] {
  const fields: Field[] = [];
  const joined = new Map<string, string[]>();
  let [path, pattern] = ['', ''];
  for (const [index, given] of text.split('\n').entries()) {
    const line = given.trim();
    if (line === '' || line.startsWith('#')) continue;
    const number = index + 1;
    if (/^(?:\/|https?:\/\/)/i.test(line)) {
      if (/\s/.test(line)) throw new Error(`${number}: a path has no blank; write it as %20`);
      [path, pattern] = [line, globFor(line, prefix, number)];
      continue;
    }
    if (path === '') throw new Error(`${number}: a field must follow a path`);
    const [name, value] = fieldOf(line, number, path);
    const key = `${pattern} ${name.toLowerCase()}`;
    const known = joined.get(key);
    if (value !== null && known !== undefined) {
      known.push(value);
      continue;
    }
    const values = value === null ? null : [value];
    if (values !== null) joined.set(key, values);
    fields.push({ pattern, name, values, number });
  }
  return fields.map(({ number, ...field }) => ({ option: 'header', given: editFor(field), number }));
}

function editFor({ pattern, name, values }: Omit<Field, 'number'>): HeaderRuleOptions {
  return values === null ? { pattern, remove: name } : { pattern, set: { [name]: values.join(', ') } };
}

/** The value is null if the field is removed. */
function fieldOf(line: string, number: number, path: string): readonly [name: string, value: string | null] {
  if (line.startsWith('!')) return [line.slice(1).trim(), null];
  const colon = line.indexOf(':');
  if (colon < 1) throw new Error(`${number}: must be of the form "Name: value" or "! Name", not "${line}"`);
  const [name, value] = [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
  // Netlify asks for a password; here it would be sent to all clients.
  if (name.toLowerCase() === 'basic-auth') throw new Error(`${number}: "${name}": rules of --auth ask for passwords`);
  const names = [...(path.match(PLACEHOLDER) ?? []), ...(path.includes('*') ? [':splat'] : [])];
  const used = value.match(PLACEHOLDER)?.find((each) => names.includes(each));
  if (used !== undefined) throw new Error(`${number}: "${used}": values cannot depend on the path`);
  return [name, value];
}

/** `FROM TO [STATUS]`, with `!` behind the status to apply it even where there is a file. */
function redirectLines(text: string, prefix: string, root: string): readonly Line[] {
  const lines: Line[] = [];
  for (const [index, given] of text.split('\n').entries()) {
    const all = given.trim().split(/\s+/);
    const comment = all.findIndex((word) => word.startsWith('#'));
    const words = comment < 0 ? all : all.slice(0, comment);
    const [from = '', to, status = '301', ...more] = words;
    if (from === '') continue;
    const number = index + 1;
    const fail = (why: string): Error => new Error(`${number}: ${why}`);
    if (to === undefined) throw fail('must be of the form "/from /to [STATUS]"');
    if (/^[\w-]+=/.test(to)) throw fail(`"${to}": rules cannot depend on the query`);
    const [, code = ''] = /^(\d{3})!?$/.exec(status) ?? [];
    const [condition] = code === '' ? [status] : more;
    if (condition !== undefined) throw fail(`"${condition}": rules cannot depend on country, language, role or cookie`);
    // A user who deploys the site need not be allowed to read other files.
    if (code === '404' && typeof parseFilePath(to) === 'number') throw fail(`"${to}" must be a file of the root`);
    lines.push({ ...redirectLine({ from, to, code, isForced: status.endsWith('!'), number }, prefix, root), number });
  }
  return lines;
}

interface Redirect {
  readonly from: string;
  readonly to: string;
  readonly code: string;
  readonly isForced: boolean;
  /** That of the line. */
  readonly number: number;
}

function redirectLine(line: Redirect, prefix: string, root: string): Omit<Line, 'number'> {
  const { from: given, to, code, isForced, number } = line;
  if (code === '404')
    return {
      option: 'errorPage',
      given: { pattern: globFor(given, prefix, number), status: 404, file: join(root, to) },
    };
  const from = patternFor(given, prefix, number);
  if (code === '200') return { option: 'rewrite', given: { from, to, ifMissing: !isForced } };
  return { option: 'redirect', given: { from, to, status: code } };
}

/** A name for a part of a path, or of a host. */
const PLACEHOLDER = /:[A-Za-z]\w*/g;

/**
 * A URL names the host. A slash at the end does not count, and `/` is the root alone. `prefix`: that of a virtual host,
 * whose files are for that host alone. @throws Error: it is for another host.
 */
function addressFor(given: string, prefix: string, number: number): readonly [host: string, path: string] {
  const [, url, rest] = /^https?:(\/\/[^/]*)((?:\/.*)?)$/i.exec(given) ?? [];
  const host = url?.replace(/^\/\/:[A-Za-z]\w*\./, '//*.') ?? prefix;
  if (prefix !== '' && !isHostOf(hostName(host.slice('//'.length)), prefix.slice('//'.length)))
    throw new Error(`${number}: "${given}" is for another host than ${prefix}`);
  const bare = (rest ?? given).replace(/\/$/, '');
  return [host, bare === '' ? '/index.html' : bare];
}

/** The pattern of a redirect: a `*` at its end stands for all below a path. */
function patternFor(given: string, prefix: string, number: number): string {
  const [host, path] = addressFor(given, prefix, number);
  return host + path.replace(/\/\*$/, '/**');
}

/** The pattern of another rule: a placeholder stands for one name, and a `*` for any number of them. */
function globFor(given: string, prefix: string, number: number): string {
  const [host, path] = addressFor(given, prefix, number);
  const names = path.split('/').map((name, index, all) => {
    if (name.includes(':')) return name.replaceAll(PLACEHOLDER, '*');
    if (name.startsWith('*')) return name === '*' ? '**' : `**/${name}`;
    return name.endsWith('*') && index === all.length - 1 ? `${name}/**` : name;
  });
  return host + names.join('/');
}

/** Whether a virtual host `own`, such as `*.example.org`, stands for `host` too. */
function isHostOf(host: string, own: string): boolean {
  return host === own || (own.startsWith('*.') && host.endsWith(own.slice(1)));
}

// Parses `_headers` and `_redirects` of a root, in the syntax of Netlify and Cloudflare Pages.

import { join } from 'node:path';
import { EpollServerError, messageOf } from '../errors.ts';
import { parseFilePath } from '../files/file-path.ts';
import { checkValue } from '../options/check.ts';
import type { HeaderRuleOptions } from '../options/header-rule.ts';
import { optionNamed } from '../options/lookup.ts';
import type { StaticSettings } from '../options/option-types.ts';
import { RULE_KINDS, type RuleLists, type RulesSettings, rootsOf, SITE_FILES } from '../options/rules-settings.ts';
import { readWatched } from './watched-file.ts';

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
      { path: join(root, HEADERS), linesOf: (text) => headerLines(text, prefix) },
      { path: join(root, REDIRECTS), linesOf: (text) => redirectLines(text, prefix, root) },
    ];
  });
}

/** The text of a file; empty: it does not exist. @throws EpollServerError `ERR_OPTION`. */
export function siteFileText(path: string): string {
  try {
    return readWatched(path)?.toString() ?? '';
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

function rulesIn({ path, linesOf }: SiteFile, text: string): readonly ReadRule[] {
  try {
    // Editors of Windows write a byte order mark.
    return linesOf(text.replace(/^\uFEFF/, '')).map(({ option, given, number }) => {
      const where = `${path}:${number}`;
      const [rule] = [checkValue(optionNamed(option), given, { where, code: 'ERR_OPTION' })].flat();
      return { option, rule };
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
  readonly values: string[] | null;
  readonly number: number;
}

/** A path is followed by fields: `Name: value`, or `! Name` to remove one (Cloudflare). Values of one name are joined. */
function headerLines(text: string, prefix: string): readonly Line[] {
  const fields: Field[] = [];
  let path: string | null = null;
  for (const [index, given] of text.split('\n').entries()) {
    const line = given.trim();
    if (line === '' || line.startsWith('#')) continue;
    if (/^(?:\/|https?:\/\/)/i.test(line)) {
      if (/\s/.test(line)) throw new Error(`${index + 1}: a path has no blank; write it as %20`);
      path = line;
      continue;
    }
    if (path === null) throw new Error(`${index + 1}: a field must follow a path`);
    const number = index + 1;
    const pattern = globFor(path, prefix);
    const [name, value] = fieldOf(line, number, path);
    const known = fields.find((each) => each.pattern === pattern && isSame(each.name, name) && each.values !== null);
    if (value !== null && known?.values != null) known.values.push(value);
    else fields.push({ pattern, name, values: value === null ? null : [value], number });
  }
  return fields.map(({ number, ...field }) => ({ option: 'header', given: editFor(field), number }));
}

function isSame(name: string, other: string): boolean {
  return name.toLowerCase() === other.toLowerCase();
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
  if (isSame(name, 'Basic-Auth')) throw new Error(`${number}: "${name}": rules of --auth ask for passwords`);
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
    const fail = (why: string): Error => new Error(`${index + 1}: ${why}`);
    if (to === undefined) throw fail('must be of the form "/from /to [STATUS]"');
    if (/^[\w-]+=/.test(to)) throw fail(`"${to}": rules cannot depend on the query`);
    const [, code = ''] = /^(\d{3})!?$/.exec(status) ?? [];
    const [condition] = code === '' ? [status] : more;
    if (condition !== undefined) throw fail(`"${condition}": rules cannot depend on country, language, role or cookie`);
    // A user who deploys the site need not be allowed to read other files.
    if (code === '404' && typeof parseFilePath(to) === 'number') throw fail(`"${to}" must be a file of the root`);
    const isForced = status.endsWith('!');
    lines.push({ ...redirectLine({ from, to, code, isForced }, prefix, root), number: index + 1 });
  }
  return lines;
}

interface Redirect {
  readonly from: string;
  readonly to: string;
  readonly code: string;
  readonly isForced: boolean;
}

function redirectLine(line: Redirect, prefix: string, root: string): Omit<Line, 'number'> {
  const { to, code, isForced } = line;
  if (code === '404')
    return { option: 'errorPage', given: { pattern: globFor(line.from, prefix), status: 404, file: join(root, to) } };
  const from = patternFor(line.from, prefix);
  if (code === '200') return { option: 'rewrite', given: { from, to, ifMissing: !isForced } };
  return { option: 'redirect', given: { from, to, status: code } };
}

/** A name for a part of a path, or of a host. */
const PLACEHOLDER = /:[A-Za-z]\w*/g;

/** A URL names the host. A slash at the end does not count, and `/` is the root alone. */
function addressFor(given: string, prefix: string): readonly [host: string, path: string] {
  const [, host = prefix, path = given] = /^https?:(\/\/[^/]*)(.*)$/i.exec(given) ?? [];
  const bare = path.replace(/\/$/, '');
  return [host, bare === '' ? '/index.html' : bare];
}

/** The pattern of a redirect: a `*` at its end stands for all below a path. */
function patternFor(given: string, prefix: string): string {
  const [host, path] = addressFor(given, prefix);
  return host + path.replace(/\/\*$/, '/**');
}

/** The pattern of another rule: a placeholder stands for one name, and a `*` for any number of them. */
function globFor(given: string, prefix: string): string {
  const [host, path] = addressFor(given, prefix);
  const names = path.split('/').map((name, index, all) => {
    if (name.includes(':')) return name.replaceAll(PLACEHOLDER, '*');
    if (name.startsWith('*')) return name === '*' ? '**' : `**/${name}`;
    return name.endsWith('*') && index === all.length - 1 ? `${name}/**` : name;
  });
  return host.replace(/^\/\/:[A-Za-z]\w*(?=\.)/, '//*') + names.join('/');
}

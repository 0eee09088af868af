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
    return linesOf(text).map(({ option, given, number }) => {
      const where = `${path}:${number}`;
      const [rule] = [checkValue(optionNamed(option), given, { where, code: 'ERR_OPTION' })].flat();
      return { option, rule };
    });
  } catch (error) {
    if (error instanceof EpollServerError) throw error;
    throw new EpollServerError('ERR_OPTION', `${path}:${messageOf(error)}`, { cause: error });
  }
}

/** A path is followed by indented fields: `Name: value`, or `! Name` to remove one (Cloudflare). */
function headerLines(text: string, prefix: string): readonly Line[] {
  const lines: Line[] = [];
  let pattern: string | null = null;
  for (const [index, given] of text.split('\n').entries()) {
    const line = given.trim();
    if (line === '' || line.startsWith('#')) continue;
    if (!/^\s/.test(given)) {
      pattern = patternFor(line, prefix);
      continue;
    }
    if (pattern === null) throw new Error(`${index + 1}: a field must follow a path`);
    lines.push({ option: 'header', given: { pattern, ...edit(line, index) }, number: index + 1 });
  }
  return lines;
}

function edit(line: string, index: number): HeaderRuleOptions {
  if (line.startsWith('!')) return { remove: line.slice(1).trim() };
  const colon = line.indexOf(':');
  if (colon < 1) throw new Error(`${index + 1}: must be of the form "Name: value" or "! Name", not "${line}"`);
  return { set: { [line.slice(0, colon).trim()]: line.slice(colon + 1) } };
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
    lines.push({ ...redirectLine(patternFor(from, prefix), to, code, status.endsWith('!'), root), number: index + 1 });
  }
  return lines;
}

function redirectLine(from: string, to: string, code: string, isForced: boolean, root: string): Omit<Line, 'number'> {
  if (code === '200') return { option: 'rewrite', given: { from, to, ifMissing: !isForced } };
  if (code === '404') return { option: 'errorPage', given: { pattern: from, status: 404, file: join(root, to) } };
  return { option: 'redirect', given: { from, to, status: code } };
}

/** A `*` at the end stands for all below a path; a URL names the host. */
function patternFor(given: string, prefix: string): string {
  const isUrl = /^https?:\/\//i.test(given);
  const text = isUrl ? given.slice(given.indexOf('//')) : prefix + given;
  return text.replace(/\/\*$/, '/**');
}

// What is in a folder, as a page for people and as JSON for programs.

import { trimBlanks } from '../../http/blanks.ts';
import type { HttpRequest, HttpResponse } from '../../http/handler.ts';
import { encodeName, isTextName, printableName } from './file-name.ts';
import type { ListedName } from './file-source.ts';
import { datableMs } from './file-time.ts';
import { escapeHtml } from './pages.ts';
import type { Pairs } from './representation.ts';

/** More names make no page that anyone reads. */
export const MAX_LISTED_NAMES = 10_000;

/** One look at a folder, and the answers that are made of it when the first client asks for each. */
export class Listing {
  readonly #path: string;
  readonly #names: readonly ListedName[];
  #json: Buffer | null = null;
  #html: Buffer | null = null;

  /** `path`: of the folder, decoded, as it is shown. Folders first, names in order, hidden ones left out. */
  constructor(path: string, names: readonly ListedName[], showsHidden: boolean) {
    this.#path = path;
    this.#names = names
      .filter(({ name }) => showsHidden || !name.startsWith('.'))
      .sort((a, b) => Number(b.isDirectory) - Number(a.isDirectory) || (a.name < b.name ? -1 : 1));
  }

  get json(): Buffer {
    this.#json ??= Buffer.from(jsonOf(this.#names));
    return this.#json;
  }

  get html(): Buffer {
    this.#html ??= Buffer.from(htmlOf(this.#path, this.#names));
    return this.#html;
  }

  /** Whether both show the same. */
  isSame(other: Listing): boolean {
    return (
      this.#path === other.#path &&
      this.#names.length === other.#names.length &&
      this.#names.every((name, index) => isSameName(name, other.#names[index]))
    );
  }
}

function isSameName(a: ListedName, b: ListedName | undefined): boolean {
  return (
    b !== undefined &&
    a.name === b.name &&
    a.size === b.size &&
    a.modifiedMs === b.modifiedMs &&
    a.isDirectory === b.isDirectory
  );
}

export function answerListing(request: HttpRequest, response: HttpResponse, listing: Listing, extra: Pairs): void {
  const vary = ['Vary', 'Accept'] as const;
  if (wantsJson(request.field('accept'))) {
    response.send(200, [['Content-Type', 'application/json; charset=utf-8'], vary, ...extra], listing.json);
  } else {
    response.send(200, [['Content-Type', 'text/html; charset=utf-8'], vary, ...extra], listing.html);
  }
}

/** JSON is asked for by name; whoever takes anything is a browser, or content with its page. */
function wantsJson(accept: string | undefined): boolean {
  const lowerCase = accept?.toLowerCase() ?? '';
  return !lowerCase.includes('text/html') && lowerCase.split(',').some(isJson);
}

/** Whether a media range (RFC 9110 section 12.5.1) names JSON, and does not refuse it. */
function isJson(range: string): boolean {
  const [type, ...parameters] = range.split(';').map(trimBlanks);
  return type === 'application/json' && !parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter));
}

function jsonOf(names: readonly ListedName[]): string {
  const list = names.map(({ name, isDirectory, size, modifiedMs }) => ({
    name: isTextName(name) ? name : printableName(name),
    // What is no text cannot be asked for by its name.
    ...(isTextName(name) ? {} : { href: `./${encodeName(name)}${isDirectory ? '/' : ''}` }),
    type: isDirectory ? 'directory' : 'file',
    ...(isDirectory ? {} : { size }),
    modified: isoDate(modifiedMs),
  }));
  return `${JSON.stringify(list, null, 2)}\n`;
}

function htmlOf(path: string, names: readonly ListedName[]): string {
  const title = escapeHtml(path);
  const rows = names.map((name) => rowOf(name)).join('');
  const up = path === '/' ? '' : '<tr><td><a href="../">../</a></td><td></td><td></td></tr>\n';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.25rem; overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; }
td, th { padding: 0.25rem 0.5rem; text-align: left; border-bottom: 1px solid #8884; }
td:nth-child(n + 2), th:nth-child(n + 2) { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
a { overflow-wrap: anywhere; }
</style>
</head>
<body>
<h1>${title}</h1>
<table>
<thead><tr><th>Name</th><th>Bytes</th><th>Modified (UTC)</th></tr></thead>
<tbody>
${up}${rows}</tbody>
</table>
</body>
</html>
`;
}

function isoDate(ms: number): string {
  return new Date(datableMs(ms)).toISOString();
}

/** Making one for each row costs more than the rest of the row. */
const BYTES = new Intl.NumberFormat('en-US');

function rowOf({ name, isDirectory, size, modifiedMs }: ListedName): string {
  const slash = isDirectory ? '/' : '';
  const bytes = isDirectory ? '' : BYTES.format(size);
  const time = isoDate(modifiedMs).slice(0, 16).replace('T', ' ');
  const link = `<a href="./${encodeName(name)}${slash}">${escapeHtml(printableName(name))}${slash}</a>`;
  return `<tr><td>${link}</td><td>${bytes}</td><td>${time}</td></tr>\n`;
}

// Renders a page of a folder listing, as HTML for people and as JSON for programs, some names at a time.

import { countText } from '../count-text.ts';
import { escapeHtml, makePage } from '../http/page.ts';
import { encodeName, isTextName, printableName } from './file-name.ts';
import type { ListedName } from './file-source.ts';
import { datableMs } from './modified-time.ts';

/** The position of a page in its listing. */
export interface PagePlace {
  /** The decoded path of the folder, for display. */
  readonly path: string;
  readonly page: number;
  readonly pages: number;
  /** Why the listing is incomplete: the folder has too many names. Null: it is complete. */
  readonly notice: string | null;
}

/** Longer names may be cut off on a narrow screen. They can be scrolled, and a mouse pointer shows them whole. */
const MAX_SHOWN_LENGTH = 30;

const STYLE = `
h1{margin:0 0 1.5rem;font-size:1.5rem;line-height:1.3;font-weight:600}
h1 a,h1 span,td a{overflow-x:auto;white-space:nowrap;text-overflow:ellipsis;scrollbar-width:none}
h1 a,h1 span{display:inline-block;max-width:100%;vertical-align:bottom}
table{width:100%;border-collapse:collapse;table-layout:fixed}
th,td{padding:.35rem .5rem;border-bottom:1px solid var(--rule);text-align:left;font-weight:400}
th{color:var(--soft);font-size:.9375rem}
th:nth-child(2),td:nth-child(2){width:7rem;text-align:right}
th:nth-child(3),td:nth-child(3){width:11rem;text-align:right}
td+td{color:var(--soft);white-space:nowrap;font-variant-numeric:tabular-nums}
td a{display:block;text-decoration:none}
td a:hover{text-decoration:underline}
tbody tr:hover{background:color-mix(in srgb,var(--rule) 35%,transparent)}
nav{display:flex;flex-wrap:wrap;gap:.5rem 1.5rem;margin:1.5rem 0}
.note{color:var(--soft)}
@media(max-width:40rem){
thead{position:absolute;width:1px;height:1px;overflow:clip;clip-path:inset(50%)}
tr{display:grid;grid-template-columns:1fr auto;padding:.35rem 0;border-bottom:1px solid var(--rule)}
td,td:nth-child(n){width:auto;padding:0 .25rem;border:0}
td:first-child{grid-column:1/-1}
td:nth-child(2){text-align:left}
td+td{font-size:.9375rem}
}
`.trim();

export function listingHtml(place: PagePlace, rows: string): string {
  const { path, page, pages, notice } = place;
  const up = path === '/' || page > 1 ? '' : '<tr><td><a href="../">../</a></td><td></td><td></td></tr>\n';
  const empty = rows === '' ? '<p class="note">This folder is empty.</p>\n' : '';
  const cut = notice === null ? '' : `<p class="note">${escapeHtml(notice)}</p>\n`;
  const body = `<h1>Index of ${trail(path)}</h1>
${cut}<table>
<thead><tr><th scope="col">Name</th><th scope="col">Size</th><th scope="col">Modified (UTC)</th></tr></thead>
<tbody>
${up}${rows}</tbody>
</table>
${empty}${pageLinks(page, pages)}`;
  const where = pages > 1 ? `, page ${page} of ${pages}` : '';
  return makePage({ title: `Index of ${printableName(path)}${where}`, style: STYLE, body: body.trimEnd() });
}

/** The path, with links to the parent folders. Relative, since a proxy may serve the site below a path of its own. */
function trail(path: string): string {
  const names = path.split('/').filter((name) => name !== '');
  const links = ['', ...names].map((name, index) => {
    const depth = names.length - index;
    const text = `${escapeHtml(printableName(name))}/`;
    return depth === 0 ? `<span>${text}</span>` : `<a href="${'../'.repeat(depth)}">${text}</a>`;
  });
  return links.join('<wbr>');
}

function pageLinks(page: number, pages: number): string {
  if (pages === 1) return '';
  const back = page > 1 ? '<a href="?page=1">First</a>\n<a rel="prev" href="?page=$">Previous</a>\n' : '';
  const on = page < pages ? `\n<a rel="next" href="?page=${page + 1}">Next</a>\n<a href="?page=${pages}">Last</a>` : '';
  return `<nav aria-label="Pages">
${back.replace('$', String(page - 1))}<span aria-current="page">Page ${page} of ${pages}</span>${on}
</nav>`;
}

/** The rows of the page. */
export function htmlRows(names: readonly ListedName[]): string {
  let rows = '';
  for (const name of names) rows += rowOf(name);
  return rows;
}

function rowOf({ name, isDirectory, size, modifiedMs }: ListedName): string {
  const slash = isDirectory ? '/' : '';
  const shown = `${escapeHtml(printableName(name))}${slash}`;
  const href = `./${encodeName(name)}${slash}`;
  const bytes = isDirectory ? '<td>–</td>' : `<td title="${countText(size, 'byte')}">${humanSize(size)}</td>`;
  const time = isoDate(modifiedMs).slice(0, 16);
  const date = `<time datetime="${time}Z">${time.replace('T', ' ')}</time>`;
  const title = name.length > MAX_SHOWN_LENGTH ? ` title="${shown}"` : '';
  return `<tr><td${title}><a href="${href}">${shown}</a></td>${bytes}<td>${date}</td></tr>\n`;
}

const UNITS = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

/** In units of 1,024, with at least two digits: `512 B`, `1.5 KiB`, `23 MiB`. */
export function humanSize(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  let size = bytes / 1_024;
  let unit = 0;
  // A value that would be rounded to 1,024 becomes 1 of the next unit.
  for (; size >= 1_023.5 && unit < UNITS.length - 1; unit++) size /= 1_024;
  return `${size < 9.95 ? size.toFixed(1) : Math.round(size)} ${UNITS[unit]}`;
}

/** The elements of the array, separated by commas. Written by hand: half the time of `JSON.stringify`. */
export function jsonMembers(names: readonly ListedName[]): string {
  let members = '';
  for (const { name, isDirectory, size, modifiedMs } of names) {
    const kind = isDirectory ? '"directory"' : `"file",\n    "size": ${size}`;
    const comma = members === '' ? '' : ',\n';
    const modified = isoDate(modifiedMs);
    members += `${comma}  {\n    ${nameMembers(name, isDirectory)},\n    "type": ${kind},\n    "modified": "${modified}"\n  }`;
  }
  return members;
}

/** A name that is not text cannot be requested by its name: a link is added. */
function nameMembers(name: string, isDirectory: boolean): string {
  if (isTextName(name)) return `"name": ${JSON.stringify(name)}`;
  const href = `./${encodeName(name)}${isDirectory ? '/' : ''}`;
  return `"name": ${JSON.stringify(printableName(name))},\n    "href": ${JSON.stringify(href)}`;
}

/** An array of these elements. */
export function listingJson(members: readonly string[]): string {
  const there = members.filter((each) => each !== '');
  return there.length === 0 ? '[]\n' : `[\n${there.join(',\n')}\n]\n`;
}

function isoDate(ms: number): string {
  return new Date(datableMs(ms)).toISOString();
}

// Whether a request is a navigation: a browser that goes to a page, rather than a page that asks for a part of itself.
// Fetch Metadata says so where it is sent, which is over TLS and on localhost; Accept has to do elsewhere.

import { trimBlanks } from './blanks.ts';
import { FieldNames } from './field-names.ts';
import type { HttpRequest } from './handler.ts';
import { weightOf } from './weight.ts';

/** `unknown`: the request names no preference, as curl, monitors and many crawlers do. */
export type Navigation = 'page' | 'other' | 'unknown';

/** The request fields that {@link navigationOf} reads, as the value of Vary. */
export const NAVIGATION_FIELDS = 'Accept, Sec-Fetch-Dest, Sec-Fetch-Mode';

const READ = new FieldNames(...NAVIGATION_FIELDS.split(', '));

/** Destinations that are pages of their own (Fetch standard, "destination"). */
const PAGES: ReadonlySet<string> = new Set(['document', 'iframe', 'frame', 'fencedframe']);

const HTML: ReadonlySet<string> = new Set(['text/html', 'application/xhtml+xml']);

const ANYTHING = '*/*';

/** GET and HEAD alone navigate to pages that a server may answer for. */
export function navigationOf(request: HttpRequest): Navigation {
  if (request.method !== 'GET' && request.method !== 'HEAD') return 'other';
  if (request.mayHave?.(READ) === false) return 'unknown';
  const mode = request.header('sec-fetch-mode');
  const destination = request.header('sec-fetch-dest');
  if (mode === undefined && destination === undefined) return navigationByAccept(request.header('accept') ?? '');
  const isPage = (mode ?? 'navigate') === 'navigate' && PAGES.has(destination ?? 'document');
  return isPage ? 'page' : 'other';
}

/** HTML has to be named, and nothing preferred to it: what takes anything is as well content with a 404. */
function navigationByAccept(accept: string): Navigation {
  let [htmlWeight, bestWeight] = [0, 0];
  let namesTypes = false;
  for (const range of accept.toLowerCase().split(',')) {
    const [type = '', ...parameters] = range.split(';').map(trimBlanks);
    if (type === '') continue;
    const weight = weightOf(parameters);
    bestWeight = Math.max(bestWeight, weight);
    if (HTML.has(type)) htmlWeight = Math.max(htmlWeight, weight);
    namesTypes ||= type !== ANYTHING;
  }
  if (!namesTypes) return 'unknown';
  return htmlWeight > 0 && htmlWeight === bestWeight ? 'page' : 'other';
}

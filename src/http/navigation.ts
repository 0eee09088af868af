// Recognises a navigation: a browser opens a page, instead of loading a part of one. Fetch Metadata states this, where
// browsers send it: over TLS and on localhost. Elsewhere the Accept field decides.

import { trimBlanks } from './blanks.ts';
import { FieldNames } from './field-names.ts';
import type { HttpRequest } from './handler.ts';
import { weightOf } from './weight.ts';

/** `unknown`: the request states no preference, as those of curl, monitors and many crawlers. */
export type Navigation = 'page' | 'other' | 'unknown';

/** The request fields that {@link navigationOf} reads, as the value of Vary. */
export const NAVIGATION_FIELDS = 'Accept, Sec-Fetch-Dest, Sec-Fetch-Mode';

const READ = new FieldNames(...NAVIGATION_FIELDS.split(', '));

/** Destinations that are pages of their own (Fetch standard, "destination"). */
const PAGES: ReadonlySet<string> = new Set(['document', 'iframe', 'frame', 'fencedframe']);

const HTML: ReadonlySet<string> = new Set(['text/html', 'application/xhtml+xml']);

const ANYTHING = '*/*';

/** Only GET and HEAD count: other navigations must not get a fallback page. */
export function navigationOf(request: HttpRequest): Navigation {
  if (request.method !== 'GET' && request.method !== 'HEAD') return 'other';
  if (request.mayHave?.(READ) === false) return 'unknown';
  const mode = request.header('sec-fetch-mode');
  const destination = request.header('sec-fetch-dest');
  if (mode === undefined && destination === undefined) return navigationByAccept(request.header('accept') ?? '');
  const isPage = (mode ?? 'navigate') === 'navigate' && PAGES.has(destination ?? 'document');
  return isPage ? 'page' : 'other';
}

/** HTML must be listed, and no other type preferred. A client that accepts any type can also use a 404. */
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

// How a request asks for a listing, and what it gets: a page, or word that it has it already.

import { namesMediaType } from '../http/accept.ts';
import { evaluateConditions, type FieldReader, NOT_MODIFIED, PRECONDITION_FAILED } from '../http/conditions.ts';
import type { HttpRequest, HttpResponse } from '../http/handler.ts';
import { answerFailed } from './answer.ts';
import type { ListingPage } from './listings.ts';

/** JSON is asked for by name; a client that takes anything is a browser, or content with its page. */
export function wantsJson(request: HttpRequest): boolean {
  const accept = request.header('accept');
  return namesMediaType(accept, 'application/json') && accept?.toLowerCase().includes('text/html') !== true;
}

/** The number of the page that a query asks for; the first one where it asks for none. */
export function pageNumberOf(query: string): number {
  const number = Number(/(?:^|&)page=([1-9]\d{0,6})(?:&|$)/.exec(query)?.[1] ?? 1);
  return number;
}

export function answerListing(request: HttpRequest, response: HttpResponse, page: ListingPage): void {
  const { content, etag, fields, notModified } = page;
  const outcome = evaluateConditions(tagsOnly(request), { etag, lastModifiedMs: 0 }, () => 0);
  if (outcome === NOT_MODIFIED) response.send(304, notModified);
  else if (outcome === PRECONDITION_FAILED) answerFailed(request, response);
  else response.send(200, fields, content);
}

/** A listing has no time of its own: conditions about one are ignored (RFC 9110 sections 13.1.3 and 13.1.4). */
function tagsOnly(request: HttpRequest): FieldReader {
  return { header: (name) => (name.endsWith('-match') ? request.header(name) : undefined) };
}

// How a request selects a listing, and its response: a page or 304.

import { namesMediaType } from '../http/accept.ts';
import { evaluateConditions, type FieldReader, NOT_MODIFIED, PRECONDITION_FAILED } from '../http/conditions.ts';
import type { HttpRequest, HttpResponse } from '../http/handler.ts';
import { answerFailed } from './file-response.ts';
import type { ListingPage } from './listings.ts';

/** JSON has to be accepted by name. A client that accepts any type is a browser, or can use its page. */
export function wantsJson(request: HttpRequest): boolean {
  const accept = request.header('accept');
  return namesMediaType(accept, 'application/json') && accept?.toLowerCase().includes('text/html') !== true;
}

/** The page number in a query; 1 without one. */
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

/** A listing has no modification time: conditions about one are ignored (RFC 9110 sections 13.1.3 and 13.1.4). */
function tagsOnly(request: HttpRequest): FieldReader {
  return { header: (name) => (name.endsWith('-match') ? request.header(name) : undefined) };
}

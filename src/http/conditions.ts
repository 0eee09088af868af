// Evaluates the preconditions of a request, and If-Range (RFC 9110 section 13). Pure functions from fields and
// validators to a status.

import { parseHttpDate } from './date.ts';

/** The validators of a representation: they change whenever it changes. */
export interface Validators {
  /** An entity tag as it is sent: quoted, with `W/` when it is weak (RFC 9110 section 8.8.3). Null: there is none. */
  readonly etag: string | null;
  /** The Last-Modified time in milliseconds since 1970, whole seconds. Null: it is not known. */
  readonly lastModifiedMs: number | null;
  /** Whether it may still change without another Last-Modified time (RFC 9110 section 8.8.2.2). */
  readonly isDateWeak?: boolean;
}

/** The source of the fields: a request. */
export interface FieldReader {
  header(name: string): string | undefined;
}

/** The preconditions hold: the request is served. */
const PROCEED = 0;
/** Respond with 304: the client has the current representation. */
export const NOT_MODIFIED = 304;
/** Respond with 412: a precondition is false. */
export const PRECONDITION_FAILED = 412;

/** `W/`, then the text between the quotes, after list separators and white space. */
const LISTED_TAG = /[\t ,]*(?:(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"|$)/y;

/**
 * Evaluates the preconditions of a GET or HEAD of an existing resource, in the order of RFC 9110 section 13.2.2.
 * `nowMs` reads the wall clock, for dates with a year of two digits.
 */
export function evaluateConditions(request: FieldReader, current: Validators, nowMs: () => number): number {
  const ifMatch = request.header('if-match');
  if (ifMatch !== undefined) {
    if (!listsTag(ifMatch, current.etag, true)) return PRECONDITION_FAILED;
  } else if (isBefore(request.header('if-unmodified-since'), current, nowMs)) return PRECONDITION_FAILED;
  const ifNoneMatch = request.header('if-none-match');
  if (ifNoneMatch !== undefined) return listsTag(ifNoneMatch, current.etag, false) ? NOT_MODIFIED : PROCEED;
  const since = request.header('if-modified-since');
  if (since === undefined || current.lastModifiedMs === null || isBefore(since, current, nowMs)) return PROCEED;
  return parseHttpDate(since, nowMs()) === undefined ? PROCEED : NOT_MODIFIED;
}

/** Whether `date` is a valid date before the last change. */
function isBefore(date: string | undefined, current: Validators, nowMs: () => number): boolean {
  if (date === undefined || current.lastModifiedMs === null) return false;
  const ms = parseHttpDate(date, nowMs());
  return ms !== undefined && ms < current.lastModifiedMs;
}

/**
 * Whether If-Range allows a partial response (RFC 9110 section 13.1.5): the same strong entity tag, or exactly the same
 * date. A date counts only if the representation has not changed within the resolution of dates.
 */
export function rangeStillHolds(ifRange: string | undefined, current: Validators): boolean {
  if (ifRange === undefined) return true;
  const { etag, lastModifiedMs, isDateWeak = false } = current;
  if (ifRange.startsWith('"')) return ifRange === etag;
  if (lastModifiedMs === null || isDateWeak || etag?.startsWith('W/') === true) return false;
  return parseHttpDate(ifRange, lastModifiedMs) === lastModifiedMs;
}

/** Whether a list of entity tags contains `etag`, or is `*`. A malformed list ends at its first error. */
function listsTag(list: string, etag: string | null, strongly: boolean): boolean {
  if (list === '*') return true;
  if (etag === null) return false;
  if (list === etag && !(strongly && etag.startsWith('W/'))) return true;
  const isWeak = etag.startsWith('W/');
  if (strongly && isWeak) return false;
  const opaque = etag.slice(isWeak ? 3 : 1, -1);
  LISTED_TAG.lastIndex = 0;
  for (let match = LISTED_TAG.exec(list); match?.[2] !== undefined; match = LISTED_TAG.exec(list)) {
    if (match[2] === opaque && !(strongly && match[1] !== undefined)) return true;
  }
  return false;
}

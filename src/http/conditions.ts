// Conditional requests (RFC 9110 section 13): whether the client's preconditions let a request go on, and
// whether a Range still speaks of what is there. Pure: fields and validators in, a status out.

import { parseHttpDate } from './date.ts';

/** What tells one state of a representation from another. */
export interface Validators {
  /** An entity tag as it is sent: quoted, with `W/` when it is weak (RFC 9110 section 8.8.3). Null: there is none. */
  readonly etag: string | null;
  /** The Last-Modified time in milliseconds since 1970, whole seconds. Null: it is not known. */
  readonly lastModifiedMs: number | null;
  /** It may change again without another Last-Modified time (RFC 9110 section 8.8.2.2). */
  readonly isDateWeak?: boolean;
}

/** Where the fields are read from: a request. */
export interface FieldReader {
  header(name: string): string | undefined;
}

/** The request goes on. */
export const PROCEED = 0;
/** Answer 304: the client has what it asks for. */
export const NOT_MODIFIED = 304;
/** Answer 412: what the client supposed is not so. */
export const PRECONDITION_FAILED = 412;

/** `W/`, then what stands between the quotes; what lists and white space precede it. */
const LISTED_TAG = /[\t ,]*(?:(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"|$)/y;

/**
 * The preconditions of a GET or HEAD of something that exists, in the order of RFC 9110 section 13.2.2.
 * `nowMs`: reads the wall clock, for dates with two digits for their year.
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

/** Whether `date` is one, and lies before the last change. */
function isBefore(date: string | undefined, current: Validators, nowMs: () => number): boolean {
  if (date === undefined || current.lastModifiedMs === null) return false;
  const ms = parseHttpDate(date, nowMs());
  return ms !== undefined && ms < current.lastModifiedMs;
}

/**
 * Whether a Range may be answered with a part, by its If-Range (RFC 9110 section 13.1.5): the same strong tag,
 * or exactly the same date while the representation is known to have been still for longer than dates can tell.
 */
export function rangeStillHolds(ifRange: string | undefined, current: Validators): boolean {
  if (ifRange === undefined) return true;
  const { etag, lastModifiedMs, isDateWeak = false } = current;
  if (ifRange.startsWith('"')) return ifRange === etag;
  if (lastModifiedMs === null || isDateWeak || etag?.startsWith('W/') === true) return false;
  return parseHttpDate(ifRange, lastModifiedMs) === lastModifiedMs;
}

/** Whether a list of entity tags holds `etag`, or is `*`. What is no list ends where it stops being one. */
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

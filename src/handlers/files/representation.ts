// A file as HTTP sees it: its media type, its validators, and the fields of every answer made of it. Equal
// files of two machines make equal fields. It must not know where the bytes are.

import { lookup } from 'mrmime';
import type { Validators } from '../../http/conditions.ts';
import { formatHttpDate } from '../../http/date.ts';
import { type PreparedFields, prepareFields } from '../../http/fields.ts';

type Pairs = readonly (readonly [string, string | number])[];

/** File systems count time in steps of up to two seconds: what changed more recently may change unseen. */
export const SETTLED_AFTER_MS = 2_000;

/** What is known of an open file: bytes, and milliseconds since 1970. */
export interface FileFacts {
  readonly size: number;
  readonly modifiedMs: number;
}

export interface Representation extends Validators {
  readonly size: number;
  readonly mediaType: string;
  /** What 200 and 206 say beside type and length. */
  readonly pairs: Pairs;
  /** The fields of a 200. */
  readonly fields: PreparedFields;
  /** The fields of a 304 (RFC 9110 section 15.4.5). */
  readonly notModified: PreparedFields;
}

/** `extra`: fields of the site's, such as Cache-Control, which go with 200, 206 and 304. */
export function represent(name: string, file: FileFacts, nowMs: number, extra: Pairs = []): Representation {
  const { size, modifiedMs } = file;
  // A file from the future was last changed now (RFC 9110 section 8.8.2.1).
  const lastModifiedMs = Math.floor(Math.min(modifiedMs, nowMs) / 1000) * 1000;
  const etag = entityTag(file, nowMs);
  const mediaType = mediaTypeOf(name);
  const validators: Pairs = [
    ['Last-Modified', formatHttpDate(lastModifiedMs)],
    ['ETag', etag],
  ];
  const pairs: Pairs = [...validators, ['Accept-Ranges', 'bytes'], ...extra];
  return {
    size,
    etag,
    lastModifiedMs,
    mediaType,
    pairs,
    fields: prepareFields([['Content-Type', mediaType], ...pairs]),
    notModified: prepareFields([...validators, ...extra]),
  };
}

/**
 * Made of size and time alone, so that replicas agree (inodes differ). Weak while the file is so young that it
 * may change again without a new time.
 */
function entityTag({ size, modifiedMs }: FileFacts, nowMs: number): string {
  const tag = `"${Math.floor(modifiedMs).toString(16)}-${size.toString(16)}"`;
  return nowMs - modifiedMs > SETTLED_AFTER_MS ? tag : `W/${tag}`;
}

/** By the name's ending; text has a charset, since without one browsers guess. */
export function mediaTypeOf(name: string): string {
  const type = lookup(name) ?? 'application/octet-stream';
  const isText = type.startsWith('text/') || /[/+](?:json|xml|javascript)$/.test(type);
  return isText ? `${type}; charset=utf-8` : type;
}

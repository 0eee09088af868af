// A file as HTTP sees it: its media type, its validators, and the fields of every answer made of it. Equal
// files of two machines make equal fields. It must not know where the bytes are.

import { lookup } from 'mrmime';
import type { Validators } from '../../http/conditions.ts';
import { formatHttpDate } from '../../http/date.ts';
import { type PreparedFields, prepareFields } from '../../http/fields.ts';

/** Fields in order. */
export type Pairs = readonly (readonly [string, string | number])[];

/** File systems count time in steps of up to two seconds: what changed more recently may change unseen. */
export const SETTLED_AFTER_MS = 2_000;

/** What a representation is made of. Bytes; milliseconds since 1970. */
export interface Facts {
  /** Of the content that is sent. */
  readonly size: number;
  readonly mediaType: string;
  readonly modifiedMs: number;
  /** Of the file whose state the entity tag tells; another than `size` when the content was made of it. */
  readonly fileSize: number;
  /** Its Content-Encoding; absent: none. */
  readonly coding?: string;
  /** What the entity tag ends in, to tell codings apart. */
  readonly tagSuffix?: string;
  /** Fields that go with 200, 206 and 304, such as Vary and Cache-Control. */
  readonly shared?: Pairs;
  /** Fields that go with 200 and 206 only. */
  readonly extra?: Pairs;
}

export interface Representation extends Validators {
  readonly size: number;
  readonly mediaType: string;
  /** What 200 and 206 say beside type, length and range. */
  readonly pairs: Pairs;
  /** The fields of a 200. */
  readonly fields: PreparedFields;
  /** The fields of a 304 (RFC 9110 section 15.4.5). */
  readonly notModified: PreparedFields;
}

/** `nowMs`: the wall clock. */
export function represent(facts: Facts, nowMs: number): Representation {
  const { size, mediaType, modifiedMs, coding, shared = [], extra = [] } = facts;
  // A file from the future was last changed now (RFC 9110 section 8.8.2.1).
  const lastModifiedMs = Math.floor(Math.min(modifiedMs, nowMs) / 1000) * 1000;
  const etag = entityTag(facts, nowMs);
  const validators: Pairs = [['Last-Modified', formatHttpDate(lastModifiedMs)], ['ETag', etag], ...shared];
  const encoding: Pairs = coding === undefined ? [] : [['Content-Encoding', coding]];
  const pairs: Pairs = [...validators, ...encoding, ['Accept-Ranges', 'bytes'], ...extra];
  return {
    size,
    etag,
    lastModifiedMs,
    mediaType,
    pairs,
    fields: prepareFields([['Content-Type', mediaType], ...pairs, ['Content-Length', size]]),
    notModified: prepareFields(validators),
  };
}

/**
 * Made of size and time alone, so that replicas agree (inodes differ). Weak while the file is so young that it
 * may change again without a new time.
 */
function entityTag({ fileSize, modifiedMs, tagSuffix = '' }: Facts, nowMs: number): string {
  const tag = `"${Math.floor(modifiedMs).toString(16)}-${fileSize.toString(16)}${tagSuffix}"`;
  return nowMs - modifiedMs > SETTLED_AFTER_MS ? tag : `W/${tag}`;
}

/** By the name's ending; text has a charset, since without one browsers guess. An empty charset: none is told. */
export function mediaTypeOf(name: string, charset = 'utf-8'): string {
  const type = lookup(name) ?? 'application/octet-stream';
  return isText(type) && charset !== '' ? `${type}; charset=${charset}` : type;
}

function isText(type: string): boolean {
  return type.startsWith('text/') || /[/+](?:json|xml|javascript)$/.test(type);
}

/** Whether compression pays: what is text, and the few binary types that are not compressed already. */
export function isCompressible(mediaType: string): boolean {
  const type = mediaType.replace(/;.*/, '');
  return (
    isText(type) ||
    /^(?:application\/(?:wasm|manifest\+json|vnd\.ms-fontobject)|font\/(?:ttf|otf)|image\/(?:bmp|x-icon|vnd\.microsoft\.icon))$/.test(
      type,
    )
  );
}

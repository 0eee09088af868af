// A file as HTTP sees it: its media type, its validators, and the fields of every answer made of it. Equal
// files of two machines make equal fields. It must not know where the bytes are.

import type { Validators } from '../http/conditions.ts';
import { formatHttpDate } from '../http/date.ts';
import { extendFields, type PrecompiledFields } from '../http/fields.ts';
import type { FileKind } from './file-kinds.ts';
import { datableMs, isFixedTime } from './modified-time.ts';

/** File systems count time in steps of up to two seconds: what changed more recently may change unseen. */
export const SETTLED_AFTER_MS = 2_000;

/** What a representation is made of. Bytes; milliseconds since 1970. */
export interface RepresentationFacts {
  readonly kind: FileKind;
  /** Of the content that is sent. */
  readonly size: number;
  readonly modifiedMs: number;
  /** Of the file whose state the entity tag tells; another than `size` when the content was made of it. */
  readonly fileSize: number;
  /** Made of the content of that file, without quotes; absent: not known, and the tag is made of its size and time. */
  readonly contentTag?: string | undefined;
  /** What the entity tag ends in, to tell codings apart. */
  readonly tagSuffix?: string;
}

export class Representation implements Validators {
  readonly kind: FileKind;
  readonly size: number;
  readonly etag: string | null;
  readonly lastModifiedMs: number | null;
  readonly isDateWeak: boolean;
  /** As in {@link RepresentationFacts}. */
  readonly contentTag: string | undefined;
  /** The fields of a 200. */
  readonly fields: PrecompiledFields;
  #notModified: PrecompiledFields | null = null;

  /** `nowMs`: the wall clock. */
  constructor(facts: RepresentationFacts, nowMs: number) {
    this.kind = facts.kind;
    this.size = facts.size;
    this.contentTag = facts.contentTag;
    this.isDateWeak = nowMs - facts.modifiedMs <= SETTLED_AFTER_MS;
    // A fixed date would make caches keep what the next deployment replaces: they may ask by date alone.
    this.lastModifiedMs = isFixedTime(facts.modifiedMs) ? null : lastModifiedMs(facts.modifiedMs, nowMs);
    this.etag = entityTag(facts, this.isDateWeak);
    this.fields = extendFields(this.kind.fields, this.#validators(), this.size);
  }

  /** The fields of a 304, made when the first one is sent. */
  get notModified(): PrecompiledFields {
    this.#notModified ??= extendFields(this.kind.notModified, this.#validators(), -1);
    return this.#notModified;
  }

  /** The fields of a 206: `lines` are those of its type and range. */
  partFields(lines: string, length: number): PrecompiledFields {
    return extendFields(this.kind.partFields, this.#validators() + lines, length);
  }

  #validators(): string {
    const date = this.lastModifiedMs === null ? '' : `Last-Modified: ${formatHttpDate(this.lastModifiedMs)}\r\n`;
    return this.etag === null ? date : `${date}ETag: ${this.etag}\r\n`;
  }
}

/** A file from the future was last changed now (RFC 9110 section 8.8.2.1). */
function lastModifiedMs(modifiedMs: number, nowMs: number): number {
  return Math.floor(Math.min(datableMs(modifiedMs), nowMs) / 1000) * 1000;
}

/**
 * Made of content, or else of size and time, so that replicas agree (inodes differ). Of a time it is weak while the file
 * is so young that it may change again without a new time. Null: the time is one that build tools give to every file,
 * and even a weak tag would be taken for the next deployment's content (If-None-Match).
 */
function entityTag(
  { fileSize, modifiedMs, contentTag, tagSuffix = '' }: RepresentationFacts,
  isYoung: boolean,
): string | null {
  if (contentTag !== undefined) return `"${contentTag}${tagSuffix}"`;
  if (isFixedTime(modifiedMs)) return null;
  const tag = `"${Math.floor(modifiedMs).toString(16)}-${fileSize.toString(16)}${tagSuffix}"`;
  return isYoung ? `W/${tag}` : tag;
}

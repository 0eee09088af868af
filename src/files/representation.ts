// The HTTP view of a file: media type, validators and response fields. Equal files on two machines have equal fields.

import type { Validators } from '../http/conditions.ts';
import { formatHttpDate } from '../http/date.ts';
import { extendFields, type PrecompiledFields } from '../http/fields.ts';
import type { FileKind } from './file-kinds.ts';
import { datableMs, isFixedTime } from './modified-time.ts';

/** File systems store times in steps of up to two seconds: within this time a file may change without a new time. */
export const SETTLED_AFTER_MS = 2_000;

/** The facts that define a representation. Bytes; milliseconds since 1970. */
export interface RepresentationFacts {
  readonly kind: FileKind;
  /** The size of the content that is sent. */
  readonly size: number;
  readonly modifiedMs: number;
  /**
   * The size of the file that the entity tag describes. It differs from `size` if the content was derived from that
   * file.
   */
  readonly fileSize: number;
  /** The tag of that file's content, without quotes. Absent: unknown, so the tag is made of size and time. */
  readonly contentTag?: string | undefined;
  /** The suffix of the entity tag, which distinguishes codings. */
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
    // With a fixed date, caches would keep content that the next deployment replaces: a client may revalidate by date
    // alone.
    this.lastModifiedMs = isFixedTime(facts.modifiedMs) ? null : lastModifiedMs(facts.modifiedMs, nowMs);
    this.etag = entityTag(facts, this.isDateWeak);
    this.fields = extendFields(this.kind.fields, this.#validators(), this.size);
  }

  /** The fields of a 304, made at first use. */
  get notModified(): PrecompiledFields {
    this.#notModified ??= extendFields(this.kind.notModified, this.#validators(), -1);
    return this.#notModified;
  }

  /** The fields of a 206. `lines`: the field lines of its type and range. */
  partFields(lines: string, length: number): PrecompiledFields {
    return extendFields(this.kind.partFields, this.#validators() + lines, length);
  }

  #validators(): string {
    const date = this.lastModifiedMs === null ? '' : `Last-Modified: ${formatHttpDate(this.lastModifiedMs)}\r\n`;
    return this.etag === null ? date : `${date}ETag: ${this.etag}\r\n`;
  }
}

/** A time in the future becomes the current time (RFC 9110 section 8.8.2.1). */
function lastModifiedMs(modifiedMs: number, nowMs: number): number {
  return Math.floor(Math.min(datableMs(modifiedMs), nowMs) / 1000) * 1000;
}

/**
 * The entity tag is made of the content, or else of size and time, so that replicas agree (inodes differ). A tag made
 * of a time is weak while the file may still change without a new time. Null: the time is one that build tools give to
 * every file. Even a weak tag would then match the content of the next deployment (If-None-Match).
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

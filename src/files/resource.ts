// A resource of a site: a file in one or several codings, with its content if it is small.

import type { Coding } from './codings.ts';
import type { FileKind } from './file-kinds.ts';
import type { FileFacts, FileSource, Refusal } from './file-source.ts';
import type { FileVariant } from './file-variant.ts';
import type { LruLinks } from './lru-list.ts';
import type { SharedWait } from './shared-wait.ts';

/** The known state of a coding, valid while its sibling is unchanged. */
export interface Coded {
  /** Null: there is none, or it would not be smaller. */
  readonly variant: FileVariant | null;
  /** The sibling of the plain file: its facts, or why there is none. */
  readonly sibling: FileFacts | Refusal;
  /** There is no variant yet, and one could be made here. */
  readonly mayCompress: boolean;
}

export class Resource implements LruLinks<Resource> {
  readonly plain: FileVariant;
  readonly source: FileSource;
  /** The path of the plain file, below the source. */
  readonly path: string;
  /** The type and fields of the file in a coding. */
  readonly kindOf: (coding: Coding) => FileKind;
  /** No other name takes precedence: while this file exists, it is the result for its path. */
  readonly isFirst: boolean;
  /** Whether it may be sent in a coding. */
  readonly isCodable: boolean;
  /** When the content was read, the modification time was old enough that a later change must change it. */
  readonly settled: boolean;
  /** Absent entries: not known yet. */
  readonly coded: Map<Coding, Coded> = new Map();
  /** The key under which a cache holds it; empty: no cache does. */
  key = '';
  /** The bytes that the cache counts for it; 0: its content is not cached. */
  keptBytes = 0;
  older: Resource | null = null;
  newer: Resource | null = null;
  /** The running search for codings. Its result is false when another search would not help now. */
  search: SharedWait<boolean> | null = null;
  /** Responses from its file since caching was last considered. */
  answersFromFile = 0;
  /** Monotonic time of the last check of the file, in milliseconds, taken before that check. */
  checkedMs: number;

  constructor(given: {
    plain: FileVariant;
    source: FileSource;
    path: string;
    kindOf: (coding: Coding) => FileKind;
    isFirst: boolean;
    isCodable: boolean;
    settled: boolean;
    checkedMs: number;
  }) {
    this.plain = given.plain;
    this.source = given.source;
    this.path = given.path;
    this.kindOf = given.kindOf;
    this.isFirst = given.isFirst;
    this.isCodable = given.isCodable;
    this.settled = given.settled;
    this.checkedMs = given.checkedMs;
  }

  /** The plain variant, and those of existing codings. */
  variants(): readonly FileVariant[] {
    const coded = [...this.coded.values()].map(({ variant }) => variant);
    return [this.plain, ...coded].filter((variant) => variant !== null);
  }

  /** The memory for the contents of all codings; null: no content is in memory. */
  contentBytes(): number | null {
    let bytes = this.plain.content?.length ?? null;
    for (const { variant } of this.coded.values()) {
      const more = variant?.content?.length;
      if (more !== undefined) bytes = (bytes ?? 0) + more;
    }
    return bytes;
  }
}

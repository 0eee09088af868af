// What a path of the site leads to: a file, in one or several codings, with its content where it is small.
// It must not know requests.

import type { Coding } from './codings.ts';
import type { FileKind } from './file-kinds.ts';
import type { FileFacts, FileSource, Refusal } from './file-source.ts';
import type { FileVariant } from './file-variant.ts';
import type { LruLinks } from './lru-list.ts';
import type { SharedWait } from './shared-wait.ts';

/** What is known of a coding, as long as its sibling is what it was. */
export interface Coded {
  /** Null: there is none, or it would be no smaller. */
  readonly variant: FileVariant | null;
  /** What was found beside the plain file: the one that is sent, or why there is none. */
  readonly sibling: FileFacts | Refusal;
  /** There is no variant yet, and one could be made here. */
  readonly mayCompress: boolean;
}

export class Resource implements LruLinks<Resource> {
  readonly plain: FileVariant;
  readonly source: FileSource;
  /** Of the plain file, below the source. */
  readonly path: string;
  /** Its type and fields in a coding. */
  readonly kindOf: (coding: Coding) => FileKind;
  /** No other name is looked for first: as long as this file is there, it is the answer. */
  readonly isFirst: boolean;
  /** Whether it may be sent in a coding. */
  readonly isCodable: boolean;
  /** The modification time was old enough when the content was read that a later change must show. */
  readonly settled: boolean;
  /** Absent: not known yet. */
  readonly coded: Map<Coding, Coded> = new Map();
  /** Under which name it is kept, by the cache that keeps it; empty: none does. */
  key = '';
  /** Bytes for which that cache counts it; 0: its content is not kept. */
  keptBytes = 0;
  older: Resource | null = null;
  newer: Resource | null = null;
  /** The search for codings that is under way; its result is false when asking again would not help now. */
  search: SharedWait<boolean> | null = null;
  /** Answers from its file since it was considered for memory last. */
  answersFromFile = 0;
  /** Monotonic time before the last look at the file itself, in milliseconds. */
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

  /** The plain one, and those of the codings that are known and there. */
  variants(): readonly FileVariant[] {
    const coded = [...this.coded.values()].map(({ variant }) => variant);
    return [this.plain, ...coded].filter((variant) => variant !== null);
  }

  /** Bytes of memory that the contents of all codings take; null: no content is in memory. */
  contentBytes(): number | null {
    let bytes = this.plain.content?.length ?? null;
    for (const { variant } of this.coded.values()) {
      const more = variant?.content?.length;
      if (more !== undefined) bytes = (bytes ?? 0) + more;
    }
    return bytes;
  }
}

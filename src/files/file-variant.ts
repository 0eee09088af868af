// A file in one coding: its representation, and its bytes in memory or in an open file.

import type { FileFacts, OpenFile } from './file-source.ts';
import type { Holder } from './open-files.ts';
import type { Representation } from './representation.ts';

/** The parts of a variant. */
interface VariantParts {
  readonly representation: Representation;
  /** Null: not in memory. */
  readonly content: Uint8Array | null;
  /** The path of the file with these bytes, below its source. Null: it was compressed here. */
  readonly path: string | null;
  readonly facts: FileFacts;
}

/** A file in one coding. */
export class FileVariant implements Holder {
  readonly representation: Representation;
  /** Null: too large for memory, or not requested often enough. It is sent from the file. */
  content: Uint8Array | null;
  /** As in {@link VariantParts}. */
  readonly path: string | null;
  readonly facts: FileFacts;
  file: OpenFile | null = null;
  usedMs: number = Number.NEGATIVE_INFINITY;
  older: Holder | null = null;
  newer: Holder | null = null;

  constructor({ representation, content, path, facts }: VariantParts) {
    this.representation = representation;
    this.path = path;
    this.facts = facts;
    this.content = content;
  }
}

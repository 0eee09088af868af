// What files of one type, coding and rule have in common, made once. It must not know where files are.

import type { CacheRules } from './cache-rules.ts';
import type { Coding } from './codings.ts';
import { isCompressible, type MediaTypes } from './media-types.ts';
import { type FieldPairs, type FileKind, makeFileKind } from './representation.ts';

export interface KindOptions {
  readonly types: MediaTypes;
  /** Siblings in a coding are looked for, and what has none is compressed. */
  readonly compression: boolean;
  readonly rules: CacheRules;
  /** Fields of every answer. */
  readonly extra: FieldPairs;
}

export class Kinds {
  readonly #options: KindOptions;
  /** As many as there are types, codings and rules. */
  readonly #kinds = new Map<string, FileKind>();

  constructor(options: KindOptions) {
    this.#options = options;
  }

  /** `made`: the coding in which the file at `path` is sent, though it is not stored so; null: as it is. */
  of(path: string, made: Coding | null): FileKind {
    const { types, rules, compression, extra } = this.#options;
    const cacheControl = rules.valueFor(path);
    const mediaType = types.of(path);
    const stored = types.codingOf(path);
    const coding = made ?? stored;
    // Neither a coding nor a media type has a line break, and no value is empty: no two kinds have the same key.
    const key = `${coding}\n${stored}\n${mediaType}\n${cacheControl ?? ''}`;
    const known = this.#kinds.get(key);
    if (known !== undefined) return known;
    const isCodable = compression && stored === null && isCompressible(mediaType);
    const kind = makeFileKind({ mediaType, isCodable, cacheControl }, coding, extra);
    this.#kinds.set(key, kind);
    return kind;
  }
}

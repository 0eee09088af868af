// What files of one type, coding and rule have in common, made once. It must not know where files are.

import type { CacheRules } from './cache-rules.ts';
import type { Coding } from './codings.ts';
import { isCompressible, type Kind, makeKind, mediaTypeOf, type Pairs } from './representation.ts';

/** Endings are few; names without one, and strange ones, must not be kept for ever. */
const MAX_KINDS = 1_000;

export interface KindOptions {
  /** Of text; empty: none is told. */
  readonly charset: string;
  /** Siblings in a coding are looked for, and what has none is compressed. */
  readonly compression: boolean;
  readonly rules: CacheRules;
  /** Fields of every answer. */
  readonly extra: Pairs;
}

export class Kinds {
  readonly #options: KindOptions;
  readonly #kinds = new Map<string, Kind>();

  constructor(options: KindOptions) {
    this.#options = options;
  }

  /** Files of one ending and rule are of one kind. */
  of(path: string, coding: Coding | null): Kind {
    const cacheControl = this.#options.rules.valueFor(path);
    const key = `${path.slice(path.lastIndexOf('.') + 1)} ${coding} ${cacheControl}`;
    const known = this.#kinds.get(key);
    if (known !== undefined) return known;
    const mediaType = mediaTypeOf(path, this.#options.charset);
    const isCodable = this.#options.compression && isCompressible(mediaType);
    const kind = makeKind({ mediaType, isCodable, cacheControl }, coding, this.#options.extra);
    if (this.#kinds.size >= MAX_KINDS) this.#kinds.clear();
    this.#kinds.set(key, kind);
    return kind;
  }
}

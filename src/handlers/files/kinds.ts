// What files of one type, coding and rule have in common, made once. It must not know where files are.

import type { CacheRules } from './cache-rules.ts';
import type { Coding } from './codings.ts';
import { isCompressible, type Kind, makeKind, mediaTypeOf, type Pairs } from './representation.ts';

export interface KindOptions {
  /** The charset of text types; empty: the Content-Type has none. */
  readonly charset: string;
  /** Siblings in a coding are looked for, and what has none is compressed. */
  readonly compression: boolean;
  readonly rules: CacheRules;
  /** Fields of every answer. */
  readonly extra: Pairs;
}

export class Kinds {
  readonly #options: KindOptions;
  /** As many as there are types, codings and rules. */
  readonly #kinds = new Map<string, Kind>();

  constructor(options: KindOptions) {
    this.#options = options;
  }

  of(path: string, coding: Coding | null): Kind {
    const cacheControl = this.#options.rules.valueFor(path);
    const mediaType = mediaTypeOf(path, this.#options.charset);
    // Neither a coding nor a media type has a line break, and no value is empty: no two kinds have the same key.
    const key = `${coding}\n${mediaType}\n${cacheControl ?? ''}`;
    const known = this.#kinds.get(key);
    if (known !== undefined) return known;
    const isCodable = this.#options.compression && isCompressible(mediaType);
    const kind = makeKind({ mediaType, isCodable, cacheControl }, coding, this.#options.extra);
    this.#kinds.set(key, kind);
    return kind;
  }
}

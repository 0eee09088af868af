// What files of one type, coding and rule have in common, made once. It must not know where files are.

import { type PrecompiledFields, precompileFields } from '../http/fields.ts';
import type { CacheRules } from './cache-rules.ts';
import type { Coding } from './codings.ts';
import { isCompressible, type MediaTypes } from './media-types.ts';

/** Fields in order. */
export type FieldPairs = readonly (readonly [string, string | number])[];

/** What many files have in common: of one type, coding and rule. */
export interface FileKind {
  readonly mediaType: string;
  /** It may be sent in a coding. */
  readonly isCodable: boolean;
  /** 200: type, coding and what the site says. */
  readonly fields: PrecompiledFields;
  /** 206, whose type may be another. */
  readonly partFields: PrecompiledFields;
  /** 304 (RFC 9110 section 15.4.5). */
  readonly notModified: PrecompiledFields;
}

/** `cacheControl`: goes with 200, 206 and 304; `extra`: with 200 and 206 only. */
export function makeFileKind(
  {
    mediaType,
    isCodable,
    cacheControl,
  }: Pick<FileKind, 'mediaType' | 'isCodable'> & { readonly cacheControl?: string | undefined },
  coding: string | null,
  extra: FieldPairs,
): FileKind {
  const shared: FieldPairs = [
    ...(isCodable ? [['Vary', 'Accept-Encoding'] as const] : []),
    ...(cacheControl === undefined ? [] : [['Cache-Control', cacheControl] as const]),
  ];
  const encoding: FieldPairs = coding === null ? [] : [['Content-Encoding', coding]];
  const parts: FieldPairs = [...shared, ...encoding, ['Accept-Ranges', 'bytes'], ...extra];
  return {
    mediaType,
    isCodable,
    fields: precompileFields([['Content-Type', mediaType], ...parts]),
    partFields: precompileFields(parts),
    notModified: precompileFields(shared),
  };
}

export interface FileKindOptions {
  readonly types: MediaTypes;
  /** Siblings in a coding are looked for, and what has none is compressed. */
  readonly compression: boolean;
  readonly rules: CacheRules;
  /** Fields of every answer. */
  readonly extra: FieldPairs;
}

export class FileKinds {
  readonly #options: FileKindOptions;
  /** As many as there are types, codings and rules. */
  readonly #kinds = new Map<string, FileKind>();

  constructor(options: FileKindOptions) {
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

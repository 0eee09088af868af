// Response fields shared by all files of one type, coding and rule, made once.

import { type PrecompiledFields, precompileFields } from '../http/fields.ts';
import type { CacheRules } from './cache-rules.ts';
import type { Coding } from './codings.ts';
import { isCompressible, type MediaTypes } from './media-types.ts';

/** Field names and values, in order. */
export type FieldPairs = readonly (readonly [string, string | number])[];

/** Shared by files of one type, coding and rule. */
export interface FileKind {
  readonly mediaType: string;
  /** Whether a coding may be applied. */
  readonly isCodable: boolean;
  /** 200: type, coding, and the fields of the site. */
  readonly fields: PrecompiledFields;
  /** 206, which may have another type. */
  readonly partFields: PrecompiledFields;
  /** 304 (RFC 9110 section 15.4.5). */
  readonly notModified: PrecompiledFields;
}

/** `cacheControl`: sent with 200, 206 and 304. `extra`: sent with 200 and 206 only. */
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
  /** Whether precompressed siblings are searched, and files without one are compressed. */
  readonly compression: boolean;
  readonly rules: CacheRules;
  /** Fields of every response. */
  readonly extra: FieldPairs;
}

export class FileKinds {
  readonly #options: FileKindOptions;
  /** One per combination of type, coding and rule. */
  readonly #kinds = new Map<string, FileKind>();

  constructor(options: FileKindOptions) {
    this.#options = options;
  }

  /** `made`: the coding in which the file at `path` is sent though it is stored without; null: as stored. */
  of(path: string, made: Coding | null): FileKind {
    const { types, rules, compression, extra } = this.#options;
    const cacheControl = rules.valueFor(path);
    const mediaType = types.of(path);
    const stored = types.codingOf(path);
    const coding = made ?? stored;
    // Codings and media types contain no line feed, and no value is empty. So no two kinds have the same key.
    const key = `${coding}\n${stored}\n${mediaType}\n${cacheControl ?? ''}`;
    const known = this.#kinds.get(key);
    if (known !== undefined) return known;
    const isCodable = compression && stored === null && isCompressible(mediaType);
    const kind = makeFileKind({ mediaType, isCodable, cacheControl }, coding, extra);
    this.#kinds.set(key, kind);
    return kind;
  }
}

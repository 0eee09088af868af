// Content codings: which ones a client accepts, in which order (RFC 9110 section 12.5.3), and their compressors.

import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { trimBlanks } from '../http/blanks.ts';
import { weightOf } from '../http/weight.ts';

/** The codings that files may have, the best first. */
const CODINGS = ['br', 'zstd', 'gzip'] as const;

export type Coding = (typeof CODINGS)[number];

/** The file name suffix of each coding. */
export const CODING_SUFFIXES: Readonly<Record<Coding, string>> = { br: '.br', zstd: '.zst', gzip: '.gz' };

/** Cached values of Accept-Encoding: browsers send fewer than twenty. */
const MAX_REMEMBERED = 256;

/** Longer values are not sent by browsers and are not cached. */
const MAX_REMEMBERED_LENGTH = 128;

const remembered = new Map<string, readonly Coding[]>();

/** The codings that are better than none for this client, the best first. */
export function acceptedCodings(field: string): readonly Coding[] {
  const known = remembered.get(field);
  if (known !== undefined) return known;
  const accepted = negotiate(field.toLowerCase());
  if (field.length > MAX_REMEMBERED_LENGTH) return accepted;
  if (remembered.size >= MAX_REMEMBERED) remembered.clear();
  remembered.set(field, accepted);
  return accepted;
}

function negotiate(field: string): readonly Coding[] {
  const weights = new Map<string, number>();
  for (const member of field.split(',')) {
    const [coding = '', ...parameters] = member.split(';').map(trimBlanks);
    // If a coding is listed twice, its refusal (q=0) takes precedence.
    weights.set(coding, Math.min(weightOf(parameters), weights.get(coding) ?? 1));
  }
  const weigh = (coding: Coding): number => weights.get(coding) ?? weights.get('*') ?? 0;
  const ofIdentity = weights.get('identity') ?? 0;
  const accepted = CODINGS.filter((coding) => weigh(coding) > 0 && weigh(coding) >= ofIdentity);
  return accepted.sort((a, b) => weigh(b) - weigh(a));
}

type Compress = (bytes: Uint8Array) => Promise<Uint8Array>;

const gzip = promisify<zlib.InputType, zlib.ZlibOptions, Buffer>(zlib.gzip);
const brotli = promisify<zlib.InputType, zlib.BrotliOptions, Buffer>(zlib.brotliCompress);

/**
 * Levels for content that is compressed once and sent often, while a client waits: the knee of size against time. zstd
 * requires Node.js 22.15.
 */
const COMPRESSORS: Readonly<Partial<Record<Coding, Compress>>> = {
  br: (bytes) => brotli(bytes, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 5 } }),
  gzip: (bytes) => gzip(bytes, { level: 6 }),
  ...zstdCompressor(),
};

function zstdCompressor(): { zstd?: Compress } {
  const zstdCompress: unknown = Reflect.get(zlib, 'zstdCompress');
  if (typeof zstdCompress !== 'function') return {};
  const zstd = (bytes: Uint8Array): Promise<Uint8Array> =>
    new Promise((resolve, reject) => {
      zstdCompress(bytes, (error: Error | null, result: Uint8Array) =>
        error === null ? resolve(result) : reject(error),
      );
    });
  return { zstd };
}

/** Whether {@link compress} supports this coding here. */
export function canCompress(coding: Coding): boolean {
  return COMPRESSORS[coding] !== undefined;
}

/** Compresses in libuv's thread pool. */
export function compress(coding: Coding, bytes: Uint8Array): Promise<Uint8Array> {
  const compressor = COMPRESSORS[coding];
  return compressor === undefined ? Promise.reject(new Error(`no compressor for ${coding}`)) : compressor(bytes);
}

/**
 * The suffix of entity tags of content compressed here. Another version of the library makes different bytes of the
 * same file: both must not share a strong tag.
 */
export function compressedSuffix(coding: Coding): string {
  const { brotli: ofBrotli = '', zlib: ofZlib = '', zstd: ofZstd = '' } = versions;
  return `-${coding}-${coding === 'br' ? ofBrotli : coding === 'gzip' ? ofZlib : ofZstd}`;
}

const versions: Readonly<Record<string, string | undefined>> = process.versions;

// The media type of a file by its extension: the tables of the package `mime`, which are mime-db's (IANA, Apache,
// nginx) with one type per extension, and the site's own types.

import others from 'mime/types/other.js';
import standard from 'mime/types/standard.js';
import { trimBlanks } from '../http/blanks.ts';

/** The type of unknown files (RFC 9110 section 8.3). */
const UNKNOWN = 'application/octet-stream';

/** Extensions that mime-db lacks or maps to a rare type: compressed tar archives, RFC 8878, MS Project. */
const AMENDED: Readonly<Record<string, string>> = {
  tgz: 'application/gzip',
  tbz: 'application/x-bzip2',
  tbz2: 'application/x-bzip2',
  txz: 'application/x-xz',
  zst: 'application/zstd',
  tzst: 'application/zstd',
  mpp: 'application/vnd.ms-project',
};

/**
 * An extension whose content is coded by definition, so that Content-Encoding has to be sent. Uncompressed SVG is
 * `.svg`.
 */
const CODED_ENDING = 'svgz';
const CODED_TYPE = 'image/svg+xml';

/** By extension. Built at the first file, since the command may not serve any. */
let byEnding: ReadonlyMap<string, string> | null = null;

function table(): ReadonlyMap<string, string> {
  if (byEnding !== null) return byEnding;
  const made = new Map<string, string>();
  for (const types of [standard, others]) {
    for (const [type, endings] of Object.entries(types)) {
      // A star marks a type that is not the main one of the extension.
      for (const ending of endings) if (!ending.startsWith('*')) made.set(ending, type);
    }
  }
  for (const [ending, type] of Object.entries(AMENDED)) made.set(ending, type);
  byEnding = made;
  return made;
}

export class MediaTypes {
  /** By extension in lower case, without its dot. */
  readonly #own: ReadonlyMap<string, string>;
  readonly #charset: string;

  /** `own`: types by extension such as `.md`. `charset`: added to text types that have none; empty: not added. */
  constructor(own: Readonly<Record<string, string>> = {}, charset = 'utf-8') {
    this.#own = new Map(Object.entries(own).map(([ending, type]) => [ending.slice(1).toLowerCase(), type]));
    this.#charset = charset;
  }

  /** The type of a file. Text types get a charset, since browsers would guess without one. */
  of(path: string): string {
    const ending = endingOf(path);
    const type = this.#own.get(ending) ?? table().get(ending) ?? UNKNOWN;
    return this.#charset === '' || !isText(type) || /;[\t ]*charset=/i.test(type)
      ? type
      : `${type}; charset=${this.#charset}`;
  }

  /** The coding that the type of a file implies; null: none. */
  codingOf(path: string): 'gzip' | null {
    const ending = endingOf(path);
    return ending === CODED_ENDING && (this.#own.get(ending) ?? CODED_TYPE).startsWith(CODED_TYPE) ? 'gzip' : null;
  }
}

/** In lower case, without its dot; empty: the name has none. */
function endingOf(path: string): string {
  const dot = path.lastIndexOf('.');
  return dot <= path.lastIndexOf('/') ? '' : path.slice(dot + 1).toLowerCase();
}

function isText(mediaType: string): boolean {
  return /^text\/|^[^;\t ]*[/+](?:json|xml|javascript)(?:[;\t ]|$)/i.test(mediaType);
}

/**
 * Types besides text whose content is not compressed, according to mime-db, except application/octet-stream, which
 * means unknown.
 */
const COMPRESSIBLE = new Set([
  'application/ecmascript',
  'application/postscript',
  'application/raml+yaml',
  'application/rtf',
  'application/toml',
  'application/vnd.dart',
  'application/vnd.ms-fontobject',
  'application/wasm',
  'application/x-httpd-php',
  'application/x-ns-proxy-autoconfig',
  'application/x-sh',
  'application/x-tar',
  'application/xml-dtd',
  'font/otf',
  'font/ttf',
  'image/bmp',
  'image/vnd.adobe.photoshop',
  'image/vnd.microsoft.icon',
  'image/vnd.ms-dds',
  'image/x-icon',
  'image/x-ms-bmp',
  'message/rfc822',
  'model/gltf-binary',
]);

/** Whether compression is worthwhile. */
export function isCompressible(mediaType: string): boolean {
  const [type = ''] = mediaType.split(';', 1);
  return isText(mediaType) || COMPRESSIBLE.has(trimBlanks(type).toLowerCase());
}

// Which media type a file has, by the ending of its name: the tables of the package `mime`, which are mime-db's (IANA,
// Apache, nginx) with one type for each ending, and what a site says itself. It must not know files.

import others from 'mime/types/other.js';
import standard from 'mime/types/standard.js';
import { trimBlanks } from '../http/blanks.ts';

/** What nothing is known of (RFC 9110 section 8.3). */
const UNKNOWN = 'application/octet-stream';

/** Endings that mime-db lacks, or knows as something rare: names of compressed tar archives, RFC 8878, MS Project. */
const AMENDED: Readonly<Record<string, string>> = {
  tgz: 'application/gzip',
  tbz: 'application/x-bzip2',
  tbz2: 'application/x-bzip2',
  txz: 'application/x-xz',
  zst: 'application/zstd',
  tzst: 'application/zstd',
  mpp: 'application/vnd.ms-project',
};

/** Types whose content is in a coding, so that its sender has to say it too: an SVG that is not is an `.svg`. */
const CODED_ENDING = 'svgz';
const CODED_TYPE = 'image/svg+xml';

/** By ending; made when the first file is looked for, since the command may have other things to do. */
let byEnding: ReadonlyMap<string, string> | null = null;

function table(): ReadonlyMap<string, string> {
  if (byEnding !== null) return byEnding;
  const made = new Map<string, string>();
  for (const types of [standard, others]) {
    for (const [type, endings] of Object.entries(types)) {
      // A star: this type is not what the ending stands for.
      for (const ending of endings) if (!ending.startsWith('*')) made.set(ending, type);
    }
  }
  for (const [ending, type] of Object.entries(AMENDED)) made.set(ending, type);
  byEnding = made;
  return made;
}

export class MediaTypes {
  /** By ending in lower case, without its dot. */
  readonly #own: ReadonlyMap<string, string>;
  readonly #charset: string;

  /** `own`: types by ending such as `.md`; `charset`: of text that says none itself, empty: none is told. */
  constructor(own: Readonly<Record<string, string>> = {}, charset = 'utf-8') {
    this.#own = new Map(Object.entries(own).map(([ending, type]) => [ending.slice(1).toLowerCase(), type]));
    this.#charset = charset;
  }

  /** Of a file; text has a charset, since without one browsers guess. */
  of(path: string): string {
    const ending = endingOf(path);
    const type = this.#own.get(ending) ?? table().get(ending) ?? UNKNOWN;
    return this.#charset === '' || !isText(type) || /;[\t ]*charset=/i.test(type)
      ? type
      : `${type}; charset=${this.#charset}`;
  }

  /** The coding that the content of a file has by its very type; null: none. */
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
 * Types besides text whose content is not compressed yet, as mime-db says, but for application/octet-stream: that is
 * what nothing is known of.
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

/** Whether compression pays. */
export function isCompressible(mediaType: string): boolean {
  const [type = ''] = mediaType.split(';', 1);
  return isText(mediaType) || COMPRESSIBLE.has(trimBlanks(type).toLowerCase());
}

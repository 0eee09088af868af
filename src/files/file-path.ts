// Parses a request path into the names of a file below a root, or rejects it. Decodes once. A path that could leave the
// root, or has two meanings, is rejected.

import { decodeName } from './file-name.ts';

/** The file that a path names: names below the root, and whether it ends in `/`. */
export interface FilePath {
  readonly segments: readonly string[];
  readonly isDirectory: boolean;
}

/** 400: no client needs to send such a path. 404: hidden. */
export type PathRefusal = 400 | 404;

/** Bytes that separate or terminate names, and are never part of one. A backslash is an ordinary character here. */
const FORBIDDEN = /[\0/]/;

/**
 * Splits and decodes `path` (as sent, beginning with `/`). Empty names are skipped, as nginx does.
 * Names that begin with a dot are hidden, except `.well-known` (RFC 8615), unless `showsHidden`.
 */
export function parseFilePath(path: string, showsHidden = false): FilePath | PathRefusal {
  if (!path.startsWith('/')) return 400;
  const segments: string[] = [];
  for (const part of path.split('/')) {
    if (part === '') continue;
    const name = decodeName(part);
    if (name === null || name === '.' || name === '..' || FORBIDDEN.test(name)) return 400;
    if (name.startsWith('.') && name !== '.well-known' && !showsHidden) return 404;
    segments.push(name);
  }
  return { segments, isDirectory: path.endsWith('/') };
}

/** The canonical decoded form, equal for all spellings of a path. */
export function canonicalPath({ segments, isDirectory }: FilePath): string {
  return `/${segments.join('/')}${isDirectory && segments.length > 0 ? '/' : ''}`;
}

/**
 * The cache key of a file: {@link canonicalPath}, with `%` escaped, which begins an escape in a sent path. So a sent
 * path that equals a key names that very file and needs no decoding.
 */
export function cacheKey(path: FilePath): string {
  return canonicalPath(path).replaceAll('%', '%25');
}

/** Whether the last name of a path has no extension, or that of a page. False for hidden names. */
export function isPagePath(path: FilePath | PathRefusal): boolean {
  if (typeof path === 'number') return false;
  const name = path.isDirectory ? '' : (path.segments.at(-1) ?? '');
  const dot = name.lastIndexOf('.');
  return dot < 0 || /^\.html?$/.test(name.slice(dot));
}

// From a request path to the names of a file below a root, or a refusal. Decodes once; nothing that could
// leave the root or mean two things passes. It must not touch the file system.

import { decodeName } from './file-name.ts';

/** What a path asks for: names below the root, and whether it ends in `/`. */
export interface FilePath {
  readonly segments: readonly string[];
  readonly isDirectory: boolean;
}

/** 400: no path that any client needs to send; 404: hidden. */
export type PathRefusal = 400 | 404;

/** Bytes that separate names, or end them: never part of a name. A backslash is one like any other here. */
const FORBIDDEN = /[\0/]/;

/**
 * Splits and decodes `path` (as sent, beginning with `/`). Empty names are skipped, as nginx does.
 * Names that begin with a dot are hidden, but for `.well-known` (RFC 8615), unless `showsHidden`.
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

/** The one way to say it, decoded: what different spellings of a path have in common. */
export function canonicalPath({ segments, isDirectory }: FilePath): string {
  return `/${segments.join('/')}${isDirectory && segments.length > 0 ? '/' : ''}`;
}

/**
 * What a file is kept under: {@link canonicalPath}, with the one character that a path as sent reads otherwise written
 * as such a path must. So a path as sent that is a key itself asks for that very file, and needs no decoding.
 */
export function cacheKey(path: FilePath): string {
  return canonicalPath(path).replaceAll('%', '%25');
}

/** Whether the last name of a path has no ending, or that of a page. A hidden name is none. */
export function isPagePath(path: FilePath | PathRefusal): boolean {
  if (typeof path === 'number') return false;
  const name = path.isDirectory ? '' : (path.segments.at(-1) ?? '');
  const dot = name.lastIndexOf('.');
  return dot < 0 || /^\.html?$/.test(name.slice(dot));
}

// The normal form of a requested path, by which files are found and rules are matched: decoded once, without empty names,
// without slashes at both ends.

import { isStreamSafe, isTextName } from '../files/file-name.ts';
import { parseFilePath } from '../files/file-path.ts';

const BACKSLASH = 0x5c;
const PERCENT = 0x25;
const SLASH = 0x2f;
const DOT = 0x2e;

/** What a clean URL leaves out of the path of a page. */
export const CLEAN_ENDING: RegExp = /(?:(?:^|\/)index)?\.html$/;

const ASCII = /^[\0-\x7f]*$/;

/**
 * Null: `path` (as sent) has none, so that it may have two meanings: an encoded slash, a dot segment, an invalid escape.
 * Two more have one meaning for files, but not for applications: URL parsers read a backslash as a slash, and lenient
 * decoders read invalid UTF-8 as other characters (CVE-2008-2938). Paths are compared after Unicode normalization, so one
 * that makes it slow has none either.
 */
export function normalPathOf(path: string): string | null {
  const parsed = parseFilePath(path, true);
  if (typeof parsed === 'number') return null;
  const normal = parsed.segments.join('/');
  if (normal.includes('\\')) return null;
  return ASCII.test(normal) || (isTextName(normal) && isStreamSafe(normal)) ? normal : null;
}

/** Whether `path` (as sent) is its own normal form, except for a slash at its end. False also for some that are. */
export function isPlainPath(path: string): boolean {
  if (path.charCodeAt(0) !== SLASH) return false;
  for (let at = 0; at < path.length; at++) {
    const code = path.charCodeAt(at);
    // Letters and digits come behind all but one of the others.
    if (code > SLASH) {
      if (code === BACKSLASH) return false;
    } else if (code === PERCENT) return false;
    else if (code === SLASH) {
      const next = path.charCodeAt(at + 1);
      if (next === SLASH || next === DOT) return false;
    }
  }
  return true;
}

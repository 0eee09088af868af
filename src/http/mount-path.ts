// Paths that a handler is mounted at: which requests are below one, segment by segment.

const SLASH = 0x2f;

/** A path such as `/api/v1` for its names; null: it names no path that a handler can be mounted at. */
export function mountPathOf(path: string): string | null {
  const names = path.split('/').filter((name) => name !== '');
  const isPath = path.startsWith('/') && names.length > 0 && !names.some((name) => name === '.' || name === '..');
  return isPath ? `/${names.join('/')}` : null;
}

/**
 * Where the part of `path`, as sent, that is below `mountPath` begins; -1: it is not below it. Only whole segments count,
 * and `%61` is an `a` (RFC 3986 section 2.3).
 */
export function endOfMount(path: string, mountPath: string): number {
  if (path.startsWith(mountPath) && isEnd(path, mountPath.length)) return mountPath.length;
  if (!path.includes('%')) return -1;
  let at = 0;
  for (const name of mountPath.split('/').slice(1)) {
    if (path.charCodeAt(at) !== SLASH) return -1;
    const next = path.indexOf('/', at + 1);
    const end = next < 0 ? path.length : next;
    if (decoded(path.slice(at + 1, end)) !== name) return -1;
    at = end;
  }
  return at;
}

function isEnd(path: string, at: number): boolean {
  return at === path.length || path.charCodeAt(at) === SLASH;
}

/** Null: it is no UTF-8, or an encoded slash would make two segments of it. */
function decoded(segment: string): string | null {
  try {
    const name = decodeURIComponent(segment);
    return name.includes('/') ? null : name;
  } catch {
    return null;
  }
}

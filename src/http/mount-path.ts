// Matches request paths against mount paths, segment by segment.

const SLASH = 0x2f;

/** The normal form of a mount path, such as `/api/v1`. Null: a handler cannot be mounted at `path`. */
export function mountPathOf(path: string): string | null {
  const names = path.split('/').filter((name) => name !== '');
  const isPath = path.startsWith('/') && names.length > 0 && !names.some((name) => name === '.' || name === '..');
  return isPath ? `/${names.join('/')}` : null;
}

/**
 * The offset in `path`, as sent, of the part below `mountPath`; -1: `path` is not below it. Only whole segments match,
 * and `%61` equals `a` (RFC 3986 section 2.3).
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

/** The decoded segment. Null: not UTF-8, or an encoded slash, which would make two segments of it. */
function decoded(segment: string): string | null {
  try {
    const name = decodeURIComponent(segment);
    return name.includes('/') ? null : name;
  } catch {
    return null;
  }
}

// Paths below which something is mounted, and what stands there.

import { EpollServerError } from '../errors.ts';
import { mountPathOf } from '../http/mount-path.ts';

/**
 * What is mounted, by its path such as `/a/b`. `what` names it in messages: `a folder`.
 * @throws EpollServerError `ERR_OPTION`: no path, or the same path twice.
 */
export function mountsOf<T>(
  mounts: readonly (readonly [string, T])[],
  what: string,
): readonly (readonly [string, T])[] {
  const seen = new Set<string>();
  return mounts.map(([path, mounted]) => {
    const known = mountPathOf(path);
    if (known === null) {
      throw new EpollServerError('ERR_OPTION', `${what} is mounted below a path such as /assets, not "${path}"`);
    }
    if (seen.has(known)) throw new EpollServerError('ERR_OPTION', `${what} is mounted twice below ${known}`);
    seen.add(known);
    return [known, mounted];
  });
}

// Checks mount paths and the values mounted at them.

import { EpollServerError } from '../errors.ts';
import { mountPathOf } from '../http/mount-path.ts';

/**
 * Returns the mounted values by path, such as `/a/b`. `what` names the values in messages: `a folder`.
 * @throws EpollServerError `ERR_OPTION`: an invalid or repeated path.
 */
export function mountsOf<T>(
  mounts: readonly (readonly [string, T])[],
  what: string,
): readonly (readonly [string, T])[] {
  const seen = new Set<string>();
  return mounts.map(([path, mounted]) => {
    const known = mountPathOf(path);
    if (known === null) {
      throw new EpollServerError('ERR_OPTION', `${what} must be mounted at a path such as /assets, not "${path}"`);
    }
    if (seen.has(known)) throw new EpollServerError('ERR_OPTION', `${what} is mounted twice at ${known}`);
    seen.add(known);
    return [known, mounted];
  });
}

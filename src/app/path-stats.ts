// What a path leads to, for code that treats all that cannot be looked at as missing.

import { type Stats, statSync } from 'node:fs';

export function pathStats(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    // A loop of links, a name that is too long or contains a NUL, or a folder without permission: treated as missing.
    return undefined;
  }
}

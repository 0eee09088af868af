// Resolves the folder that an option names.

import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { EpollServerError } from '../errors.ts';

/**
 * Returns the absolute path of a readable folder. Links in it are not resolved: they may change later.
 * @throws EpollServerError `ERR_ROOT`: missing, not a directory, or not readable.
 */
export async function resolveRoot(root: string, what = 'the root'): Promise<string> {
  const path = resolve(root);
  const refuse = (why: string): EpollServerError => new EpollServerError('ERR_ROOT', `${what} ${path} ${why}`);
  const stats = await stat(path).catch(() => null);
  if (stats === null) throw refuse('does not exist: name a folder with files to serve');
  if (!stats.isDirectory()) throw refuse('is not a directory: name the folder that holds the file');
  await access(path, constants.R_OK | constants.X_OK).catch(() => {
    throw refuse('cannot be read: change its permissions or run as its owner');
  });
  return path;
}

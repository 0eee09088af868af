// The private folder of the socket of Python workers. A server that is killed leaves it behind: the next one removes it.

import { lstat, mkdtemp, readdir, rmdir, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EpollServerError, messageOf } from '../errors.ts';
import type { ProcessOwner } from '../workers/child-process.ts';

const PREFIX = 'epoll-server-python-';

const SOCKET = 'python.sock';

/** Longer paths do not fit into an address of a Unix domain socket on every system (sun_path). */
const MAX_SOCKET_PATH = 100;

/** A folder that was changed more recently may belong to a server that is starting. */
const MIN_AGE_MS = 60_000;

/**
 * Makes one, and removes those that nothing listens in, in the background. `owner`: the owner of the sockets.
 * @throws EpollServerError `ERR_WORKER`.
 */
export async function makeSocketFolder(owner: ProcessOwner): Promise<string> {
  const temporary = tmpdir();
  const parent = temporary.length > MAX_SOCKET_PATH / 2 ? '/tmp' : temporary;
  removeUnused(parent, [process.getuid?.(), owner.uid]).catch(() => {});
  try {
    return await mkdtemp(join(parent, PREFIX));
  } catch (error) {
    const text = `cannot make a folder for Python workers: ${messageOf(error)}. TMPDIR names another place`;
    throw new EpollServerError('ERR_WORKER', text, { cause: error });
  }
}

export function socketIn(folder: string): string {
  return join(folder, SOCKET);
}

/** Removes the folders in `parent` that belong to one of the users `uids`, and that nothing listens in. */
async function removeUnused(parent: string, uids: readonly (number | undefined)[]): Promise<void> {
  const names = (await readdir(parent)).filter((name) => name.startsWith(PREFIX));
  for (const name of names) {
    const folder = join(parent, name);
    const stats = await lstat(folder).catch(() => null);
    if (stats?.isDirectory() !== true || !uids.includes(stats.uid)) continue;
    if (Date.now() - stats.mtimeMs < MIN_AGE_MS || (await isInUse(socketIn(folder)))) continue;
    // Not with all that it contains: another user that owns it may replace it by a link meanwhile.
    await unlink(socketIn(folder)).catch(() => {});
    await rmdir(folder).catch(() => {});
  }
}

/** Whether something listens on the socket `path`. Without a listener the system refuses the connection. */
function isInUse(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => {
      const isRefused = 'code' in error && (error.code === 'ECONNREFUSED' || error.code === 'ENOENT');
      resolve(!isRefused);
    });
  });
}

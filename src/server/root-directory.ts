// The folder of a site, kept open. When another folder takes its place under the same path, as deployments do,
// that one is served within a second; when nothing does, there are no files.

import { stat } from 'node:fs';
import { EpollServerError } from '../errors.ts';
import { NativeError } from '../kernel/errno.ts';
import { FILE_DEVICE, FILE_INODE, type Files } from '../kernel/files.ts';

/** How long a folder that was replaced may go unnoticed. */
const CHECK_MS = 900;

/** The path leads to no folder that may be served. */
const NOT_THERE: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'ENAMETOOLONG']);

/** No descriptor: beneath it there is nothing (EBADF). */
const NOWHERE = -1;

export class RootDirectory {
  readonly #files: Files;
  readonly #path: string;
  readonly #nowMs: () => number;
  readonly #onGone: (error: EpollServerError) => void;
  #fd: number;
  /** Of the folder that is open. */
  #device: number;
  #inode: number;
  #checkedMs: number;
  #isComparing = false;
  #isGone = false;

  /**
   * `onGone`: told once when nothing is there any more.
   * @throws EpollServerError `ERR_ROOT`.
   */
  constructor(files: Files, path: string, nowMs: () => number, onGone: (error: EpollServerError) => void) {
    this.#files = files;
    this.#path = path;
    this.#nowMs = nowMs;
    this.#onGone = onGone;
    this.#fd = files.openRoot(path);
    this.#device = files.status[FILE_DEVICE] ?? 0;
    this.#inode = files.status[FILE_INODE] ?? 0;
    this.#checkedMs = nowMs();
    if (this.#fd < 0) {
      const cause = new NativeError('open', this.#fd);
      throw new EpollServerError('ERR_ROOT', `the root ${path} cannot be opened: ${cause.message}`, { cause });
    }
  }

  /**
   * For `Files.open`; looks now and then, in the background, whether it is still what the path leads to. While nothing is
   * there, the folder may be open and live on elsewhere, but it is no root.
   */
  get fd(): number {
    const nowMs = this.#nowMs();
    if (nowMs - this.#checkedMs >= CHECK_MS && !this.#isComparing) {
      this.#checkedMs = nowMs;
      this.#compare();
    }
    return this.#isGone ? NOWHERE : this.#fd;
  }

  /** One at a time: a disk that hangs must not take one thread of the pool after the other. */
  #compare(): void {
    this.#isComparing = true;
    stat(this.#path, (gone, named) => {
      this.#isComparing = false;
      // A disk or network that fails for a moment (EIO, ESTALE, ENOMEM) removes no folder.
      if (gone !== null && !NOT_THERE.has(gone.code ?? '')) return;
      if (gone !== null || !named.isDirectory()) return this.#miss();
      this.#isGone = false;
      if (named.ino !== this.#inode || named.dev !== this.#device) this.#replace();
    });
  }

  #miss(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#onGone(new EpollServerError('ERR_FILE', `the folder ${this.#path} is gone: 404 until there is one again`));
  }

  /** Calls that are under way in the folder before go on there: they own its descriptor. */
  #replace(): void {
    const fd = this.#files.openRoot(this.#path);
    if (fd < 0) return;
    this.#files.close(this.#fd);
    this.#fd = fd;
    this.#device = this.#files.status[FILE_DEVICE] ?? 0;
    this.#inode = this.#files.status[FILE_INODE] ?? 0;
  }
}

// A folder that is served by its name. When the name leads to another folder, as deployments make it do, that one is
// served within a second; when it leads nowhere, there are no files. An open folder is a release: no answer is made of
// two of them.

import { type Stats, stat } from 'node:fs';
import { EpollServerError } from '../errors.ts';
import { EMFILE, ENFILE } from '../kernel/errno.ts';
import { FILE_DEVICE, FILE_INODE, type Files } from '../kernel/files.ts';
import { NativeError } from '../kernel/native-error.ts';
import type { FileSource } from './file-source.ts';
import type { Mount } from './finder.ts';
import { PeriodicLook } from './periodic-look.ts';

/** How long another release may go unnoticed. */
const FRESH_MS = 900;

/** The same while the name leads nowhere: `ln -sfn` removes a link just before it makes the new one. */
const FRESH_GONE_MS = 20;

/** The name leads to no folder that may be served. Other errors, of a disk or network, remove no folder. */
const NOT_THERE: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'ENAMETOOLONG']);

/** The release of a name that leads nowhere. */
const NOWHERE = 0;

export interface RootOptions {
  readonly files: Files;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  /** Gives descriptors back, since there are none left. False: there are none to give. */
  readonly relieve: () => boolean;
  /** What a release is served by. `fd`: of its folder, -1 when there is none. */
  readonly sourceOf: (root: RootDirectory, release: number, fd: number) => FileSource;
  /** Called with what is not served any more. */
  readonly onReplaced: (source: FileSource) => void;
  /** Called once when the name leads nowhere any more. */
  readonly onGone: (error: EpollServerError) => void;
}

export class RootDirectory implements Mount {
  readonly prefix: readonly string[];
  readonly #path: string;
  readonly #options: RootOptions;
  readonly #nowhere: FileSource;
  /** The last folder that was found, also while the name leads nowhere. */
  #fd: number;
  #device: number;
  #inode: number;
  #release = NOWHERE + 1;
  #source: FileSource;
  #isGone = false;
  readonly #look: PeriodicLook;

  /**
   * `path`: absolute, as it was named.
   * @throws EpollServerError `ERR_ROOT`.
   */
  constructor(prefix: readonly string[], path: string, options: RootOptions) {
    const { files, nowMs, sourceOf } = options;
    this.prefix = prefix;
    this.#path = path;
    this.#options = options;
    this.#fd = files.openRoot(path);
    if (this.#fd < 0) {
      const cause = new NativeError('open', this.#fd);
      throw new EpollServerError('ERR_ROOT', `the root ${path} cannot be opened: ${cause.message}`, { cause });
    }
    this.#device = files.status[FILE_DEVICE] ?? 0;
    this.#inode = files.status[FILE_INODE] ?? 0;
    this.#source = sourceOf(this, this.#release, this.#fd);
    this.#nowhere = sourceOf(this, NOWHERE, -1);
    const freshMs = (): number => (this.#isGone ? FRESH_GONE_MS : FRESH_MS);
    this.#look = new PeriodicLook({ nowMs, freshMs, look: () => this.#check() });
  }

  get source(): FileSource {
    return this.#isGone ? this.#nowhere : this.#source;
  }

  whenKnown(): Promise<void> | null {
    return this.#look.whenFresh();
  }

  /** Whether the name leads to `release`, which a source was made for, as far as is known. */
  isCurrent(release: number, nowMs: number): boolean {
    return this.#look.isFresh(nowMs) && release === (this.#isGone ? NOWHERE : this.#release);
  }

  /** Whether the folder of `release` is open. */
  isOpen(release: number): boolean {
    return release === this.#release;
  }

  async #check(): Promise<void> {
    const [error, named] = await new Promise<readonly [NodeJS.ErrnoException | null, Stats]>((resolve) => {
      stat(this.#path, (...result) => resolve(result));
    });
    if (error === null && named.isDirectory()) this.#found(named.dev, named.ino);
    else if (error === null || NOT_THERE.has(error.code ?? '')) this.#miss();
  }

  #found(device: number, inode: number): void {
    if (device !== this.#device || inode !== this.#inode) this.#replace();
    else this.#isGone = false;
  }

  #miss(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    const text = `the folder ${this.#path} is gone: 404 until there is one again`;
    this.#options.onGone(new EpollServerError('ERR_FILE', text));
  }

  /** Calls that are under way in the old folder own its descriptor and go on there. */
  #replace(): void {
    const { files, sourceOf, onReplaced } = this.#options;
    const fd = this.#open();
    if (fd < 0) return;
    const old = this.#source;
    files.close(this.#fd);
    this.#fd = fd;
    this.#device = files.status[FILE_DEVICE] ?? 0;
    this.#inode = files.status[FILE_INODE] ?? 0;
    this.#isGone = false;
    this.#release++;
    this.#source = sourceOf(this, this.#release, fd);
    onReplaced(old);
  }

  #open(): number {
    const { files, relieve } = this.#options;
    const fd = files.openRoot(this.#path);
    return (fd === EMFILE || fd === ENFILE) && relieve() ? files.openRoot(this.#path) : fd;
  }
}

// A served folder, found by its name. When the name leads to another folder, as after a deployment, that one is served
// within a second. When it leads nowhere, there are no files. Each open folder is a release: no response mixes two
// releases.

import { type Stats, stat } from 'node:fs';
import { EpollServerError } from '../errors.ts';
import { EMFILE, ENFILE } from '../kernel/errno.ts';
import { FILE_DEVICE, FILE_INODE, type Files } from '../kernel/files.ts';
import { NativeError } from '../kernel/native-error.ts';
import type { FileSource } from './file-source.ts';
import type { Mount } from './finder.ts';
import { PeriodicLook } from './periodic-look.ts';

/** A new release is noticed after this time. */
const FRESH_MS = 900;

/** The same while the name leads nowhere: `ln -sfn` removes a link just before it creates the new one. */
const FRESH_GONE_MS = 20;

/**
 * Errors that mean that the name leads to no servable folder. Other errors, of a disk or network, keep the current one.
 */
const NOT_THERE: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'ENAMETOOLONG']);

/** The release number of a name that leads nowhere. */
const NOWHERE = 0;

export interface RootOptions {
  readonly files: Files;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  /** Closes idle descriptors when none are left. Returns false if there are none to close. */
  readonly relieve: () => boolean;
  /** Makes the source of a release. `fd`: of its folder, -1 if there is none. */
  readonly sourceOf: (root: RootDirectory, release: number, fd: number) => FileSource;
  /** Called with a source that is not served any more. */
  readonly onReplaced: (source: FileSource) => void;
  /** Called once when the name stops leading to a folder. */
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
   * `path`: absolute, as it was configured.
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

  /** Whether the name leads to `release`, as far as is known. */
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
    const text = `the folder ${this.#path} is gone: responding with 404 until it exists again`;
    this.#options.onGone(new EpollServerError('ERR_FILE', text));
  }

  /** Running calls in the old folder own its descriptor and complete there. */
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

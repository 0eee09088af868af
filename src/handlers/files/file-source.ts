// Where static files come from, as an interface, so that the handler can be run on slow, shrinking or
// failing files; and the real one, which confines every name to its root.

import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, readlink, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';

/** Why a name gives no file. */
export type Refusal = 'missing' | 'directory' | 'forbidden' | 'exhausted' | 'failed';

/** An open regular file. Times are milliseconds since 1970. */
export interface OpenFile {
  readonly size: number;
  readonly modifiedMs: number;
  /** Equal for the same content: device, inode, size and modification time. */
  readonly identity: string;
  /** Fills `into` from `position`; returns the bytes read, 0 at the end. */
  read(into: Uint8Array, position: number): Promise<number>;
  close(): Promise<void>;
}

export interface FileSource {
  /** Opens the file at `segments` below the root: decoded names without `/`, `..`, `.` and NUL. */
  open(segments: readonly string[]): Promise<OpenFile | Refusal>;
}

const REFUSALS: Readonly<Record<string, Refusal>> = {
  ENOENT: 'missing',
  ENOTDIR: 'missing',
  ENAMETOOLONG: 'missing',
  ELOOP: 'missing',
  ENXIO: 'missing',
  EACCES: 'forbidden',
  EPERM: 'forbidden',
  EMFILE: 'exhausted',
  ENFILE: 'exhausted',
  ENOMEM: 'exhausted',
};

/** Files of a directory of this machine. `root` is its real path. */
export class DirectorySource implements FileSource {
  readonly #root: string;
  readonly #inside: string;

  constructor(root: string) {
    this.#root = root;
    this.#inside = root.endsWith(sep) ? root : root + sep;
  }

  async open(segments: readonly string[]): Promise<OpenFile | Refusal> {
    try {
      return await this.#openRegular(join(this.#root, ...segments));
    } catch (error) {
      return REFUSALS[codeOf(error)] ?? 'failed';
    }
  }

  /** Only regular files are opened: a FIFO would block the thread pool, a device may act. */
  async #openRegular(path: string): Promise<OpenFile | Refusal> {
    // What a link outside leads to is not told either: not whether it is a folder, nor whether it may be read.
    const real = await realpath(path);
    if (real !== this.#root && !real.startsWith(this.#inside)) return 'missing';
    const expected = await stat(real);
    if (expected.isDirectory()) return 'directory';
    if (!expected.isFile()) return 'missing';
    const handle = await open(real, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const actual = await handle.stat();
      if (actual.isFile() && (await this.#isInside(handle, path, actual))) return new OpenedFile(handle, actual);
    } catch (error) {
      await handle.close();
      throw error;
    }
    await handle.close();
    return 'missing';
  }

  /**
   * Whether what was opened lies below the root. The descriptor is asked, not the name: a folder that
   * turns into a link between two looks at a name would fool any check of names.
   */
  async #isInside(handle: FileHandle, path: string, actual: Stats): Promise<boolean> {
    const where = await readlink(`/proc/self/fd/${handle.fd}`).catch(() => null);
    if (where !== null) return where.startsWith(this.#inside);
    // Without /proc the name has to do.
    const real = await realpath(path);
    const named = await stat(real);
    return real.startsWith(this.#inside) && named.ino === actual.ino && named.dev === actual.dev;
  }
}

class OpenedFile implements OpenFile {
  readonly size: number;
  readonly modifiedMs: number;
  readonly identity: string;
  readonly #handle: FileHandle;

  constructor(handle: FileHandle, stats: { size: number; mtimeMs: number; ino: number; dev: number }) {
    this.#handle = handle;
    this.size = stats.size;
    this.modifiedMs = stats.mtimeMs;
    this.identity = `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeMs}`;
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    const { bytesRead } = await this.#handle.read(into, 0, into.length, position);
    return bytesRead;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

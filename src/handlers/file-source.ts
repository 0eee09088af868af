// Where static files come from, as an interface, so that the handler can be run on slow, shrinking or
// failing files; and the real one, which confines every name to its root.

import { constants } from 'node:fs';
import { type FileHandle, open, realpath, stat } from 'node:fs/promises';
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

/** Looks at a name before it is taken for missing; each loses only to a replacement at that very moment. */
const MAX_ATTEMPTS = 5;

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
    const path = join(this.#root, ...segments);
    try {
      // A file that is replaced by rename meanwhile is looked at anew.
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        const opened = await this.#openConfined(path);
        if (opened !== 'replaced') return opened;
      }
      return 'missing';
    } catch (error) {
      return REFUSALS[codeOf(error)] ?? 'failed';
    }
  }

  /**
   * Only regular files are opened: a FIFO would block the thread pool. The name is resolved, and what
   * was opened is compared with what was resolved, so that a link swapped in between opens nothing.
   */
  async #openConfined(path: string): Promise<OpenFile | Refusal | 'replaced'> {
    const real = await realpath(path);
    if (real !== this.#root && !real.startsWith(this.#inside)) return 'missing';
    const expected = await stat(real);
    if (expected.isDirectory()) return 'directory';
    if (!expected.isFile()) return 'missing';
    const handle = await open(real, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    try {
      const actual = await handle.stat();
      if (actual.isFile() && actual.ino === expected.ino && actual.dev === expected.dev) {
        return new OpenedFile(handle, actual);
      }
    } catch (error) {
      await handle.close();
      throw error;
    }
    await handle.close();
    return 'replaced';
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

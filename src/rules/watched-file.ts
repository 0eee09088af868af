// A small file whose content is in memory. It is read at the start, and again within a second after it changed, off the
// loop.

import { readFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { PeriodicLook } from '../files/periodic-look.ts';

/** A change is noticed after this time. */
const FRESH_MS = 900;

/** The largest file; a larger one counts as unreadable. */
const MAX_BYTES = 1_048_576;

export interface WatchedFileOptions {
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  /** Takes the content; null: there is no such file. Throws if it is not valid. */
  readonly take: (content: Buffer | null) => void;
  /** Called when a changed file cannot be read, or is not valid: what was taken before stays in use. */
  readonly onError: (error: unknown) => void;
}

export class WatchedFile {
  readonly #path: string;
  readonly #options: WatchedFileOptions;
  readonly #look: PeriodicLook;
  /** Size and times of the file that was read last. */
  #known = '';

  /** @throws the error of `take`, or of the system unless there is no such file. */
  constructor(path: string, options: WatchedFileOptions) {
    this.#path = path;
    this.#options = options;
    options.take(readNow(path));
    this.#look = new PeriodicLook({ nowMs: options.nowMs, freshMs: () => FRESH_MS, look: () => this.#check() });
  }

  /** Resolves when the content is known to be current; null: it is. */
  whenFresh(): Promise<void> | null {
    return this.#look.whenFresh();
  }

  async #check(): Promise<void> {
    try {
      const stats = await stat(this.#path).catch(nullIfMissing);
      const known = stats === null ? 'missing' : `${stats.ino} ${stats.size} ${stats.mtimeMs} ${stats.ctimeMs}`;
      if (known === this.#known) return;
      this.#known = known;
      if (stats === null) return this.#options.take(null);
      this.#options.take(checkedSize(await readFile(this.#path), this.#path));
    } catch (error) {
      this.#options.onError(error);
    }
  }
}

function readNow(path: string): Buffer | null {
  try {
    return checkedSize(readFileSync(path), path);
  } catch (error) {
    return nullIfMissing(error);
  }
}

function checkedSize(content: Buffer, path: string): Buffer {
  if (content.length > MAX_BYTES) throw new Error(`${path} has ${content.length} bytes, the limit is ${MAX_BYTES}`);
  return content;
}

function nullIfMissing(error: unknown): null {
  const isMissing = error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
  if (!isMissing) throw error;
  return null;
}

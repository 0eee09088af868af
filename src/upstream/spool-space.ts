// The room for content that waits in temporary files, shared by all requests and responses of a server.

import { WorkPool } from '../files/work-pool.ts';

/** One response may use this part of the whole, so that one slow client leaves room for others. */
const PARTS = 8;

/** Threads of the pool that a slow disk may hold: files and names are looked up by the others. */
const THREADS = 2;

export class SpoolSpace {
  /** Writes of temporary files, in the order in which they came. */
  readonly pool: WorkPool = new WorkPool(THREADS + 1);
  readonly #maxBytes: number;
  #usedBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes in temporary files. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** The most that one response may use. */
  get maxResponseBytes(): number {
    return Math.floor(this.#maxBytes / PARTS);
  }

  /** False: there is not so much room. */
  reserve(bytes: number): boolean {
    if (this.#usedBytes + bytes > this.#maxBytes) return false;
    this.#usedBytes += bytes;
    return true;
  }

  release(bytes: number): void {
    this.#usedBytes -= bytes;
  }
}

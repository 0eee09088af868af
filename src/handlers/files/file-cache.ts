// Small files, ready to send, for a second at a time. Bounded in bytes; who was looked up longest ago
// leaves first. It must not know HTTP.

import type { Representation } from './representation.ts';

/** A file as it is sent. */
export interface CachedFile {
  readonly identity: string;
  readonly representation: Representation;
  readonly content: Buffer;
  /**
   * The modification time was old enough when the content was read that a later change must show in
   * `identity`: file systems count time in steps of up to two seconds.
   */
  readonly settled: boolean;
  /** Monotonic time before the last look at the file itself, in milliseconds. */
  checkedMs: number;
}

/** What an entry costs beside its content: objects, strings, the map's slot. */
const ENTRY_BYTES = 512;

export class FileCache {
  readonly #maxBytes: number;
  readonly #files = new Map<string, CachedFile>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(key: string): CachedFile | undefined {
    return this.#files.get(key);
  }

  /** Enters or renews; the least recently renewed leave until it fits. */
  set(key: string, file: CachedFile): void {
    this.delete(key);
    const cost = file.content.length + ENTRY_BYTES;
    if (cost > this.#maxBytes) return;
    for (const oldest of this.#files.keys()) {
      if (this.#bytes + cost <= this.#maxBytes) break;
      this.delete(oldest);
    }
    this.#files.set(key, file);
    this.#bytes += cost;
  }

  delete(key: string): void {
    const file = this.#files.get(key);
    if (file === undefined) return;
    this.#files.delete(key);
    this.#bytes -= file.content.length + ENTRY_BYTES;
  }
}

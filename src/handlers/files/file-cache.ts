// Files ready to send, for a second at a time. Bounded in bytes; who was looked up longest ago leaves first.
// It must not know HTTP.

import type { Resource } from './resource.ts';

/** What an entry costs beside its content: objects, strings, fields, the map's slot (measured: 1.4 KiB, 1.9 once sent). */
export const ENTRY_BYTES = 2_048;

/**
 * While the cache is full, one newcomer of so many is let in: what is asked for often soon comes again, and a crawl
 * through more files than fit does not throw out what is hot, nor cost memory for each.
 */
const NEWCOMERS = 8;

interface Entry {
  readonly resource: Resource;
  readonly bytes: number;
}

export class FileCache {
  readonly #maxBytes: number;
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;
  #newcomers = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Resource | undefined {
    return this.#entries.get(key)?.resource;
  }

  /** Whether a resource of so many content bytes, which is not kept yet, is worth keeping. */
  admits(contentBytes: number): boolean {
    if (this.#bytes + contentBytes + ENTRY_BYTES <= this.#maxBytes) return true;
    return this.#newcomers++ % NEWCOMERS === 0;
  }

  /** Enters or renews; the least recently renewed leave until it fits. */
  set(key: string, resource: Resource): void {
    this.delete(key);
    const bytes = resource.bytes + ENTRY_BYTES;
    if (bytes > this.#maxBytes) return;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes + bytes <= this.#maxBytes) break;
      this.delete(oldest);
    }
    resource.key = key;
    this.#entries.set(key, { resource, bytes });
    this.#bytes += bytes;
  }

  /** What it costs has changed. */
  grew(resource: Resource): void {
    if (this.get(resource.key) === resource) this.set(resource.key, resource);
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
  }
}

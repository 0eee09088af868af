// What is known of files, for a second at a time: those ready to send, bounded in bytes, and beside them those that
// are described only, and sent from where they lie, bounded in number. Who was looked up longest ago leaves first.
// It must not know HTTP.

import type { OpenFiles } from './open-files.ts';
import type { Resource } from './resource.ts';

/** What an entry costs beside its content: objects, strings, fields, the map's slot (measured: 1.4 KiB, 1.9 once sent). */
export const ENTRY_BYTES = 2_048;

/** Descriptions that are kept when no files are kept open: 2 MiB. */
const MIN_DESCRIBED = 1_024;

interface Entry {
  readonly resource: Resource;
  readonly bytes: number;
}

export class FileCache {
  readonly #maxBytes: number;
  readonly #maxDescribed: number;
  readonly #openFiles: OpenFiles;
  /** With content. */
  readonly #entries = new Map<string, Entry>();
  /** Without. */
  readonly #described = new Map<string, Resource>();
  #bytes = 0;

  /** `openFiles`: what files of entries are kept open; those of entries that leave are closed. */
  constructor(maxBytes: number, openFiles: OpenFiles) {
    this.#maxBytes = maxBytes;
    this.#openFiles = openFiles;
    this.#maxDescribed = Math.max(openFiles.max, MIN_DESCRIBED);
  }

  /** Of those with content. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many have content. */
  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Resource | undefined {
    return this.#entries.get(key)?.resource ?? this.#described.get(key);
  }

  /** Whether so many content bytes fit without anyone leaving. */
  hasRoomFor(contentBytes: number): boolean {
    return this.#bytes + contentBytes + ENTRY_BYTES <= this.#maxBytes;
  }

  /** Enters or renews; the least recently renewed leave until it fits. */
  set(key: string, resource: Resource): void {
    const known = this.get(key);
    if (known === resource) this.#take(key);
    else this.delete(key);
    resource.key = key;
    if (resource.hasContent) this.#enter(key, resource);
    else this.#describe(key, resource);
  }

  /** What it costs has changed. */
  grew(resource: Resource): void {
    if (this.get(resource.key) === resource) this.set(resource.key, resource);
  }

  delete(key: string): void {
    const resource = this.#take(key);
    if (resource !== undefined) this.#leave(resource);
  }

  #enter(key: string, resource: Resource): void {
    const bytes = resource.bytes + ENTRY_BYTES;
    if (bytes > this.#maxBytes) return this.#leave(resource);
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes + bytes <= this.#maxBytes) break;
      this.delete(oldest);
    }
    this.#entries.set(key, { resource, bytes });
    this.#bytes += bytes;
  }

  #describe(key: string, resource: Resource): void {
    this.#described.set(key, resource);
    if (this.#described.size <= this.#maxDescribed) return;
    for (const oldest of this.#described.keys()) return this.delete(oldest);
  }

  #take(key: string): Resource | undefined {
    const entry = this.#entries.get(key);
    if (entry !== undefined) {
      this.#entries.delete(key);
      this.#bytes -= entry.bytes;
      return entry.resource;
    }
    const described = this.#described.get(key);
    if (described !== undefined) this.#described.delete(key);
    return described;
  }

  #leave(resource: Resource): void {
    resource.key = '';
    for (const variant of resource.variants()) this.#openFiles.drop(variant);
  }
}

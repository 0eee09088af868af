// A cache of file information, each entry valid for a second. Entries with content are bounded in bytes; entries
// without content, whose files are sent from disk, are bounded in number. The least recently used entry is removed
// first.

import { assert } from '../errors.ts';
import type { FileSource } from './file-source.ts';
import { LruList } from './lru-list.ts';
import type { OpenFiles } from './open-files.ts';
import type { Resource } from './resource.ts';

/**
 * The cost of an entry besides its content: objects, strings, fields, the map's slot (measured: 1.4 KiB, 1.9 once
 * sent).
 */
export const ENTRY_BYTES = 2_048;

/** The number of descriptions when no files are kept open: 2 MiB. */
const MIN_DESCRIBED = 1_024;

export class FileCache {
  readonly #maxBytes: number;
  readonly #maxDescribed: number;
  readonly #openFiles: OpenFiles;
  readonly #resources = new Map<string, Resource>();
  /** Entries with content. */
  readonly #ready = new LruList<Resource>();
  /** Entries without content. */
  readonly #described = new LruList<Resource>();
  #bytes = 0;

  /** `openFiles`: where the files of entries are kept open. Files of removed entries are closed. */
  constructor(maxBytes: number, openFiles: OpenFiles) {
    this.#maxBytes = maxBytes;
    this.#openFiles = openFiles;
    this.#maxDescribed = Math.max(openFiles.max, MIN_DESCRIBED);
  }

  /** Bytes of the entries with content. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The number of entries with content. */
  get size(): number {
    return this.#ready.size;
  }

  get(key: string): Resource | undefined {
    return this.#resources.get(key);
  }

  /** Whether this much content fits without removing an entry. */
  hasRoomFor(contentBytes: number): boolean {
    return this.#bytes + contentBytes + ENTRY_BYTES <= this.#maxBytes;
  }

  /** Whether this much content would fit into an empty cache. */
  couldHold(contentBytes: number): boolean {
    return contentBytes + ENTRY_BYTES <= this.#maxBytes;
  }

  /** Adds `resource`, which is in no cache, and replaces an existing entry. Other entries are removed until it fits. */
  set(key: string, resource: Resource): void {
    assert(resource.key === '', 'a resource is kept under one name');
    this.delete(key);
    resource.key = key;
    this.#resources.set(key, resource);
    this.#place(resource);
  }

  /** Confirms that the file of `resource`, an entry of this cache, is unchanged. */
  renew(resource: Resource): void {
    this.#orderOf(resource).renew(resource);
  }

  /** Counts the entry again: its cost may have changed. */
  resized(resource: Resource): void {
    if (this.get(resource.key) !== resource) return;
    this.#displace(resource);
    this.#place(resource);
  }

  delete(key: string): void {
    const resource = this.get(key);
    if (resource !== undefined) this.#drop(resource);
  }

  /** Removes all entries that were found in `source`. */
  forget(source: FileSource): void {
    for (const resource of this.#resources.values()) if (resource.source === source) this.#drop(resource);
  }

  #place(resource: Resource): void {
    const contentBytes = resource.contentBytes();
    const bytes = contentBytes === null ? 0 : contentBytes + ENTRY_BYTES;
    if (bytes > 0) this.#makeRoom(bytes);
    this.#bytes += bytes;
    resource.keptBytes = bytes;
    this.#orderOf(resource).add(resource);
    const { oldest, size } = this.#described;
    if (this.#bytes > this.#maxBytes) this.#drop(resource);
    else if (oldest !== null && size > this.#maxDescribed) this.#drop(oldest);
  }

  #makeRoom(bytes: number): void {
    // Too large even for an empty cache: remove nothing.
    if (bytes > this.#maxBytes) return;
    for (let at = this.#ready.oldest; at !== null; at = this.#ready.oldest) {
      if (this.#bytes + bytes <= this.#maxBytes) return;
      this.#drop(at);
    }
  }

  #orderOf(resource: Resource): LruList<Resource> {
    return resource.keptBytes > 0 ? this.#ready : this.#described;
  }

  #displace(resource: Resource): void {
    this.#orderOf(resource).remove(resource);
    this.#bytes -= resource.keptBytes;
    resource.keptBytes = 0;
  }

  #drop(resource: Resource): void {
    this.#displace(resource);
    this.#resources.delete(resource.key);
    resource.key = '';
    for (const variant of resource.variants()) this.#openFiles.drop(variant);
  }
}

// What is known of files, for a second at a time: those ready to send, bounded in bytes, and beside them those that
// are described only, and sent from where they lie, bounded in number. Who was looked up longest ago leaves first.
// It must not know HTTP.

import { assert } from '../errors.ts';
import type { FileSource } from './file-source.ts';
import { LruList } from './lru-list.ts';
import type { OpenFiles } from './open-files.ts';
import type { Resource } from './resource.ts';

/** What an entry costs beside its content: objects, strings, fields, the map's slot (measured: 1.4 KiB, 1.9 once sent). */
export const ENTRY_BYTES = 2_048;

/** Descriptions that are kept when no files are kept open: 2 MiB. */
const MIN_DESCRIBED = 1_024;

export class FileCache {
  readonly #maxBytes: number;
  readonly #maxDescribed: number;
  readonly #openFiles: OpenFiles;
  readonly #resources = new Map<string, Resource>();
  /** Those with content. */
  readonly #ready = new LruList<Resource>();
  /** Those without. */
  readonly #described = new LruList<Resource>();
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
    return this.#ready.size;
  }

  get(key: string): Resource | undefined {
    return this.#resources.get(key);
  }

  /** Whether so many content bytes fit without anyone leaving. */
  hasRoomFor(contentBytes: number): boolean {
    return this.#bytes + contentBytes + ENTRY_BYTES <= this.#maxBytes;
  }

  /** Whether so many content bytes fit at all, if all others left. */
  couldHold(contentBytes: number): boolean {
    return contentBytes + ENTRY_BYTES <= this.#maxBytes;
  }

  /** Enters `resource`, which is in no cache, in the place of whatever was there; others leave until it fits. */
  set(key: string, resource: Resource): void {
    assert(resource.key === '', 'a resource is kept under one name');
    this.delete(key);
    resource.key = key;
    this.#resources.set(key, resource);
    this.#place(resource);
  }

  /** `resource`, which is kept here, was found to be what is there. */
  renew(resource: Resource): void {
    this.#orderOf(resource).renew(resource);
  }

  /** What it costs may have changed. */
  resized(resource: Resource): void {
    if (this.get(resource.key) !== resource) return;
    this.#displace(resource);
    this.#place(resource);
  }

  delete(key: string): void {
    const resource = this.get(key);
    if (resource !== undefined) this.#drop(resource);
  }

  /** Nothing that was found in `source` is needed any more. */
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
    // Nobody leaves for one that does not fit even so.
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

// The listings of a site's folders. Requests that wait for the same folder share one look at it, and as long as its names
// stay the same one page: ten thousand names cost milliseconds and megabytes.

import type { FileSource, ListedName, Refusal } from './file-source.ts';
import type { Place } from './finder.ts';
import { Listing, MAX_LISTED_NAMES } from './listing.ts';
import { SharedWait, type WaitingClient } from './shared-wait.ts';
import type { WorkPool } from './work-pool.ts';

/** Pages that are kept: each may take megabytes. */
const MAX_KEPT = 4;

export interface ListingsOptions {
  readonly pool: WorkPool;
  readonly showsHidden: boolean;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  /** A folder of {@link MAX_LISTED_NAMES} is read again after this long, one of fewer names the sooner. */
  readonly maxFreshMs: number;
}

/** A listing, and until when its folder is not read again: the time that goes into reading one stays a small share. */
interface Kept {
  readonly source: FileSource;
  readonly listing: Listing;
  readonly freshUntilMs: number;
}

/** A look at a folder that is under way. */
interface Reading {
  readonly source: FileSource;
  readonly wait: SharedWait<Listing | Refusal>;
}

export class Listings {
  readonly #options: ListingsOptions;
  readonly #reading = new Map<string, Reading>();
  /** By path; the one that was made first leaves first. */
  readonly #kept = new Map<string, Kept>();

  constructor(options: ListingsOptions) {
    this.#options = options;
  }

  /** What is in `place`, which is shown as `path`; null: the client has left. */
  of(path: string, place: Place, client: WaitingClient): Promise<Listing | Refusal | null> {
    const { pool, nowMs } = this.#options;
    const kept = this.#kept.get(path);
    if (kept?.source === place.source && nowMs() < kept.freshUntilMs) return Promise.resolve(kept.listing);
    const reading = this.#reading.get(path);
    if (reading?.source === place.source) return reading.wait.wait(client);
    if (pool.isFull) return Promise.resolve('busy');
    const begun = { source: place.source, wait: new SharedWait<Listing | Refusal>() };
    const listing = begun.wait.wait(client);
    this.#reading.set(path, begun);
    void this.#read(begun, path, place);
    return listing;
  }

  async #read(reading: Reading, path: string, { source, path: folder }: Place): Promise<void> {
    const begunMs = this.#options.nowMs();
    const names = await this.#options.pool
      .run(
        () => source.list(folder, MAX_LISTED_NAMES),
        () => reading.wait.isWanted,
      )
      .catch(() => 'failed' as const);
    if (this.#reading.get(path) === reading) this.#reading.delete(path);
    if (names === undefined) reading.wait.settle('busy');
    else reading.wait.settle(typeof names === 'string' ? names : this.#listingOf(path, source, names, begunMs));
  }

  #listingOf(path: string, source: FileSource, names: readonly ListedName[], begunMs: number): Listing {
    const { showsHidden, maxFreshMs } = this.#options;
    const found = new Listing(path, names, showsHidden);
    const known = this.#kept.get(path)?.listing;
    const listing = known?.isSame(found) === true ? known : found;
    // A key that is set again would keep its place in the order.
    if (listing === found) this.#kept.delete(path);
    this.#kept.set(path, { source, listing, freshUntilMs: begunMs + (maxFreshMs * names.length) / MAX_LISTED_NAMES });
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= MAX_KEPT) break;
      this.#kept.delete(oldest);
    }
    return listing;
  }
}

// The listings of a site's folders. Requests that wait for the same folder share one look at it, and as long as its names
// stay the same one page: ten thousand names cost milliseconds and megabytes.

import type { ListedName, Refusal } from './file-source.ts';
import type { Place } from './finder.ts';
import { Listing, MAX_LISTED_NAMES } from './listing.ts';
import { SharedWait, type WaitingClient } from './shared-wait.ts';
import type { WorkPool } from './work-pool.ts';

/** Pages that are kept: each may take megabytes. */
const MAX_KEPT = 4;

export class Listings {
  readonly #pool: WorkPool;
  readonly #showsHidden: boolean;
  readonly #reading = new Map<string, SharedWait<Listing | Refusal>>();
  /** By path; the one that was made first leaves first. */
  readonly #kept = new Map<string, Listing>();

  constructor(pool: WorkPool, showsHidden: boolean) {
    this.#pool = pool;
    this.#showsHidden = showsHidden;
  }

  /** What is in `place`, which is shown as `path`; null: the client has left. */
  of(path: string, place: Place, client: WaitingClient): Promise<Listing | Refusal | null> {
    const reading = this.#reading.get(path);
    if (reading !== undefined) return reading.wait(client);
    if (this.#pool.isFull) return Promise.resolve('busy');
    const begun = new SharedWait<Listing | Refusal>();
    const listing = begun.wait(client);
    this.#reading.set(path, begun);
    void this.#read(begun, path, place);
    return listing;
  }

  async #read(reading: SharedWait<Listing | Refusal>, path: string, { source, path: folder }: Place): Promise<void> {
    const names = await this.#pool
      .run(
        () => source.list(folder, MAX_LISTED_NAMES),
        () => reading.isWanted,
      )
      .catch(() => 'failed' as const);
    this.#reading.delete(path);
    if (names === undefined) reading.settle('busy');
    else reading.settle(typeof names === 'string' ? names : this.#listingOf(path, names));
  }

  #listingOf(path: string, names: readonly ListedName[]): Listing {
    const listing = new Listing(path, names, this.#showsHidden);
    const kept = this.#kept.get(path);
    if (kept?.isSame(listing) === true) return kept;
    this.#kept.delete(path);
    this.#kept.set(path, listing);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= MAX_KEPT) break;
      this.#kept.delete(oldest);
    }
    return listing;
  }
}

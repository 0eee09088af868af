// Chooses the site of a request by its host (RFC 9110 section 7.2).

import type { HttpRequest } from '../http/handler.ts';
import { detached } from '../http/latin1.ts';
import { hostName, isClearHost } from '../options/host-name.ts';

/** The number of cached host names: existing ones, and names that clients invent. */
const MAX_REMEMBERED = 1_024;

/** Longer ones are not host names (RFC 1035 section 2.3.4) and are not cached. */
const MAX_REMEMBERED_LENGTH = 255;

export class Hosts<T> {
  readonly #fallback: T;
  /** Null: as {@link #fallback}. */
  readonly #unclear: T | null;
  readonly #exact: ReadonlyMap<string, T>;
  /** By the part behind the `*`: `.example.org`. */
  readonly #wildcards: ReadonlyMap<string, T>;
  /** The length of the longest of them. */
  readonly #longestWildcard: number;
  readonly #remembered = new Map<string, T>();

  /**
   * `sites`: by name in lower case, or `*.name` for all names below it. `fallback`: for all other hosts. `unclear`: for
   * hosts that an application may read as another one; null: `fallback` too.
   */
  constructor(fallback: T, sites: ReadonlyMap<string, T>, unclear: T | null = null) {
    this.#fallback = fallback;
    this.#unclear = unclear;
    this.#exact = new Map([...sites].filter(([name]) => !name.startsWith('*.')));
    this.#wildcards = new Map(
      [...sites].filter(([name]) => name.startsWith('*.')).map(([name, site]) => [name.slice(1), site]),
    );
    this.#longestWildcard = Math.max(0, ...[...this.#wildcards.keys()].map(({ length }) => length));
  }

  of({ host }: Pick<HttpRequest, 'host'>): T {
    const known = this.#remembered.get(host);
    if (known !== undefined) return known;
    const site = this.#find(hostName(host));
    if (host.length > MAX_REMEMBERED_LENGTH) return site;
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
    // A proxy may have sent it in a list.
    this.#remembered.set(detached(host), site);
    return site;
  }

  /** Finds the exact name, else the longest matching wildcard. */
  #find(name: string): T {
    if (this.#unclear !== null && !isClearHost(name)) return this.#unclear;
    const exact = this.#exact.get(name);
    if (exact !== undefined) return exact;
    // A wildcard stands for at least one character. A suffix longer than every wildcard matches none.
    const first = Math.max(1, name.length - this.#longestWildcard);
    for (let dot = name.indexOf('.', first); dot >= 0; dot = name.indexOf('.', dot + 1)) {
      const site = this.#wildcards.get(name.slice(dot));
      if (site !== undefined) return site;
    }
    return this.#fallback;
  }
}

// Chooses the site of a request by its host (RFC 9110 section 7.2).

import type { HttpRequest } from '../http/handler.ts';
import { hostName } from '../options/host-name.ts';

/** The number of cached host names: existing ones, and names that clients invent. */
const MAX_REMEMBERED = 1_024;

/** Longer ones are not host names (RFC 1035 section 2.3.4) and are not cached. */
const MAX_REMEMBERED_LENGTH = 255;

const AUTHORITY = /^https?:\/\/([^/?]*)/i;

export class Hosts<T> {
  readonly #fallback: T;
  readonly #exact: ReadonlyMap<string, T>;
  /** By the part behind the `*`: `.example.org`. */
  readonly #wildcards: ReadonlyMap<string, T>;
  /** The length of the longest of them. */
  readonly #longestWildcard: number;
  readonly #remembered = new Map<string, T>();

  /** `sites`: by name in lower case, or `*.name` for all names below it. `fallback`: for all other hosts. */
  constructor(fallback: T, sites: ReadonlyMap<string, T>) {
    this.#fallback = fallback;
    this.#exact = new Map([...sites].filter(([name]) => !name.startsWith('*.')));
    this.#wildcards = new Map(
      [...sites].filter(([name]) => name.startsWith('*.')).map(([name, site]) => [name.slice(1), site]),
    );
    this.#longestWildcard = Math.max(0, ...[...this.#wildcards.keys()].map(({ length }) => length));
  }

  /** The host of an absolute target overrides the Host field (RFC 9112 section 3.2.2). */
  of(request: Pick<HttpRequest, 'target' | 'header'>): T {
    const { target } = request;
    const authority = target.startsWith('/') ? undefined : AUTHORITY.exec(target)?.[1];
    const host = authority ?? request.header('host') ?? '';
    const known = this.#remembered.get(host);
    if (known !== undefined) return known;
    const site = this.#find(hostName(host));
    if (host.length > MAX_REMEMBERED_LENGTH) return site;
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(host, site);
    return site;
  }

  /** Finds the exact name, else the longest matching wildcard. */
  #find(name: string): T {
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

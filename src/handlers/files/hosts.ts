// Which site a request is for, by the host it names (RFC 9110 section 7.2). It must not know files.

import type { HttpRequest } from '../../http/handler.ts';

/** Host names that are remembered: those that exist, and what strangers make up. */
const MAX_REMEMBERED = 1_024;

const AUTHORITY = /^https?:\/\/([^/?]*)/i;

export class Hosts<T> {
  readonly #byDefault: T;
  readonly #exact: ReadonlyMap<string, T>;
  /** By what stands behind the `*`: `.example.org`. */
  readonly #wildcards: ReadonlyMap<string, T>;
  readonly #remembered = new Map<string, T>();

  /** `sites`: by name in lower case, or `*.name` for everything below it; `byDefault` for all others. */
  constructor(byDefault: T, sites: ReadonlyMap<string, T>) {
    this.#byDefault = byDefault;
    this.#exact = new Map([...sites].filter(([name]) => !name.startsWith('*.')));
    this.#wildcards = new Map(
      [...sites].filter(([name]) => name.startsWith('*.')).map(([name, site]) => [name.slice(1), site]),
    );
  }

  /** The host of an absolute target wins over the Host field (RFC 9112 section 3.2.2). */
  of(request: HttpRequest): T {
    const { target } = request;
    const authority = target.startsWith('/') ? undefined : AUTHORITY.exec(target)?.[1];
    const host = authority ?? request.field('host') ?? '';
    const known = this.#remembered.get(host);
    if (known !== undefined) return known;
    const site = this.#find(hostName(host));
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(host, site);
    return site;
  }

  /** The exact name, else the longest wildcard. */
  #find(name: string): T {
    const exact = this.#exact.get(name);
    if (exact !== undefined) return exact;
    for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
      const site = this.#wildcards.get(name.slice(dot));
      if (site !== undefined && dot > 0) return site;
    }
    return this.#byDefault;
  }
}

/** Without port and the root's dot, in lower case. */
export function hostName(host: string): string {
  return host.replace(/:\d*$/, '').replace(/\.$/, '').toLowerCase();
}

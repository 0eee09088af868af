// A request that may have come through trusted proxies: its client, scheme and host are what they say.

import { isIP } from 'node:net';
import type { Channel } from '../connection/channel.ts';
import type { Body } from '../exchange/body.ts';
import { type ForwardedClient, type ForwardedTrust, fromForwarded, fromXForwarded } from '../http/forwarded.ts';
import type { Endpoint } from '../http/handler.ts';
import type { Head } from '../http/head.ts';
import { Http1Request } from './request.ts';

/** Which proxies are trusted, and in which fields they tell the client. */
export interface Forwarding {
  readonly trusted: Pick<ForwardedTrust, 'has'>;
  readonly fields: 'x-forwarded' | 'forwarded';
}

const HOST = 'host';

/** The request whose head lies at `bytes[base]`, of a connection that may come from a proxy. */
export function proxiedRequest(
  forwarding: Forwarding,
  channel: Channel,
  bytes: Buffer,
  base: number,
  head: Head,
  incoming: Body | null,
): Http1Request {
  const isTrusted = forwarding.trusted.has(channel.peer.address);
  if (!isTrusted) return new Http1Request(channel, bytes, base, head, incoming);
  return new ForwardedRequest(forwarding, channel, bytes, base, head, incoming);
}

class ForwardedRequest extends Http1Request {
  readonly #forwarding: Forwarding;
  /** Null until it is needed. */
  #client: ForwardedClient | null = null;
  #remote: Endpoint | null = null;

  constructor(
    forwarding: Forwarding,
    channel: Channel,
    bytes: Buffer,
    base: number,
    head: Head,
    incoming: Body | null,
  ) {
    super(channel, bytes, base, head, incoming);
    this.#forwarding = forwarding;
  }

  override get remote(): Endpoint {
    const { address, port } = this.#found;
    if (address === '') return super.remote;
    this.#remote ??= Object.freeze({ address, port });
    return this.#remote;
  }

  override get scheme(): 'http' | 'https' {
    return this.#found.scheme || super.scheme;
  }

  override get host(): string {
    return this.#found.host || super.host;
  }

  override header(name: string): string | undefined {
    if (name.length === HOST.length && name.toLowerCase() === HOST && this.#found.host !== '') return this.#found.host;
    return super.header(name);
  }

  override headers(): (readonly [string, string])[] {
    return this.#withHost(super.headers());
  }

  override rawHeaders(): (readonly [string, string])[] {
    return this.#withHost(super.rawHeaders());
  }

  get #found(): ForwardedClient {
    if (this.#client === null) {
      const { trusted, fields } = this.#forwarding;
      const trust: ForwardedTrust = { has: (address) => trusted.has(address), isAddress };
      const field = (name: string): string | undefined => super.header(name);
      this.#client =
        fields === 'forwarded'
          ? fromForwarded(field('forwarded'), trust)
          : fromXForwarded([field('x-forwarded-for'), field('x-forwarded-proto'), field('x-forwarded-host')], trust);
    }
    return this.#client;
  }

  /** Applications that read Host themselves see the host that the client asked for. */
  #withHost(list: (readonly [string, string])[]): (readonly [string, string])[] {
    const { host } = this.#found;
    if (host === '') return list;
    const at = list.findIndex(([name]) => name.toLowerCase() === HOST);
    if (at < 0) list.push(['Host', host]);
    else list[at] = [list[at]?.[0] ?? 'Host', host];
    return list;
  }
}

/** A zone names an interface of another machine. */
function isAddress(text: string): boolean {
  return isIP(text) !== 0 && !text.includes('%');
}

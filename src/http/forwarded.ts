// What proxies say about a client: X-Forwarded-For, -Proto and -Host, or Forwarded (RFC 7239). Each proxy appends to a
// list what it has seen, so the list is read from its end, for as long as its entries come from trusted proxies.

import { isHost } from './host.ts';

/** The addresses that count, and how they are written. */
export interface ForwardedTrust {
  /** Whether what a client with this address says about its own client counts. */
  has(address: string): boolean;
  /** Whether the text is an IP address. */
  isAddress(text: string): boolean;
}

/** What is known about a client; empty: the proxies did not say it. */
export interface ForwardedClient {
  readonly address: string;
  /** 0: unknown. */
  readonly port: number;
  readonly scheme: 'http' | 'https' | '';
  readonly host: string;
}

/** One entry of a list. */
interface Hop {
  /** An address with an optional port, as the field has it. */
  readonly node: string;
  readonly proto: string;
  readonly host: string;
}

/** The values of X-Forwarded-For, -Proto and -Host. */
export function fromXForwarded(
  values: readonly [forList: string | undefined, proto: string | undefined, host: string | undefined],
  trust: ForwardedTrust,
): ForwardedClient {
  const [forList = '', proto = '', host = ''] = values;
  const [address, port, hops] = walk(entries(forList), trust);
  return {
    address,
    port,
    scheme: schemeOf(entryFromEnd(proto, hops)),
    host: hostOf(entryFromEnd(host, hops)),
  };
}

/** The value of Forwarded. */
export function fromForwarded(value: string | undefined, trust: ForwardedTrust): ForwardedClient {
  const hops = parseForwarded(value ?? '');
  const [address, port, skipped] = walk(
    hops.map(({ node }) => node),
    trust,
  );
  const hop = hops[Math.max(hops.length - 1 - skipped, 0)];
  return { address, port, scheme: schemeOf(hop?.proto ?? ''), host: hostOf(hop?.host ?? '') };
}

/**
 * The right-most address that is not trusted, its port, and how many entries stand to the right of it. What is no
 * address ends the walk: the address to the right of it counts.
 */
function walk(nodes: readonly string[], trust: ForwardedTrust): readonly [address: string, port: number, hops: number] {
  let found: readonly [string, number, number] = ['', 0, 0];
  for (let at = nodes.length - 1; at >= 0; at--) {
    const [address, port] = endpointOf(nodes[at] ?? '');
    if (!trust.isAddress(address)) break;
    found = [address, port, nodes.length - 1 - at];
    if (!trust.has(address)) break;
  }
  return found;
}

/** `1.2.3.4`, `1.2.3.4:56`, `::1`, `[::1]`, `[::1]:56`; the port 0 stands for none. */
function endpointOf(node: string): readonly [address: string, port: number] {
  if (node.startsWith('[')) {
    const close = node.indexOf(']');
    return close < 0 ? ['', 0] : withPort(node.slice(1, close), node.slice(close + 1));
  }
  const colon = node.indexOf(':');
  // Several colons are those of an IPv6 address.
  if (colon < 0 || node.includes(':', colon + 1)) return [node, 0];
  return withPort(node.slice(0, colon), node.slice(colon));
}

function withPort(address: string, rest: string): readonly [string, number] {
  if (rest === '') return [address, 0];
  const port = /^:\d{1,5}$/.test(rest) ? Number(rest.slice(1)) : -1;
  return port >= 0 && port <= 65_535 ? [address, port] : ['', 0];
}

function entries(list: string): readonly string[] {
  return list === '' ? [] : list.split(',').map((entry) => entry.trim());
}

/** The entry of that distance from the end; the first one where proxies overwrite the field instead of appending. */
function entryFromEnd(list: string, distance: number): string {
  const all = entries(list);
  return all[Math.max(all.length - 1 - distance, 0)] ?? '';
}

function schemeOf(text: string): ForwardedClient['scheme'] {
  const lower = text.toLowerCase();
  return lower === 'http' || lower === 'https' ? lower : '';
}

function hostOf(text: string): string {
  const bytes = Buffer.from(text, 'latin1');
  return text !== '' && isHost(bytes, 0, bytes.length) ? text : '';
}

/**
 * The elements of Forwarded (RFC 7239 section 4), each by itself: a quote that a client left open ends with its
 * element, so it cannot hide what a proxy appended. No value of interest contains a comma or a semicolon.
 */
function parseForwarded(value: string): readonly Hop[] {
  return entries(value).map((element) => {
    const pairs = element.split(';').map(parsePair);
    const read = (name: string): string => pairs.find((pair) => pair?.[0] === name)?.[1] ?? '';
    // The walk ends at an element without an address.
    if (pairs.includes(null)) return { node: '', proto: '', host: '' };
    return { node: read('for'), proto: read('proto'), host: read('host') };
  });
}

/** `name=token` or `name="text"`; null: malformed. */
function parsePair(text: string): readonly [name: string, value: string] | null {
  const equals = text.indexOf('=');
  const name = text.slice(0, Math.max(equals, 0)).trim().toLowerCase();
  const given = text.slice(equals + 1).trim();
  const isQuoted = given.length >= 2 && given.startsWith('"') && given.endsWith('"');
  const value = isQuoted ? given.slice(1, -1) : given;
  return name === '' || value === '' || /[\s"\\=]/.test(value) ? null : [name, value];
}

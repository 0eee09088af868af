// A set of IP addresses, given as addresses, networks (CIDR, RFC 4632) and words.

import { isIPv4, isIPv6 } from 'node:net';
import { detached } from '../http/latin1.ts';

/** Words that stand for networks (RFC 1918, 3927, 4193, 6598; RFC 4291 for IPv6). */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  all: ['0.0.0.0/0', '::/0'],
  loopback: ['127.0.0.0/8', '::1'],
  private: [
    '10.0.0.0/8',
    '172.16.0.0/12',
    '192.168.0.0/16',
    '100.64.0.0/10',
    '127.0.0.0/8',
    '169.254.0.0/16',
    'fc00::/7',
    'fe80::/10',
    '::1',
  ],
  unix: [],
};

/** Words that contain clients of Unix domain sockets, which have no address. */
const WITH_UNIX: ReadonlySet<string> = new Set(['all', 'unix']);

/** The accepted texts, for messages. */
export const NETWORK_FORMS: string = `addresses such as 192.0.2.7, networks such as 10.0.0.0/8 or 2001:db8::/32, or one of ${Object.keys(WORDS).join(', ')}`;

/** Addresses are compared as this many hexadecimal digits. */
const DIGITS_OF_ADDRESS = 32;
const BITS_OF_ADDRESS = 128n;

/** The bits in front of an IPv4 address in its IPv6-mapped form (RFC 4291 section 2.5.5.2). */
const MAPPED = '00000000000000000000ffff';
const BITS_OF_MAPPED = 96;

/** Addresses of which it is remembered whether they are members: to compare one takes longer than a request may. */
const MAX_REMEMBERED = 1_024;

const ALL_BITS = (1n << BITS_OF_ADDRESS) - 1n;

type Range = readonly [first: string, last: string];

export class AddressSet {
  /** Sorted, and apart from each other. */
  readonly #ranges: readonly Range[];
  readonly #hasUnix: boolean;
  readonly #remembered = new Map<string, boolean>();

  /** @throws Error whose text follows "must be": one of `texts` is none of these. */
  constructor(texts: readonly string[]) {
    this.#hasUnix = texts.some((text) => WITH_UNIX.has(text));
    this.#ranges = merged(texts.flatMap((text) => WORDS[text] ?? [text]).map(rangeOf));
  }

  /** `address`: as text; empty for a client of a Unix domain socket. */
  has(address: string): boolean {
    if (address === '') return this.#hasUnix;
    const known = this.#remembered.get(address);
    if (known !== undefined) return known;
    const found = this.#find(address);
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
    // A proxy may have sent it in a list.
    this.#remembered.set(detached(address), found);
    return found;
  }

  #find(address: string): boolean {
    const key = addressKey(address);
    if (key === null) return false;
    let [low, high] = [0, this.#ranges.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ranges[middle]?.[0] ?? '') <= key) low = middle + 1;
      else high = middle;
    }
    const found = this.#ranges[low - 1];
    return found !== undefined && key <= found[1];
  }
}

/** An address as 32 hexadecimal digits; the same for an IPv4 address and its IPv6-mapped form. Null: none. */
export function addressKey(address: string): string | null {
  const zone = address.indexOf('%');
  const bare = zone < 0 ? address : address.slice(0, zone);
  if (isIPv4(bare)) return MAPPED + hexOfIPv4(bare);
  return isIPv6(bare) ? hexOfIPv6(bare) : null;
}

/** The IPv4 address of an IPv6-mapped one, in any spelling; null: another address. */
export function mappedIPv4(address: string): string | null {
  const key = addressKey(address);
  if (key?.startsWith(MAPPED) !== true) return null;
  return Array.from(Buffer.from(key.slice(MAPPED.length), 'hex')).join('.');
}

function hexOfIPv4(address: string): string {
  return address
    .split('.')
    .map((part) => Number(part).toString(16).padStart(2, '0'))
    .join('');
}

function hexOfIPv6(address: string): string {
  const last = address.lastIndexOf(':') + 1;
  const tail = address.slice(last);
  const hex = isIPv4(tail) ? hexOfIPv4(tail) : '';
  const text = hex === '' ? address : `${address.slice(0, last)}${hex.slice(0, 4)}:${hex.slice(4)}`;
  const [front = '', back] = text.split('::');
  const [before, after] = [wordsOf(front), wordsOf(back ?? '')];
  const gap = DIGITS_OF_ADDRESS - before.length - after.length;
  return before + '0'.repeat(gap) + after;
}

function wordsOf(text: string): string {
  if (text === '') return '';
  return text
    .split(':')
    .map((word) => word.toLowerCase().padStart(4, '0'))
    .join('');
}

/** @throws Error: `text` is no address and no network. */
function rangeOf(text: string): Range {
  const [address = '', prefix, ...rest] = text.split('/');
  const key = addressKey(address);
  const isV4 = isIPv4(address);
  const max = isV4 ? 32 : 128;
  const length = prefix === undefined ? max : /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1;
  if (key === null || address.includes('%') || rest.length > 0 || length < 0 || length > max) {
    throw new Error(`must be ${NETWORK_FORMS}, not "${text}"`);
  }
  const hostBits = BITS_OF_ADDRESS - BigInt(isV4 ? BITS_OF_MAPPED + length : length);
  const mask = (1n << hostBits) - 1n;
  const value = BigInt(`0x${key}`);
  return [digitsOf(value & (ALL_BITS ^ mask)), digitsOf(value | mask)];
}

function digitsOf(value: bigint): string {
  return value.toString(16).padStart(DIGITS_OF_ADDRESS, '0');
}

function merged(ranges: readonly Range[]): readonly Range[] {
  const sorted = [...ranges].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const result: Range[] = [];
  for (const range of sorted) {
    const before = result.at(-1);
    if (before === undefined || range[0] > before[1]) result.push(range);
    else if (range[1] > before[1]) result[result.length - 1] = [before[0], range[1]];
  }
  return result;
}

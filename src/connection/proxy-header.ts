// The header of the PROXY protocol, versions 1 and 2, which a proxy sends in front of the bytes of its client
// (haproxy.org/download/2.6/doc/proxy-protocol.txt). It is parsed from bytes that begin with it.

import { isIPv4, isIPv6 } from 'node:net';
import type { SocketAddress } from '../kernel/kernel.ts';

/** A whole header. */
export interface ProxyHeader {
  readonly length: number;
  /** The client; null: the proxy itself is the client, or does not know it. */
  readonly client: SocketAddress | null;
}

/** More bytes are needed. */
export const PROXY_INCOMPLETE = 0;
/** The bytes are no header. */
export const PROXY_MALFORMED = 1;

/** Of version 1, with CR LF (section 2.1). */
const MAX_LINE_BYTES = 107;
/** Of version 2, with all additional fields. HAProxy sends a few hundred bytes, with a certificate's name. */
export const MAX_PROXY_HEADER_BYTES = 4_096;

const LINE_START = Buffer.from('PROXY ', 'latin1');
const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');

const VERSION_AT = 12;
const FAMILY_AT = 13;
const LENGTH_AT = 14;
const ADDRESSES_AT = 16;

const LOCAL = 0x20;
const PROXIED = 0x21;
/** Family and transport: AF_INET, AF_INET6 with SOCK_STREAM. */
const TCP_OVER_IPV4 = 0x11;
const TCP_OVER_IPV6 = 0x21;

export function parseProxyHeader(bytes: Buffer): ProxyHeader | typeof PROXY_INCOMPLETE | typeof PROXY_MALFORMED {
  if (bytes.length === 0) return PROXY_INCOMPLETE;
  if (bytes[0] === LINE_START[0]) return parseLine(bytes);
  return bytes[0] === SIGNATURE[0] ? parseBinary(bytes) : PROXY_MALFORMED;
}

/** Whether `bytes` begin as `start` does, as far as there are any. */
function begins(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length);
  return bytes.compare(start, 0, length, 0, length) === 0;
}

function parseLine(bytes: Buffer): ReturnType<typeof parseProxyHeader> {
  if (!begins(bytes, LINE_START)) return PROXY_MALFORMED;
  const line = bytes.subarray(0, MAX_LINE_BYTES);
  const end = line.indexOf('\r\n', 0, 'latin1');
  if (end < 0) return line.length < MAX_LINE_BYTES ? PROXY_INCOMPLETE : PROXY_MALFORMED;
  const length = end + 2;
  const [, family, address = '', to = '', port = '', toPort = '', ...others] = line
    .toString('latin1', 0, end)
    .split(' ');
  if (family === 'UNKNOWN') return { length, client: null };
  const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isPlainIPv6 : () => false;
  const isWhole = others.length === 0 && isAddress(address) && isAddress(to) && isPort(port) && isPort(toPort);
  return isWhole ? { length, client: { address, port: Number(port) } } : PROXY_MALFORMED;
}

/** Without a zone. */
function isPlainIPv6(text: string): boolean {
  return isIPv6(text) && !text.includes('%');
}

/** Digits without leading zeros, at most 65,535. */
function isPort(text: string): boolean {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;
}

function parseBinary(bytes: Buffer): ReturnType<typeof parseProxyHeader> {
  if (!begins(bytes, SIGNATURE)) return PROXY_MALFORMED;
  if (bytes.length < ADDRESSES_AT) return PROXY_INCOMPLETE;
  const command = bytes[VERSION_AT];
  if (command !== LOCAL && command !== PROXIED) return PROXY_MALFORMED;
  const length = ADDRESSES_AT + bytes.readUInt16BE(LENGTH_AT);
  if (length > MAX_PROXY_HEADER_BYTES) return PROXY_MALFORMED;
  // Section 2.2: for LOCAL the family and what follows are ignored.
  const family = command === LOCAL ? 0 : bytes[FAMILY_AT];
  const addressBytes = family === TCP_OVER_IPV4 ? 4 : family === TCP_OVER_IPV6 ? 16 : 0;
  if (length < ADDRESSES_AT + 2 * addressBytes + 4 && addressBytes > 0) return PROXY_MALFORMED;
  if (bytes.length < length) return PROXY_INCOMPLETE;
  // Other families, such as AF_UNSPEC, have no address of a client.
  if (addressBytes === 0) return { length, client: null };
  const address = addressText(bytes.subarray(ADDRESSES_AT, ADDRESSES_AT + addressBytes));
  return { length, client: { address, port: bytes.readUInt16BE(ADDRESSES_AT + 2 * addressBytes) } };
}

/** As inet_ntop(3) writes it: the longest run of zeros is left out (RFC 5952). */
function addressText(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(2 * at).toString(16)).join(':');
  // The URL parser writes IPv6 addresses in the recommended form.
  return new URL(`http://[${groups}]/`).hostname.slice(1, -1);
}

// Invalid requests, and the correct responses of a strict server. Each ends its connection.

import type { Random } from '../random.ts';

/** The bytes, and the valid status codes for them. */
export interface Garbage {
  readonly bytes: Buffer;
  /** The beginning of a handshake of TLS. */
  readonly isHandshake: boolean;
  readonly statuses: readonly number[];
}

const HOST = 'Host: simulated\r\n';

const CATALOGUE: readonly (readonly [string, readonly number[]])[] = [
  [`GET /now HTTP/1.1\r\n\r\n`, [400]],
  [`GET /now HTTP/1.1\r\n${HOST}${HOST}\r\n`, [400]],
  [`GET  /now HTTP/1.1\r\n${HOST}\r\n`, [400]],
  [`GET /now HTTP/1.1\n${HOST}\n`, [400]],
  [`GET /now HTTP/2.0\r\n${HOST}\r\n`, [400, 505]],
  [`GET /now\r\n`, [400]],
  [`GET /now HTTP/1.1\r\n${HOST}Bad Name: x\r\n\r\n`, [400]],
  [`GET /now HTTP/1.1\r\n${HOST}Name : x\r\n\r\n`, [400]],
  [`GET /now HTTP/1.1\r\n${HOST} folded: x\r\n\r\n`, [400]],
  [`GET /now HTTP/1.1\r\n${HOST}Name: a\0b\r\n\r\n`, [400]],
  [`GET /now HTTP/1.1\r\n${HOST}Name: a\r\n\rb\r\n\r\n`, [400]],
  [`POST /echo HTTP/1.1\r\n${HOST}Content-Length: +1\r\n\r\nx`, [400]],
  [`POST /echo HTTP/1.1\r\n${HOST}Content-Length: 1 2\r\n\r\nx`, [400]],
  [`POST /echo HTTP/1.1\r\n${HOST}Content-Length: 1\r\nContent-Length: 2\r\n\r\nx`, [400]],
  [`POST /echo HTTP/1.1\r\n${HOST}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, [400]],
  [`POST /echo HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip\r\n\r\n`, [400, 501]],
  [`POST /echo HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`, [400, 501]],
  [`POST /echo HTTP/1.1\r\n${HOST}Content-Length: 999999999999999\r\n\r\n`, [400, 413]],
  [`\0\0\0\0\r\n\r\n`, [400]],
  [`\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n`, [400]],
];

/** Invalid chunks behind a valid head; they reach a handler that reads the body. */
const CHUNKS: readonly string[] = [
  '+5\r\nhello\r\n',
  '0x5\r\nhello\r\n',
  '5\nhello\r\n',
  'g\r\n',
  '5\r\nhellothere\r\n',
];

/** One of the catalogue, or a head larger than `maxHeaderBytes`. `id` names the request. */
export function drawGarbage(random: Random, maxHeaderBytes: number, id: string): Garbage {
  const kind = random.below(10);
  if (kind === 0) {
    const head = `POST /echo?id=${id} HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`;
    return garbageOf(`${head}${random.pick(CHUNKS)}`, [400]);
  }
  if (kind < 3) return garbageOf(hugeHead(random, maxHeaderBytes), [414, 431]);
  return garbageOf(...random.pick(CATALOGUE));
}

function garbageOf(text: string, statuses: readonly number[]): Garbage {
  return { bytes: Buffer.from(text, 'latin1'), isHandshake: text.startsWith('\x16\x03'), statuses };
}

function hugeHead(random: Random, maxHeaderBytes: number): string {
  const excess = 'x'.repeat(maxHeaderBytes + random.below(maxHeaderBytes));
  const start = random.pick([`GET /now?${excess}`, `GET /now HTTP/1.1\r\n${HOST}Huge: ${excess}`]);
  return `${start}\r\n\r\n`;
}

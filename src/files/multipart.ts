// Several ranges in one response: multipart/byteranges (RFC 9110 section 14.6). All lengths are known in advance, so
// that the response has a Content-Length.

import { randomUUID } from 'node:crypto';
import type { ByteRange } from './byte-ranges.ts';

/** One range, and the part header in front of it. */
export interface BodyPart extends ByteRange {
  readonly head: Uint8Array;
}

export interface Multipart {
  readonly mediaType: string;
  readonly parts: readonly BodyPart[];
  /** The bytes behind the last part. */
  readonly tail: Uint8Array;
  /** The total length in bytes. */
  readonly length: number;
}

/** `mediaType`, `size`: those of the file. */
export function makeMultipart(ranges: readonly ByteRange[], mediaType: string, size: number): Multipart {
  // Random: no file can contain it on purpose.
  const boundary = randomUUID();
  const parts = ranges.map(({ start, end }, index) => {
    const lines = [
      `${index === 0 ? '' : '\r\n'}--${boundary}`,
      `Content-Type: ${mediaType}`,
      `Content-Range: ${contentRange(start, end, size)}`,
      '\r\n',
    ];
    return { start, end, head: Buffer.from(lines.join('\r\n'), 'latin1') };
  });
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`, 'latin1');
  const length = parts.reduce((sum, { start, end, head }) => sum + head.length + end - start + 1, tail.length);
  return { mediaType: `multipart/byteranges; boundary=${boundary}`, parts, tail, length };
}

/** `bytes 0-4/26`. */
export function contentRange(start: number, end: number, size: number): string {
  return `bytes ${start}-${end}/${size}`;
}

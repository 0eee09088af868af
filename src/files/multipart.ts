// Several ranges in one answer: multipart/byteranges (RFC 9110 section 14.6). Lengths are known beforehand, so
// that the answer is framed by its length.

import { randomUUID } from 'node:crypto';
import type { ByteRange } from './byte-ranges.ts';

/** One range, and what stands in front of it. */
export interface BodyPart extends ByteRange {
  readonly head: Uint8Array;
}

export interface Multipart {
  readonly mediaType: string;
  readonly parts: readonly BodyPart[];
  /** What stands behind the last part. */
  readonly tail: Uint8Array;
  /** Of everything, in bytes. */
  readonly length: number;
}

/** `mediaType`, `size`: of the file whose parts these are. */
export function makeMultipart(ranges: readonly ByteRange[], mediaType: string, size: number): Multipart {
  // Nobody can have put into a file what is chosen now.
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

// The bytes of an answer, from memory or from an open file, piece by piece as the client takes them.
// It must not know why they are sent.

import type { HttpResponse } from '../../http/handler.ts';
import type { OpenFile } from './file-source.ts';

/** All bytes of a file, or the file itself. */
export type Content = Uint8Array | OpenFile;

/** Read at a time from a large file: big enough for one send, small enough to hold for many clients. */
const PIECE_BYTES = 131_072;

/**
 * Sends bytes `start` to `end` (not included) of `content` as part of an answer that has begun. False: there
 * were fewer, so the connection was cut, or the client is gone.
 */
export async function writePart(
  response: HttpResponse,
  content: Content,
  start: number,
  end: number,
): Promise<boolean> {
  if (content instanceof Uint8Array) {
    if (!response.write(content.subarray(start, end))) await response.drained();
    return !response.ended;
  }
  for (let at = start; at < end; ) {
    if (response.ended) return false;
    const piece = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, end - at));
    const count = await content.read(piece, at);
    if (count === 0) {
      // It shrank: nothing else may stand in for what was announced.
      response.abort();
      return false;
    }
    at += count;
    if (!response.write(piece.subarray(0, count))) await response.drained();
  }
  return !response.ended;
}

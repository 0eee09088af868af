// Sends an answer piece by piece: the client's pace is the source's pace, and a client that leaves ends both.
// It must not know what kind of application makes the pieces.

import type { HttpRequest, HttpResponse } from '../http/handler.ts';

export type Piece = string | Uint8Array;

/** Where pieces come from. */
export interface PieceSource {
  /** The next piece, checked; null at the end. May throw or reject: then it is over, and not cancelled. */
  next(): Piece | null | Promise<Piece | null>;
  /** Nobody takes the rest: called at most once, also while a `next` is pending. Must not throw. */
  cancel(reason: unknown): void;
}

/**
 * Sends all pieces of `source` and ends the answer; of an answer to HEAD, its head. `begin` starts it: called before the first piece that is
 * not empty, or at the end. Resolves, with the source cancelled, when the client is gone, even if `next` never
 * settles: what it holds is the application's alone then.
 */
export async function sendPieces(
  source: PieceSource,
  request: HttpRequest,
  response: HttpResponse,
  begin: () => void,
): Promise<void> {
  const { signal } = request;
  if (signal.aborted || (response.started && response.ended)) {
    source.cancel(signal.reason);
    return;
  }
  let leave = (): void => {};
  const left = new Promise<void>((resolve) => {
    leave = resolve;
  });
  const onAbort = (): void => {
    source.cancel(signal.reason);
    leave();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([sendAll(source, request, response, begin), left]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

async function sendAll(
  source: PieceSource,
  request: HttpRequest,
  response: HttpResponse,
  begin: () => void,
): Promise<void> {
  const isHead = request.method === 'HEAD';
  for (;;) {
    if (isHead && response.started) {
      source.cancel(undefined);
      response.end();
      return;
    }
    if (response.started && response.ended) {
      // Another answer took the place of this one. Where the client left, the source is cancelled already.
      if (!request.signal.aborted) source.cancel(undefined);
      return;
    }
    const next = source.next();
    const piece = isNow(next) ? next : await next;
    if (response.ended) return;
    try {
      if (piece !== null && piece.length === 0) continue;
      if (!response.started) begin();
      if (piece === null) {
        response.end();
        return;
      }
      if (isHead || response.write(piece)) continue;
    } catch (error) {
      source.cancel(error);
      throw error;
    }
    await response.drained();
  }
}

function isNow(next: Piece | null | Promise<Piece | null>): next is Piece | null {
  return next === null || typeof next === 'string' || next instanceof Uint8Array;
}

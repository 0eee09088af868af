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
  if (response.started && response.ended) {
    source.cancel(undefined);
    return;
  }
  let leave = (): void => {};
  const left = new Promise<void>((resolve) => {
    leave = resolve;
  });
  let isOver = false;
  const cancel = (reason: unknown): void => {
    if (isOver) return;
    isOver = true;
    source.cancel(reason);
  };
  request.whenGone((reason) => {
    cancel(reason);
    leave();
  });
  if (isOver) return;
  try {
    await Promise.race([sendAll({ source, cancel, isHead: request.method === 'HEAD', response, begin }), left]);
  } finally {
    isOver = true;
  }
}

interface Sending {
  readonly source: PieceSource;
  /** Cancels the source, unless that was done before. */
  readonly cancel: (reason: unknown) => void;
  readonly isHead: boolean;
  readonly response: HttpResponse;
  readonly begin: () => void;
}

async function sendAll({ source, cancel, isHead, response, begin }: Sending): Promise<void> {
  for (;;) {
    if (isHead && response.started) {
      cancel(undefined);
      response.end();
      return;
    }
    if (response.started && response.ended) {
      // Another answer took the place of this one.
      cancel(undefined);
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
      cancel(error);
      throw error;
    }
    await response.drained();
  }
}

function isNow(next: Piece | null | Promise<Piece | null>): next is Piece | null {
  return next === null || typeof next === 'string' || next instanceof Uint8Array;
}

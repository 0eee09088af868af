// Sends a response piece by piece: the source waits for the client, and is cancelled when the client leaves.

import type { HttpRequest, HttpResponse } from '../http/handler.ts';

export type Piece = string | Uint8Array;

/** A source of pieces. */
export interface PieceSource {
  /** The next piece, checked; null at the end. If it throws or rejects, the source has ended, and is not cancelled. */
  next(): Piece | null | Promise<Piece | null>;
  /** The rest is not read. Called at most once, perhaps while a `next` is pending. Must not throw. */
  cancel(reason: unknown): void;
}

/**
 * Sends all pieces of `source` and ends the response; for HEAD, only the head. `begin` starts the response: it is
 * called before the first piece that is not empty, or at the end.
 * Resolves, with the source cancelled, when the client is gone, even if `next` never settles. Then only the application
 * still holds its objects.
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
  /** Cancels the source, once. */
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
      // Another response was sent in place of this one.
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

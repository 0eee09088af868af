// Sends a response whose content is a web stream.

import { EpollServerError } from '../errors.ts';
import type { PrecompiledFields } from '../http/fields.ts';
import type { HttpRequest, HttpResponse } from '../http/handler.ts';
import { type Piece, type PieceSource, sendPieces } from './pieces.ts';

export interface StreamedResponse {
  readonly status: number;
  readonly fields: PrecompiledFields;
  readonly stream: ReadableStream<unknown>;
}

/** Turns of the microtask queue within which a stream of available data ends, or fails. */
const SETTLE_TURNS = 8;

/**
 * Sends a stream. A stream of one piece that ends at once is sent with its length. A stream that fails at once can
 * still become a 500. Otherwise the head is sent now, and the pieces as they come.
 */
export async function sendStream(
  { status, fields, stream }: StreamedResponse,
  request: HttpRequest,
  response: HttpResponse,
): Promise<void> {
  const source = new StreamSource(stream);
  const first = source.next();
  const second = first.then((piece) => (piece === null ? null : source.next()));
  let [isOver, hasFailed] = [false, false];
  // The loop over the pieces below gets the failure too.
  const onFailure = (): void => {
    hasFailed = true;
  };
  second.then((piece) => {
    isOver = piece === null;
  }, onFailure);
  for (let turn = 0; turn < SETTLE_TURNS && !isOver && !hasFailed; turn++) await undefined;
  if (isOver) {
    response.send(status, fields, (await first) ?? '');
    return;
  }
  if (!hasFailed && !response.ended) response.start(status, fields);
  const start = (): void => response.start(status, fields);
  await sendPieces(new ReadAhead(source, [first, second]), request, response, start);
}

/** A source of which some pieces were requested already. */
class ReadAhead implements PieceSource {
  readonly #source: PieceSource;
  readonly #requested: Promise<Piece | null>[];

  constructor(source: PieceSource, requested: Promise<Piece | null>[]) {
    this.#source = source;
    this.#requested = requested;
  }

  next(): Piece | null | Promise<Piece | null> {
    return this.#requested.shift() ?? this.#source.next();
  }

  cancel(reason: unknown): void {
    this.#source.cancel(reason);
  }
}

class StreamSource implements PieceSource {
  readonly #reader: ReadableStreamDefaultReader<unknown>;

  /** @throws EpollServerError `ERR_APPLICATION` when the stream is locked by another reader. */
  constructor(stream: ReadableStream<unknown>) {
    if (stream.locked) {
      throw new EpollServerError(
        'ERR_APPLICATION',
        'fetch application: the body of the returned Response is locked by another reader',
      );
    }
    this.#reader = stream.getReader();
  }

  async next(): Promise<Piece | null> {
    const { done, value } = await this.#reader.read();
    if (done) return null;
    if (value instanceof Uint8Array) return value;
    const error = new EpollServerError(
      'ERR_APPLICATION',
      `fetch application: the stream of a body must yield Uint8Arrays, not ${value === null ? 'null' : typeof value}`,
    );
    this.cancel(error);
    throw error;
  }

  /** A rejection of the cancelled stream has no receiver: the request is over. */
  cancel(reason: unknown): void {
    this.#reader.cancel(reason).catch(() => {});
  }
}

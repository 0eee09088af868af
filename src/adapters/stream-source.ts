// An answer whose content is a web stream. It must not know whose Response it was.

import { EpollServerError } from '../errors.ts';
import type { PrecompiledFields } from '../http/fields.ts';
import type { HttpRequest, HttpResponse } from '../http/handler.ts';
import { type Piece, type PieceSource, sendPieces } from './pieces.ts';

export interface StreamedAnswer {
  readonly status: number;
  readonly fields: PrecompiledFields;
  readonly stream: ReadableStream<unknown>;
}

/** Turns of the microtask queue in which a stream of what is there already says so, or fails. */
const SETTLE_TURNS = 8;

/**
 * Sends a stream. What is whole, though it comes as a stream (one piece, and at once the end), is sent with its
 * length; what fails at once can still be a 500; for anything else the head leaves now, and the pieces as they come.
 */
export async function sendStream(
  { status, fields, stream }: StreamedAnswer,
  request: HttpRequest,
  response: HttpResponse,
): Promise<void> {
  const source = new StreamSource(stream);
  const first = source.next();
  const second = first.then((piece) => (piece === null ? null : source.next()));
  let [isOver, hasFailed] = [false, false];
  // Whoever asks for the pieces below learns of a failure too.
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

/** A source of which pieces were asked for already. */
class ReadAhead implements PieceSource {
  readonly #source: PieceSource;
  readonly #asked: Promise<Piece | null>[];

  constructor(source: PieceSource, asked: Promise<Piece | null>[]) {
    this.#source = source;
    this.#asked = asked;
  }

  next(): Piece | null | Promise<Piece | null> {
    return this.#asked.shift() ?? this.#source.next();
  }

  cancel(reason: unknown): void {
    this.#source.cancel(reason);
  }
}

class StreamSource implements PieceSource {
  readonly #reader: ReadableStreamDefaultReader<unknown>;

  /** @throws EpollServerError `ERR_APPLICATION` when somebody else reads the stream. */
  constructor(stream: ReadableStream<unknown>) {
    if (stream.locked) {
      throw new EpollServerError('ERR_APPLICATION', 'fetch application: somebody else reads the body that it returned');
    }
    this.#reader = stream.getReader();
  }

  async next(): Promise<Piece | null> {
    const { done, value } = await this.#reader.read();
    if (done) return null;
    if (value instanceof Uint8Array) return value;
    const error = new EpollServerError(
      'ERR_APPLICATION',
      `fetch application: a stream that is a body must give Uint8Arrays, not ${value === null ? 'null' : typeof value}`,
    );
    this.cancel(error);
    throw error;
  }

  /** Rejections are the stream's own: the request is over. */
  cancel(reason: unknown): void {
    this.#reader.cancel(reason).catch(() => {});
  }
}

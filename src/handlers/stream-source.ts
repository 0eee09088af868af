// The pieces of a web stream. It must not know who sends them.

import { EpollServerError } from '../errors.ts';
import type { Piece, PieceSource } from './pieces.ts';

export class StreamSource implements PieceSource {
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

// Sends the response of an upstream to the client. Short content leaves in one piece with its head; other content leaves as
// it comes. What a slow client cannot receive waits in a spool, so that the upstream need not wait for it.

import { type FieldInput, NO_FIELDS } from '../http/fields.ts';
import type { HttpResponse } from '../http/handler.ts';
import { SlabQueue } from '../slab-queue.ts';
import { ResponseSpool } from './response-spool.ts';
import type { SpoolSpace } from './spool-space.ts';

/** Content of a declared length up to this size is collected: if it is cut off, the client gets an error response. */
const COLLECTED_BYTES = 65_536;

/** Bytes that are handed to the connection at a time, and the most that wait there for a slow client. */
const PIECE_BYTES = 32_768;

export interface SenderEvents {
  /** More content can be sent. */
  roomForMore(): void;
  /** The content that waited is lost. */
  lostContent(error: unknown): void;
}

export class ResponseSender {
  readonly #response: HttpResponse;
  readonly #space: SpoolSpace;
  readonly #events: SenderEvents;
  /** Those of a head that is sent with its content. Kept fields pin a block of memory that they share with others. */
  #status = 0;
  #fields: FieldInput = NO_FIELDS;
  /** Content that is sent together with the head; null: the head was sent. */
  #collected: SlabQueue | null = null;
  /** Null: the client is fast enough. */
  #spool: ResponseSpool | null = null;
  /** Written since the last flush. */
  #unflushedBytes = 0;
  #isPumping = false;
  #isComplete = false;
  #isClosed = false;

  constructor(response: HttpResponse, space: SpoolSpace, events: SenderEvents) {
    this.#response = response;
    this.#space = space;
    this.#events = events;
  }

  /** Whether the content that waits for the client leaves room for more. */
  get hasRoom(): boolean {
    return this.#spool?.isFull !== true;
  }

  /** `length`: that of the content; -1: unknown; 0: there is none. */
  begin(status: number, fields: FieldInput, length: number): void {
    if (length > 0 && length <= COLLECTED_BYTES) {
      this.#status = status;
      this.#fields = fields;
      this.#collected = new SlabQueue();
    } else {
      this.#response.start(status, fields);
    }
  }

  /** Sends a copy of `bytes[start, end)`. */
  write(bytes: Buffer, start: number, end: number): void {
    if (this.#collected !== null) {
      this.#collected.append(bytes, start, end);
    } else {
      let at = start;
      while (at < end && !this.#isPumping) at = this.#send(bytes, at, end);
      if (at < end) this.#spool?.append(bytes, at, end);
    }
  }

  /** Sends a copy of the first piece of `bytes[start, end)`, and returns its end. A client whose socket is full is slow. */
  #send(bytes: Buffer, start: number, end: number): number {
    const pieceEnd = Math.min(start + PIECE_BYTES - this.#unflushedBytes, end);
    const hasRoom = this.#response.write(Buffer.from(bytes.subarray(start, pieceEnd)));
    this.#unflushedBytes += pieceEnd - start;
    const flushed = hasRoom && this.#unflushedBytes < PIECE_BYTES ? null : this.#flush();
    if (flushed !== null) {
      this.#isPumping = true;
      this.#spool ??= new ResponseSpool(this.#space, () => this.#events.roomForMore());
      void this.#pump(this.#spool, flushed);
    }
    return pieceEnd;
  }

  /** Null: the client is fast enough. */
  #flush(): Promise<void> | null {
    this.#unflushedBytes = 0;
    const response = this.#response;
    return response.flush === undefined ? response.drained() : response.flush();
  }

  /** The content is complete. */
  end(): void {
    this.#isComplete = true;
    if (this.#collected !== null) this.#response.send(this.#status, this.#fields, this.#collected.takeAll());
    else if (this.#isPumping) this.#spool?.end();
    else this.#finish();
  }

  /** All content was handed to the connection. */
  #finish(): void {
    this.#spool?.close();
    this.#response.end();
  }

  /** Drops what has not been sent. */
  close(): void {
    this.#isClosed = true;
    this.#collected = null;
    this.#spool?.close();
  }

  /** Sends what waits, until nothing does. A piece follows when the system has all before it. */
  async #pump(spool: ResponseSpool, first: Promise<void>): Promise<void> {
    try {
      await first;
      for (;;) {
        const next = spool.take();
        const piece = next instanceof Promise ? await next : next;
        if (this.#isClosed || this.#response.ended) return;
        if (piece === null) break;
        this.#response.write(piece);
        const flushed = this.#flush();
        if (flushed !== null) await flushed;
        if (this.#isClosed || this.#response.ended) return;
      }
      this.#isPumping = false;
      if (this.#isComplete) this.#finish();
    } catch (error) {
      if (!this.#isClosed) this.#events.lostContent(error);
    }
  }
}

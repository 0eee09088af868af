// Sends the response of an upstream to the client. Short content leaves in one piece with its head; other content leaves as
// it comes. What a slow client cannot receive waits in a spool, so that the upstream need not wait for it.

import { type FieldInput, NO_FIELDS } from '../http/fields.ts';
import type { HttpResponse } from '../http/handler.ts';
import { SlabQueue } from '../slab-queue.ts';
import { ResponseSpool } from './response-spool.ts';
import type { SpoolSpace } from './spool-space.ts';

/** Content of a declared length up to this size is collected: if it is cut off, the client gets an error response. */
const COLLECTED_BYTES = 65_536;

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
  #status = 0;
  #fields: FieldInput = NO_FIELDS;
  /** Content that is sent together with the head; null: the head was sent. */
  #collected: SlabQueue | null = null;
  /** Null: the client is fast enough. */
  #spool: ResponseSpool | null = null;
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
    this.#status = status;
    this.#fields = fields;
    if (length > 0 && length <= COLLECTED_BYTES) this.#collected = new SlabQueue();
    else this.#response.start(status, fields);
  }

  /** Sends a copy of `bytes[start, end)`. */
  write(bytes: Buffer, start: number, end: number): void {
    if (this.#collected !== null) {
      this.#collected.append(bytes, start, end);
    } else if (this.#isPumping) {
      this.#spool?.append(bytes, start, end);
    } else if (!this.#response.write(Buffer.from(bytes.subarray(start, end)))) {
      this.#isPumping = true;
      this.#spool ??= new ResponseSpool(this.#space, () => this.#events.roomForMore());
      void this.#pump(this.#spool);
    }
  }

  /** The content is complete. */
  end(): void {
    this.#isComplete = true;
    if (this.#collected !== null) this.#response.send(this.#status, this.#fields, this.#collected.takeAll());
    else if (!this.#isPumping) this.#response.end();
  }

  /** Drops what has not been sent. */
  close(): void {
    this.#isClosed = true;
    this.#collected = null;
    this.#spool?.close();
  }

  /** Sends what waits, until nothing does. */
  async #pump(spool: ResponseSpool): Promise<void> {
    try {
      await this.#response.drained();
      for (;;) {
        const next = spool.take();
        const piece = next instanceof Promise ? await next : next;
        if (this.#isClosed || this.#response.ended) return;
        if (piece === null) break;
        if (!this.#response.write(piece)) await this.#response.drained();
        if (this.#isClosed || this.#response.ended) return;
      }
      this.#isPumping = false;
      if (this.#isComplete) {
        spool.close();
        this.#response.end();
      }
    } catch (error) {
      if (!this.#isClosed) this.#events.lostContent(error);
    }
  }
}

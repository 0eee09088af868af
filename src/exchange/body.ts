// The content of one request, from the connection to one reader, with a window between them.
// It must not know how requests are parsed.

import { MinimumRate } from '../connection/minimum-rate.ts';
import { EpollServerError } from '../errors.ts';
import { ChunkedDecoder, type ChunkedLimits } from '../http/chunked-decoder.ts';
import type { RequestBody } from '../http/handler.ts';
import { SlabQueue } from '../slab-queue.ts';

/** Bytes that may wait for the reader before the client is told to (by TCP) wait too. */
const WINDOW_BYTES = 65_536;

/** Bounds of one body: bytes, and how long and how slow its client may be. */
export interface BodyLimits extends ChunkedLimits {
  readonly bodyTimeoutMs: number;
  readonly minReceiveBytesPerSecond: number;
}

/** What a body asks of its session. */
export interface BodyOwner {
  /** The reader has room; with `awaited` it waits, and the client must send (and may be waiting for 100 Continue). */
  bodyWanted(awaited: boolean): void;
}

interface Waiter {
  resolve(piece: Uint8Array<ArrayBuffer> | null): void;
  reject(error: unknown): void;
}

export class Body implements RequestBody {
  readonly length: number | undefined;
  readonly #owner: BodyOwner | null;
  readonly #limits: BodyLimits;
  readonly #decoder: ChunkedDecoder | null;
  /** Bytes that are still to come when the length is known. */
  #left: number;
  /** Content that arrived and that the reader has not taken yet. */
  readonly #queue = new SlabQueue();
  #waiter: Waiter | null = null;
  #wanted = false;
  #error: EpollServerError | null = null;
  #discarding = false;
  /** How long the client may still be waited for; null before anybody waited. */
  #rate: MinimumRate | null = null;

  /** `length`: -1 for chunked. */
  constructor(owner: BodyOwner | null, length: number, limits: BodyLimits) {
    this.#owner = owner;
    this.#limits = limits;
    this.length = length < 0 ? undefined : length;
    this.#left = Math.max(length, 0);
    this.#decoder = length < 0 ? new ChunkedDecoder(limits) : null;
  }

  /** Whether everything has arrived. */
  get complete(): boolean {
    return this.#decoder === null ? this.#left === 0 : this.#decoder.ended;
  }

  /** Bytes that are still to come when the length is known; else 0. */
  get leftBytes(): number {
    return this.#left;
  }

  /** Whether bytes from the connection are welcome now. */
  get wantsInput(): boolean {
    if (this.complete || this.#error !== null) return false;
    return this.#discarding || (this.#wanted && this.#queue.byteLength < WINDOW_BYTES);
  }

  /** Whether a reader waits for the client. */
  get awaited(): boolean {
    return this.#waiter !== null;
  }

  /** When not 0: the framing broke, and this is the status to answer. */
  get status(): number {
    return this.#decoder?.status ?? 0;
  }

  get problem(): string {
    return this.#decoder?.problem ?? '';
  }

  /** Whether the rest is being thrown away. */
  get discarding(): boolean {
    return this.#discarding;
  }

  get trailers(): readonly (readonly [string, string])[] {
    return this.rawTrailers.map(([name, value]) => [name.toLowerCase(), value]);
  }

  get rawTrailers(): readonly (readonly [string, string])[] {
    return this.complete ? (this.#decoder?.trailers ?? []) : [];
  }

  /** Takes bytes from the connection; returns where it stopped. */
  receive(bytes: Buffer, start: number, end: number): number {
    let at: number;
    if (this.#decoder === null) {
      at = Math.min(end, start + this.#left);
      this.#left -= at - start;
      this.#take(bytes, start, at);
    } else {
      at = this.#decoder.decode(bytes, start, end, (from, to) => this.#take(bytes, from, to));
    }
    this.#settle();
    return at;
  }

  /** Somebody waits for the client from now on: the milliseconds that it has. */
  waitMs(nowMs: number): number {
    const { bodyTimeoutMs, minReceiveBytesPerSecond } = this.#limits;
    this.#rate ??= new MinimumRate(bodyTimeoutMs, minReceiveBytesPerSecond, nowMs);
    return Math.max(this.#rate.resume(nowMs), 1);
  }

  /** `bytes` came while somebody waited: the milliseconds that the client has for the next. */
  progressMs(nowMs: number, bytes: number): number {
    // At least a moment, since 0 would mean for ever.
    return Math.max(this.#rate?.update(nowMs, bytes) ?? this.waitMs(nowMs), 1);
  }

  /** Nobody will read the rest: it is thrown away. */
  discard(): void {
    this.#discarding = true;
    const waiter = this.#waiter;
    this.#waiter = null;
    waiter?.reject(consumed('the request was answered without it'));
    this.#queue.clear();
  }

  /** The rest will not come: who reads is told. */
  fail(error: EpollServerError): void {
    if (this.complete || this.#error !== null) return;
    this.#error = error;
    const waiter = this.#waiter;
    this.#waiter = null;
    waiter?.reject(error);
  }

  read(): Promise<Uint8Array<ArrayBuffer> | null> {
    const piece = this.#queue.shift();
    if (piece !== null) {
      this.#owner?.bodyWanted(false);
      return Promise.resolve(piece);
    }
    if (this.#error !== null) return Promise.reject(this.#error);
    if (this.complete && !this.#discarding) return Promise.resolve(null);
    if (this.#discarding || this.#waiter !== null) {
      return Promise.reject(
        consumed(this.#discarding ? 'the request was answered without it' : 'another read is waiting'),
      );
    }
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
      this.#wanted = true;
      this.#owner?.bodyWanted(true);
    });
  }

  async bytes(maxBytes: number = this.#limits.maxBodyBytes): Promise<Buffer> {
    return (await this.#collect(maxBytes)).takeAll();
  }

  async text(maxBytes: number = this.#limits.maxBodyBytes): Promise<string> {
    return (await this.#collect(maxBytes)).takeText();
  }

  async #collect(maxBytes: number): Promise<SlabQueue> {
    const all = new SlabQueue();
    if (!(await all.adoptAll(this, maxBytes))) {
      throw new EpollServerError('ERR_BODY_TOO_LARGE', `the body has more than ${maxBytes} bytes`);
    }
    return all;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    for (let piece = await this.read(); piece !== null; piece = await this.read()) yield piece;
  }

  #take(bytes: Buffer, start: number, end: number): void {
    if (!this.#discarding) this.#queue.append(bytes, start, end);
  }

  /** Gives a waiting reader what has arrived: once for all chunks of one receive. */
  #settle(): void {
    const waiter = this.#waiter;
    if (waiter === null || (this.#queue.byteLength === 0 && !this.complete)) return;
    this.#waiter = null;
    waiter.resolve(this.#queue.shift());
  }
}

function consumed(why: string): EpollServerError {
  return new EpollServerError('ERR_BODY_CONSUMED', `the body cannot be read: ${why}`);
}

/** The body of requests that have none. */
export const NO_BODY: Body = new Body(null, 0, {
  maxBodyBytes: 0,
  maxHeaderBytes: 0,
  maxFields: 0,
  bodyTimeoutMs: 0,
  minReceiveBytesPerSecond: 0,
});

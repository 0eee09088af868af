// The body of one request: queues arriving content for one reader, at most a window ahead of it.

import { MinimumRate } from '../connection/minimum-rate.ts';
import { EpollServerError } from '../errors.ts';
import { ChunkedDecoder, type ChunkedLimits } from '../http/chunked-decoder.ts';
import type { RequestBody } from '../http/handler.ts';
import { SlabQueue } from '../slab-queue.ts';
import { bodyTooLarge } from './misuse.ts';

/** Bytes that may be queued before reading from the connection stops. TCP then makes the client wait. */
const WINDOW_BYTES = 65_536;

/** Bounds of one body: its bytes, and the minimum rate of the client. */
export interface BodyLimits extends ChunkedLimits {
  readonly minReceiveBytesPerSecond: number;
}

/** The service that an exchange provides to its body. */
export interface BodyOwner {
  /** The queue has room. With `awaited`, a reader waits for the client, which may itself wait for 100 Continue. */
  bodyWanted(awaited: boolean): void;
}

interface PendingRead {
  resolve(piece: Uint8Array<ArrayBuffer> | null): void;
  reject(error: unknown): void;
}

export class Body implements RequestBody {
  readonly length: number | undefined;
  readonly #owner: BodyOwner | null;
  readonly #limits: BodyLimits;
  readonly #decoder: ChunkedDecoder | null;
  /** Bytes that remain of a known length. */
  #left: number;
  /** Content that arrived and was not read yet. */
  readonly #queue = new SlabQueue();
  #pendingRead: PendingRead | null = null;
  #wanted = false;
  #error: EpollServerError | null = null;
  #discarding = false;
  /** The progress deadline of the client; null before the first wait. */
  #rate: MinimumRate | null = null;

  /** `length` in bytes; -1: chunked. */
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

  /** Bytes that remain of a known length; 0 for a chunked body. */
  get leftBytes(): number {
    return this.#left;
  }

  /** Whether the body accepts bytes from the connection now. */
  get wantsInput(): boolean {
    if (this.complete || this.#error !== null) return false;
    return this.#discarding || (this.#wanted && this.#queue.byteLength < WINDOW_BYTES);
  }

  /** Whether a reader waits for the client. */
  get awaited(): boolean {
    return this.#pendingRead !== null;
  }

  /** The status of the error response when the framing is malformed; 0: none. */
  get status(): number {
    return this.#decoder?.status ?? 0;
  }

  get problem(): string {
    return this.#decoder?.problem ?? '';
  }

  /** The rest will not arrive. */
  get hasFailed(): boolean {
    return this.#error !== null;
  }

  /** Whether the rest of the body is discarded. */
  get discarding(): boolean {
    return this.#discarding;
  }

  get trailers(): readonly (readonly [string, string])[] {
    return this.rawTrailers.map(([name, value]) => [name.toLowerCase(), value]);
  }

  get rawTrailers(): readonly (readonly [string, string])[] {
    return this.complete ? (this.#decoder?.trailers ?? []) : [];
  }

  /** Receives `bytes[start, end)`; returns the offset of the first unused byte. */
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

  /** A reader waits for the client from now on, for `timeoutMs`: returns the milliseconds until the time-out. */
  waitMs(nowMs: number, timeoutMs: number): number {
    this.#rate ??= new MinimumRate(timeoutMs, this.#limits.minReceiveBytesPerSecond, nowMs);
    return Math.max(this.#rate.resume(nowMs), 1);
  }

  /** `bytes` arrived while a reader waited: returns the milliseconds until the time-out. */
  progressMs(nowMs: number, timeoutMs: number, bytes: number): number {
    // A time-out of 0 means none, so 1 is the least.
    return Math.max(this.#rate?.update(nowMs, bytes) ?? this.waitMs(nowMs, timeoutMs), 1);
  }

  /** Discards what is queued and what still arrives. A pending read rejects. */
  discard(): void {
    this.#discarding = true;
    const pendingRead = this.#pendingRead;
    this.#pendingRead = null;
    pendingRead?.reject(consumed('the response is complete'));
    this.#queue.clear();
  }

  /** The rest will not arrive: a pending read, and later ones, reject with `error`. */
  fail(error: EpollServerError): void {
    if (this.complete || this.#error !== null) return;
    this.#error = error;
    const pendingRead = this.#pendingRead;
    this.#pendingRead = null;
    pendingRead?.reject(error);
  }

  read(): Promise<Uint8Array<ArrayBuffer> | null> {
    const piece = this.#queue.shift();
    if (piece !== null) {
      this.#owner?.bodyWanted(false);
      return Promise.resolve(piece);
    }
    if (this.#error !== null) return Promise.reject(this.#error);
    if (this.complete && !this.#discarding) return Promise.resolve(null);
    if (this.#discarding || this.#pendingRead !== null) {
      return Promise.reject(consumed(this.#discarding ? 'the response is complete' : 'another read is waiting'));
    }
    return new Promise((resolve, reject) => {
      this.#pendingRead = { resolve, reject };
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
    if (!(await all.adoptAll(this, maxBytes))) throw bodyTooLarge(maxBytes);
    return all;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    for (let piece = await this.read(); piece !== null; piece = await this.read()) yield piece;
  }

  #take(bytes: Buffer, start: number, end: number): void {
    if (!this.#discarding) this.#queue.append(bytes, start, end);
  }

  /** Resolves a pending read with all that has arrived: once for all chunks of one receive. */
  #settle(): void {
    const pendingRead = this.#pendingRead;
    if (pendingRead === null || (this.#queue.byteLength === 0 && !this.complete)) return;
    this.#pendingRead = null;
    pendingRead.resolve(this.#queue.shift());
  }
}

function consumed(why: string): EpollServerError {
  return new EpollServerError('ERR_BODY_CONSUMED', `the body cannot be read: ${why}`);
}

/** The body of requests without content. */
export const NO_BODY: Body = new Body(null, 0, {
  maxBodyBytes: 0,
  maxHeaderBytes: 0,
  maxFields: 0,
  minReceiveBytesPerSecond: 0,
});

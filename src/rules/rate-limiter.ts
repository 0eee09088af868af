// A token bucket for each client in a table of fixed size. A bucket is one number: the time at which it would be full
// again (the generic cell rate algorithm, ITU-T I.371). A bucket that is full needs no entry.

import { randomBytes } from 'node:crypto';
import { KeyedHash } from './keyed-hash.ts';

/** Entries: two million, 32 MiB. Memory is used only for the pages of the table that have entries. */
const SETS = 2 ** 18;
const WAYS = 8;

export interface Rate {
  /** Requests in each interval. */
  readonly requests: number;
  readonly intervalMs: number;
  /** Requests that may come at once. */
  readonly burst: number;
}

export class RateLimiter {
  readonly #hash: KeyedHash;
  readonly #sets: number;
  /** Two words of hash for each entry. */
  readonly #keys: Uint32Array;
  /** When the bucket of an entry is full again. */
  readonly #fullMs: Float64Array;
  /** The time in which one token arrives. */
  readonly #tokenMs: number;
  /** How long the bucket takes to fill, without the token that a request needs. */
  readonly #toleranceMs: number;

  /** `sets`: a power of two. */
  constructor({ requests, intervalMs, burst }: Rate, sets: number = SETS) {
    const key = randomBytes(8);
    this.#hash = new KeyedHash(key.readInt32LE(0), key.readInt32LE(4));
    this.#sets = sets;
    this.#keys = new Uint32Array(sets * WAYS * 2);
    this.#fullMs = new Float64Array(sets * WAYS);
    this.#tokenMs = intervalMs / requests;
    this.#toleranceMs = (burst - 1) * this.#tokenMs;
  }

  /** Bytes of its tables. */
  get bytes(): number {
    return this.#keys.byteLength + this.#fullMs.byteLength;
  }

  /** Takes a token for the client `key`. Returns 0, or the milliseconds until there is one. */
  take(key: string, nowMs: number): number {
    const entry = this.#entryOf(key, nowMs);
    const fullMs = Math.max(this.#fullMs[entry] ?? 0, nowMs);
    const waitMs = fullMs - nowMs - this.#toleranceMs;
    if (waitMs > 0) return waitMs;
    this.#fullMs[entry] = fullMs + this.#tokenMs;
    return 0;
  }

  /** Undoes {@link take}. */
  giveBack(key: string, nowMs: number): void {
    const entry = this.#entryOf(key, nowMs);
    this.#fullMs[entry] = (this.#fullMs[entry] ?? 0) - this.#tokenMs;
  }

  /** The entry of `key`. A new one takes the place of a full bucket, or else of the one that is full first. */
  #entryOf(key: string, nowMs: number): number {
    this.#hash.hash(key);
    const { high, low } = this.#hash.result;
    const first = (high & (this.#sets - 1)) * WAYS;
    let oldest = first;
    for (let entry = first; entry < first + WAYS; entry++) {
      if (this.#keys[entry * 2] === high && this.#keys[entry * 2 + 1] === low) return entry;
      if ((this.#fullMs[entry] ?? 0) < (this.#fullMs[oldest] ?? 0)) oldest = entry;
    }
    this.#keys[oldest * 2] = high;
    this.#keys[oldest * 2 + 1] = low;
    this.#fullMs[oldest] = nowMs;
    return oldest;
  }
}

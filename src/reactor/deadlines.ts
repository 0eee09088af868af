// Deadlines in coarse buckets: no timer object, no heap, one store to postpone.
// A source stays in the bucket it is in while its deadline moves later, and is looked at again then.
// It must not know what a deadline means.

import type { Source } from './source.ts';

/** Milliseconds of one tick: a deadline fires at most this much late, and never early. */
export const TICK_MS = 128;

/** Buckets: 1024 × 128 ms = 131 s; what is further away is filed in the last one and moved on. */
const BUCKETS = 1024;

export class Deadlines {
  readonly #heads: (Source | null)[] = new Array<Source | null>(BUCKETS).fill(null);
  /** The last tick that was expired. */
  #tick: number;
  #filed = 0;
  /** When {@link expire} must run next, in milliseconds; never later than the earliest deadline. */
  nextDueMs: number = Infinity;

  constructor(nowMs: number) {
    this.#tick = Math.floor(nowMs / TICK_MS);
  }

  /** Sources in any bucket. */
  get filed(): number {
    return this.#filed;
  }

  /** Sets, moves or (with 0) removes the deadline of `source`. */
  set(source: Source, tick: number): void {
    source.deadlineTick = tick;
    if (tick === 0 || (source.filedTick !== 0 && source.filedTick <= tick)) return;
    if (source.filedTick !== 0) this.#unlink(source);
    this.#link(source);
  }

  /** Forgets a source that is being closed. */
  drop(source: Source): void {
    source.deadlineTick = 0;
    if (source.filedTick !== 0) this.#unlink(source);
  }

  /** Calls `expire` of every source whose deadline lies at or before `nowMs`. */
  expire(nowMs: number): void {
    const until = Math.floor(nowMs / TICK_MS);
    const first = Math.max(this.#tick + 1, until - BUCKETS + 1);
    this.#tick = Math.max(until, this.#tick);
    for (let tick = first; tick <= until; tick++) this.#expireBucket(tick % BUCKETS, until);
    this.#findNextDue();
  }

  #expireBucket(bucket: number, until: number): void {
    let source = this.#heads[bucket] ?? null;
    while (source !== null) {
      const next: Source | null = source.nextFiled;
      this.#unlink(source);
      if (source.deadlineTick > until) {
        this.#link(source);
      } else if (source.deadlineTick !== 0) {
        source.deadlineTick = 0;
        source.expire();
      }
      // `expire` may close any source, but a closed one leaves its bucket: begin anew if next did.
      source = next !== null && next.filedTick === 0 ? (this.#heads[bucket] ?? null) : next;
    }
  }

  #link(source: Source): void {
    const tick = Math.min(Math.max(source.deadlineTick, this.#tick + 1), this.#tick + BUCKETS - 1);
    const bucket = tick % BUCKETS;
    const head = this.#heads[bucket] ?? null;
    source.filedTick = tick;
    source.nextFiled = head;
    source.previousFiled = null;
    if (head !== null) head.previousFiled = source;
    this.#heads[bucket] = source;
    this.#filed++;
    if (tick * TICK_MS < this.nextDueMs) this.nextDueMs = tick * TICK_MS;
  }

  #unlink(source: Source): void {
    const { nextFiled, previousFiled } = source;
    if (nextFiled !== null) nextFiled.previousFiled = previousFiled;
    if (previousFiled !== null) previousFiled.nextFiled = nextFiled;
    else this.#heads[source.filedTick % BUCKETS] = nextFiled;
    source.filedTick = 0;
    source.nextFiled = null;
    source.previousFiled = null;
    this.#filed--;
  }

  #findNextDue(): void {
    this.nextDueMs = Infinity;
    if (this.#filed === 0) return;
    for (let tick = this.#tick + 1; tick < this.#tick + BUCKETS; tick++) {
      if (this.#heads[tick % BUCKETS] !== null) {
        this.nextDueMs = tick * TICK_MS;
        return;
      }
    }
  }
}

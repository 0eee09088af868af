// Stores deadlines in buckets of 128 ms: they are not sorted, and postponing one takes one write. A postponed deadline
// stays in its bucket, and moves to another one when the time of that bucket has come.

import type { Deadline } from './deadline.ts';

/** Milliseconds of one tick: a deadline fires at most this much late, and never early. */
export const TICK_MS = 128;

/** Buckets: 1024 × 128 ms = 131 s. A later deadline is filed in the last one, and filed again from there. */
const BUCKETS = 1024;

export class Deadlines {
  readonly #heads: (Deadline | null)[] = new Array<Deadline | null>(BUCKETS).fill(null);
  /** The last tick that was expired. */
  #tick: number;
  #filed = 0;
  /** When {@link expire} must run next, in milliseconds; never later than the earliest deadline. */
  nextDueMs: number = Infinity;

  constructor(nowMs: number) {
    this.#tick = Math.floor(nowMs / TICK_MS);
  }

  /** Deadlines in any bucket. */
  get filed(): number {
    return this.#filed;
  }

  /** Sets or moves `deadline`. Tick 0 clears it; it may stay in its bucket, because most are set again soon. */
  set(deadline: Deadline, tick: number): void {
    deadline.tick = tick;
    if (tick === 0 || (deadline.filedTick !== 0 && deadline.filedTick <= tick)) return;
    if (deadline.filedTick !== 0) this.#unlink(deadline);
    this.#link(deadline);
  }

  /** Removes `deadline`, whose owner is being closed. */
  drop(deadline: Deadline): void {
    deadline.tick = 0;
    if (deadline.filedTick !== 0) this.#unlink(deadline);
  }

  /** Calls the owner of every deadline at or before `nowMs`, the earliest first, however late that is. */
  expire(nowMs: number): void {
    const until = Math.floor(nowMs / TICK_MS);
    const first = Math.max(this.#tick + 1, until - BUCKETS + 1);
    for (let tick = first; tick <= until; tick++) {
      this.#tick = tick;
      this.#expireBucket(tick % BUCKETS);
    }
    this.#findNextDue();
  }

  #expireBucket(bucket: number): void {
    let deadline = this.#heads[bucket] ?? null;
    while (deadline !== null) {
      const next: Deadline | null = deadline.nextFiled;
      this.#unlink(deadline);
      if (deadline.tick > this.#tick) {
        this.#link(deadline);
      } else if (deadline.tick !== 0) {
        deadline.tick = 0;
        deadline.owner.expire(deadline);
      }
      // `expire` may drop any deadline, also the next one: then the loop starts at the head of the bucket again.
      deadline = next !== null && next.filedTick === 0 ? (this.#heads[bucket] ?? null) : next;
    }
  }

  #link(deadline: Deadline): void {
    const tick = Math.min(Math.max(deadline.tick, this.#tick + 1), this.#tick + BUCKETS - 1);
    const bucket = tick % BUCKETS;
    const head = this.#heads[bucket] ?? null;
    deadline.filedTick = tick;
    deadline.nextFiled = head;
    deadline.previousFiled = null;
    if (head !== null) head.previousFiled = deadline;
    this.#heads[bucket] = deadline;
    this.#filed++;
    if (tick * TICK_MS < this.nextDueMs) this.nextDueMs = tick * TICK_MS;
  }

  #unlink(deadline: Deadline): void {
    const { nextFiled, previousFiled } = deadline;
    if (nextFiled !== null) nextFiled.previousFiled = previousFiled;
    if (previousFiled !== null) previousFiled.nextFiled = nextFiled;
    else this.#heads[deadline.filedTick % BUCKETS] = nextFiled;
    deadline.filedTick = 0;
    deadline.nextFiled = null;
    deadline.previousFiled = null;
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

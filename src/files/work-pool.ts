// Limits the jobs of this server in libuv's thread pool. DNS, the application and others share that pool, so at least
// one of its threads is left to them.

import { type LruLinks, LruList } from './lru-list.ts';

/** libuv's default (UV_THREADPOOL_SIZE). */
const DEFAULT_THREADS = 4;

/** Default maximum of waiting jobs; beyond it a pool is full. */
const DEFAULT_MAX_WAITING = 4_096;

/** A job that waits for a place. */
class Waiting implements LruLinks<Waiting> {
  older: Waiting | null = null;
  newer: Waiting | null = null;
  readonly isWanted: () => boolean;
  /** Ends the wait: true with a place, false if the job is not wanted any more. */
  readonly settle: (hasPlace: boolean) => void;

  constructor(isWanted: () => boolean, settle: (hasPlace: boolean) => void) {
    this.isWanted = isWanted;
    this.settle = settle;
  }
}

export class WorkPool {
  /** The number of jobs that run at once. */
  readonly places: number;
  readonly #maxWaiting: number;
  readonly #waiting = new LruList<Waiting>();
  #running = 0;
  /** When this many jobs wait, those that are not wanted any more are removed. */
  #sweepAt: number;

  /** `threads`: the size of the pool, of which one is left free. `maxWaiting`: waiting jobs at which it is full. */
  constructor(threads: number = poolThreads(), maxWaiting: number = DEFAULT_MAX_WAITING) {
    this.places = Math.max(1, threads - 1);
    this.#maxWaiting = maxWaiting;
    this.#sweepAt = maxWaiting;
  }

  /** The numbers of running and of waiting jobs. */
  get load(): readonly [number, number] {
    return [this.#running, this.#waiting.size];
  }

  /**
   * Whether new requests should be rejected, since too many jobs wait. Reads for responses that have begun are not
   * rejected: each open connection has at most one.
   */
  get isFull(): boolean {
    return this.#waiting.size >= this.#maxWaiting;
  }

  /**
   * Runs `job` when a place is free. The job has the place until its promise settles, so it must not run another job
   * here. Undefined: `isWanted` returned false when the job's turn came.
   */
  async run<T>(job: () => Promise<T>, isWanted: () => boolean = always): Promise<T | undefined> {
    if (this.#running < this.places) this.#running++;
    else if (!(await this.#place(isWanted))) return undefined;
    try {
      return isWanted() ? await job() : undefined;
    } finally {
      this.#passOn();
    }
  }

  #place(isWanted: () => boolean): Promise<boolean> {
    if (this.#waiting.size >= this.#sweepAt) this.#sweep();
    return new Promise((resolve) => this.#waiting.add(new Waiting(isWanted, resolve)));
  }

  /** Passes the place of a finished job to the oldest waiting one. */
  #passOn(): void {
    const next = this.#waiting.oldest;
    if (next === null) {
      this.#running--;
    } else {
      this.#waiting.remove(next);
      next.settle(true);
    }
  }

  /**
   * Removes jobs of clients that left, which a stuck disk would accumulate. The next sweep comes after as many new jobs
   * as this one leaves.
   */
  #sweep(): void {
    for (let at = this.#waiting.oldest; at !== null; ) {
      const { newer } = at;
      if (!at.isWanted()) {
        this.#waiting.remove(at);
        at.settle(false);
      }
      at = newer;
    }
    this.#sweepAt = Math.max(this.#maxWaiting, 2 * this.#waiting.size);
  }
}

function always(): boolean {
  return true;
}

/** The number of threads in libuv's pool. */
export function poolThreads(): number {
  const given = Number(process.env['UV_THREADPOOL_SIZE']);
  return Number.isInteger(given) && given > 0 ? given : DEFAULT_THREADS;
}

// How many jobs of this server are in libuv's thread pool at once: it is shared with DNS, the application and
// everything else, so at least one of its threads is left to them. It must not know what the jobs are.

import { type LruLinks, LruList } from './lru-list.ts';

/** libuv's default (UV_THREADPOOL_SIZE). */
const DEFAULT_THREADS = 4;

/** Waiting jobs beyond which a pool is full, unless its owner says another number. */
const DEFAULT_MAX_WAITING = 4_096;

/** A job that waits for its place. */
class Waiting implements LruLinks<Waiting> {
  older: Waiting | null = null;
  newer: Waiting | null = null;
  readonly isWanted: () => boolean;
  /** Ends the wait: with a place, or without one since the job is not wanted any more. */
  readonly settle: (hasPlace: boolean) => void;

  constructor(isWanted: () => boolean, settle: (hasPlace: boolean) => void) {
    this.isWanted = isWanted;
    this.settle = settle;
  }
}

export class WorkPool {
  /** How many jobs run at once. */
  readonly places: number;
  readonly #maxWaiting: number;
  readonly #waiting = new LruList<Waiting>();
  #running = 0;
  /** At so many waiting jobs those that are not wanted any more are taken out. */
  #sweepAt: number;

  /** `threads`: the size of the pool, of which one is left over; `maxWaiting`: jobs that make it full. */
  constructor(threads: number = poolThreads(), maxWaiting: number = DEFAULT_MAX_WAITING) {
    this.places = Math.max(1, threads - 1);
    this.#maxWaiting = maxWaiting;
    this.#sweepAt = maxWaiting;
  }

  /** Jobs that run, and that wait for their turn. */
  get load(): readonly [number, number] {
    return [this.#running, this.#waiting.size];
  }

  /**
   * So many jobs wait that requests which have no answer yet should be refused. Reads for answers that have begun are
   * not refused: each open connection has at most one.
   */
  get isFull(): boolean {
    return this.#waiting.size >= this.#maxWaiting;
  }

  /**
   * Runs `job` when a place is free; the place is the job's until its promise settles, so it must not run another one in
   * here. Undefined: `isWanted` said no when it was the job's turn.
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

  /** The oldest waiting job takes over the place of one that ended. */
  #passOn(): void {
    const next = this.#waiting.oldest;
    if (next === null) {
      this.#running--;
    } else {
      this.#waiting.remove(next);
      next.settle(true);
    }
  }

  /** A stuck disk must not collect jobs of clients that left. Each sweep waits for as many new jobs as it looks at. */
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

/** How many threads libuv's pool has. */
export function poolThreads(): number {
  const given = Number(process.env['UV_THREADPOOL_SIZE']);
  return Number.isInteger(given) && given > 0 ? given : DEFAULT_THREADS;
}

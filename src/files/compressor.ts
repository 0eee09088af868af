// Bounds the cost of compression: files that are in memory for it at once, and bytes waiting or compressed per second.
// Beyond a bound a file is sent uncompressed.

import { WorkPool } from './work-pool.ts';

/** After a start or a deployment everything is new: this many seconds' worth may be compressed at once. */
const BURST_SECONDS = 8;

/** While the cache has no room for the result, the same work is done at most once in this time. */
const REPEAT_MS = 10_000;

/** The maximum number of keys remembered for {@link REPEAT_MS}. */
const MAX_RECENT = 4_096;

export interface CompressorOptions {
  readonly pool: WorkPool;
  /** 0: nothing is compressed. */
  readonly maxBytesPerSecond: number;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
}

/** One file in one coding. */
export interface CompressionJob<T> {
  /** Identifies the file, its state and the coding. */
  readonly key: string;
  readonly bytes: number;
  /** Whether the result fits into the cache without removing another entry. */
  readonly hasRoom: boolean;
  /** Called when the job's turn comes: whether any client still waits. */
  readonly isWanted: () => boolean;
  /** Reads and compresses; undefined: the file cannot be read now. */
  readonly run: () => Promise<T | undefined>;
}

export class Compressor {
  readonly #options: CompressorOptions;
  /** Fewer places than the pool has, so that reads of other files do not wait behind all of them. */
  readonly #turns: WorkPool;
  /** The time of the last compression of each key, the oldest first. */
  readonly #recent = new Map<string, number>();
  /** May become negative by one file, so that the largest file can be compressed too. */
  #bytesLeft: number;
  #refilledMs: number;

  constructor(options: CompressorOptions) {
    this.#options = options;
    this.#turns = new WorkPool(options.pool.places);
    this.#bytesLeft = options.maxBytesPerSecond * BURST_SECONDS;
    this.#refilledMs = options.nowMs();
  }

  /** Whether a job may be started; it may still wait for its turn. */
  mayRun({ key, hasRoom }: Pick<CompressionJob<unknown>, 'key' | 'hasRoom'>): boolean {
    this.#refill();
    return this.#bytesLeft > 0 && (hasRoom || !this.#isRecent(key));
  }

  /** Undefined: it was not run, since a bound was reached or all clients left, or the file cannot be read now. */
  async run<T>(job: CompressionJob<T>): Promise<T | undefined> {
    if (!this.mayRun(job)) return undefined;
    this.#bytesLeft -= job.bytes;
    const inPool = (): Promise<T | undefined> => this.#options.pool.run(job.run, job.isWanted);
    const result = await this.#turns.run(inPool, job.isWanted);
    if (result === undefined) this.#bytesLeft += job.bytes;
    else this.#remember(job.key);
    return result;
  }

  #refill(): void {
    const { maxBytesPerSecond, nowMs } = this.#options;
    const elapsedMs = nowMs() - this.#refilledMs;
    this.#refilledMs += elapsedMs;
    const bytes = this.#bytesLeft + (elapsedMs / 1_000) * maxBytesPerSecond;
    this.#bytesLeft = Math.min(bytes, maxBytesPerSecond * BURST_SECONDS);
  }

  #isRecent(key: string): boolean {
    const lastMs = this.#recent.get(key);
    return lastMs !== undefined && this.#options.nowMs() - lastMs < REPEAT_MS;
  }

  #remember(key: string): void {
    // Setting an existing key again would keep its old position.
    this.#recent.delete(key);
    this.#recent.set(key, this.#options.nowMs());
    if (this.#recent.size <= MAX_RECENT) return;
    for (const oldest of this.#recent.keys()) {
      this.#recent.delete(oldest);
      return;
    }
  }
}

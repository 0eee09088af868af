// Bounds what compression costs: how many files are in memory for it at once, and how many bytes wait for it or are
// compressed in a second. Beyond a bound a file is sent as it is. It must not know what is compressed.

import { WorkPool } from './work-pool.ts';

/** After a start, or a deployment, everything is new: so many seconds' worth may be compressed at once. */
const BURST_SECONDS = 8;

/** The same work is done once in this time while the cache has no room to keep what comes of it. */
const REPEAT_MS = 10_000;

/** Files that are known to have been compressed within {@link REPEAT_MS}. */
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
  /** Tells this file, in this state and coding, from others. */
  readonly key: string;
  readonly bytes: number;
  /** The result will be kept without anything else leaving the cache. */
  readonly hasRoom: boolean;
  /** Asked when it is its turn: whether any client still waits. */
  readonly isWanted: () => boolean;
  /** Reads and compresses; undefined: the file cannot be read now. */
  readonly run: () => Promise<T | undefined>;
}

export class Compressor {
  readonly #options: CompressorOptions;
  /** Fewer at once than the pool has places: reads of other files do not wait behind all of them. */
  readonly #turns: WorkPool;
  /** When each key was compressed last, the oldest first. */
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

  /** Whether a job may begin now; it may also wait for its turn. */
  mayRun({ key, hasRoom }: Pick<CompressionJob<unknown>, 'key' | 'hasRoom'>): boolean {
    this.#refill();
    return this.#bytesLeft > 0 && (hasRoom || !this.#isRecent(key));
  }

  /** Undefined: it was not done, since a bound was reached, all clients left, or the file cannot be read now. */
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
    // A key that is set again would keep its place in the order.
    this.#recent.delete(key);
    this.#recent.set(key, this.#options.nowMs());
    if (this.#recent.size <= MAX_RECENT) return;
    for (const oldest of this.#recent.keys()) {
      this.#recent.delete(oldest);
      return;
    }
  }
}

// Counts durations in buckets, without an allocation for each.

/** The upper bounds of the buckets in milliseconds, as Prometheus clients have them, from 100 us on. */
export const BUCKETS_MS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000] as const;

/** Durations in buckets; the last bucket is for those beyond all bounds. */
export interface DurationCounts {
  readonly buckets: readonly number[];
  readonly sumMs: number;
}

export class DurationHistogram {
  readonly #buckets = new Float64Array(BUCKETS_MS.length + 1);
  #sumMs = 0;

  add(ms: number): void {
    let bucket = 0;
    while (bucket < BUCKETS_MS.length && ms > (BUCKETS_MS[bucket] ?? 0)) bucket++;
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1;
    this.#sumMs += ms;
  }

  get counts(): DurationCounts {
    return { buckets: [...this.#buckets], sumMs: this.#sumMs };
  }
}

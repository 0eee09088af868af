// A time-out with a minimum data rate: time uses it up, bytes give it back. A peer below the rate runs out of time,
// however its pauses are spread. A peer that stops runs out after the whole time-out.

export class MinimumRate {
  /** The time-out, and the most that can be left, in milliseconds. */
  readonly #wholeMs: number;
  /** Milliseconds that one byte gives back. */
  readonly #perByteMs: number;
  #leftMs: number;
  /** The time of the last update: time is used up from here. */
  #sinceMs: number;

  /** `bytesPerSecond`: 0 for no rate; then any byte gives the whole time back. */
  constructor(wholeMs: number, bytesPerSecond: number, nowMs: number) {
    this.#wholeMs = wholeMs;
    this.#perByteMs = bytesPerSecond === 0 ? Infinity : 1_000 / bytesPerSecond;
    this.#leftMs = wholeMs;
    this.#sinceMs = nowMs;
  }

  /** Counts the time since the last update, and `bytes` that passed in it. Returns the milliseconds left. */
  update(nowMs: number, bytes: number): number {
    const given = bytes > 0 ? bytes * this.#perByteMs : 0;
    const left = this.#leftMs - (nowMs - this.#sinceMs) + given;
    this.#sinceMs = nowMs;
    this.#leftMs = Math.max(Math.min(left, this.#wholeMs), 0);
    return this.#leftMs;
  }

  /** Gives the whole time back. */
  restore(nowMs: number): void {
    this.#leftMs = this.#wholeMs;
    this.#sinceMs = nowMs;
  }

  /** Skips the time since the last update, in which the peer was not waited for. Returns the milliseconds left. */
  resume(nowMs: number): number {
    this.#sinceMs = nowMs;
    return this.#leftMs;
  }
}

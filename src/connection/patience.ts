// How long a peer is waited for: time uses it up, bytes give it back. A peer that passes on less than a rate
// runs out of it whatever its pauses, one that stops runs out of it after the whole time.
// It must not know what is waited for.

export class Patience {
  /** The most there can be, in milliseconds. */
  readonly #wholeMs: number;
  /** What one byte gives back, in milliseconds. */
  readonly #perByteMs: number;
  #leftMs: number;
  /** Since when time is used up. */
  #sinceMs: number;

  /** `bytesPerSecond`: 0 for none: then any byte gives the whole time back. */
  constructor(wholeMs: number, bytesPerSecond: number, nowMs: number) {
    this.#wholeMs = wholeMs;
    this.#perByteMs = bytesPerSecond === 0 ? Infinity : 1_000 / bytesPerSecond;
    this.#leftMs = wholeMs;
    this.#sinceMs = nowMs;
  }

  /** Time passed until now, and `bytes` came meanwhile. Returns the milliseconds that are left; 0: none. */
  spend(nowMs: number, bytes: number): number {
    const given = bytes > 0 ? bytes * this.#perByteMs : 0;
    const left = this.#leftMs - (nowMs - this.#sinceMs) + given;
    this.#sinceMs = nowMs;
    this.#leftMs = Math.max(Math.min(left, this.#wholeMs), 0);
    return this.#leftMs;
  }

  /** Nobody waited for the peer until now: that time is not used up. */
  resume(nowMs: number): number {
    this.#sinceMs = nowMs;
    return this.#leftMs;
  }
}

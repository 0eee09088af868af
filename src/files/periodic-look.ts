// Looks now and then at something that may change by itself, in the background: what needs to know waits only when the
// last look is too old, and only for a while. It must not know what is looked at.

import { setTimeout as sleep } from 'node:timers/promises';

/** A look that hangs is waited for so long; then what was known before goes on. */
const MAX_WAIT_MS = 1_000;

export interface LookOptions {
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  /** How long a look is good for. After half of it the next one begins, so that usually nothing waits for it. */
  readonly freshMs: () => number;
  /** It must not reject. */
  readonly look: () => Promise<void>;
}

export class PeriodicLook {
  readonly #options: LookOptions;
  /** When the last look ended. */
  #lookedMs: number;
  /** One at a time, so that a disk that hangs takes one thread of the pool; null: none is under way. */
  #looking: Promise<void> | null = null;
  /** That look was waited for long enough. */
  #isOverdue = false;
  /** Resolves when that look need not be waited for any more; null: nothing waits. */
  #waiting: Promise<void> | null = null;

  /** What is looked at was seen just now. */
  constructor(options: LookOptions) {
    this.#options = options;
    this.#lookedMs = options.nowMs();
  }

  /** False: what is known is too old. Begins a look when it is time for one. */
  isFresh(nowMs: number): boolean {
    const ageMs = nowMs - this.#lookedMs;
    const freshMs = this.#options.freshMs();
    if (ageMs * 2 < freshMs) return true;
    this.#looking ??= this.#look();
    return ageMs < freshMs || this.#isOverdue;
  }

  /** Resolves when what is known is good enough; null: it is. */
  whenFresh(): Promise<void> | null {
    if (this.isFresh(this.#options.nowMs())) return null;
    this.#waiting ??= this.#wait();
    return this.#waiting;
  }

  async #wait(): Promise<void> {
    const isOverdue = await Promise.race([this.#looking, sleep(MAX_WAIT_MS, true, { ref: false })]);
    this.#waiting = null;
    this.#isOverdue = isOverdue === true;
  }

  async #look(): Promise<void> {
    await this.#options.look();
    this.#looking = null;
    this.#isOverdue = false;
    this.#lookedMs = this.#options.nowMs();
  }
}

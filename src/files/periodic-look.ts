// Checks periodically, in the background, something that may change by itself. A caller waits only if the last check is
// too old, and only for a limited time.

import { setTimeout as sleep } from 'node:timers/promises';

/** The longest wait for a check that hangs; then the previous result stays in use. */
const MAX_WAIT_MS = 1_000;

export interface LookOptions {
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  /** How long a check is valid. After half of this time the next one begins, so that callers usually do not wait. */
  readonly freshMs: () => number;
  /** Performs a check. Must not reject. */
  readonly look: () => Promise<void>;
}

export class PeriodicLook {
  readonly #options: LookOptions;
  /** When the last check ended. */
  #lookedMs: number;
  /** The running check; null: none. Only one at a time, so that a hanging disk blocks one thread of the pool only. */
  #looking: Promise<void> | null = null;
  /** Whether the running check has exceeded the longest wait. */
  #isOverdue = false;
  /** Resolves when the running check is done or overdue; null: nothing waits for it. */
  #waiting: Promise<void> | null = null;

  /** The first check counts as done now. */
  constructor(options: LookOptions) {
    this.#options = options;
    this.#lookedMs = options.nowMs();
  }

  /** Whether the last check is still valid. Starts a check if one is due. */
  isFresh(nowMs: number): boolean {
    const ageMs = nowMs - this.#lookedMs;
    const freshMs = this.#options.freshMs();
    if (ageMs * 2 < freshMs) return true;
    this.#looking ??= this.#look();
    return ageMs < freshMs || this.#isOverdue;
  }

  /** Resolves when the last check is valid; null: it is. */
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

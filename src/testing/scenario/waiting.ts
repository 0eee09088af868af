// Waits for a change of a client's connection.

import type { VirtualClock } from '../virtual-clock.ts';

export class Waiting {
  readonly #clock: VirtualClock;
  #waiters: (() => void)[] = [];

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  /** Resolves when `condition` holds, which is checked after every change, or after `limitMs`. */
  async until(condition: () => boolean, limitMs: number = Infinity): Promise<void> {
    let isLate = false;
    if (limitMs !== Infinity) {
      this.#clock.after(limitMs, () => {
        isLate = true;
        this.changed();
      });
    }
    while (!condition() && !isLate) {
      await new Promise<void>((resolve) => {
        this.#waiters.push(resolve);
      });
    }
  }

  changed(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const resolve of waiters) resolve();
  }
}

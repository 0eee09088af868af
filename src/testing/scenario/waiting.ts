// A client's waiting for something of its connection to change.

import type { VirtualClock } from '../virtual-clock.ts';

export class Waiting {
  readonly #clock: VirtualClock;
  #waiters: (() => void)[] = [];

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  /** Resolves when `condition` holds, looked at whenever something changed, or after `limitMs`. */
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

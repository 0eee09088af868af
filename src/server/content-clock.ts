// The clock of what a server serves, which is opened before the server runs: from then on it is the server's own.

import type { Driver } from '../reactor/driver.ts';

export class ContentClock {
  #driver: Driver | null = null;

  follow(driver: Driver): void {
    this.#driver = driver;
  }

  /** Monotonic milliseconds, from the same zero before and after. */
  nowMs(): number {
    return this.#driver === null ? Number(process.hrtime.bigint()) / 1e6 : this.#driver.nowMs();
  }
}

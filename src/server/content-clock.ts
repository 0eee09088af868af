// The clock of a server's content. Content opens before the server runs, and uses the server's clock from then on.

import type { Driver } from '../reactor/driver.ts';

export class ContentClock {
  #driver: Driver | null = null;

  follow(driver: Driver): void {
    this.#driver = driver;
  }

  /** Monotonic milliseconds. The zero point does not change when the server starts. */
  nowMs(): number {
    return this.#driver === null ? Number(process.hrtime.bigint()) / 1e6 : this.#driver.nowMs();
  }
}

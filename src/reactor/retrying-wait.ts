// Waits for events, and tolerates a few failures: a short lack of memory should end no connection.

import type { Kernel } from '../kernel/kernel.ts';
import { check } from '../kernel/native-error.ts';

/** Waits in a row that may fail. A temporary failure does not last longer, and a turn costs microseconds. */
const MAX_FAILED_WAITS = 16;

export class RetryingWait {
  readonly #kernel: Kernel;
  #failed = 0;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /**
   * Waits without blocking, and returns the number of events. A failed wait counts as 0 events.
   * @throws NativeError when more than 16 waits in a row have failed, which is a defect.
   */
  events(): number {
    const events = this.#kernel.wait(0);
    if (events >= 0) {
      this.#failed = 0;
      return events;
    }
    this.#failed++;
    return this.#failed > MAX_FAILED_WAITS ? check('wait', events) : 0;
  }
}

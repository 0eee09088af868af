// A wait that may fail now and then: the system is out of memory for a moment, and nobody's connection should end for
// that. It must not know what is waited for.

import type { Kernel } from '../kernel/kernel.ts';
import { check } from '../kernel/native-error.ts';

/** Waits in a row that may fail: nothing that passes by itself lasts longer, and a turn costs microseconds. */
const MAX_FAILED_WAITS = 16;

export class PatientWait {
  readonly #kernel: Kernel;
  #failed = 0;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /**
   * How many events are reported. A wait that failed reports none.
   * @throws NativeError when it fails again and again: that is a defect.
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

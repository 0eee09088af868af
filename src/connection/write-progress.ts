// Whether a client takes pending output fast enough. What the client's system has acknowledged counts: what ours takes
// proves nothing, since send buffers grow. Exists only while output is pending.

import type { Kernel } from '../kernel/kernel.ts';
import { Deadline, type DeadlineOwner } from '../reactor/deadline.ts';
import type { Driver } from '../reactor/driver.ts';
import { Patience } from './patience.ts';

/** Progress is looked at this often, so that a client that stops is cut off at most this much late. */
const LOOK_MS = 250;

/** What the progress of a client is measured by. */
export interface WriteProgressOptions {
  readonly kernel: Kernel;
  readonly reactor: Driver;
  readonly sendTimeoutMs: number;
  /** Less than this uses `sendTimeoutMs` up, whatever the pauses; 0: any byte gives the whole time back. */
  readonly minSendBytesPerSecond: number;
}

export class WriteProgress {
  readonly #options: WriteProgressOptions;
  readonly #fd: number;
  readonly #deadline: Deadline;
  readonly #patience: Patience;
  #acknowledgedBytes: number;

  /** `owner` is called when the progress has to be looked at. */
  constructor(options: WriteProgressOptions, fd: number, owner: DeadlineOwner) {
    const { reactor, sendTimeoutMs, minSendBytesPerSecond } = options;
    this.#options = options;
    this.#fd = fd;
    this.#deadline = new Deadline(owner);
    this.#patience = new Patience(sendTimeoutMs, minSendBytesPerSecond, reactor.nowMs());
    this.#acknowledgedBytes = options.kernel.acknowledged(fd);
    this.#lookAfter(sendTimeoutMs);
  }

  /** Whether the client takes enough; if so, its progress is looked at again later. */
  look(): boolean {
    const before = this.#acknowledgedBytes;
    this.#acknowledgedBytes = this.#options.kernel.acknowledged(this.#fd);
    const leftMs = this.#patience.spend(this.#options.reactor.nowMs(), this.#acknowledgedBytes - before);
    if (leftMs > 0) this.#lookAfter(leftMs);
    return leftMs > 0;
  }

  /** No output is pending any more. */
  end(): void {
    this.#options.reactor.dropDeadline(this.#deadline);
  }

  #lookAfter(leftMs: number): void {
    const { reactor } = this.#options;
    reactor.setDeadline(this.#deadline, reactor.tickAfter(Math.min(leftMs, LOOK_MS)));
  }
}

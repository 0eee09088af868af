// Checks that a client receives pending output fast enough. Acknowledged bytes count; bytes in the send buffer prove
// nothing, since it grows. Only time in which output is pending counts.

import type { Kernel } from '../kernel/kernel.ts';
import { Deadline, type DeadlineOwner } from '../reactor/deadline.ts';
import type { Driver } from '../reactor/driver.ts';
import { MinimumRate } from './minimum-rate.ts';

/** The interval of the checks, so that a client that stops is aborted at most this much late. */
const CHECK_MS = 250;

/** The limits of a client's progress, and what measures it. */
export interface WriteProgressOptions {
  readonly kernel: Kernel;
  readonly reactor: Driver;
  readonly sendTimeoutMs: number;
  /** A lower rate uses up `sendTimeoutMs`, however the pauses are spread. 0: any byte restores the whole time. */
  readonly minSendBytesPerSecond: number;
}

export class WriteProgress {
  readonly #options: WriteProgressOptions;
  readonly #fd: number;
  readonly #deadline: Deadline;
  readonly #rate: MinimumRate;
  #isRunning = false;
  #acknowledgedBytes = 0;
  /** What was sent when the checks ended. Until the client has it, it is as late as it was. */
  #sentBytes = 0;

  /** `owner` is called when the progress has to be checked. */
  constructor(options: WriteProgressOptions, fd: number, owner: DeadlineOwner) {
    const { reactor, sendTimeoutMs, minSendBytesPerSecond } = options;
    this.#options = options;
    this.#fd = fd;
    this.#deadline = new Deadline(owner);
    this.#rate = new MinimumRate(sendTimeoutMs, minSendBytesPerSecond, reactor.nowMs());
  }

  /** Begins the checks when output is pending. If they run, nothing changes. */
  begin(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    const { reactor, sendTimeoutMs } = this.#options;
    this.#rate.resume(reactor.nowMs());
    const leftMs = this.#update();
    if (this.#acknowledgedBytes < this.#sentBytes) return this.#checkAfter(leftMs);
    this.#rate.restore(reactor.nowMs());
    this.#checkAfter(sendTimeoutMs);
  }

  /** Whether the client receives fast enough; if so, another check is scheduled. */
  isFastEnough(): boolean {
    if (!this.#isRunning) return true;
    const leftMs = this.#update();
    if (leftMs > 0) this.#checkAfter(leftMs);
    return leftMs > 0;
  }

  /** Ends the checks when no output is pending. A socket that has accepted it all is no progress. */
  end(): void {
    if (!this.#isRunning) return;
    this.drop();
    this.#update();
    this.#sentBytes = this.#options.kernel.wireSent(this.#fd);
  }

  /** Ends the checks of a closed connection. */
  drop(): void {
    this.#isRunning = false;
    this.#options.reactor.dropDeadline(this.#deadline);
  }

  #update(): number {
    const before = this.#acknowledgedBytes;
    this.#acknowledgedBytes = this.#options.kernel.acknowledged(this.#fd);
    return this.#rate.update(this.#options.reactor.nowMs(), this.#acknowledgedBytes - before);
  }

  #checkAfter(leftMs: number): void {
    const { reactor } = this.#options;
    reactor.setDeadline(this.#deadline, reactor.tickAfter(Math.min(leftMs, CHECK_MS)));
  }
}

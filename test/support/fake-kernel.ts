// A kernel without an operating system: the test sets its results and reads the calls that it got.

import { EAGAIN } from '../../src/kernel/errno.ts';
import {
  EVENT_WORDS,
  type Kernel,
  KernelMemory,
  NOT_PREFETCHED,
  NOW_MS,
  type PollerTraits,
} from '../../src/kernel/kernel.ts';
import type { Ready } from './polled.ts';

const NOTHING = { address: '', port: 0 };

export class FakeKernel extends KernelMemory implements Kernel {
  readonly traits: PollerTraits = {
    name: 'fake',
    edgeTriggered: true,
    hasDescriptor: false,
    seesHangup: true,
    maxDescriptors: 0,
  };
  /** The events of the next wait, which clears them. */
  pending: Ready[] = [];
  /** Monotonic time in milliseconds. */
  timeMs = 1_000_000;
  readonly closed: number[] = [];
  /** The result of close(2). */
  closeResult = 0;
  /** The result of wait instead of events, if it is not 0. */
  waitError = 0;

  constructor(outputBytes = 4_096) {
    super({ eventCapacity: 64, sendOpCapacity: 16, receiveBytes: 4_096, outputBytes });
  }

  readonly wait = (): number => {
    const batch = this.pending;
    this.pending = [];
    for (const [i, { fd, generation, readiness, prefetched = NOT_PREFETCHED }] of batch.entries())
      this.events.set([fd, generation, readiness, prefetched], i * EVENT_WORDS);
    this.control[NOW_MS] = this.timeMs;
    return this.waitError !== 0 ? this.waitError : batch.length;
  };

  readonly close = (fd: number): number => {
    this.closed.push(fd);
    return this.closeResult;
  };

  readonly now = (): number => {
    this.control[NOW_MS] = this.timeMs;
    return this.timeMs;
  };

  readonly wallClockMs = (): number => this.timeMs;
  readonly add = (): number => 1;
  readonly rearm = (): number => 0;
  readonly remove = (): number => 0;
  readonly listen = (): number => 0;
  /** The results of the next accept calls, in order; then EAGAIN. */
  clients: number[] = [];
  readonly accept = (): number => this.clients.shift() ?? EAGAIN;
  readonly connect = (): number => 0;
  readonly connectUnix = (): number => 0;
  readonly recv = (): number => 0;
  readonly send: Kernel['send'] = () => 0;
  readonly prefetch = (): number => 0;
  readonly sendBatch: Kernel['sendBatch'] = (): number => 0;
  readonly wireSent: Kernel['wireSent'] = (): number => 0;
  readonly acknowledged: Kernel['acknowledged'] = (): number => 0;
  readonly attach = (): number => 0;
  readonly isNegotiated = (): number => 0;
  readonly negotiated = (): null => null;
  readonly shutdown = (): number => 0;
  readonly reset = (): number => 0;
  readonly peer = (): typeof NOTHING => NOTHING;
  readonly local = (): typeof NOTHING => NOTHING;
  readonly transferred: Kernel['transferred'] = (): readonly [number, number] => [0, 0];
  /** The callback that was passed to `start`. */
  turn: (() => void) | null = null;
  readonly setReferenced = (): number => 0;
  readonly start = (turn: () => void): number => {
    this.turn = turn;
    return 0;
  };
  readonly stop = (): void => {};
  readonly destroy = (): void => {};
}

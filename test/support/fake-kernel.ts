// A kernel without an operating system: a test says what happens, when, and sees what was asked of it.

import { EAGAIN } from '../../src/kernel/errno.ts';
import { type Kernel, NOT_RECEIVED, NOW_MS, ORDER_WORDS, type PollerTraits } from '../../src/kernel/kernel.ts';
import type { Ready } from './polled.ts';

const NOTHING = { address: '', port: 0 };

export class FakeKernel implements Kernel {
  readonly traits: PollerTraits = {
    name: 'fake',
    edgeTriggered: true,
    hasDescriptor: false,
    seesHangup: true,
    maxDescriptors: 0,
  };
  readonly events: Int32Array = new Int32Array(3 * 64);
  readonly input: Buffer = Buffer.alloc(4_096);
  readonly output: Buffer = Buffer.alloc(4_096);
  readonly received: Int32Array = new Int32Array(64).fill(NOT_RECEIVED);
  readonly ahead: Buffer = Buffer.alloc(0);
  readonly orders: Int32Array = new Int32Array(16 * ORDER_WORDS);
  readonly control: Float64Array = new Float64Array(12);
  /** What the next wait reports; cleared by it. */
  pending: Ready[] = [];
  /** Monotonic time in milliseconds. */
  timeMs = 1_000_000;
  readonly closed: number[] = [];
  /** What close(2) returns. */
  closeResult = 0;
  /** What wait returns instead of events, when not 0. */
  waitError = 0;

  readonly wait = (): number => {
    const batch = this.pending;
    this.pending = [];
    for (const [i, { fd, generation, readiness }] of batch.entries())
      this.events.set([fd, generation, readiness], i * 3);
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
  /** What the next accepts return, in order; then EAGAIN. */
  clients: number[] = [];
  readonly accept = (): number => this.clients.shift() ?? EAGAIN;
  readonly recv = (): number => 0;
  readonly send = (): number => 0;
  readonly receiveAhead = (): number => 0;
  readonly sendAll = (): number => 0;
  readonly sendFrom = (): number => 0;
  readonly sendv = (): number => 0;
  readonly unacknowledged = (): number => 0;
  readonly shutdown = (): number => 0;
  readonly reset = (): number => 0;
  readonly peer = (): typeof NOTHING => NOTHING;
  readonly local = (): typeof NOTHING => NOTHING;
  readonly transferred = (): readonly [number, number] => [0, 0];
  /** The turn that `start` was given. */
  turn: (() => void) | null = null;
  readonly start = (turn: () => void): number => {
    this.turn = turn;
    return 0;
  };
  readonly stop = (): void => {};
  readonly destroy = (): void => {};
}

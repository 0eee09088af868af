// The driver of programs that serve one client at a time. A program watches one descriptor and calls `await next()`.
// Its thread then blocks until that descriptor is ready, a deadline has passed, or libuv has work (a signal, a timer, a
// file). For back ends in host mode.

import {
  DUE_AT_MS,
  EVENT_PREFETCHED,
  EVENT_READINESS,
  type Kernel,
  NOT_PREFETCHED,
  UNFINISHED,
} from '../kernel/kernel.ts';
import { check } from '../kernel/native-error.ts';
import type { Deadline } from './deadline.ts';
import { Deadlines, TICK_MS } from './deadlines.ts';
import type { Driver } from './driver.ts';
import { RetryingWait } from './retrying-wait.ts';
import type { Source } from './source.ts';

export class BlockingDriver implements Driver {
  /** Each call of `serve` on a client is a turn. */
  readonly counters = { turns: 0 };
  readonly #kernel: Kernel;
  readonly #wait: RetryingWait;
  readonly #served: (() => void)[] = [];
  readonly #turnEnds: (() => void)[] = [];
  /** Ends the wait of the program; null while it does not wait. */
  #resolve: (() => void) | null = null;
  /** The source of the watched descriptor; null: no source is marked. */
  #source: Source | null = null;
  /** The next wait ends at once. */
  #woken = false;
  readonly #deadlines: Deadlines;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#wait = new RetryingWait(kernel);
    this.#deadlines = new Deadlines(kernel.now());
    kernel.control[DUE_AT_MS] = Infinity;
    check(
      'start',
      kernel.start(() => this.#turn()),
      'the event loop',
    );
  }

  /** Resolves when the watched descriptor is ready, which marks `source`, or when the wait was interrupted. */
  next(source: Source | null = null): Promise<void> {
    this.#source = source;
    return new Promise((resolve) => {
      this.#resolve = resolve;
      // A program that always has more work must not delay signals and timers, so libuv runs in between.
      if (this.#woken) this.#kernel.control[UNFINISHED] = 1;
    });
  }

  /** Ends the current wait, or else the next one. */
  interrupt(): void {
    const resolve = this.#resolve;
    this.#resolve = null;
    if (resolve === null) this.#woken = true;
    else resolve();
  }

  /** Stops the loop and writes what is buffered. No wait may follow. */
  end(): void {
    this.#kernel.stop();
    for (const callback of this.#turnEnds) callback();
  }

  nowMs(): number {
    return this.#kernel.now();
  }

  tickAfter(ms: number): number {
    return Math.ceil((this.nowMs() + ms) / TICK_MS);
  }

  wake(): void {
    this.interrupt();
  }

  setDeadline(deadline: Deadline, tick: number): void {
    this.#deadlines.set(deadline, tick);
    this.#kernel.control[DUE_AT_MS] = this.#deadlines.nextDueMs;
  }

  dropDeadline(deadline: Deadline): void {
    this.#deadlines.drop(deadline);
  }

  closeLater(source: Source): void {
    if (source.isDisposed) return;
    source.isDisposed = true;
    // The descriptor is closed even when close(2) returns an error.
    this.#kernel.close(source.fd);
    this.interrupt();
  }

  /** There is no time between turns: the thread blocks instead, and output must not wait meanwhile. */
  get turning(): boolean {
    return true;
  }

  onTurnBegin(): void {}

  onServed(callback: () => void): void {
    this.#served.push(callback);
  }

  /** The program calls this when it has served the source that it waited for. */
  served(): void {
    this.counters.turns++;
    for (const callback of this.#served) callback();
    this.#expire();
  }

  onTurnEnd(callback: () => void): void {
    this.#turnEnds.push(callback);
  }

  /** Called by the loop, whose wait blocks for as long as deadlines and libuv allow. */
  #turn(): void {
    const { control } = this.#kernel;
    for (const callback of this.#turnEnds) callback();
    control[UNFINISHED] = 0;
    const isReady = this.#wait.events() > 0;
    if (isReady && this.#source !== null) this.#mark(this.#source);
    // A source that is ready is served before its deadline counts: `served` checks it then.
    if (!isReady || this.#resolve === null) this.#expire();
    const resolve = this.#resolve;
    if (resolve === null || !(isReady || this.#woken)) return;
    this.#woken = false;
    this.#resolve = null;
    resolve();
  }

  /** Marks `source` from the first event: one descriptor is watched, and a batch has one event for it. */
  #mark(source: Source): void {
    const { events } = this.#kernel;
    source.readiness |= events[EVENT_READINESS] ?? 0;
    if (events[EVENT_PREFETCHED] !== NOT_PREFETCHED) source.prefetchIndex = 0;
  }

  #expire(): void {
    const nowMs = this.nowMs();
    if (nowMs < this.#deadlines.nextDueMs) return;
    this.#deadlines.expire(nowMs);
    this.#kernel.control[DUE_AT_MS] = this.#deadlines.nextDueMs;
  }
}

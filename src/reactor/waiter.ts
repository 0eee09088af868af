// Waiting without a reactor: a program watches one descriptor, says `await next()`, and its thread blocks until
// that descriptor is ready, time is up, or libuv has something to do (a signal, a timer, a file). For back ends in
// host mode. It must not know what is accepted, spoken or served.

import { check } from '../kernel/errno.ts';
import { DUE_AT_MS, EVENT_WORDS, type Kernel, NOT_RECEIVED, UNFINISHED } from '../kernel/kernel.ts';
import { TICK_MS } from './deadlines.ts';
import type { Driver } from './driver.ts';
import { PatientWait } from './patient-wait.ts';
import { EVENT_SHIFT, type Source } from './source.ts';

export class Waiter implements Driver {
  /** Each service of a client is a turn. */
  readonly counters = { turns: 0 };
  readonly #kernel: Kernel;
  readonly #wait: PatientWait;
  readonly #served: (() => void)[] = [];
  readonly #turnEnds: (() => void)[] = [];
  /** Who waits; null while the program does something else. */
  #resolve: ((readiness: number) => void) | null = null;
  /** The next wait ends at once. */
  #woken = false;
  /** The one source with a deadline. */
  #timed: Source | null = null;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#wait = new PatientWait(kernel);
    kernel.control[DUE_AT_MS] = Infinity;
    check(
      'start',
      kernel.start(() => this.#turn()),
      'the event loop',
    );
  }

  /** The readiness of the watched descriptor; 0 when somebody else ended the wait. */
  next(): Promise<number> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
      // Whoever always has more to do must not keep signals and timers waiting: libuv gets its turn too.
      if (this.#woken) this.#kernel.control[UNFINISHED] = 1;
    });
  }

  /** Ends the wait of now, or else the next one. */
  interrupt(): void {
    const resolve = this.#resolve;
    this.#resolve = null;
    if (resolve === null) this.#woken = true;
    else resolve(0);
  }

  /** Writes what is left to write; nobody waits any more. */
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

  setDeadline(source: Source, tick: number): void {
    source.deadlineTick = tick;
    this.#timed = tick === 0 ? null : source;
    this.#kernel.control[DUE_AT_MS] = tick === 0 ? Infinity : tick * TICK_MS;
  }

  bury(source: Source): void {
    if (source.buried) return;
    source.buried = true;
    this.setDeadline(source, 0);
    // The descriptor is gone whatever close(2) says.
    this.#kernel.close(source.fd);
    this.interrupt();
  }

  onServed(callback: () => void): void {
    this.#served.push(callback);
  }

  /** Said by the program when it has served whom it waited for. */
  served(): void {
    this.counters.turns++;
    for (const callback of this.#served) callback();
    this.#expire();
  }

  onTurnEnd(callback: () => void): void {
    this.#turnEnds.push(callback);
  }

  /** Called by the loop, which blocks in the wait for as long as it may. */
  #turn(): void {
    const { control } = this.#kernel;
    for (const callback of this.#turnEnds) callback();
    control[UNFINISHED] = 0;
    const readiness = this.#readinessOf(this.#wait.events());
    // Who is ready is heard before its time is up: `served` looks then.
    if (readiness === 0 || this.#resolve === null) this.#expire();
    const resolve = this.#resolve;
    if (resolve === null || (readiness === 0 && !this.#woken)) return;
    this.#woken = false;
    this.#resolve = null;
    resolve(readiness);
  }

  /** One descriptor is watched, but it may have been reported in two words. */
  #readinessOf(count: number): number {
    const { events, received } = this.#kernel;
    let readiness = 0;
    for (let i = 0; i < count; i++) {
      readiness |= events[i * EVENT_WORDS + 2] ?? 0;
      if (received[i] !== NOT_RECEIVED) readiness |= (i + 1) << EVENT_SHIFT;
    }
    return readiness;
  }

  #expire(): void {
    const source = this.#timed;
    if (source === null || this.nowMs() < source.deadlineTick * TICK_MS) return;
    this.setDeadline(source, 0);
    source.expire();
  }
}

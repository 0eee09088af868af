// The event loop: each turn waits for events, then lets each source do a bounded amount of work, in named phases.
// Events only mark work.

import { assert } from '../errors.ts';
import {
  DUE_AT_MS,
  EVENT_FD,
  EVENT_GENERATION,
  EVENT_PREFETCHED,
  EVENT_READINESS,
  EVENT_WORDS,
  type Kernel,
  NOT_PREFETCHED,
  NOW_MS,
  UNFINISHED,
} from '../kernel/kernel.ts';
import { Deadline, type DeadlineOwner } from './deadline.ts';
import { Deadlines, TICK_MS } from './deadlines.ts';
import type { Driver } from './driver.ts';
import { RetryingWait } from './retrying-wait.ts';
import { Source } from './source.ts';

/** Counters of a reactor since it was created. */
export interface ReactorCounters {
  turns: number;
  events: number;
  /** Dropped events of an earlier generation of their descriptor. */
  staleEvents: number;
  /** Calls of close(2) that returned an error; the descriptor is closed all the same. */
  failedCloses: number;
}

/** A pause without a descriptor, with the turns and the clock of the reactor. */
class Pause extends Source implements DeadlineOwner {
  readonly deadline: Deadline = new Deadline(this);
  readonly #over: () => void;

  /** `over` is called once, within a turn. */
  constructor(over: () => void) {
    super(-1, 0);
    this.#over = over;
  }

  serve(): void {
    this.#over();
  }

  expire(): void {
    this.#over();
  }
}

export class Reactor implements Driver {
  readonly kernel: Kernel;
  readonly counters: ReactorCounters = { turns: 0, events: 0, staleEvents: 0, failedCloses: 0 };
  readonly #sources: (Source | undefined)[] = [];
  readonly #wait: RetryingWait;
  readonly #deadlines: Deadlines;
  readonly #turnBegins: (() => void)[] = [];
  readonly #served: (() => void)[] = [];
  readonly #turnEnds: (() => void)[] = [];
  /** Sources to serve in the next turn; swapped with `#batch` when that turn begins. */
  #queue: (Source | undefined)[] = [];
  #queued = 0;
  /** Sources to serve in this turn, from `#cursor` on. */
  #batch: (Source | undefined)[] = [];
  #batchLength = 0;
  #cursor = 0;
  #closing: Source[] = [];
  #turning = false;
  /** When this turn's wait ended. */
  #turnMs = 0;
  /** The last argument and result of {@link tickAfter} in this turn: most clients have the same time-out. -1: none. */
  #cachedMs = -1;
  #cachedTick = 0;
  /** The last wait had no room for more events. */
  #moreReady = false;
  /** Turns in a row in which due deadlines were deferred, and when the first of them began. */
  #deferrals = 0;
  #deferredMs = 0;

  constructor(kernel: Kernel) {
    this.kernel = kernel;
    this.#wait = new RetryingWait(kernel);
    this.#deadlines = new Deadlines(kernel.now());
    kernel.control[DUE_AT_MS] = Infinity;
  }

  /** Whether a turn is under way: the kernel's clock is fresh and output will be flushed. */
  get turning(): boolean {
    return this.#turning;
  }

  /** Monotonic milliseconds: of this turn's wait, or read afresh outside a turn. */
  nowMs(): number {
    return this.#turning ? this.#turnMs : this.kernel.now();
  }

  /** The tick by which `ms` milliseconds from now have passed; never 0. */
  tickAfter(ms: number): number {
    if (this.#turning && ms === this.#cachedMs) return this.#cachedTick;
    this.#cachedMs = ms;
    this.#cachedTick = Math.ceil((this.nowMs() + ms) / TICK_MS);
    return this.#cachedTick;
  }

  /** Starts to drive a source whose descriptor the kernel watches already. */
  add(source: Source): void {
    assert(this.#sources[source.fd] === undefined, 'a descriptor has one source');
    this.#sources[source.fd] = source;
  }

  /** Schedules `source` for the next turn, which begins without a wait that blocks. */
  wake(source: Source): void {
    if (source.queued || source.isDisposed) return;
    source.queued = true;
    this.#queue[this.#queued++] = source;
    this.kernel.control[UNFINISHED] = 1;
  }

  setDeadline(deadline: Deadline, tick: number): void {
    this.#deadlines.set(deadline, tick);
    // The end of a turn publishes the due time. Outside a turn, another turn must do so.
    if (!this.#turning && tick !== 0) this.kernel.control[UNFINISHED] = 1;
  }

  dropDeadline(deadline: Deadline): void {
    this.#deadlines.drop(deadline);
  }

  /** Closes the descriptor of `source` at the end of the turn, so that no pending event refers to a reused number. */
  closeLater(source: Source): void {
    if (source.isDisposed) return;
    source.isDisposed = true;
    this.#closing.push(source);
    this.kernel.control[UNFINISHED] = 1;
  }

  /** Calls `callback` before each turn, while the clock is that of no turn. */
  onTurnBegin(callback: () => void): void {
    this.#turnBegins.push(callback);
  }

  /** Calls `callback` when all sources of a turn have been served. */
  onServed(callback: () => void): void {
    this.#served.push(callback);
  }

  /** Resolves in a later turn, when `ms` milliseconds have passed (0: in the next turn). */
  pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const pause = new Pause(resolve);
      if (ms === 0) this.wake(pause);
      else this.setDeadline(pause.deadline, this.tickAfter(ms));
    });
  }

  /** Calls `callback` at the end of every turn. */
  onTurnEnd(callback: () => void): void {
    this.#turnEnds.push(callback);
  }

  /** Runs one turn. It throws only because of a defect of this project; the next turn continues where it broke. */
  turn(): void {
    const { kernel } = this;
    for (const callback of this.#turnBegins) callback();
    this.#turning = true;
    kernel.control[UNFINISHED] = 1;
    this.counters.turns++;
    // Prefetched bytes are valid until the next wait, so an interrupted turn is completed first.
    const isCut = this.#cursor < this.#batchLength;
    if (!isCut) this.#begin();
    this.#serve();
    for (const callback of this.#served) callback();
    this.#expire();
    for (const callback of this.#turnEnds) callback();
    this.#closeAll();
    kernel.control[UNFINISHED] = isCut || this.#queued > 0 ? 1 : 0;
    kernel.control[DUE_AT_MS] = this.#deadlines.nextDueMs;
    this.#turning = false;
  }

  #begin(): void {
    const events = this.#wait.events();
    this.#turnMs = this.kernel.control[NOW_MS] ?? 0;
    this.#cachedMs = -1;
    this.#moreReady = events * EVENT_WORDS >= this.kernel.events.length;
    this.#takeQueue();
    this.#mark(events);
  }

  /** The queue of unfinished sources becomes the batch of this turn. */
  #takeQueue(): void {
    const emptied = this.#batch;
    this.#batch = this.#queue;
    this.#batchLength = this.#queued;
    this.#cursor = 0;
    this.#queue = emptied;
    this.#queued = 0;
  }

  /** Events mark their sources. Events of an earlier generation of the descriptor are dropped. */
  #mark(events: number): void {
    const words = this.kernel.events;
    for (let i = 0; i < events; i++) {
      const at = i * EVENT_WORDS;
      const source = this.#sources[words[at + EVENT_FD] ?? -1];
      if (source === undefined || source.isDisposed || source.generation !== words[at + EVENT_GENERATION]) {
        this.counters.staleEvents++;
        continue;
      }
      source.readiness |= words[at + EVENT_READINESS] ?? 0;
      if (words[at + EVENT_PREFETCHED] !== NOT_PREFETCHED) source.prefetchIndex = i;
      if (source.queued) continue;
      source.queued = true;
      this.#batch[this.#batchLength++] = source;
    }
    if (events > 0) this.counters.events += events;
  }

  #serve(): void {
    while (this.#cursor < this.#batchLength) {
      const source = this.#batch[this.#cursor];
      this.#batch[this.#cursor++] = undefined;
      if (source === undefined) continue;
      source.queued = false;
      if (!source.isDisposed) source.serve();
    }
  }

  /**
   * After a pause of the whole process, many deadlines are due though their bytes have arrived, and one wait does not
   * report them all. So deadlines are deferred for as many turns as it takes to report every source once. Those that
   * became due meanwhile, as by another pause, are deferred again.
   */
  #expire(): void {
    const nowMs = this.nowMs();
    const isDue = nowMs >= this.#deadlines.nextDueMs;
    if (!isDue || !this.#moreReady) {
      this.#deferrals = 0;
      if (isDue) this.#deadlines.expire(nowMs);
      return;
    }
    if (this.#deferrals === 0) this.#deferredMs = nowMs;
    const reported = ++this.#deferrals * (this.kernel.events.length / EVENT_WORDS);
    if (reported < this.#sources.length) return;
    this.#deferrals = 0;
    this.#deadlines.expire(this.#deferredMs);
  }

  #closeAll(): void {
    if (this.#closing.length === 0) return;
    const closing = this.#closing;
    this.#closing = [];
    for (const source of closing) {
      source.closing();
      this.#sources[source.fd] = undefined;
      if (this.kernel.close(source.fd) < 0) this.counters.failedCloses++;
    }
  }
}

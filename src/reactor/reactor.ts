// The turn: asks the kernel what is ready and lets each source do a bounded amount of work, in named
// phases. Events only mark work. It must not know what is accepted, spoken or served.

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
import { PatientWait } from './patient-wait.ts';
import { Source } from './source.ts';

/** What a reactor counted since it was made. */
export interface ReactorCounters {
  turns: number;
  events: number;
  /** Events of a descriptor's earlier life, dropped. */
  staleEvents: number;
  /** close(2) that reported an error; the descriptor is gone all the same. */
  failedCloses: number;
}

/** A wait that belongs to no descriptor: the same turns and the same clock as everything else. */
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
  readonly #wait: PatientWait;
  readonly #deadlines: Deadlines;
  readonly #served: (() => void)[] = [];
  readonly #turnEnds: (() => void)[] = [];
  /** Who is served in the next turn; swapped with `#batch` when that turn begins. */
  #queue: (Source | undefined)[] = [];
  #queued = 0;
  /** Who is served in this turn, from `#cursor` on. */
  #batch: (Source | undefined)[] = [];
  #batchLength = 0;
  #cursor = 0;
  #graveyard: Source[] = [];
  #turning = false;
  /** When this turn's wait ended. */
  #turnMs = 0;
  /** What was asked of {@link tickAfter} last in this turn, and answered: most clients wait for the same. -1: nothing. */
  #askedMs = -1;
  #askedTick = 0;
  /** The last wait had no room for more events. */
  #moreReady = false;
  /** Turns in which deadlines were due and others were heard first. */
  #deferrals = 0;

  constructor(kernel: Kernel) {
    this.kernel = kernel;
    this.#wait = new PatientWait(kernel);
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
    if (this.#turning && ms === this.#askedMs) return this.#askedTick;
    this.#askedMs = ms;
    this.#askedTick = Math.ceil((this.nowMs() + ms) / TICK_MS);
    return this.#askedTick;
  }

  /** Starts to drive a source whose descriptor the kernel watches already. */
  add(source: Source): void {
    assert(this.#sources[source.fd] === undefined, 'a descriptor has one source');
    this.#sources[source.fd] = source;
  }

  /** Has `source` served in the next turn, which begins before anything blocks. */
  wake(source: Source): void {
    if (source.queued || source.buried) return;
    source.queued = true;
    this.#queue[this.#queued++] = source;
    this.kernel.control[UNFINISHED] = 1;
  }

  setDeadline(deadline: Deadline, tick: number): void {
    this.#deadlines.set(deadline, tick);
    // Within a turn its end publishes the time; outside, another turn has to.
    if (!this.#turning && tick !== 0) this.kernel.control[UNFINISHED] = 1;
  }

  dropDeadline(deadline: Deadline): void {
    this.#deadlines.drop(deadline);
  }

  /** Closes the descriptor of `source` at the end of the turn, so that no event of it meets a reused number. */
  bury(source: Source): void {
    if (source.buried) return;
    source.buried = true;
    this.#graveyard.push(source);
    this.kernel.control[UNFINISHED] = 1;
  }

  /** Calls `callback` when all sources of a turn have been served. */
  onServed(callback: () => void): void {
    this.#served.push(callback);
  }

  /** Resolves behind a later turn, when `ms` milliseconds have passed (0: the next one). */
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

  /** One turn. Throws only what a defect of this project throws; the next turn goes on where it broke. */
  turn(): void {
    const { kernel } = this;
    this.#turning = true;
    kernel.control[UNFINISHED] = 1;
    this.counters.turns++;
    // Prefetched bytes are valid until the next wait: a turn that was cut short is ended first.
    const isCut = this.#cursor < this.#batchLength;
    if (!isCut) this.#begin();
    this.#serve();
    for (const callback of this.#served) callback();
    this.#expire();
    for (const callback of this.#turnEnds) callback();
    this.#buryAll();
    kernel.control[UNFINISHED] = isCut || this.#queued > 0 ? 1 : 0;
    kernel.control[DUE_AT_MS] = this.#deadlines.nextDueMs;
    this.#turning = false;
  }

  #begin(): void {
    const events = this.#wait.events();
    this.#turnMs = this.kernel.control[NOW_MS] ?? 0;
    this.#askedMs = -1;
    this.#moreReady = events * EVENT_WORDS >= this.kernel.events.length;
    this.#takeQueue();
    this.#mark(events);
  }

  /** What was left unfinished becomes this turn's batch. */
  #takeQueue(): void {
    const emptied = this.#batch;
    this.#batch = this.#queue;
    this.#batchLength = this.#queued;
    this.#cursor = 0;
    this.#queue = emptied;
    this.#queued = 0;
  }

  /** Events mark their sources; those of an earlier life of the descriptor are dropped here. */
  #mark(events: number): void {
    const words = this.kernel.events;
    for (let i = 0; i < events; i++) {
      const at = i * EVENT_WORDS;
      const source = this.#sources[words[at + EVENT_FD] ?? -1];
      if (source === undefined || source.buried || source.generation !== words[at + EVENT_GENERATION]) {
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
      if (!source.buried) source.serve();
    }
  }

  #expire(): void {
    const nowMs = this.nowMs();
    if (nowMs < this.#deadlines.nextDueMs || this.#othersFirst()) return;
    this.#deadlines.expire(nowMs);
  }

  /**
   * After a pause of the whole process time is up for many whose bytes have come meanwhile, and one wait does not
   * report them all: they are heard first, for as many turns as everybody needs to be heard once.
   */
  #othersFirst(): boolean {
    const reported = ++this.#deferrals * (this.kernel.events.length / EVENT_WORDS);
    if (this.#moreReady && reported < this.#sources.length) return true;
    this.#deferrals = 0;
    return false;
  }

  #buryAll(): void {
    if (this.#graveyard.length === 0) return;
    const buried = this.#graveyard;
    this.#graveyard = [];
    for (const source of buried) {
      this.#sources[source.fd] = undefined;
      if (this.kernel.close(source.fd) < 0) this.counters.failedCloses++;
    }
  }
}

// A virtual clock: time passes only on demand, so that ten minutes cost nothing and runs are reproducible.

/** The monotonic time at the start. Not 0, since 0 means "no time" in other places. */
const START_MS = 1_000_000;

/** 2026-01-01T00:00:00Z, the start of the wall clock. */
const WALL_START_MS = Date.UTC(2026, 0, 1);

interface Timer {
  readonly atMs: number;
  /** Orders timers with equal times by when they were set. */
  readonly order: number;
  readonly call: () => void;
}

/** A monotonic clock and a wall clock, which stand still until time is passed. */
export class VirtualClock {
  #nowMs = START_MS;
  #wallOffsetMs = WALL_START_MS - START_MS;
  #order = 0;
  /** A binary heap, ordered by time. */
  readonly #heap: Timer[] = [];

  /** Monotonic milliseconds. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Milliseconds since the run began. */
  get elapsedMs(): number {
    return this.#nowMs - START_MS;
  }

  /** Milliseconds since 1970; the wall clock may step. */
  get wallClockMs(): number {
    return this.#nowMs + this.#wallOffsetMs;
  }

  /** The time of the next timer; Infinity without one. */
  get nextMs(): number {
    return this.#heap[0]?.atMs ?? Infinity;
  }

  /** Steps the wall clock only. */
  stepWallClock(ms: number): void {
    this.#wallOffsetMs += ms;
  }

  /** Calls `call` after `ms` milliseconds. */
  after(ms: number, call: () => void): void {
    this.#push({ atMs: this.#nowMs + Math.max(ms, 0), order: this.#order++, call });
  }

  /** Resolves when `ms` milliseconds have passed. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  /** Lets time pass without running timers: they are late then. */
  skip(ms: number): void {
    this.#nowMs += ms;
  }

  /** Lets time pass until `atMs`, and runs the timers that are due. */
  advanceTo(atMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, atMs);
    for (;;) {
      const due = this.#heap[0];
      if (due === undefined || due.atMs > this.#nowMs) return;
      this.#pop();
      due.call();
    }
  }

  /** Runs timers until `condition` holds or `ms` milliseconds have passed. */
  pass(ms: number, condition: () => boolean): void {
    const untilMs = this.#nowMs + ms;
    while (!condition() && this.#nowMs < untilMs) {
      const nextMs = Math.min(this.nextMs, untilMs);
      if (nextMs === Infinity) throw new Error('this wait would never end: nothing is going to happen');
      this.advanceTo(nextMs);
    }
  }

  #push(appointment: Timer): void {
    const heap = this.#heap;
    let at = heap.push(appointment) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || isBefore(above, appointment)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = appointment;
  }

  /** Removes the root of the heap; the last entry takes its place and sinks. */
  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      const [left, right] = [heap[2 * at + 1], heap[2 * at + 2]];
      if (left === undefined) break;
      const isRight = right !== undefined && isBefore(right, left);
      const child = isRight ? right : left;
      if (isBefore(last, child)) break;
      heap[at] = child;
      at = 2 * at + (isRight ? 2 : 1);
    }
    heap[at] = last;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

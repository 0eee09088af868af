// Time that passes only when it is told to: ten minutes cost nothing, and the same run takes the same time.

/** The beginning of a run, monotonic: not 0, so that nobody can take 0 for a time. */
const START_MS = 1_000_000;

/** 2026-01-01T00:00:00Z, from which the wall clock counts. */
const WALL_START_MS = Date.UTC(2026, 0, 1);

interface Appointment {
  readonly atMs: number;
  /** Whoever was entered first comes first among those of one moment. */
  readonly order: number;
  readonly call: () => void;
}

export class VirtualClock {
  #nowMs = START_MS;
  #wallOffsetMs = WALL_START_MS - START_MS;
  #order = 0;
  /** A binary heap: the earliest first. */
  readonly #heap: Appointment[] = [];

  /** Monotonic milliseconds. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Milliseconds since the run began. */
  get elapsedMs(): number {
    return this.#nowMs - START_MS;
  }

  /** Milliseconds since 1970, which may step. */
  get wallClockMs(): number {
    return this.#nowMs + this.#wallOffsetMs;
  }

  /** When the next appointment is; Infinity without one. */
  get nextMs(): number {
    return this.#heap[0]?.atMs ?? Infinity;
  }

  /** Moves the wall clock alone. */
  stepWallClock(ms: number): void {
    this.#wallOffsetMs += ms;
  }

  /** Has `call` called when `ms` milliseconds have passed. */
  after(ms: number, call: () => void): void {
    this.#enter({ atMs: this.#nowMs + Math.max(ms, 0), order: this.#order++, call });
  }

  /** Resolves when `ms` milliseconds have passed. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  /** Lets time pass without keeping appointments: they are late then. */
  skip(ms: number): void {
    this.#nowMs += ms;
  }

  /** Lets time pass up to `atMs`, and keeps the appointments that are due. */
  advanceTo(atMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, atMs);
    for (;;) {
      const due = this.#heap[0];
      if (due === undefined || due.atMs > this.#nowMs) return;
      this.#leave();
      due.call();
    }
  }

  /** Keeps appointments until `condition` holds or `ms` milliseconds have passed. */
  pass(ms: number, condition: () => boolean): void {
    const untilMs = this.#nowMs + ms;
    while (!condition() && this.#nowMs < untilMs) {
      const nextMs = Math.min(this.nextMs, untilMs);
      if (nextMs === Infinity) throw new Error('this wait would never end: nothing is going to happen');
      this.advanceTo(nextMs);
    }
  }

  #enter(appointment: Appointment): void {
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

  /** Takes the first away; the last one sinks from its place. */
  #leave(): void {
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

function isBefore(a: Appointment, b: Appointment): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

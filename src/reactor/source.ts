// A descriptor that a driver serves: its generation, its readiness and its place in the queue of work.

/** Only its driver writes these fields. */
export abstract class Source {
  readonly fd: number;
  /** Distinguishes this use of the number `fd` from earlier ones: events of other generations are stale. */
  readonly generation: number;
  /** Reported readiness bits that {@link serve} has not cleared yet. */
  readiness = 0;
  /** The index of this turn's event with prefetched bytes, until {@link takePrefetchIndex}. -1: none. */
  prefetchIndex = -1;
  /** Whether it is in the queue of the next turn. */
  queued = false;
  /** Whether `Driver.closeLater` was called; the source is not called any more. */
  isDisposed = false;
  constructor(fd: number, generation: number) {
    this.fd = fd;
    this.generation = generation;
  }

  /** Returns and clears {@link prefetchIndex}: prefetched bytes are used once, and within this turn. */
  protected takePrefetchIndex(): number {
    const index = this.prefetchIndex;
    this.prefetchIndex = -1;
    return index;
  }

  /** Called right before the descriptor is closed. */
  closing(): void {}

  /** Does a bounded amount of work; calls `Driver.wake` when more is left. */
  abstract serve(): void;
}

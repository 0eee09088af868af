// What a reactor drives: one descriptor in one of its lives, with its readiness and its place in the queue of work.

/** Its driver alone writes these fields. */
export abstract class Source {
  readonly fd: number;
  /** Which life of the number `fd` this is; events of other lives are stale. */
  readonly generation: number;
  /** Readiness bits that were reported and that {@link serve} has not handled and cleared yet. */
  readiness = 0;
  /** Which event of this turn's wait came with a receive (`Kernel.prefetch`), until {@link takePrefetchIndex}. -1: none. */
  prefetchIndex = -1;
  /** Whether it waits in the queue of the next turn. */
  queued = false;
  /** Whether it was given to the reactor for closing; it is not called any more. */
  buried = false;
  constructor(fd: number, generation: number) {
    this.fd = fd;
    this.generation = generation;
  }

  /** {@link prefetchIndex}, which is cleared: prefetched bytes are used once, and within this turn. */
  protected takePrefetchIndex(): number {
    const index = this.prefetchIndex;
    this.prefetchIndex = -1;
    return index;
  }

  /** Does a bounded amount of what can be done now; asks for another turn with `Reactor.wake`. */
  abstract serve(): void;
}

// What a reactor drives: one descriptor in one of its lives, with its deadline and its place in the
// queue of work. It must not know what is spoken over the descriptor.

/** How far the number of an event is shifted in {@link Source.readiness}. */
export const EVENT_SHIFT = 4;

/** Readiness, queue and deadline of one descriptor. The reactor alone writes these fields. */
export abstract class Source {
  readonly fd: number;
  /** Which life of the number `fd` this is; events of other lives are stale. */
  readonly generation: number;
  /**
   * Readiness bits reported and not yet dealt with by {@link serve}, which clears them; above them
   * ({@link EVENT_SHIFT}) the number of the event, from 1, if the kernel received bytes for it.
   */
  readiness = 0;
  /** Whether it waits in the queue of the next turn. */
  queued = false;
  /** Whether it was given to the reactor for closing; it is not called any more. */
  buried = false;
  /** The tick at which {@link expire} is due; 0: never. */
  deadlineTick = 0;
  /** The tick of the bucket that holds it, which is never later than `deadlineTick`; 0: none. */
  filedTick = 0;
  nextFiled: Source | null = null;
  previousFiled: Source | null = null;

  constructor(fd: number, generation: number) {
    this.fd = fd;
    this.generation = generation;
  }

  /** Does a bounded amount of what can be done now; asks for another turn with `Reactor.wake`. */
  abstract serve(): void;

  /** Its deadline has passed. */
  abstract expire(): void;
}

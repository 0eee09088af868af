// The time at which an owner is called, and its place in the buckets of Deadlines.

/** The object that is called when a deadline has passed. */
export interface DeadlineOwner {
  /** `deadline` has passed, and is no longer set. */
  expire(deadline: Deadline): void;
}

/** Only {@link Deadlines} writes these fields. */
export class Deadline {
  readonly owner: DeadlineOwner;
  /** The tick at which the owner is called; 0: never. */
  tick = 0;
  /** The tick of the bucket that holds it, which is never later than `tick`; 0: none. */
  filedTick = 0;
  nextFiled: Deadline | null = null;
  previousFiled: Deadline | null = null;

  constructor(owner: DeadlineOwner) {
    this.owner = owner;
  }
}

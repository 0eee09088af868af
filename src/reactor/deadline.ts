// A time by which its owner wants to be called, and its place in the buckets of Deadlines.

/** Who owns a deadline. */
export interface DeadlineOwner {
  /** `deadline` has passed, and is not set any more. */
  expire(deadline: Deadline): void;
}

/** {@link Deadlines} alone writes these fields. */
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

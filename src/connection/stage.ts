// The kernel's output arena while one connection is served: its answers are written here in order and
// leave with one send. One stage for all connections of a thread; it belongs to one at a time.
// It must not know what is written.

export class Stage {
  /** The shared arena. */
  readonly arena: Buffer;
  /** Where {@link Connection.reserve} told its caller to write. */
  target: Buffer;
  /** Bytes written so far, from the arena's start. */
  used = 0;
  /** Whose bytes these are; null between two connections. */
  owner: object | null = null;

  constructor(arena: Buffer) {
    this.arena = arena;
    this.target = arena;
  }
}

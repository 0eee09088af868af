// Received bytes of one connection that its protocol has not used yet. Exists only while there are some.

/** The buffer grows in steps of this many bytes, so that single bytes do not cause a copy each. */
const STEP_BYTES = 1_024;

export class Inbox {
  buffer: Buffer;
  start = 0;
  end: number;

  /** Copies `from[start, end)`. */
  constructor(from: Buffer, start: number, end: number) {
    this.end = end - start;
    this.buffer = Buffer.allocUnsafeSlow(roundUp(this.end));
    from.copy(this.buffer, 0, start, end);
  }

  get length(): number {
    return this.end - this.start;
  }

  /** Appends a copy of `from[start, end)`, and reuses the room of consumed bytes. */
  append(from: Buffer, start: number, end: number): void {
    const length = end - start;
    if (this.end + length > this.buffer.length) this.#makeRoom(length);
    from.copy(this.buffer, this.end, start, end);
    this.end += length;
  }

  #makeRoom(length: number): void {
    const needed = this.length + length;
    // Doubling keeps the copies of a slowly growing request linear.
    const target = needed > this.buffer.length ? Buffer.allocUnsafeSlow(roundUp(needed * 2)) : this.buffer;
    this.buffer.copy(target, 0, this.start, this.end);
    this.end -= this.start;
    this.start = 0;
    this.buffer = target;
  }
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / STEP_BYTES) * STEP_BYTES;
}

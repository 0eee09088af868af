// Bytes of one connection that arrived and could not be used yet. Exists only while there are some.
// It must not know what they mean.

/** Grown in steps of this many bytes, so that one byte at a time does not copy each time. */
const STEP_BYTES = 1_024;

export class Inbox {
  buffer: Buffer;
  start = 0;
  end: number;

  /** Takes a copy of `from[start, end)`. */
  constructor(from: Buffer, start: number, end: number) {
    this.end = end - start;
    this.buffer = Buffer.allocUnsafeSlow(roundUp(this.end));
    from.copy(this.buffer, 0, start, end);
  }

  get length(): number {
    return this.end - this.start;
  }

  /** Adds a copy of `from[start, end)`; what was consumed in front makes room. */
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

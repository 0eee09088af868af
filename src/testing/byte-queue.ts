// A queue of bytes in transit between the two ends of a simulated connection.

/** Shared by all empty queues: each of a million idle connections has three queues. */
const NOTHING: Uint8Array[] = [];

export class ByteQueue {
  #pieces: Uint8Array[] = NOTHING;
  /** Bytes already removed from the first piece. */
  #consumed = 0;
  length = 0;

  /** Adds bytes that will not be changed any more. */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (this.#pieces === NOTHING) this.#pieces = [];
    this.#pieces.push(bytes);
    this.length += bytes.length;
  }

  /** Moves up to `target.length` bytes from the front into `target`; returns how many. */
  take(target: Uint8Array): number {
    let at = 0;
    while (at < target.length) {
      const first = this.#pieces[0];
      if (first === undefined) break;
      const count = Math.min(first.length - this.#consumed, target.length - at);
      target.set(first.subarray(this.#consumed, this.#consumed + count), at);
      at += count;
      this.#consumed += count;
      if (this.#consumed < first.length) break;
      this.#pieces.shift();
      this.#consumed = 0;
    }
    this.length -= at;
    if (this.length === 0) this.clear();
    return at;
  }

  clear(): void {
    this.#pieces = NOTHING;
    this.#consumed = 0;
    this.length = 0;
  }
}

// Bytes on their way from one end of a simulated connection to the other, in order.

/** What every empty queue holds: a million idle connections have three queues each. */
const NOTHING: Uint8Array[] = [];

export class ByteQueue {
  #pieces: Uint8Array[] = NOTHING;
  /** Bytes of the first piece that were taken. */
  #taken = 0;
  length = 0;

  /** Adds bytes that nobody changes any more. */
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
      const count = Math.min(first.length - this.#taken, target.length - at);
      target.set(first.subarray(this.#taken, this.#taken + count), at);
      at += count;
      this.#taken += count;
      if (this.#taken < first.length) break;
      this.#pieces.shift();
      this.#taken = 0;
    }
    this.length -= at;
    if (this.length === 0) this.clear();
    return at;
  }

  clear(): void {
    this.#pieces = NOTHING;
    this.#taken = 0;
    this.length = 0;
  }
}

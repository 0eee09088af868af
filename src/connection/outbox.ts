// What one connection still owes its client, in order. Exists only while something is owed.
// It must not know what the bytes mean, nor when to send them.

/** Smaller chunks are gathered into one send; larger ones are sent from where they lie. */
export const GATHER_BYTES = 16_384;

export class Outbox {
  readonly #chunks: Uint8Array[] = [];
  /** Bytes of the first chunk that were sent. */
  #sent = 0;
  /** Bytes that are owed. */
  bytes = 0;

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.bytes += chunk.length;
  }

  /** Puts `chunk` in front of all others, of which nothing was sent yet. */
  unshift(chunk: Uint8Array): void {
    this.#chunks.unshift(chunk);
    this.bytes += chunk.length;
  }

  /** The first chunk when it is large: to be sent from its own memory, from {@link offset} on. */
  get large(): Uint8Array | null {
    const first = this.#chunks[0];
    return first !== undefined && first.length - this.#sent > GATHER_BYTES ? first : null;
  }

  /** Where in the first chunk the unsent bytes begin. */
  get offset(): number {
    return this.#sent;
  }

  /** Copies small chunks from the front into `arena`, as many as fit. Returns the bytes copied. */
  gather(arena: Uint8Array): number {
    let at = 0;
    let from = this.#sent;
    for (const chunk of this.#chunks) {
      const length = Math.min(chunk.length - from, arena.length - at);
      if (length > GATHER_BYTES) break;
      arena.set(chunk.subarray(from, from + length), at);
      at += length;
      if (from + length < chunk.length) break;
      from = 0;
    }
    return at;
  }

  /** Forgets `count` bytes from the front: they were sent. */
  drop(count: number): void {
    this.bytes -= count;
    let left = count + this.#sent;
    let done = 0;
    for (const chunk of this.#chunks) {
      if (left < chunk.length) break;
      left -= chunk.length;
      done++;
    }
    if (done > 0) this.#chunks.splice(0, done);
    this.#sent = left;
  }
}

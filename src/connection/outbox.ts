// Unsent output of one connection, in order. Exists only while there is some. Small chunks are merged, so that memory
// follows bytes and not the number of writes.

/** Up to this size chunks are gathered into one send; larger ones are sent from their own memory. */
export const GATHER_BYTES = 16_384;

/** The first buffer into which small chunks are merged, in bytes; later ones double up to {@link GATHER_BYTES}. */
const MIN_MERGED_BYTES = 1_024;

/** `bytes[start, end)` is unsent. If `isMerged`, the rest of `bytes` is room for more. */
interface Chunk {
  readonly bytes: Uint8Array;
  start: number;
  end: number;
  /** The outbox owns `bytes`, and copies small chunks into it. */
  readonly isMerged: boolean;
  next: Chunk | null;
}

export class Outbox {
  #first: Chunk | null = null;
  #last: Chunk | null = null;
  /** Bytes that are unsent. */
  bytes = 0;

  /** Appends `chunk`, which must not change until it is sent. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.bytes += chunk.length;
    // The first chunk is most often the only one: it is not copied.
    if (this.#last === null || chunk.length > GATHER_BYTES) this.#link(chunk, chunk.length, false);
    else this.#merge(chunk, this.#last);
  }

  /** Puts `chunk` in front of all others, of which nothing was sent yet. */
  unshift(chunk: Uint8Array): void {
    this.#first = { bytes: chunk, start: 0, end: chunk.length, isMerged: false, next: this.#first };
    this.#last ??= this.#first;
    this.bytes += chunk.length;
  }

  /** The first chunk when it is large: to be sent from its own memory, from {@link offset} on. */
  get large(): Uint8Array | null {
    const first = this.#first;
    return first !== null && first.end - first.start > GATHER_BYTES ? first.bytes : null;
  }

  /** Whether the memory of the next bytes is intact: an application may have transferred or resized it. */
  get isIntact(): boolean {
    return this.#first === null || hasItsBytes(this.#first);
  }

  /** The offset of the unsent bytes in the first chunk. */
  get offset(): number {
    return this.#first?.start ?? 0;
  }

  /** Copies small chunks from the front into `arena`, as many as fit. Returns the bytes copied. */
  gather(arena: Uint8Array): number {
    let at = 0;
    for (let chunk = this.#first; chunk !== null; chunk = chunk.next) {
      const length = Math.min(chunk.end - chunk.start, arena.length - at);
      if (length > GATHER_BYTES || !hasItsBytes(chunk)) break;
      arena.set(chunk.bytes.subarray(chunk.start, chunk.start + length), at);
      at += length;
      if (chunk.start + length < chunk.end) break;
    }
    return at;
  }

  /** Removes `count` sent bytes from the front. */
  drop(count: number): void {
    this.bytes -= count;
    let left = count;
    for (let chunk = this.#first; chunk !== null; chunk = chunk.next) {
      const length = chunk.end - chunk.start;
      if (left < length) {
        chunk.start += left;
        return;
      }
      left -= length;
      this.#first = chunk.next;
    }
    this.#last = null;
  }

  /** Copies a small chunk behind the last one, into as many buffers as it takes. */
  #merge(chunk: Uint8Array, last: Chunk): void {
    const room = last.isMerged ? last.bytes.length - last.end : 0;
    const fitting = Math.min(room, chunk.length);
    last.bytes.set(chunk.subarray(0, fitting), last.end);
    last.end += fitting;
    if (fitting === chunk.length) return;
    const rest = chunk.subarray(fitting);
    const grownBytes = last.isMerged ? Math.min(2 * last.bytes.length, GATHER_BYTES) : MIN_MERGED_BYTES;
    const bytes = Buffer.allocUnsafe(Math.max(rest.length, grownBytes));
    bytes.set(rest);
    this.#link(bytes, rest.length, true);
  }

  #link(bytes: Uint8Array, end: number, isMerged: boolean): void {
    const chunk = { bytes, start: 0, end, isMerged, next: null };
    if (this.#last === null) this.#first = chunk;
    else this.#last.next = chunk;
    this.#last = chunk;
  }
}

/** An array that was transferred has no bytes, and a view of a buffer that was resized has others. */
function hasItsBytes({ bytes, end, isMerged }: Chunk): boolean {
  return isMerged || bytes.length === end;
}

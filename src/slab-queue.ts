// A first-in, first-out queue of bytes. Small pieces are merged into slabs, so that the memory of a queue follows its
// bytes and not the number of pieces. One byte in its own array costs about 200 bytes of heap.

import { StringDecoder } from 'node:string_decoder';
import { ownBytes } from './own-bytes.ts';

/**
 * The first piece gets a slab of exactly its length, since most queues never hold a second one. Later slabs double
 * between these sizes, in bytes, or are as long as a piece that is longer.
 */
const MIN_SLAB_BYTES = 1_024;
const MAX_SLAB_BYTES = 16_384;

/** Up to this length a loop costs less than a view of the bytes (measured on Node 20). */
const LOOP_BYTES = 32;

interface Slab {
  readonly bytes: Uint8Array<ArrayBuffer>;
  usedBytes: number;
  next: Slab | null;
}

/** A source of pieces, which the caller owns after `read`. */
interface PieceSource {
  /** The next piece; null at the end. */
  read(): Promise<Uint8Array | null>;
}

export class SlabQueue {
  #first: Slab | null = null;
  #last: Slab | null = null;
  #byteLength = 0;

  /** Bytes in the queue. */
  get byteLength(): number {
    return this.#byteLength;
  }

  /** Copies `from[start, end)` to the end of the queue. */
  append(from: Uint8Array, start: number = 0, end: number = from.length): void {
    this.#byteLength += end - start;
    for (let at = start; at < end; ) {
      const slab = this.#slabFor(end - at);
      const count = Math.min(slab.bytes.length - slab.usedBytes, end - at);
      copy(from, at, count, slab);
      at += count;
    }
  }

  /**
   * As `append`, for bytes that the caller does not use afterwards. A piece that fills its ArrayBuffer becomes a slab
   * without a copy. It is copied when the last slab has room, so that alternating small and large pieces leave no room
   * unused.
   */
  adopt(bytes: Uint8Array): void {
    const last = this.#last;
    const hasRoom = last !== null && last.usedBytes < last.bytes.length;
    if (hasRoom || bytes.length < MIN_SLAB_BYTES) {
      this.append(bytes);
      return;
    }
    this.#byteLength += bytes.length;
    this.#push({ bytes: ownBytes(bytes), usedBytes: bytes.length, next: null });
  }

  /** Adopts all pieces of `source` up to its end. False: there were more than `maxBytes`, and reading stopped. */
  async adoptAll(source: PieceSource, maxBytes: number = Number.POSITIVE_INFINITY): Promise<boolean> {
    for (let piece = await source.read(); piece !== null; piece = await source.read()) {
      if (this.#byteLength + piece.length > maxBytes) return false;
      this.adopt(piece);
    }
    return true;
  }

  /**
   * Removes the oldest slab and returns its bytes, in an ArrayBuffer of exactly their length; null when the queue is
   * empty. A view of a longer buffer would show memory that is not part of the content.
   */
  shift(): Uint8Array<ArrayBuffer> | null {
    const slab = this.#first;
    if (slab === null) return null;
    this.#first = slab.next;
    if (slab.next === null) this.#last = null;
    this.#byteLength -= slab.usedBytes;
    return slab.usedBytes === slab.bytes.length ? slab.bytes : slab.bytes.slice(0, slab.usedBytes);
  }

  /** Removes everything and returns it in one piece, in an ArrayBuffer of exactly its length. */
  takeAll(): Buffer<ArrayBuffer> {
    const only = this.#first === this.#last ? this.shift() : null;
    if (only !== null) return Buffer.from(only.buffer);
    const all = Buffer.allocUnsafeSlow(this.#byteLength);
    let at = 0;
    for (let slab = this.#first; slab !== null; slab = slab.next) {
      all.set(slab.bytes.subarray(0, slab.usedBytes), at);
      at += slab.usedBytes;
    }
    this.clear();
    return all;
  }

  /** Removes everything and returns it in pieces, without a copy. They may be views of longer buffers. */
  takePieces(): Uint8Array<ArrayBuffer>[] {
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    for (let slab = this.#first; slab !== null; slab = slab.next) pieces.push(slab.bytes.subarray(0, slab.usedBytes));
    this.clear();
    return pieces;
  }

  /**
   * Removes everything and returns it as UTF-8 text, slab by slab: text beside all of its bytes takes twice as much. A
   * byte order mark is searched in the first piece of text only: a search in the whole text would copy it.
   */
  takeText(byteOrderMark: 'kept' | 'removed' = 'kept'): string {
    let removed = byteOrderMark === 'removed' ? '\ufeff' : '';
    if (this.#first === this.#last) return withoutStart(this.takeAll().toString('utf8'), removed);
    const decoder = new StringDecoder('utf8');
    let text = '';
    for (let bytes = this.shift(); bytes !== null; bytes = this.shift()) {
      const piece = decoder.write(bytes);
      text += withoutStart(piece, removed);
      if (piece !== '') removed = '';
    }
    return text + decoder.end();
  }

  clear(): void {
    this.#first = null;
    this.#last = null;
    this.#byteLength = 0;
  }

  /** The last slab when it has room, else a new one. */
  #slabFor(wantedBytes: number): Slab {
    const last = this.#last;
    if (last !== null && last.usedBytes < last.bytes.length) return last;
    const slab = { bytes: new Uint8Array(Math.max(wantedBytes, grownBytes(last))), usedBytes: 0, next: null };
    this.#push(slab);
    return slab;
  }

  #push(slab: Slab): void {
    if (this.#last === null) this.#first = slab;
    else this.#last.next = slab;
    this.#last = slab;
  }
}

function withoutStart(text: string, start: string): string {
  return start !== '' && text.startsWith(start) ? text.slice(start.length) : text;
}

/** Copies `from[at, at + count)` into the room of `slab`. */
function copy(from: Uint8Array, at: number, count: number, slab: Slab): void {
  const { bytes, usedBytes } = slab;
  if (count > LOOP_BYTES) bytes.set(from.subarray(at, at + count), usedBytes);
  else for (let i = 0; i < count; i++) bytes[usedBytes + i] = from[at + i] ?? 0;
  slab.usedBytes += count;
}

/** The least size of the slab behind `last`. */
function grownBytes(last: Slab | null): number {
  return last === null ? 0 : Math.min(Math.max(2 * last.bytes.length, MIN_SLAB_BYTES), MAX_SLAB_BYTES);
}

// Caches strings made of bytes that recur, such as paths. A hit returns the earlier string, which has its hash already.
// Without this, a request for a file with mixed heads takes 3.5 % more instructions.

import { latin1 } from './latin1.ts';

/** A power of two. Texts with the same slot replace each other, which costs no more than making them. */
const SLOTS = 1_024;

/** Longer texts are not cached. */
const MAX_BYTES = 64;

/** Texts are read four bytes at a time, the last word overlapping the one before. */
const WORD_BYTES = 4;
const MAX_WORDS = MAX_BYTES / WORD_BYTES;

export class StringInterner {
  readonly #texts: string[] = new Array<string>(SLOTS).fill('');
  /** The bytes of the texts, {@link MAX_WORDS} per slot. */
  readonly #words: Int32Array = new Int32Array(SLOTS * MAX_WORDS);
  /** The buffer that was read last, and a view of it: nearly all heads of a server lie in one arena. */
  #bytes: Uint8Array | null = null;
  #view: DataView = new DataView(new ArrayBuffer(0));

  /** `bytes[start, end)` as text, one character a byte. */
  text(bytes: Buffer, start: number, end: number): string {
    const length = end - start;
    if (length > MAX_BYTES || length < WORD_BYTES) return latin1(bytes, start, end);
    if (bytes !== this.#bytes) this.#look(bytes);
    const slot = this.#slotOf(start, end);
    const known = this.#texts[slot] ?? '';
    if (known.length === length && this.#holds(slot * MAX_WORDS, start, end)) return known;
    const text = latin1(bytes, start, end);
    this.#keep(slot * MAX_WORDS, start, end);
    this.#texts[slot] = text;
    return text;
  }

  #look(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  #slotOf(start: number, end: number): number {
    const view = this.#view;
    const last = end - WORD_BYTES;
    let hash = end - start;
    for (let at = start; at < last; at += WORD_BYTES) hash = Math.imul(hash, 0x9e3779b1) ^ view.getInt32(at, true);
    hash = Math.imul(Math.imul(hash, 0x9e3779b1) ^ view.getInt32(last, true), 0x9e3779b1);
    // The high bits depend on all others.
    return (hash >>> 16) & (SLOTS - 1);
  }

  #holds(from: number, start: number, end: number): boolean {
    const view = this.#view;
    const words = this.#words;
    const last = end - WORD_BYTES;
    let i = from;
    for (let at = start; at < last; at += WORD_BYTES) if (words[i++] !== view.getInt32(at, true)) return false;
    return words[i] === view.getInt32(last, true);
  }

  #keep(from: number, start: number, end: number): void {
    const view = this.#view;
    const last = end - WORD_BYTES;
    let i = from;
    for (let at = start; at < last; at += WORD_BYTES) this.#words[i++] = view.getInt32(at, true);
    this.#words[i] = view.getInt32(last, true);
  }
}

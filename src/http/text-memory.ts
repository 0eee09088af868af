// Texts that come again and again, such as paths: told by their bytes, and given as the string that was made of them
// before, which costs a fraction of making one and has its hash already. It must not know what they mean.

import { latin1 } from './latin1.ts';

/** A power of two: texts that meet in a slot take it from each other, which costs no more than making them. */
const SLOTS = 1_024;

/** Longer texts are made each time. */
const MAX_BYTES = 64;

export class TextMemory {
  readonly #texts: string[] = new Array<string>(SLOTS).fill('');
  /** What the texts were made of, a slot every {@link MAX_BYTES}. */
  readonly #bytes: Uint8Array = new Uint8Array(SLOTS * MAX_BYTES);

  /** `bytes[start, end)` as text, one character a byte. */
  text(bytes: Buffer, start: number, end: number): string {
    const length = end - start;
    if (length > MAX_BYTES) return latin1(bytes, start, end);
    let hash = length;
    for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + (bytes[at] ?? 0)) | 0;
    const slot = hash & (SLOTS - 1);
    const known = this.#texts[slot] ?? '';
    if (known.length === length && this.#holds(slot * MAX_BYTES, bytes, start, end)) return known;
    const text = latin1(bytes, start, end);
    // A few bytes: a view of them and a call would cost more.
    for (let at = start, i = slot * MAX_BYTES; at < end; at++, i++) this.#bytes[i] = bytes[at] ?? 0;
    this.#texts[slot] = text;
    return text;
  }

  #holds(from: number, bytes: Buffer, start: number, end: number): boolean {
    const own = this.#bytes;
    for (let at = start, i = from; at < end; at++, i++) if (own[i] !== bytes[at]) return false;
    return true;
  }
}

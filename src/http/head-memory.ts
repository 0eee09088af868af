// The lines behind the target of the head before, to know them again. Whoever sends many requests sends
// most of each head again, byte for byte; comparing costs a fraction of parsing. It must not know what
// the lines mean.

/** Longer heads are parsed each time. Browsers send 500 to 1,500 bytes; this bounds what a parser holds. */
const MAX_BYTES = 2048;

/** The lines before were of this many bytes: none were. */
const NOTHING = 0;

export class HeadMemory {
  /**
   * What is remembered, eight bytes a word, the last word overlapping the one before. As floating point,
   * because a word of 64 bits is read without an allocation only so. The only different words that
   * compare equal are the two zeros, which hold NUL bytes, as no line that was accepted does; words that
   * are no number equal nothing, so their lines are parsed each time.
   */
  #words: Float64Array | null = null;
  /** Bytes remembered; 0: nothing. */
  length: number = NOTHING;
  #lengthBefore: number = NOTHING;
  /** Where bytes were read last, and a view of it: a server's heads lie in one arena, nearly all of them. */
  #bytes: Uint8Array | null = null;
  #view: DataView = new DataView(new ArrayBuffer(0));

  /** Whether `bytes` has the remembered lines at `at`, and before `stop`. */
  matches(bytes: Uint8Array, at: number, stop: number): boolean {
    const words = this.#words;
    const last = at + this.length - 8;
    if (words === null || this.length === NOTHING || bytes !== this.#bytes || last + 8 > stop) return false;
    const view = this.#view;
    let index = 0;
    for (let from = at; from < last; from += 8) {
      if (view.getFloat64(from, true) !== words[index]) return false;
      index++;
    }
    return view.getFloat64(last, true) === words[index];
  }

  /** Other lines are about to be parsed. */
  forget(): void {
    this.length = NOTHING;
  }

  /**
   * Remembers the lines `bytes[start, end)` if the ones before were as long: whoever sends something new
   * each time does not pay for a copy.
   */
  learn(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    const isRepeated = length === this.#lengthBefore;
    this.#lengthBefore = length;
    if (!isRepeated || length > MAX_BYTES || length < 8) return;
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    this.#words ??= new Float64Array(MAX_BYTES / 8);
    let index = 0;
    for (let from = start; from < end - 8; from += 8) this.#words[index++] = this.#view.getFloat64(from, true);
    this.#words[index] = this.#view.getFloat64(end - 8, true);
    this.length = length;
  }
}

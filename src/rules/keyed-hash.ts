// HalfSipHash-2-4 with 64 bits of output (Aumasson, Bernstein: "SipHash: a fast short-input PRF"): two texts with the
// same hash can only be found with its random key.

/** The hash of the last text, in two halves. One object for all calls, so that none is made for each. */
export interface Halves {
  high: number;
  low: number;
}

export class KeyedHash {
  readonly result: Halves = { high: 0, low: 0 };
  readonly #key0: number;
  readonly #key1: number;
  #v0 = 0;
  #v1 = 0;
  #v2 = 0;
  #v3 = 0;

  /** The key: two random words of 32 bits. */
  constructor(key0: number, key1: number) {
    this.#key0 = key0 | 0;
    this.#key1 = key1 | 0;
  }

  /** Sets {@link result}. The bytes of a text are its UTF-16 code units, little-endian. */
  hash(text: string): void {
    this.#v0 = this.#key0;
    this.#v1 = this.#key1 ^ 0xee;
    this.#v2 = this.#key0 ^ 0x6c796765;
    this.#v3 = this.#key1 ^ 0x74656462;
    const pairs = text.length & ~1;
    for (let at = 0; at < pairs; at += 2) this.#word(text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16));
    const last = pairs < text.length ? text.charCodeAt(pairs) : 0;
    this.#word(last | ((text.length * 2) << 24));
    this.#v2 ^= 0xee;
    this.#rounds(4);
    this.result.high = (this.#v1 ^ this.#v3) >>> 0;
    this.#v1 ^= 0xdd;
    this.#rounds(4);
    this.result.low = (this.#v1 ^ this.#v3) >>> 0;
  }

  #word(word: number): void {
    this.#v3 ^= word;
    this.#rounds(2);
    this.#v0 ^= word;
  }

  #rounds(count: number): void {
    let v0 = this.#v0;
    let v1 = this.#v1;
    let v2 = this.#v2;
    let v3 = this.#v3;
    for (let round = 0; round < count; round++) {
      v0 = (v0 + v1) | 0;
      v1 = rotated(v1, 5) ^ v0;
      v0 = rotated(v0, 16);
      v2 = (v2 + v3) | 0;
      v3 = rotated(v3, 8) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = rotated(v3, 7) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = rotated(v1, 13) ^ v2;
      v2 = rotated(v2, 16);
    }
    this.#v0 = v0;
    this.#v1 = v1;
    this.#v2 = v2;
    this.#v3 = v3;
  }
}

function rotated(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

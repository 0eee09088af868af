// Random numbers from a seed: the same seed gives the same numbers on every machine. Not for secrets.

/** A sequence of 32-bit numbers (Chris Doty-Humphrey's sfc32, 2010), with helpers for simulations. */
export class Random {
  readonly #seed: number;
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** `seed`: any integer; its lowest 32 bits are used. */
  constructor(seed: number) {
    this.#seed = seed >>> 0;
    this.#a = this.#seed;
    this.#b = 0x9e3779b9;
    this.#c = 0x85ebca6b;
    for (let i = 0; i < 12; i++) this.next();
  }

  /** A separate sequence for one part of a run, so that removing another part does not change it. */
  fork(part: number): Random {
    return new Random(Math.imul(this.#seed ^ Math.imul(part + 1, 0x9e3779b1), 0x85ebca77) ^ (part << 7));
  }

  /** The next number, 0 to 2^32 - 1. */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    this.#c |= 0;
    return sum >>> 0;
  }

  /** An integer from 0 to `bound` - 1. */
  below(bound: number): number {
    return Math.floor((this.next() / 2 ** 32) * bound);
  }

  /** An integer from `low` to `high`. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** True with `probability`; 0 uses no number of the sequence. */
  chance(probability: number): boolean {
    return probability > 0 && this.next() < probability * 2 ** 32;
  }

  /** One of `list`, which must not be empty. */
  pick<T>(list: readonly T[]): T {
    const picked = list[this.below(list.length)];
    if (picked === undefined) throw new RangeError('nothing to pick from');
    return picked;
  }

  /** From `low` to `high`, distributed logarithmically, as sizes and times are. */
  magnitude(low: number, high: number): number {
    return Math.floor(low * ((high + 1) / low) ** (this.next() / 2 ** 32));
  }

  /** Shuffles `list` in place. */
  shuffle<T>(list: T[]): void {
    for (let i = list.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const [a, b] = [list[i], list[j]];
      if (a !== undefined && b !== undefined) [list[i], list[j]] = [b, a];
    }
  }
}

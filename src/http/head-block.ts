// The bytes of a response head for one status and set of fields, made once and sent often: up to the digits of its
// length, and whole for a length that comes again and again. Each second its date is written anew, in its place.
// It must not know clocks.

/** Answers of the same length in a row after which the head with that length is kept too. */
const REPEATS = 4;

const UNKNOWN = -1;

export class HeadBlock {
  /** The writer that made it, whose Server field it holds. */
  readonly owner: object;
  readonly status: number;
  /** How the end of the content is told: LENGTH, CHUNKED or UNTOLD. */
  readonly kind: number;
  /** Everything in front of the length's digits. */
  readonly bytes: Buffer;
  /** The whole answer with {@link content}, with no field behind Content-Length. */
  answer: Buffer;
  /** What comes behind the head in {@link answer}; null: nothing is known yet. */
  content: Uint8Array | null = null;
  /** The whole head for {@link length}, with no field behind Content-Length. */
  whole: Buffer;
  /** The Content-Length in {@link whole}; -1: none yet. */
  length: number = UNKNOWN;
  /** Which second it tells; see `HttpClock.version`. */
  #version: number;
  /** Where that is written; -1: nowhere. */
  readonly #dateAt: number;
  #lengthBefore: number = UNKNOWN;
  #repeats = 0;

  /** `dateAt`: where in `bytes` the date of the second `version` stands; -1: nowhere. */
  constructor(given: {
    readonly owner: object;
    readonly status: number;
    readonly kind: number;
    readonly bytes: Buffer;
    readonly version: number;
    readonly dateAt: number;
  }) {
    this.owner = given.owner;
    this.status = given.status;
    this.kind = given.kind;
    this.bytes = given.bytes;
    this.whole = given.bytes;
    this.answer = given.bytes;
    this.#version = given.version;
    this.#dateAt = given.dateAt;
  }

  /** Brings the date up to the second `version`. `date` is as long as the one before. */
  tell(version: number, date: Buffer): void {
    if (version === this.#version) return;
    this.#version = version;
    if (this.#dateAt < 0) return;
    this.bytes.set(date, this.#dateAt);
    this.whole.set(date, this.#dateAt);
    this.answer.set(date, this.#dateAt);
  }

  /** The whole head `target[start, end)` was written for `length`: kept when that happens again and again. */
  learn(target: Buffer, start: number, end: number, length: number): void {
    this.#repeats = length === this.#lengthBefore ? this.#repeats + 1 : 0;
    this.#lengthBefore = length;
    if (this.#repeats < REPEATS) return;
    this.whole = Buffer.from(target.subarray(start, end));
    this.length = length;
  }

  /** The whole answer `target[start, end)` was written with `content`: kept when its head is. */
  learnAnswer(target: Buffer, start: number, end: number, content: Uint8Array): void {
    if (this.length !== content.length) return;
    this.answer = Buffer.from(target.subarray(start, end));
    this.content = content;
  }
}

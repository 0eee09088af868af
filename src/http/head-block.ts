// The bytes of a response head for one status, second and set of fields, made once and sent often: up to
// the digits of its length, and whole for a length that comes again and again. It must not know clocks.

/** Answers of the same length in a row after which the head with that length is kept too. */
const REPEATS = 4;

const UNKNOWN = -1;

export class HeadBlock {
  /** The writer that made it, whose Server field it holds. */
  readonly owner: object;
  readonly status: number;
  /** How the end of the content is told: LENGTH, CHUNKED or UNTOLD. */
  readonly kind: number;
  /** Which second it tells; see `HttpClock.version`. */
  readonly version: number;
  /** Everything in front of the length's digits. */
  readonly bytes: Buffer;
  /** The whole head for {@link length}, with no field behind Content-Length. */
  whole: Buffer;
  /** The Content-Length in {@link whole}; -1: none yet. */
  length: number = UNKNOWN;
  #lengthBefore: number = UNKNOWN;
  #repeats = 0;

  constructor(owner: object, status: number, kind: number, version: number, bytes: Buffer) {
    this.owner = owner;
    this.status = status;
    this.kind = kind;
    this.version = version;
    this.bytes = bytes;
    this.whole = bytes;
  }

  /** The whole head `target[start, end)` was written for `length`: kept when that happens again and again. */
  learn(target: Buffer, start: number, end: number, length: number): void {
    this.#repeats = length === this.#lengthBefore ? this.#repeats + 1 : 0;
    this.#lengthBefore = length;
    if (this.#repeats < REPEATS) return;
    this.whole = Buffer.from(target.subarray(start, end));
    this.length = length;
  }
}

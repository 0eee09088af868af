// Where an incomplete head was cut. As long as new bytes belong to the same part of the same line, they are all that
// is looked at: a long line that arrives byte by byte costs linear time.

import { CR, FIELD_VALUE, TARGET_PATH, TARGET_QUERY, TOKEN } from './characters.ts';
import { runEnd } from './run-end.ts';

const QUESTION_MARK = 0x3f;

export class CutLine {
  /** Bytes of the part that was cut: a target's path or query, a field's name or value. */
  #part: Uint8Array = TOKEN;
  /** Where the bytes of {@link #part} ended, from the head's first byte. */
  #scanned = 0;
  /** Up to here the part may go on, from the head's first byte. */
  #limit = 0;

  /** A request line was cut, at `stop`. */
  cutRequestLine(bytes: Uint8Array, base: number, stop: number, maxTargetBytes: number): void {
    const start = bytes[base] === CR ? base + 2 : base;
    const method = runEnd(bytes, start, stop, TOKEN);
    const path = runEnd(bytes, method + 1, stop, TARGET_PATH);
    const hasQuery = path < stop && bytes[path] === QUESTION_MARK;
    this.#part = hasQuery ? TARGET_QUERY : TARGET_PATH;
    this.#scanned = (hasQuery ? runEnd(bytes, path, stop, TARGET_QUERY) : path) - base;
    // A method is short: while it is cut, it is parsed again.
    this.#limit = method < stop ? method + 1 + maxTargetBytes - base : 0;
  }

  /** The field line that begins at `from` was cut, at `stop`. */
  cutFieldLine(bytes: Uint8Array, from: number, base: number, stop: number): void {
    const name = runEnd(bytes, from, stop, TOKEN);
    this.#part = name < stop ? FIELD_VALUE : TOKEN;
    this.#scanned = (name < stop ? runEnd(bytes, name, stop, FIELD_VALUE) : name) - base;
    this.#limit = Number.MAX_SAFE_INTEGER;
  }

  /** Whether the bytes up to `stop` leave the line as incomplete as it was. False: it has to be parsed again. */
  goesOn(bytes: Uint8Array, base: number, stop: number): boolean {
    this.#scanned = runEnd(bytes, base + this.#scanned, stop, this.#part) - base;
    return base + this.#scanned === stop && this.#scanned <= this.#limit;
  }
}

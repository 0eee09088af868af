// Remembers where an incomplete head was cut. While new bytes extend the same part of the same line, only they are
// scanned. So a long line that arrives byte by byte costs linear time.

import { CR, FIELD_VALUE, TARGET_PATH, TARGET_QUERY, TOKEN } from './characters.ts';
import { runEnd } from './run-end.ts';

const QUESTION_MARK = 0x3f;

export class CutLine {
  /** The bytes that the cut part may contain: a target's path or query, a field's name or value. */
  #part: Uint8Array = TOKEN;
  /** Where scanning stopped, from the first byte of the head. */
  #scanned = 0;
  /** The limit of the part, from the first byte of the head. */
  #limit = 0;

  /** Records that a request line was cut at `stop`. */
  cutRequestLine(bytes: Uint8Array, base: number, stop: number, maxTargetBytes: number): void {
    const start = bytes[base] === CR ? base + 2 : base;
    const method = runEnd(bytes, start, stop, TOKEN);
    const path = runEnd(bytes, method + 1, stop, TARGET_PATH);
    const hasQuery = path < stop && bytes[path] === QUESTION_MARK;
    this.#part = hasQuery ? TARGET_QUERY : TARGET_PATH;
    this.#scanned = (hasQuery ? runEnd(bytes, path, stop, TARGET_QUERY) : path) - base;
    // A cut method is parsed again: it is short.
    this.#limit = method < stop ? method + 1 + maxTargetBytes - base : 0;
  }

  /** Records that the field line which begins at `from` was cut at `stop`. */
  cutFieldLine(bytes: Uint8Array, from: number, base: number, stop: number): void {
    const name = runEnd(bytes, from, stop, TOKEN);
    this.#part = name < stop ? FIELD_VALUE : TOKEN;
    this.#scanned = (name < stop ? runEnd(bytes, name, stop, FIELD_VALUE) : name) - base;
    this.#limit = Number.MAX_SAFE_INTEGER;
  }

  /** Whether the line is still incomplete with the bytes up to `stop`. False: it has to be parsed again. */
  isStillCut(bytes: Uint8Array, base: number, stop: number): boolean {
    this.#scanned = runEnd(bytes, base + this.#scanned, stop, this.#part) - base;
    return base + this.#scanned === stop && this.#scanned <= this.#limit;
  }
}

// Parses a request line and fields from bytes to offsets: done, incomplete or malformed. It parses in place and resumes
// where it stopped. The result does not depend on how the bytes were cut.

import { HTAB, SP } from './blanks.ts';
import { COLON, CR, equalsIgnoringCase, FIELD_VALUE, LF, TARGET_PATH, TARGET_QUERY, TOKEN } from './characters.ts';
import { CutLine } from './cut-line.ts';
import { FIELD_WORDS, Head } from './head.ts';
import { type HeadRules, STRICT_RULES } from './head-rules.ts';
import { isHost } from './host.ts';
import { limitProblem } from './limit-problem.ts';
import { runEnd } from './run-end.ts';
import { checkTarget, TARGET_UNSERVED, TARGET_WRONG } from './target.ts';
import { parseVersion, VERSION_BYTES, VERSION_CUT, VERSION_UNSUPPORTED, VERSION_WRONG } from './version.ts';

export const DONE = 0;
export const INCOMPLETE = 1;
export const WRONG = 2;

/** Bounds of one head, in bytes and in fields. */
export interface HeadLimits {
  readonly maxHeaderBytes: number;
  readonly maxTargetBytes: number;
  readonly maxFields: number;
}

/** Longer than any registered method (the longest has 17 letters). Beyond it the response is 501. */
const MAX_METHOD_BYTES = 32;

const QUESTION_MARK = 0x3f;
const COMMA = 0x2c;

/** Digits of a Content-Length: fifteen stay below 2^53. */
const MAX_LENGTH_DIGITS = 15;

/** Options of the Connection field (RFC 9110 section 7.6.1). */
const CLOSE = 1;
const KEEP_ALIVE = 2;

/** One Host, in the bits of {@link HeadParser.checkScanned}. */
const PLAIN_HOST = 1;

/** The fields on which framing depends, in lower case: each has another length. */
export const FRAMING_NAMES = ['host', 'expect', 'connection', 'content-length', 'transfer-encoding'] as const;

/** The line that is parsed next. */
const REQUEST_LINE = 0;
const FIELD_LINES = 1;
const COMPLETE = 2;

export class HeadParser {
  /** The offsets of the head: written while parsing, valid after {@link DONE}. */
  readonly head: Head;
  /** The status of the error response after {@link WRONG}. */
  status = 0;
  /** The reason after {@link WRONG}, for logs and the error response. */
  problem = '';
  readonly #limits: HeadLimits;
  readonly #rules: HeadRules;
  readonly #fieldTable: Int32Array;
  readonly #cutLine = new CutLine();
  /** Whether the head is incomplete, and {@link #cutLine} holds where. */
  #isCut = false;
  #phase = REQUEST_LINE;
  /** Where the next line begins, from the head's first byte. */
  #at = 0;
  #hosts = 0;
  /** The options of the Connection field: bits {@link CLOSE} and {@link KEEP_ALIVE}. */
  #options = 0;

  constructor(limits: HeadLimits, rules: HeadRules = STRICT_RULES) {
    this.#limits = limits;
    this.#rules = rules;
    this.#fieldTable = new Int32Array(limits.maxFields * FIELD_WORDS);
    this.head = new Head(this.#fieldTable);
  }

  /** Prepares for the next request. */
  reset(): void {
    this.status = 0;
    this.head.reset();
    this.head.fieldTable = this.#fieldTable;
    this.head.fieldsAt = 0;
    this.#phase = REQUEST_LINE;
    this.#at = 0;
    this.#isCut = false;
    this.#hosts = 0;
    this.#options = 0;
  }

  /**
   * Parses the head that begins at `bytes[base]`; the bytes end at `end`. After {@link INCOMPLETE}, call it again with
   * the same bytes, at any offset, and more after them. It resumes in the line that was cut.
   */
  parse(bytes: Uint8Array, base: number, end: number): number {
    const stop = Math.min(end, base + this.#limits.maxHeaderBytes);
    if (this.#isCut && this.#cutLine.isStillCut(bytes, base, stop)) return this.#incomplete(stop - base);
    let at = base + this.#at;
    if (this.#phase === REQUEST_LINE) at = this.#requestLine(bytes, at, stop, base);
    while (at >= 0 && this.#phase === FIELD_LINES) {
      this.#at = at - base;
      at = bytes[at] === CR && at < stop ? this.#lastLine(bytes, at, stop) : this.#fieldLine(bytes, at, stop, base);
    }
    if (at < 0) return this.status === 0 ? this.#cut(bytes, base, stop) : WRONG;
    this.head.length = at - base;
    return this.#checkHead(bytes, base);
  }

  /** Whether a head of that size is within the limits. */
  allows(headBytes: number, targetBytes: number, fieldCount: number): boolean {
    const { maxHeaderBytes, maxTargetBytes, maxFields } = this.#limits;
    return headBytes <= maxHeaderBytes && targetBytes <= maxTargetBytes && fieldCount <= maxFields;
  }

  /**
   * Checks what the bytes of {@link head} mean, after another scan has found its parts. Bit n of `low`: field n may be
   * one of {@link FRAMING_NAMES}, or field n + 32 in `high`. Others were interpreted by the scan: bit {@link PLAIN_HOST}
   * of `usual` says that the first Host is valid, {@link KEEP_ALIVE} that there is this option. Returns {@link DONE} or
   * {@link WRONG}.
   */
  checkScanned(bytes: Uint8Array, base: number, low: number, high: number, usual: number): number {
    this.#hosts = usual & PLAIN_HOST;
    this.#options = usual & KEEP_ALIVE;
    const isValid = this.#interpretMarked(bytes, base, low, 0) && this.#interpretMarked(bytes, base, high, 32);
    return isValid ? this.#checkHead(bytes, base) : WRONG;
  }

  #interpretMarked(bytes: Uint8Array, base: number, marks: number, first: number): boolean {
    const { fieldTable, fieldsAt } = this.head;
    for (let left = marks; left !== 0; left &= left - 1) {
      // The lowest bit that is set.
      const field = first + 31 - Math.clz32(left & -left);
      const at = fieldsAt + field * FIELD_WORDS;
      const name = base + (fieldTable[at] ?? 0);
      const nameEnd = base + (fieldTable[at + 1] ?? 0);
      const start = base + (fieldTable[at + 2] ?? 0);
      if (!this.#interpret(bytes, name, nameEnd, start, base + (fieldTable[at + 3] ?? 0))) return false;
    }
    return true;
  }

  // ---- Lines: each returns the offset of the next one; -1: incomplete or malformed ----------------

  #requestLine(bytes: Uint8Array, from: number, stop: number, base: number): number {
    const method = this.#skipEmptyLine(bytes, from, stop);
    if (method < 0) return -1;
    const target = this.#method(bytes, method, stop, base);
    if (target < 0) return -1;
    const version = this.#target(bytes, target, stop, base);
    return version < 0 ? -1 : this.#version(bytes, version, stop);
  }

  /** One empty line in front of a request is skipped (RFC 9112 section 2.2), a second one is not. */
  #skipEmptyLine(bytes: Uint8Array, at: number, stop: number): number {
    if (at >= stop) return -1;
    if (bytes[at] !== CR) return at;
    if (at + 1 >= stop) return -1;
    if (bytes[at + 1] !== LF) return this.#wrong(400, 'a carriage return is not followed by a line feed');
    if (at + 2 >= stop) return -1;
    if (bytes[at + 2] === CR) return this.#wrong(400, 'more than one empty line before a request');
    return at + 2;
  }

  #method(bytes: Uint8Array, from: number, stop: number, base: number): number {
    // Most methods are GET, which one comparison finds.
    const isGet =
      from + 3 < stop &&
      bytes[from] === 0x47 &&
      bytes[from + 1] === 0x45 &&
      bytes[from + 2] === 0x54 &&
      bytes[from + 3] === SP;
    this.head.isGet = isGet;
    const at = isGet ? from + 3 : runEnd(bytes, from, stop, TOKEN);
    if (at - from > MAX_METHOD_BYTES) return this.#wrong(501, 'the method is too long');
    if (at >= stop) return -1;
    if (bytes[at] !== SP || at === from) return this.#wrong(400, 'the method is not a token');
    this.head.methodStart = from - base;
    this.head.methodEnd = at - base;
    return at + 1;
  }

  #target(bytes: Uint8Array, from: number, stop: number, base: number): number {
    const longest = from + this.#limits.maxTargetBytes;
    const scanEnd = Math.min(stop, longest + 1);
    const queryAt = runEnd(bytes, from, scanEnd, TARGET_PATH);
    const hasQuery = queryAt < scanEnd && bytes[queryAt] === QUESTION_MARK;
    const at = hasQuery ? runEnd(bytes, queryAt, scanEnd, TARGET_QUERY) : queryAt;
    if (at > longest) return this.#beyond(414, 'the request target is too long', 'maxTargetBytes');
    if (at >= stop) return -1;
    if (bytes[at] !== SP || at === from) {
      return this.#wrong(400, 'the request target is empty or contains a forbidden character');
    }
    this.head.targetStart = from - base;
    this.head.queryAt = queryAt - base;
    this.head.targetEnd = at - base;
    return at + 1;
  }

  #version(bytes: Uint8Array, start: number, stop: number): number {
    const version = parseVersion(bytes, start, stop);
    if (version === VERSION_WRONG) return this.#wrong(400, 'the HTTP version is malformed');
    if (version === VERSION_UNSUPPORTED) return this.#wrong(505, 'the HTTP version is not 1.0 or 1.1');
    if (version === VERSION_CUT) return -1;
    this.head.minorVersion = version;
    this.#phase = FIELD_LINES;
    return start + VERSION_BYTES;
  }

  /**
   * Parses a token, a colon directly after it, and a value. Blanks before or after the name would allow request
   * smuggling. One function without calls, since most of a head is fields.
   */
  #fieldLine(bytes: Uint8Array, from: number, stop: number, base: number): number {
    const nameEnd = runEnd(bytes, from, stop, TOKEN);
    if (nameEnd >= stop) return -1;
    if (this.head.fieldCount === this.#limits.maxFields) return this.#beyond(431, 'too many fields', 'maxFields');
    if (bytes[nameEnd] !== COLON || nameEnd === from) return this.#wrong(400, 'a field name is malformed');
    let valueStart = nameEnd + 1;
    while (valueStart < stop && (bytes[valueStart] === SP || bytes[valueStart] === HTAB)) valueStart++;
    const at = runEnd(bytes, valueStart, stop, FIELD_VALUE);
    if (at >= stop) return -1;
    if (bytes[at] !== CR) return this.#wrong(400, 'a field value contains a control character');
    if (at + 1 >= stop) return -1;
    if (bytes[at + 1] !== LF) return this.#wrong(400, 'a carriage return is not followed by a line feed');
    let valueEnd = at;
    while (valueEnd > valueStart && (bytes[valueEnd - 1] === SP || bytes[valueEnd - 1] === HTAB)) valueEnd--;
    this.head.addField(from - base, nameEnd - base, valueStart - base, valueEnd - base);
    return this.#interpret(bytes, from, nameEnd, valueStart, valueEnd) ? at + 2 : -1;
  }

  #lastLine(bytes: Uint8Array, at: number, stop: number): number {
    if (at + 1 >= stop) return -1;
    if (bytes[at + 1] !== LF) return this.#wrong(400, 'a carriage return is not followed by a line feed');
    this.#phase = COMPLETE;
    return at + 2;
  }

  // ---- Fields that frame the message ------------------------------------------------------------

  /** Interprets the fields on which framing depends. False: malformed. */
  #interpret(bytes: Uint8Array, name: number, nameEnd: number, start: number, end: number): boolean {
    switch (nameEnd - name) {
      case 4:
        return !equalsIgnoringCase(bytes, name, nameEnd, 'host') || this.#host(bytes, start, end);
      case 6:
        return !equalsIgnoringCase(bytes, name, nameEnd, 'expect') || this.#expect(bytes, start, end);
      case 10:
        return !equalsIgnoringCase(bytes, name, nameEnd, 'connection') || this.#connection(bytes, start, end);
      case 14:
        return !equalsIgnoringCase(bytes, name, nameEnd, 'content-length') || this.#contentLength(bytes, start, end);
      case 17:
        return !equalsIgnoringCase(bytes, name, nameEnd, 'transfer-encoding') || this.#coding(bytes, start, end);
      default:
        return true;
    }
  }

  #host(bytes: Uint8Array, start: number, end: number): boolean {
    this.#hosts++;
    if (this.#hosts > 1) return this.#wrong(400, 'more than one Host field') > 0;
    return this.#rules.acceptsAnyHost || isHost(bytes, start, end) || this.#wrong(400, 'Host is malformed') > 0;
  }

  #expect(bytes: Uint8Array, start: number, end: number): boolean {
    this.head.expectsContinue = equalsIgnoringCase(bytes, start, end, '100-continue');
    if (this.#rules.acceptsAnyExpectation) return true;
    return this.head.expectsContinue || this.#wrong(417, 'the expectation is not 100-continue') > 0;
  }

  #connection(bytes: Uint8Array, start: number, end: number): boolean {
    this.#options |= connectionOptions(bytes, start, end);
    return true;
  }

  /** Only digits. A second Content-Length, even an equal one, is rejected (RFC 9112 section 6.3). */
  #contentLength(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.head.contentLength >= 0) return this.#wrong(400, 'more than one Content-Length field') > 0;
    const value = parseContentLength(bytes, start, end);
    if (value < 0) return this.#wrong(400, 'Content-Length is malformed') > 0;
    this.head.contentLength = value;
    return true;
  }

  #coding(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.head.chunked) return this.#wrong(400, 'more than one Transfer-Encoding field') > 0;
    this.head.chunked = equalsIgnoringCase(bytes, start, end, 'chunked');
    return this.head.chunked || this.#wrong(501, 'the transfer coding is not chunked') > 0;
  }

  /** Checks that need the whole head. */
  #checkHead(bytes: Uint8Array, base: number): number {
    const target = checkTarget(bytes, base, this.head);
    if (target === TARGET_WRONG) this.#wrong(400, 'the request target does not have the form that its method requires');
    else if (target === TARGET_UNSERVED && !this.#rules.servesAllMethods)
      this.#wrong(501, 'TRACE and CONNECT are not served');
    if (this.#hosts === 0 && this.head.minorVersion === 1 && this.#rules.requiresHost) this.#wrong(400, 'no Host');
    else if (this.head.chunked && this.head.contentLength >= 0)
      this.#wrong(400, 'both Transfer-Encoding and Content-Length are present');
    else if (this.head.chunked && this.head.minorVersion === 0) this.#wrong(400, 'HTTP/1.0 has no Transfer-Encoding');
    if (this.#rules.methods !== null && !this.head.isGet) this.#knownMethod(bytes, base, this.#rules.methods);
    this.head.keepAlive =
      (this.#options & CLOSE) === 0 && (this.head.minorVersion === 1 || (this.#options & KEEP_ALIVE) !== 0);
    return this.status === 0 ? DONE : WRONG;
  }

  #knownMethod(bytes: Uint8Array, base: number, methods: ReadonlySet<string>): void {
    const { methodStart, methodEnd } = this.head;
    if (!methods.has(String.fromCharCode(...bytes.subarray(base + methodStart, base + methodEnd)))) {
      this.#wrong(400, 'the method is unknown');
    }
  }

  // ---- Outcomes ---------------------------------------------------------------------------------

  #beyond(status: number, problem: string, limit: keyof HeadLimits): number {
    return this.#wrong(status, limitProblem(problem, limit, this.#limits[limit]));
  }

  #wrong(status: number, problem: string): number {
    this.status = status;
    this.problem = problem;
    return -1;
  }

  /** The bytes end within the line that begins at {@link #at}. */
  #cut(bytes: Uint8Array, base: number, stop: number): number {
    this.#isCut = true;
    if (this.#phase === REQUEST_LINE) this.#cutLine.cutRequestLine(bytes, base, stop, this.#limits.maxTargetBytes);
    else this.#cutLine.cutFieldLine(bytes, base + this.#at, base, stop);
    return this.#incomplete(stop - base);
  }

  #incomplete(seen: number): number {
    if (seen < this.#limits.maxHeaderBytes) return INCOMPLETE;
    this.#beyond(431, 'the request head is too large', 'maxHeaderBytes');
    return WRONG;
  }
}

/** The bits {@link CLOSE} and {@link KEEP_ALIVE} of a comma-separated list; other options are ignored. */
function connectionOptions(bytes: Uint8Array, start: number, end: number): number {
  // Nearly all lists are this one option, which one comparison finds.
  if (equalsIgnoringCase(bytes, start, end, 'keep-alive')) return KEEP_ALIVE;
  let options = 0;
  let from = start;
  for (let at = start; at <= end; at++) {
    if (at < end && bytes[at] !== COMMA) continue;
    let [first, last] = [from, at];
    while (first < last && (bytes[first] === SP || bytes[first] === HTAB)) first++;
    while (first < last && (bytes[last - 1] === SP || bytes[last - 1] === HTAB)) last--;
    if (equalsIgnoringCase(bytes, first, last, 'close')) options |= CLOSE;
    else if (equalsIgnoringCase(bytes, first, last, 'keep-alive')) options |= KEEP_ALIVE;
    from = at + 1;
  }
  return options;
}

/** The value of a Content-Length (RFC 9110 section 8.6); -1: not only digits. */
function parseContentLength(bytes: Uint8Array, start: number, end: number): number {
  if (start === end || end - start > MAX_LENGTH_DIGITS) return -1;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = (bytes[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

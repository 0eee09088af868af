// Request line and fields, from bytes to offsets: done, incomplete or wrong. Parses where the bytes lie,
// goes on where it stopped, and answers the same however they were cut. It must not know connections.

import {
  COLON,
  CR,
  equalsIgnoringCase,
  FIELD_VALUE,
  HTAB,
  LF,
  SP,
  TARGET_PATH,
  TARGET_QUERY,
  TOKEN,
} from './characters.ts';
import { isHost } from './host.ts';

export const DONE = 0;
export const INCOMPLETE = 1;
export const WRONG = 2;

/** Bounds of one head; bytes and a count. */
export interface HeadLimits {
  readonly maxHeaderBytes: number;
  readonly maxTargetBytes: number;
  readonly maxFields: number;
}

/** Longer than any registered method (the longest has 17 letters); beyond: 501. */
const MAX_METHOD_BYTES = 32;

/** Words a field takes in {@link HeadParser.fieldTable}: name start and end, value start and end. */
export const FIELD_WORDS = 4;

const START = 0;
const METHOD = 1;
const TARGET = 2;
const VERSION = 3;
const FIELD_START = 4;
const FIELD_NAME = 5;
const VALUE_START = 6;
const VALUE = 7;
const FIELD_LF = 8;
const LAST_LF = 9;
const COMPLETE = 10;

const VERSION_BYTES = Uint8Array.from('HTTP/0.0\r\n', (character) => character.charCodeAt(0));

export class HeadParser {
  /** Offsets of each field from the head's first byte: see {@link FIELD_WORDS}. */
  readonly fieldTable: Int32Array;
  fieldCount = 0;
  /** Bytes of the head, its empty line included, when {@link DONE}. */
  length = 0;
  methodStart = 0;
  methodEnd = 0;
  targetStart = 0;
  targetEnd = 0;
  /** Where `?` stands, or `targetEnd`. */
  queryAt = 0;
  /** HTTP/1.0 or HTTP/1.1; a higher minor version is served as 1.1 (RFC 9110 section 2.5). */
  minorVersion = 1;
  /** The declared length of the body; -1: none declared. */
  contentLength = -1;
  chunked = false;
  /** The connection persists after this request as far as the client is concerned. */
  keepAlive = true;
  expectsContinue = false;
  /** When {@link WRONG}: the status to answer. */
  status = 0;
  /** When {@link WRONG}: what was wrong, for logs. */
  problem = '';

  readonly #limits: HeadLimits;
  #phase = START;
  /** Bytes that were dealt with, from the head's first byte. */
  #at = 0;
  #nameStart = 0;
  #nameEnd = 0;
  #valueStart = 0;
  #hosts = 0;
  #skippedLine = false;
  #majorVersion = 1;
  #saidClose = false;
  #saidKeepAlive = false;

  constructor(limits: HeadLimits) {
    this.#limits = limits;
    this.fieldTable = new Int32Array(limits.maxFields * FIELD_WORDS);
  }

  /** Whether any byte of a request has been seen. */
  get begun(): boolean {
    return this.#at > 0;
  }

  /** Makes ready for the next request. */
  reset(): void {
    this.#phase = START;
    this.#at = 0;
    this.fieldCount = 0;
    this.contentLength = -1;
    this.chunked = false;
    this.expectsContinue = false;
    this.status = 0;
    this.#hosts = 0;
    this.#skippedLine = false;
    this.#saidClose = false;
    this.#saidKeepAlive = false;
  }

  /**
   * Parses the head that begins at `bytes[base]`; bytes end at `end`. After {@link INCOMPLETE} call again
   * with the same bytes, wherever they lie now, and more behind them.
   */
  parse(bytes: Uint8Array, base: number, end: number): number {
    const stop = Math.min(end, base + this.#limits.maxHeaderBytes);
    let at = base + this.#at;
    while (this.#phase !== COMPLETE) {
      const next = this.#step(bytes, at, stop, base);
      if (next < 0) return this.#pause(stop - base);
      at = next;
    }
    this.length = at - base;
    return this.#judge();
  }

  /** One phase: the position behind it, or -1 when bytes ran out or were wrong. */
  #step(bytes: Uint8Array, at: number, stop: number, base: number): number {
    switch (this.#phase) {
      case START:
        return this.#start(bytes, at, stop, base);
      case METHOD:
        return this.#method(bytes, at, stop, base);
      case TARGET:
        return this.#target(bytes, at, stop, base);
      case VERSION:
        return this.#version(bytes, at, stop, base);
      case FIELD_START:
        return this.#fieldStart(bytes, at, stop, base);
      case FIELD_NAME:
        return this.#fieldName(bytes, at, stop, base);
      case VALUE_START:
        return this.#fieldValueStart(bytes, at, stop, base);
      case VALUE:
        return this.#fieldValue(bytes, at, stop, base);
      default:
        return this.#lineFeed(bytes, at, stop, base);
    }
  }

  /** One empty line in front of a request is skipped (RFC 9112 section 2.2), a second one is not. */
  #start(bytes: Uint8Array, at: number, stop: number, base: number): number {
    if (bytes[at] !== CR || at >= stop) {
      if (at >= stop) return this.#wait(at - base);
      this.methodStart = at - base;
      this.#phase = METHOD;
      return at;
    }
    if (this.#skippedLine) return this.#wrong(400, 'more than one empty line in front of a request');
    if (at + 1 >= stop) return this.#wait(at - base);
    if (bytes[at + 1] !== LF) return this.#wrong(400, 'a carriage return without line feed');
    this.#skippedLine = true;
    return at + 2;
  }

  #method(bytes: Uint8Array, from: number, stop: number, base: number): number {
    let at = from;
    while (at < stop && TOKEN[bytes[at] ?? 0] === 1) at++;
    if (at - base - this.methodStart > MAX_METHOD_BYTES) return this.#wrong(501, 'the method is too long');
    if (at >= stop) return this.#wait(at - base);
    if (bytes[at] !== SP || at - base === this.methodStart) return this.#wrong(400, 'the method is not a token');
    this.methodEnd = at - base;
    this.targetStart = this.methodEnd + 1;
    this.queryAt = -1;
    this.#phase = TARGET;
    return at + 1;
  }

  #target(bytes: Uint8Array, from: number, stop: number, base: number): number {
    const longest = base + this.targetStart + this.#limits.maxTargetBytes;
    const scanEnd = Math.min(stop, longest + 1);
    let at = from;
    if (this.queryAt < 0) {
      while (at < scanEnd && TARGET_PATH[bytes[at] ?? 0] === 1) at++;
      if (at < scanEnd && bytes[at] === 0x3f) this.queryAt = at - base;
    }
    if (this.queryAt >= 0) while (at < scanEnd && TARGET_QUERY[bytes[at] ?? 0] === 1) at++;
    if (at > longest) return this.#wrong(414, 'the request target is too long');
    if (at >= stop) return this.#wait(at - base);
    if (bytes[at] !== SP || at - base === this.targetStart) {
      return this.#wrong(400, 'the request target holds a byte that is not allowed, or is empty');
    }
    this.targetEnd = at - base;
    if (this.queryAt < 0) this.queryAt = this.targetEnd;
    this.#phase = VERSION;
    return at + 1;
  }

  /** `HTTP/d.d` and CRLF: ten bytes behind the target. */
  #version(bytes: Uint8Array, from: number, stop: number, base: number): number {
    const start = base + this.targetEnd + 1;
    for (let at = from; at < start + VERSION_BYTES.length; at++) {
      if (at >= stop) return this.#wait(at - base);
      const byte = bytes[at] ?? 0;
      const expected = VERSION_BYTES[at - start] ?? 0;
      const isRight = expected === 0x30 ? byte >= 0x30 && byte <= 0x39 : byte === expected;
      if (!isRight) return this.#wrong(400, 'the HTTP version is malformed');
    }
    this.#majorVersion = (bytes[start + 5] ?? 0) - 0x30;
    this.minorVersion = Math.min((bytes[start + 7] ?? 0) - 0x30, 1);
    if (this.#majorVersion !== 1) return this.#wrong(505, 'the HTTP version is not 1.0 or 1.1');
    this.#phase = FIELD_START;
    return start + VERSION_BYTES.length;
  }

  #fieldStart(bytes: Uint8Array, at: number, stop: number, base: number): number {
    if (at >= stop) return this.#wait(at - base);
    if (bytes[at] === CR) {
      this.#phase = LAST_LF;
      return at + 1;
    }
    if (this.fieldCount === this.#limits.maxFields) return this.#wrong(431, 'too many fields');
    this.#nameStart = at - base;
    this.#phase = FIELD_NAME;
    return at;
  }

  /** A token and a colon right behind it: space in front of either is how requests are smuggled. */
  #fieldName(bytes: Uint8Array, from: number, stop: number, base: number): number {
    let at = from;
    while (at < stop && TOKEN[bytes[at] ?? 0] === 1) at++;
    if (at >= stop) return this.#wait(at - base);
    if (bytes[at] !== COLON || at - base === this.#nameStart) return this.#wrong(400, 'a field name is malformed');
    this.#nameEnd = at - base;
    this.#phase = VALUE_START;
    return at + 1;
  }

  #fieldValueStart(bytes: Uint8Array, from: number, stop: number, base: number): number {
    let at = from;
    while (at < stop && (bytes[at] === SP || bytes[at] === HTAB)) at++;
    if (at >= stop) return this.#wait(at - base);
    this.#valueStart = at - base;
    this.#phase = VALUE;
    return at;
  }

  #fieldValue(bytes: Uint8Array, from: number, stop: number, base: number): number {
    let at = from;
    while (at < stop && FIELD_VALUE[bytes[at] ?? 0] === 1) at++;
    if (at >= stop) return this.#wait(at - base);
    if (bytes[at] !== CR) return this.#wrong(400, 'a field value holds a control byte');
    let valueEnd = at;
    const valueStart = base + this.#valueStart;
    while (valueEnd > valueStart && (bytes[valueEnd - 1] === SP || bytes[valueEnd - 1] === HTAB)) valueEnd--;
    const entry = this.fieldCount * FIELD_WORDS;
    this.fieldTable[entry] = this.#nameStart;
    this.fieldTable[entry + 1] = this.#nameEnd;
    this.fieldTable[entry + 2] = this.#valueStart;
    this.fieldTable[entry + 3] = valueEnd - base;
    this.fieldCount++;
    this.#phase = FIELD_LF;
    return this.#interpret(bytes, base, valueStart, valueEnd) ? at + 1 : -1;
  }

  /** The LF behind a CR that ended a field, or the head. */
  #lineFeed(bytes: Uint8Array, at: number, stop: number, base: number): number {
    if (at >= stop) return this.#wait(at - base);
    if (bytes[at] !== LF) return this.#wrong(400, 'a carriage return without line feed');
    this.#phase = this.#phase === LAST_LF ? COMPLETE : FIELD_START;
    return at + 1;
  }

  // ---- Fields that frame the message ------------------------------------------------------------

  /** Reads the fields on which framing depends. False: wrong. */
  #interpret(bytes: Uint8Array, base: number, start: number, end: number): boolean {
    const name = base + this.#nameStart;
    const nameEnd = base + this.#nameEnd;
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
    if (this.#hosts > 1) return this.#wrong(400, 'more than one Host') > 0;
    return isHost(bytes, start, end) || this.#wrong(400, 'Host is malformed') > 0;
  }

  #expect(bytes: Uint8Array, start: number, end: number): boolean {
    this.expectsContinue = equalsIgnoringCase(bytes, start, end, '100-continue');
    return this.expectsContinue || this.#wrong(417, 'an unknown expectation') > 0;
  }

  /** A comma-separated list; unknown options are ignored. */
  #connection(bytes: Uint8Array, start: number, end: number): boolean {
    let from = start;
    for (let at = start; at <= end; at++) {
      if (at < end && bytes[at] !== 0x2c) continue;
      let [first, last] = [from, at];
      while (first < last && (bytes[first] === SP || bytes[first] === HTAB)) first++;
      while (first < last && (bytes[last - 1] === SP || bytes[last - 1] === HTAB)) last--;
      if (equalsIgnoringCase(bytes, first, last, 'close')) this.#saidClose = true;
      else if (equalsIgnoringCase(bytes, first, last, 'keep-alive')) this.#saidKeepAlive = true;
      from = at + 1;
    }
    return true;
  }

  /** Digits and nothing else; a second one, even if equal, is refused (RFC 9112 section 6.3). */
  #contentLength(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.contentLength >= 0) return this.#wrong(400, 'more than one Content-Length') > 0;
    // Fifteen digits stay below 2^53.
    if (start === end || end - start > 15) return this.#wrong(400, 'Content-Length is malformed') > 0;
    let value = 0;
    for (let at = start; at < end; at++) {
      const digit = (bytes[at] ?? 0) - 0x30;
      if (digit < 0 || digit > 9) return this.#wrong(400, 'Content-Length is malformed') > 0;
      value = value * 10 + digit;
    }
    this.contentLength = value;
    return true;
  }

  #coding(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.chunked) return this.#wrong(400, 'more than one Transfer-Encoding') > 0;
    this.chunked = equalsIgnoringCase(bytes, start, end, 'chunked');
    return this.chunked || this.#wrong(501, 'a transfer coding other than chunked') > 0;
  }

  /** What only the whole head can tell. */
  #judge(): number {
    if (this.#hosts === 0 && this.minorVersion === 1) this.#wrong(400, 'no Host');
    else if (this.chunked && this.contentLength >= 0) this.#wrong(400, 'Transfer-Encoding and Content-Length');
    else if (this.chunked && this.minorVersion === 0) this.#wrong(400, 'Transfer-Encoding in HTTP/1.0');
    this.keepAlive = !this.#saidClose && (this.minorVersion === 1 || this.#saidKeepAlive);
    return this.status === 0 ? DONE : WRONG;
  }

  // ---- Outcomes ---------------------------------------------------------------------------------

  #wait(at: number): number {
    this.#at = at;
    return -1;
  }

  #wrong(status: number, problem: string): number {
    this.status = status;
    this.problem = problem;
    return -1;
  }

  #pause(seen: number): number {
    if (this.status === 0 && seen >= this.#limits.maxHeaderBytes) this.#wrong(431, 'the request head is too large');
    return this.status === 0 ? INCOMPLETE : WRONG;
  }
}

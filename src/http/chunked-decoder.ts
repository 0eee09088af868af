// Decodes the chunked transfer coding of a request body (RFC 9112 section 7.1) into spans of data and trailers. It does
// no I/O, and can be resumed at any byte, like the head parser.

import { HTAB, SP, trimBlanks } from './blanks.ts';
import { COLON, CR, FIELD_VALUE, LF, TOKEN } from './characters.ts';
import {
  EXTENSION_END,
  EXTENSION_GAP,
  EXTENSION_NAME_START,
  EXTENSION_WRONG,
  nextExtensionState,
} from './chunk-extension.ts';
import { limitProblem } from './limit-problem.ts';

const SIZE = 0;
const EXTENSION = 1;
const SIZE_LF = 2;
const DATA = 3;
const DATA_CR = 4;
const DATA_LF = 5;
const TRAILER_START = 6;
const TRAILER_NAME = 7;
const TRAILER_VALUE = 8;
const TRAILER_LF = 9;
const LAST_LF = 10;
const ENDED = 11;
const FAILED = 12;

/** Hexadecimal digits of a chunk size: 2^52 - 1 is the largest with thirteen. */
const MAX_SIZE_DIGITS = 13;

/** Sizes with more digits take the slow path: six digits are 16 MiB. */
const PLAIN_SIZE_DIGITS = 6;

/**
 * Framing bytes that are allowed at first; each byte of data allows some more. Without this budget, a gigabyte of
 * extensions around one byte of data takes unbounded processor time (CVE-2024-22019, CVE-2023-39326).
 */
const FRAMING_ALLOWANCE_BYTES = 16_384;

/** A chunk of one byte needs five bytes of framing: a body of such chunks is slow, but no attack. */
const FRAMING_PER_BYTE = 8;

/** Bounds of one chunked body. */
export interface ChunkedLimits {
  readonly maxBodyBytes: number;
  readonly maxHeaderBytes: number;
  /** The largest number of trailer fields. */
  readonly maxFields: number;
}

export class ChunkedDecoder {
  /** The status of the error response when the framing is malformed; 0: none. */
  status = 0;
  problem = '';
  /** Data bytes found so far. */
  received = 0;
  readonly #limits: ChunkedLimits;
  #phase = SIZE;
  #size = 0;
  #digits = 0;
  #extension = EXTENSION_GAP;
  #framingBytes = 0;
  #trailerBytes = 0;
  #trailerText = '';
  readonly #trailers: (readonly [string, string])[] = [];

  constructor(limits: ChunkedLimits) {
    this.#limits = limits;
  }

  /** Whether the last chunk and its trailers have been seen. */
  get ended(): boolean {
    return this.#phase === ENDED;
  }

  /** The trailer fields, names as they were sent; complete once {@link ended}. */
  get trailers(): readonly (readonly [string, string])[] {
    return this.#trailers;
  }

  /**
   * Decodes `bytes[start, end)`, calls `onData` for each span of data, and returns the offset where it stopped. That is
   * the end of the body when it {@link ended}, else `end`; when `status` is set, any offset.
   */
  decode(bytes: Buffer, start: number, end: number, onData: (start: number, end: number) => void): number {
    let at = start;
    while (at < end && this.#phase < ENDED) {
      if (this.#phase === DATA) {
        at = this.#data(at, end, onData);
        continue;
      }
      const next = this.#phase === DATA_CR ? this.#plainLine(bytes, at, end) : at;
      if (next === at) this.#framing(bytes[at++] ?? 0);
      else at = next;
    }
    return at;
  }

  /**
   * Reads the end of a chunk and the size of the next one in one step, if they are complete and have no extension. Byte
   * by byte, a body of tiny chunks costs five times as much.
   * Returns where the data begins, or `at` when nothing was read.
   */
  #plainLine(bytes: Buffer, at: number, end: number): number {
    if (bytes[at] !== CR || bytes[at + 1] !== LF) return at;
    const lastCr = Math.min(at + 2 + PLAIN_SIZE_DIGITS, end - 2);
    let size = 0;
    let to = at + 2;
    for (let digit = 0; to < lastCr; to++) {
      digit = hexadecimal(bytes[to] ?? 0);
      if (digit < 0) break;
      size = size * 16 + digit;
    }
    // The last chunk, which trailers follow, has the size 0.
    if (size === 0 || to > lastCr || bytes[to] !== CR || bytes[to + 1] !== LF) return at;
    this.#size = size;
    this.#countFraming(to + 2 - at);
    if (this.status === 0) this.#beginChunk();
    return to + 2;
  }

  #data(at: number, end: number, onData: (start: number, end: number) => void): number {
    const stop = Math.min(end, at + this.#size);
    this.#size -= stop - at;
    this.received += stop - at;
    if (this.#size === 0) this.#phase = DATA_CR;
    onData(at, stop);
    return stop;
  }

  #framing(byte: number): void {
    this.#countFraming(1);
    if (this.status !== 0) return;
    if (this.#phase >= TRAILER_START) {
      this.#trailer(byte);
    } else {
      this.#chunkLine(byte);
    }
  }

  #countFraming(count: number): void {
    this.#framingBytes += count;
    if (this.#framingBytes > FRAMING_ALLOWANCE_BYTES + this.received * FRAMING_PER_BYTE) {
      this.#fail(400, 'too much chunk framing for the amount of data');
    }
  }

  #chunkLine(byte: number): void {
    switch (this.#phase) {
      case SIZE:
        return this.#sizeByte(byte);
      case EXTENSION:
        this.#extension = nextExtensionState(this.#extension, byte);
        if (this.#extension === EXTENSION_END) this.#phase = SIZE_LF;
        else if (this.#extension === EXTENSION_WRONG) this.#fail(400, 'a chunk extension is malformed');
        return;
      case SIZE_LF:
        if (byte !== LF) this.#fail(400, 'a chunk size is not followed by CRLF');
        else this.#beginChunk();
        return;
      case DATA_CR:
        if (byte === CR) this.#phase = DATA_LF;
        else this.#fail(400, 'a chunk is longer than its size');
        return;
      default:
        if (byte !== LF) this.#fail(400, 'a chunk is not followed by CRLF');
        this.#size = 0;
        this.#digits = 0;
        if (this.status === 0) this.#phase = SIZE;
    }
  }

  #sizeByte(byte: number): void {
    const digit = hexadecimal(byte);
    if (digit >= 0) {
      this.#digits++;
      this.#size = this.#size * 16 + digit;
      if (this.#digits > MAX_SIZE_DIGITS) this.#fail(400, 'a chunk size has too many digits');
    } else if (this.#digits === 0) {
      this.#fail(400, 'a chunk size has no digits');
    } else if (byte === CR) {
      this.#phase = SIZE_LF;
    } else if (byte === 0x3b) {
      this.#beginExtension(EXTENSION_NAME_START);
    } else if (byte === SP || byte === HTAB) {
      this.#beginExtension(EXTENSION_GAP);
    } else {
      this.#fail(400, 'a chunk size is not hexadecimal');
    }
  }

  #beginExtension(state: number): void {
    this.#phase = EXTENSION;
    this.#extension = state;
  }

  #beginChunk(): void {
    if (this.received + this.#size > this.#limits.maxBodyBytes)
      this.#beyond(413, 'the body is too large', 'maxBodyBytes');
    else this.#phase = this.#size === 0 ? TRAILER_START : DATA;
  }

  #trailer(byte: number): void {
    this.#trailerBytes++;
    if (this.#trailerBytes > this.#limits.maxHeaderBytes)
      return this.#beyond(431, 'the trailers are too large', 'maxHeaderBytes');
    switch (this.#phase) {
      case TRAILER_START:
        if (byte === CR) this.#phase = LAST_LF;
        else if (this.#trailers.length === this.#limits.maxFields) this.#beyond(431, 'too many trailers', 'maxFields');
        else if (TOKEN[byte] === 1) this.#collect(byte, TRAILER_NAME);
        else this.#fail(400, 'a trailer name is malformed');
        return;
      case TRAILER_NAME:
        if (TOKEN[byte] === 1) this.#collect(byte, TRAILER_NAME);
        else if (byte === COLON) this.#collect(byte, TRAILER_VALUE);
        else this.#fail(400, 'a trailer name is malformed');
        return;
      case TRAILER_VALUE:
        if (byte === CR) this.#phase = TRAILER_LF;
        else if (FIELD_VALUE[byte] === 1) this.#collect(byte, TRAILER_VALUE);
        else this.#fail(400, 'a trailer value contains a control character');
        return;
      default:
        this.#endLine(byte);
    }
  }

  #collect(byte: number, phase: number): void {
    this.#trailerText += String.fromCharCode(byte);
    this.#phase = phase;
  }

  #endLine(byte: number): void {
    if (byte !== LF) return this.#fail(400, 'a carriage return is not followed by a line feed');
    if (this.#phase === LAST_LF) {
      this.#phase = ENDED;
      return;
    }
    const colon = this.#trailerText.indexOf(':');
    const value = trimBlanks(this.#trailerText.slice(colon + 1));
    this.#trailers.push([this.#trailerText.slice(0, colon), value]);
    this.#trailerText = '';
    this.#phase = TRAILER_START;
  }

  #beyond(status: number, problem: string, limit: keyof ChunkedLimits): void {
    this.#fail(status, limitProblem(problem, limit, this.#limits[limit]));
  }

  #fail(status: number, problem: string): void {
    this.status = status;
    this.problem = problem;
    this.#phase = FAILED;
  }
}

function hexadecimal(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

// The ids of requests, by which their lines in several logs are found: taken from X-Request-Id or traceparent, or given.

import type { HttpRequest } from './handler.ts';

/** Longer ids, and ids of other characters, are not taken: they stand in logs and response fields. */
const TAKEN = /^[\w.:+=/@-]{1,128}$/;

/** W3C Trace Context section 3.2: version, trace id, parent id, flags. */
const TRACE_PARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:$|-)/;
const NO_TRACE = '0'.repeat(32);

const LINE_START = 'X-Request-Id: ';

/** Digits of the counter, and of each of its two halves. */
const COUNTER_DIGITS = 12;
const HALF_DIGITS = 6;
const HALF = 16 ** HALF_DIGITS;

const HEX_DIGITS = Buffer.from('0123456789abcdef', 'latin1');

/** The id of one request. */
export interface RequestId {
  readonly text: string;
  /** Its field line in the response, with CRLF. Valid until the line of another request is read. */
  readonly line: Uint8Array;
}

/** An id that came with its request. */
class GivenId implements RequestId {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  get line(): Uint8Array {
    return Buffer.from(`${LINE_START}${this.text}\r\n`, 'latin1');
  }
}

/** A new id. Most responses need its bytes alone, which cost less than its text. */
class NewId implements RequestId {
  readonly #ids: RequestIds;
  readonly #number: number;

  constructor(ids: RequestIds, number: number) {
    this.#ids = ids;
    this.#number = number;
  }

  get text(): string {
    return this.#ids.textOf(this.#number);
  }

  get line(): Uint8Array {
    return this.#ids.lineOf(this.#number);
  }
}

export class RequestIds {
  readonly #prefix: string;
  /** The line of the last id that was written. */
  readonly #line: Uint8Array;
  readonly #digitsAt: number;
  #next = 0;

  /** `prefix`: twenty hexadecimal digits that no other process has. */
  constructor(prefix: string) {
    this.#prefix = prefix;
    this.#digitsAt = LINE_START.length + prefix.length;
    this.#line = Buffer.from(`${LINE_START}${prefix}${'0'.repeat(COUNTER_DIGITS)}\r\n`, 'latin1');
  }

  /** The id that a proxy or client gave the request; else the trace id of its traceparent; else a new one. */
  of(request: HttpRequest): RequestId {
    const given = request.header('x-request-id');
    if (given !== undefined && TAKEN.test(given)) return new GivenId(given);
    const trace = traceIdOf(request);
    return trace === '' ? new NewId(this, this.#next++) : new GivenId(trace);
  }

  /** As long as a trace id, and of the same digits. */
  textOf(number: number): string {
    return this.#prefix + number.toString(16).padStart(COUNTER_DIGITS, '0');
  }

  lineOf(number: number): Uint8Array {
    // Bit operations are exact for 32 bits alone.
    this.#writeDigits((number / HALF) | 0, this.#digitsAt);
    this.#writeDigits((number % HALF) | 0, this.#digitsAt + HALF_DIGITS);
    return this.#line;
  }

  #writeDigits(half: number, start: number): void {
    let rest = half;
    for (let at = start + HALF_DIGITS - 1; at >= start; at--) {
      this.#line[at] = HEX_DIGITS[rest & 0xf] ?? 0;
      rest >>= 4;
    }
  }
}

/** The trace id of a valid traceparent; empty: there is none. */
export function traceIdOf(request: HttpRequest): string {
  const given = request.header('traceparent');
  const id = given === undefined ? '' : (TRACE_PARENT.exec(given)?.[1] ?? '');
  return id === NO_TRACE ? '' : id;
}

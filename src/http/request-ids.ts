// The ids of requests, by which their lines in several logs are found: taken from X-Request-Id or traceparent, or given.

import type { HttpRequest } from './handler.ts';

/** Longer ids, and ids of other characters, are not taken: they stand in logs and response fields. */
const TAKEN = /^[\w.:+=/@-]{1,128}$/;

/** W3C Trace Context section 3.2: version, trace id, parent id, flags. */
const TRACE_PARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:$|-)/;
const NO_TRACE = '0'.repeat(32);

/** Of the counter: those that change with each request, and the others. */
const LOW_BITS = 16;
const HIGH_DIGITS = 8;

/** All pairs of hexadecimal digits, which cost less than a conversion of each number. */
const PAIRS: readonly string[] = Array.from({ length: 256 }, (_, value) => value.toString(16).padStart(2, '0'));

export class RequestIds {
  readonly #prefix: string;
  #high = 0;
  #low = 0;
  /** The prefix and the digits of {@link #high}. */
  #beginning: string;

  /** `prefix`: twenty hexadecimal digits that no other process has. */
  constructor(prefix: string) {
    this.#prefix = prefix;
    this.#beginning = this.#begin();
  }

  /** The id that a proxy or client gave the request; else the trace id of its traceparent; else a new one. */
  of(request: HttpRequest): string {
    const given = request.header('x-request-id');
    if (given !== undefined && TAKEN.test(given)) return given;
    const trace = traceIdOf(request);
    if (trace !== '') return trace;
    // As long as a trace id, and of the same digits.
    const low = this.#low++;
    const id = `${this.#beginning}${PAIRS[low >> 8]}${PAIRS[low & 0xff]}`;
    if (this.#low === 1 << LOW_BITS) {
      this.#low = 0;
      this.#high++;
      this.#beginning = this.#begin();
    }
    return id;
  }

  #begin(): string {
    return this.#prefix + this.#high.toString(16).padStart(HIGH_DIGITS, '0');
  }
}

/** The trace id of a valid traceparent; empty: there is none. */
export function traceIdOf(request: HttpRequest): string {
  const given = request.header('traceparent');
  const id = given === undefined ? '' : (TRACE_PARENT.exec(given)?.[1] ?? '');
  return id === NO_TRACE ? '' : id;
}

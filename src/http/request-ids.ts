// The ids of requests, by which their lines in several logs are found: taken from X-Request-Id or traceparent, or given.

import type { HttpRequest } from './handler.ts';

/** Longer ids, and ids of other characters, are not taken: they stand in logs and response fields. */
const TAKEN = /^[\w.:+=/@-]{1,128}$/;

/** W3C Trace Context section 3.2: version, trace id, parent id, flags. */
const TRACE_PARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:$|-)/;
const NO_TRACE = '0'.repeat(32);

const COUNTER_DIGITS = 12;

export class RequestIds {
  readonly #prefix: string;
  #counter = 0;

  /** `prefix`: twenty hexadecimal digits that no other process has. */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** The id that a proxy or client gave the request; else the trace id of its traceparent; else a new one. */
  of(request: HttpRequest): string {
    const given = request.header('x-request-id');
    if (given !== undefined && TAKEN.test(given)) return given;
    const trace = traceIdOf(request);
    if (trace !== '') return trace;
    // As long as a trace id, and of the same digits.
    return this.#prefix + (this.#counter++).toString(16).padStart(COUNTER_DIGITS, '0');
  }
}

/** The trace id of a valid traceparent; empty: there is none. */
export function traceIdOf(request: HttpRequest): string {
  const given = request.header('traceparent');
  const id = given === undefined ? '' : (TRACE_PARENT.exec(given)?.[1] ?? '');
  return id === NO_TRACE ? '' : id;
}

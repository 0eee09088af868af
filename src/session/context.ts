// What all sessions of a server share: the handler, the limits, the writer of heads, and spare parsers.

import { type HeadLimits, HeadParser } from '../http/head-parser.ts';
import type { Handler, HttpRequest } from '../http/handler.ts';
import type { HeadWriter } from '../http/response-head.ts';
import type { Limits } from '../limits.ts';
import type { Observer } from './observer.ts';

/** What the sessions of a server counted. */
export interface SessionCounters {
  requests: number;
  /** Requests refused before any handler saw them, with 4xx or 5xx. */
  refused: number;
  /** Handlers that threw, rejected, or broke the rules of an answer. */
  handlerErrors: number;
  /** Requests whose client was gone before the answer ended. */
  aborted: number;
  /** Connections ended because a time was up. */
  timeouts: number;
}

/** Parsers kept for reuse; each holds `maxFields` × 16 bytes. */
const MAX_SPARE_PARSERS = 64;

export class SessionContext {
  readonly handler: Handler;
  readonly limits: Limits;
  readonly headWriter: HeadWriter;
  readonly observer: Observer | null;
  /** Told of everything that a handler did wrong; the request is null when it is not known any more. */
  readonly onError: (error: unknown, request: HttpRequest | null) => void;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  readonly counters: SessionCounters = { requests: 0, refused: 0, handlerErrors: 0, aborted: 0, timeouts: 0 };
  /** The server is closing: every answer is its connection's last. */
  stopping = false;
  readonly #headLimits: HeadLimits;
  readonly #spareParsers: HeadParser[] = [];

  constructor(options: {
    handler: Handler;
    limits: Limits;
    headWriter: HeadWriter;
    observer: Observer | null;
    onError: (error: unknown, request: HttpRequest | null) => void;
    nowMs: () => number;
  }) {
    this.handler = options.handler;
    this.limits = options.limits;
    this.headWriter = options.headWriter;
    this.observer = options.observer;
    this.onError = options.onError;
    this.nowMs = options.nowMs;
    this.#headLimits = options.limits;
  }

  /** A parser at the beginning of a request. */
  takeParser(): HeadParser {
    return this.#spareParsers.pop() ?? new HeadParser(this.#headLimits);
  }

  /** Gives a parser back. */
  returnParser(parser: HeadParser): void {
    parser.reset();
    if (this.#spareParsers.length < MAX_SPARE_PARSERS) this.#spareParsers.push(parser);
  }
}

// What all sessions of a server share: the handler, the limits, the writer of heads, and spare parsers.

import type { Handler, HttpRequest } from '../http/handler.ts';
import { HeadParser } from '../http/head-parser.ts';
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
  readonly #onError: (error: unknown, request: HttpRequest | null) => void;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  readonly counters: SessionCounters = { requests: 0, refused: 0, handlerErrors: 0, aborted: 0, timeouts: 0 };
  /** The server is closing: every answer is its connection's last. */
  stopping = false;
  #parser: HeadParser;
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
    this.#onError = options.onError;
    this.nowMs = options.nowMs;
    this.#parser = new HeadParser(options.limits);
  }

  /** Tells of what a handler did wrong. What the listener throws itself is raised outside the turn. */
  report(error: unknown, request: HttpRequest | null): void {
    try {
      this.#onError(error, request);
    } catch (thrown) {
      process.nextTick(() => {
        throw thrown;
      });
    }
  }

  /** The parser of heads that arrive whole; who needs it for longer takes it with {@link keepParser}. */
  get parser(): HeadParser {
    return this.#parser;
  }

  /** {@link parser} belongs to the caller until {@link returnParser}; another takes its place. */
  keepParser(): HeadParser {
    const kept = this.#parser;
    this.#parser = this.#spareParsers.pop() ?? new HeadParser(this.limits);
    return kept;
  }

  /** Gives a kept parser back. */
  returnParser(parser: HeadParser): void {
    parser.reset();
    if (this.#spareParsers.length < MAX_SPARE_PARSERS) this.#spareParsers.push(parser);
  }
}

// What all sessions of a server share: the handler, the limits, the writer of heads, and spare parsers.

import type { Observer } from '../exchange/observer.ts';
import { INTERNAL_ERROR, sendError } from '../http/error-answer.ts';
import type { Handler, HttpRequest, HttpResponse } from '../http/handler.ts';
import { HeadParser } from '../http/head-parser.ts';
import type { HeadWriter } from '../http/response-head.ts';
import type { Limits } from '../limits.ts';

/** What the sessions of a server counted. */
export interface SessionCounters {
  requests: number;
  /** Requests refused before any handler saw them, with 4xx or 5xx. */
  refused: number;
  /** Handlers that threw, rejected, or broke the rules of an answer. */
  handlerErrors: number;
  /** Requests whose client was gone before the answer ended. */
  aborted: number;
  /** Connections ended because a time was up, for whichever of these reasons. */
  timeouts: number;
  /** No byte came after the connection was accepted. */
  firstByteTimeouts: number;
  /** A request head did not end. */
  headerTimeouts: number;
  /** A request body that was waited for did not come, or too slowly. */
  bodyTimeouts: number;
  /** The client did not take its answer, or too slowly. */
  sendTimeouts: number;
  /** No further request came. */
  keepAliveTimeouts: number;
  /** The client had finished sending, and its answer took too long. */
  halfClosedTimeouts: number;
  /** A handler did not begin its answer. */
  handlerTimeouts: number;
}

/** What a connection waits for: which time runs, and which counter tells that it was up. */
export const WAIT = {
  FIRST_BYTE: 0,
  HEADER: 1,
  BODY: 2,
  KEEP_ALIVE: 3,
  HALF_CLOSED: 4,
  HANDLER: 5,
  SIGNAL: 6,
} as const;

/** The counters of these waits, in their order; the last one ends nothing and has none. */
export const TIMEOUT_COUNTERS = [
  'firstByteTimeouts',
  'headerTimeouts',
  'bodyTimeouts',
  'keepAliveTimeouts',
  'halfClosedTimeouts',
  'handlerTimeouts',
] as const;

/** Parsers kept for reuse; each holds `maxFields` × 16 bytes. */
const MAX_SPARE_PARSERS = 64;

function answerWithPage(_error: unknown, request: HttpRequest, response: HttpResponse): void {
  sendError(request, response, INTERNAL_ERROR);
}

export class SessionContext {
  readonly handler: Handler;
  readonly limits: Limits;
  /** Milliseconds of each wait, in the order of {@link WAIT}. */
  readonly waitsMs: number[];
  readonly headWriter: HeadWriter;
  readonly observer: Observer | null;
  /** Answers a request whose handler failed before it answered. */
  readonly answerFailure: (error: unknown, request: HttpRequest, response: HttpResponse) => void;
  readonly #onError: (error: unknown, request: HttpRequest | null) => void;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  readonly counters: SessionCounters = {
    requests: 0,
    refused: 0,
    handlerErrors: 0,
    aborted: 0,
    timeouts: 0,
    firstByteTimeouts: 0,
    headerTimeouts: 0,
    bodyTimeouts: 0,
    sendTimeouts: 0,
    keepAliveTimeouts: 0,
    halfClosedTimeouts: 0,
    handlerTimeouts: 0,
  };
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
    answerFailure?: SessionContext['answerFailure'] | undefined;
    nowMs: () => number;
  }) {
    this.handler = options.handler;
    const { limits } = options;
    this.limits = limits;
    this.waitsMs = [
      limits.firstByteTimeoutMs,
      limits.headerTimeoutMs,
      limits.bodyTimeoutMs,
      limits.keepAliveTimeoutMs,
      limits.halfClosedTimeoutMs,
      limits.handlerTimeoutMs,
      limits.halfClosedSignalMs,
    ];
    this.headWriter = options.headWriter;
    this.observer = options.observer;
    this.#onError = options.onError;
    this.answerFailure = options.answerFailure ?? answerWithPage;
    this.nowMs = options.nowMs;
    this.#parser = new HeadParser(options.limits);
  }

  /** From now on each answer is its connection's last, and idle connections have `shutdownGraceMs` to ask for it. */
  stop(): void {
    this.stopping = true;
    // 0 would mean for ever.
    const graceMs = Math.max(this.limits.shutdownGraceMs, 1);
    for (const wait of [WAIT.FIRST_BYTE, WAIT.KEEP_ALIVE]) {
      this.waitsMs[wait] = Math.min(this.waitsMs[wait] ?? graceMs, graceMs);
    }
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

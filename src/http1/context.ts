// The state that all HTTP/1 sessions of a server share: handler, limits, head writer and spare parsers.

import type { Channel } from '../connection/channel.ts';
import type { RequestMetrics } from '../exchange/request-metrics.ts';
import type { RequestObserver } from '../exchange/request-observer.ts';
import { INTERNAL_ERROR, sendError } from '../http/error-response.ts';
import type { Handler, HttpRequest, HttpResponse } from '../http/handler.ts';
import { HeadParser } from '../http/head-parser.ts';
import type { HeadRules } from '../http/head-rules.ts';
import type { RequestIds } from '../http/request-ids.ts';
import type { HeadWriter } from '../http/response-head.ts';
import type { KernelMemory } from '../kernel/kernel.ts';
import type { Limits } from '../limits.ts';
import type { Forwarding } from './forwarded-request.ts';
import { ReceivedHeads } from './received-heads.ts';

/** Counts over all sessions of a server. */
export interface SessionCounters {
  requests: number;
  /** Requests rejected with 4xx or 5xx before the handler was called. */
  refused: number;
  /** Handlers that threw, rejected, or sent a malformed response. */
  handlerErrors: number;
  /** Requests whose connection closed before the response ended. */
  aborted: number;
  /** Clients that sent TLS. */
  misdirected: number;
  /** Connections closed by any time-out. The counters below separate them. */
  timeouts: number;
  /** No byte arrived after the connection was accepted. */
  firstByteTimeouts: number;
  /** A request head was not completed in time. */
  headerTimeouts: number;
  /** A request body did not arrive, or arrived too slowly, while a reader waited for it. */
  bodyTimeouts: number;
  /** The client did not receive its response, or received it too slowly. */
  sendTimeouts: number;
  /** No further request arrived on the connection. */
  keepAliveTimeouts: number;
  /** The client had finished sending, and its response took too long. */
  halfClosedTimeouts: number;
  /** A handler did not begin its response in time. */
  handlerTimeouts: number;
  /** Connections that did not begin with a header of the PROXY protocol from a trusted proxy. */
  unproxied: number;
}

/** The events of connections, for a server that shows them to its application, as that of the Node adapter does. */
export interface SessionEvents {
  /** A client has connected. */
  connected(channel: Channel): void;
  /** A request is rejected. True: the listener answers it and closes the connection; no more input is used. */
  refused(channel: Channel, status: number, problem: string): boolean;
  /** A handshake of TLS was not finished, and its connection is closed. `isTimeout`: it took too long. */
  readonly handshakeFailed: (channel: Channel, reason: string, isTimeout: boolean) => void;
}

/** The time-out that runs on a connection. It selects the duration and the counter. */
export const WAIT = {
  FIRST_BYTE: 0,
  HEADER: 1,
  BODY: 2,
  KEEP_ALIVE: 3,
  HALF_CLOSED: 4,
  HANDLER: 5,
  SIGNAL: 6,
} as const;

/** The counter of each {@link WAIT}, by its number. SIGNAL closes nothing and has none. */
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

function noSessions(): SessionCounters {
  return {
    requests: 0,
    refused: 0,
    handlerErrors: 0,
    aborted: 0,
    misdirected: 0,
    timeouts: 0,
    firstByteTimeouts: 0,
    headerTimeouts: 0,
    bodyTimeouts: 0,
    sendTimeouts: 0,
    keepAliveTimeouts: 0,
    halfClosedTimeouts: 0,
    handlerTimeouts: 0,
    unproxied: 0,
  };
}

function answerWithPage(_error: unknown, request: HttpRequest, response: HttpResponse): void {
  sendError(request, response, INTERNAL_ERROR);
}

export class SessionContext {
  readonly handler: Handler;
  readonly limits: Limits;
  /** Milliseconds of each wait, in the order of {@link WAIT}. */
  readonly waitsMs: number[];
  readonly headWriter: HeadWriter;
  readonly observer: RequestObserver | null;
  readonly events: SessionEvents | null;
  /** Null: requests have no ids. */
  readonly requestIds: RequestIds | null;
  /** Null: no proxy is trusted. */
  readonly forwarding: Forwarding | null;
  /** Null: requests are counted, but not measured. */
  readonly metrics: RequestMetrics | null;
  /** Whether the time of requests is needed. */
  readonly isMeasured: boolean;
  /** Responds to a request whose handler failed before it responded. */
  readonly answerFailure: (error: unknown, request: HttpRequest, response: HttpResponse) => void;
  readonly #rules: HeadRules | undefined;
  readonly #onError: (error: unknown, request: HttpRequest | null) => void;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  readonly counters: SessionCounters = noSessions();
  readonly receivedHeads: ReceivedHeads;
  /** The server is closing: every response is the last one of its connection. */
  stopping = false;
  #parser: HeadParser;
  readonly #spareParsers: HeadParser[] = [];

  constructor(options: {
    memory: Pick<KernelMemory, 'input' | 'heads' | 'receiveBytes'>;
    handler: Handler;
    limits: Limits;
    headWriter: HeadWriter;
    observer: RequestObserver | null;
    events?: SessionEvents | null | undefined;
    rules?: HeadRules | undefined;
    metrics?: RequestMetrics | null;
    forwarding?: Forwarding | null;
    requestIds?: RequestIds | null;
    onError: (error: unknown, request: HttpRequest | null) => void;
    answerFailure?: SessionContext['answerFailure'] | undefined;
    nowMs: () => number;
  }) {
    this.receivedHeads = new ReceivedHeads(options.memory);
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
    this.events = options.events ?? null;
    this.metrics = options.metrics ?? null;
    this.forwarding = options.forwarding ?? null;
    this.requestIds = options.requestIds ?? null;
    this.isMeasured = options.observer !== null || this.metrics !== null;
    this.#onError = options.onError;
    this.#rules = options.rules;
    this.answerFailure = options.answerFailure ?? answerWithPage;
    this.nowMs = options.nowMs;
    this.#parser = new HeadParser(options.limits, options.rules);
  }

  /** Makes each response the last one of its connection. Idle connections stay open. */
  drain(): void {
    this.stopping = true;
  }

  /** As {@link drain}; idle connections get `shutdownGraceMs` for a last request. */
  stop(): void {
    this.drain();
    // A time-out of 0 means none.
    const graceMs = Math.max(this.limits.shutdownGraceMs, 1);
    for (const wait of [WAIT.FIRST_BYTE, WAIT.KEEP_ALIVE]) {
      this.waitsMs[wait] = Math.min(this.waitsMs[wait] ?? graceMs, graceMs);
    }
  }

  /** Reports an error of a handler. An error that the listener throws itself is raised outside the turn. */
  report(error: unknown, request: HttpRequest | null): void {
    try {
      this.#onError(error, request);
    } catch (thrown) {
      process.nextTick(() => {
        throw thrown;
      });
    }
  }

  /** The parser for heads that arrive whole. A session that needs it for longer calls {@link keepParser}. */
  get parser(): HeadParser {
    return this.#parser;
  }

  /** Lends {@link parser} to the caller until {@link returnParser}; a spare one replaces it. */
  keepParser(): HeadParser {
    const kept = this.#parser;
    this.#parser = this.#spareParsers.pop() ?? new HeadParser(this.limits, this.#rules);
    return kept;
  }

  /** Takes back a parser that {@link keepParser} lent. */
  returnParser(parser: HeadParser): void {
    parser.reset();
    if (this.#spareParsers.length < MAX_SPARE_PARSERS) this.#spareParsers.push(parser);
  }
}

// The HTTP/1 protocol of one connection: requests and responses in order, one in flight. A malformed request gets its
// error response in that order, and is the last one of the connection.

import type { Channel } from '../connection/channel.ts';
import type { Protocol } from '../connection/protocol.ts';
import { DONE, type HeadParser, INCOMPLETE, WRONG } from '../http/head-parser.ts';
import { limitProblem } from '../http/limit-problem.ts';
import type { LimitName } from '../limits.ts';
import { type SessionContext, TIMEOUT_COUNTERS, WAIT } from './context.ts';
import { Exchange, type ExchangeOwner } from './exchange.ts';
import { proxiedRequest } from './forwarded-request.ts';
import { NOT_FOUND } from './received-heads.ts';
import { writeRefusal } from './refusal.ts';
import { Http1Request } from './request.ts';

const CUT_HEAD = 'the client ended its request head too early';

export class Session implements Protocol, ExchangeOwner {
  readonly channel: Channel;
  readonly context: SessionContext;
  /** The inbox may hold whole requests: reading is paused, not ended. */
  paused = false;
  /** The request in flight; null between requests. */
  #exchange: Exchange | null = null;
  /** The parser of a head that has begun; null between heads. */
  #parser: HeadParser | null = null;
  /** The time-out that is running: one of {@link WAIT}. */
  #awaited: number = WAIT.FIRST_BYTE;
  /** A listener answers the last request, which is malformed: no more input is used. */
  #isRefused = false;
  /** Sent when {@link #isReceiving} looked last. */
  #sentBytes = 0;

  constructor(channel: Channel, context: SessionContext) {
    this.channel = channel;
    this.context = context;
    context.observer?.connected(channel.peer, channel.tls);
    this.await(WAIT.FIRST_BYTE);
    context.events?.connected(channel);
  }

  // ---- Protocol: called by the connection --------------------------------------------------------

  get wantsInput(): boolean {
    if (!this.channel.isOpen || this.#isRefused) return false;
    return this.#exchange === null ? !this.channel.isFull : this.#exchange.wantsInput;
  }

  receive(bytes: Buffer, start: number, end: number): number {
    let at = start;
    let budget = this.context.limits.maxRequestsPerTurn;
    this.paused = false;
    this.context.receivedHeads.begin();
    do {
      if (this.#exchange !== null) {
        at = this.#exchange.receive(bytes, at, end);
      } else if (budget-- === 0) {
        this.#pause();
        break;
      } else {
        const next = this.#receiveHead(bytes, at, end);
        if (next === at) break;
        at = next;
      }
    } while (at < end && this.wantsInput);
    if (this.#exchange === null && at === end) this.await(WAIT.KEEP_ALIVE);
    else if (at < end && this.channel.isFull) this.paused = true;
    return at;
  }

  ended(): void {
    if (this.#exchange !== null) this.#exchange.clientEnded();
    else if (!this.paused && !this.#isCutHeadRefused()) this.channel.finish();
  }

  /** Whether a listener answers a client that has ended within the head of a request. */
  #isCutHeadRefused(): boolean {
    if (this.#parser === null || this.#isRefused) return this.#isRefused;
    this.#isRefused = this.context.events?.refused(this.channel, 400, CUT_HEAD) === true;
    return this.#isRefused;
  }

  ending(): void {
    this.#exchange?.clientEnding();
  }

  drained(): void {
    this.#exchange?.response.settleWaiters();
  }

  expired(): void {
    const { channel } = this;
    if (this.#exchange === null && channel.hasPendingOutput) {
      // A client that still receives its response is not idle: `sendTimeoutMs` bounds it. No request can arrive
      // meanwhile, since the connection is not read.
      this.await(WAIT.KEEP_ALIVE);
      return;
    }
    if (!this.isBusy && this.context.stopping) {
      channel.finish();
      return;
    }
    if (this.#exchange !== null && this.#awaited === WAIT.SIGNAL) {
      this.#exchange.signalHalfClosed();
      return;
    }
    if (this.#exchange !== null && this.#awaited === WAIT.HALF_CLOSED && this.#isReceiving(this.#exchange)) {
      this.await(WAIT.HALF_CLOSED);
      return;
    }
    const { counters } = this.context;
    counters.timeouts++;
    counters[TIMEOUT_COUNTERS[this.#awaited] ?? 'bodyTimeouts']++;
    if (this.#exchange !== null) this.#exchange.expired(this.#awaited);
    else if (this.#isHeadLate) this.#refuseBeyond(408, 'the request head did not arrive in time', 'headerTimeoutMs');
    else channel.finish();
  }

  /** Whether a client that has finished sending receives a response that has begun. `sendTimeoutMs` bounds a slow one. */
  #isReceiving({ response }: Exchange): boolean {
    const [, sent] = this.channel.transferred;
    const hasProgress = sent > this.#sentBytes || this.channel.hasPendingOutput;
    this.#sentBytes = sent;
    return response.started && hasProgress;
  }

  /** Without a byte of a head, only the owner of the events answers the client, as node:http does. */
  get #isHeadLate(): boolean {
    return this.#awaited === WAIT.HEADER || (this.#awaited === WAIT.FIRST_BYTE && this.context.events !== null);
  }

  /** A request may be on its way, so an idle connection closes only after `shutdownGraceMs`. */
  stop(): void {
    if (!this.isBusy && this.channel.isOpen) this.await(WAIT.KEEP_ALIVE);
  }

  refuse(status: number, why: string): void {
    if (this.#exchange !== null) this.#exchange.refuse(status, why);
    else this.#refuse(status, why, null);
  }

  aborted(reason: string, isTimeout: boolean): void {
    if (isTimeout) {
      this.context.counters.timeouts++;
      this.context.counters.sendTimeouts++;
    }
    this.#exchange?.aborted(reason);
  }

  closed(): void {
    if (this.#parser !== null) this.context.returnParser(this.#parser);
    this.#parser = null;
    this.#exchange?.lose('the connection was closed');
    if (this.context.observer === null) return;
    const [received, sent] = this.channel.transferred;
    this.context.observer.disconnected(this.channel.peer, received, sent);
  }

  /** Whether a request, or the head of one, is in progress. */
  get isBusy(): boolean {
    return this.#exchange !== null || this.#parser !== null;
  }

  // ---- ExchangeOwner: called by the exchange ----------------------------------------------------

  await(what: number, ms: number = this.context.waitsMs[what] ?? 0): void {
    this.#awaited = what;
    this.channel.setTimeout(ms);
  }

  exchangeOver(): void {
    this.#exchange = null;
  }

  // ---- Requests ----------------------------------------------------------------------------------

  /** Returns where the head ended, or `start` while it is incomplete or when it was rejected. */
  #receiveHead(bytes: Buffer, start: number, end: number): number {
    const parser = this.#parser ?? this.context.parser;
    let outcome = NOT_FOUND;
    if (this.#parser === null) outcome = this.context.receivedHeads.parse(parser, bytes, start, end);
    if (outcome === NOT_FOUND) outcome = parser.parse(bytes, start, end);
    // The owner of the events decides what a client gets that sends no HTTP.
    if (outcome !== DONE && this.context.events === null && this.#isMisdirected(bytes, start, end)) {
      this.#leaveMisdirected(parser);
      return start;
    }
    if (outcome === INCOMPLETE) {
      if (this.#parser === null) {
        this.#parser = this.context.keepParser();
        this.await(WAIT.HEADER);
      }
      return start;
    }
    const { length } = parser.head;
    try {
      if (outcome === WRONG) this.#refuse(parser.status, parser.problem, null);
      else this.#begin(parser, bytes, start);
    } finally {
      // After an error too, the next head, which may be another client's, must begin afresh.
      if (this.#parser === null) parser.reset();
      else this.context.returnParser(parser);
      this.#parser = null;
    }
    return outcome === WRONG ? start : start + length;
  }

  /** Whether the client begins with TLS. Behind a request, or within TLS, such bytes are a malformed request. */
  #isMisdirected(bytes: Buffer, start: number, end: number): boolean {
    const { channel } = this;
    if (channel.isSecure || !isTls(bytes, start, end)) return false;
    return channel.unsentBytes === 0 && channel.transferred[1] === 0;
  }

  /** A response would be no TLS either. */
  #leaveMisdirected(parser: HeadParser): void {
    if (this.#parser === null) parser.reset();
    this.context.counters.misdirected++;
    this.channel.finish(true);
  }

  #begin({ head }: HeadParser, bytes: Buffer, start: number): void {
    if (head.contentLength > this.context.limits.maxBodyBytes) {
      const { forwarding } = this.context;
      const request =
        forwarding === null
          ? new Http1Request(this.channel, bytes, start, head, null)
          : proxiedRequest(forwarding, this.channel, bytes, start, head, null);
      this.#refuseBeyond(413, 'the body is too large', 'maxBodyBytes', request);
      return;
    }
    const exchange = new Exchange(this, head, bytes, start);
    this.#exchange = exchange;
    exchange.begin();
  }

  #pause(): void {
    this.paused = true;
    this.channel.wake();
  }

  #refuseBeyond(status: number, problem: string, limit: LimitName, request: Http1Request | null = null): void {
    this.#refuse(status, limitProblem(problem, limit, this.context.limits[limit]), request);
  }

  /** Sends an error response and closes the connection. `request`: null when its head is unknown. */
  #refuse(status: number, problem: string, request: Http1Request | null): void {
    const { channel, context } = this;
    if (context.events?.refused(channel, status, problem) === true) {
      this.#isRefused = true;
      return;
    }
    const { contentBytes } = writeRefusal(channel, context, status, problem, request);
    const remote = request === null ? channel.peer : request.remote;
    context.metrics?.refused(status);
    context.observer?.answered({ request, remote, status, contentBytes, durationMs: 0, firstByteMs: 0, problem });
    channel.finish(true);
  }
}

/** The first bytes of a TLS record with a handshake message (RFC 8446 section 5.1). */
const TLS_HANDSHAKE = 0x16;
const TLS_VERSION = 0x03;

function isTls(bytes: Buffer, start: number, end: number): boolean {
  return bytes[start] === TLS_HANDSHAKE && (end - start < 2 || bytes[start + 1] === TLS_VERSION);
}

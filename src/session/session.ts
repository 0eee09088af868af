// One connection's HTTP conversation: requests in, answers out, in order, one in flight. A request that
// cannot be understood is answered in its place in that order, and is the last. It must not know files
// or applications.

import type { Connection } from '../connection/connection.ts';
import type { Protocol } from '../connection/protocol.ts';
import { OPEN } from '../connection/sender.ts';
import { EpollServerError } from '../errors.ts';
import { prepareFields } from '../http/fields.ts';
import { type Head, isHeadRequest } from '../http/head.ts';
import { type HeadParser, INCOMPLETE, WRONG } from '../http/head-parser.ts';
import { reasonPhrase } from '../http/status.ts';
import { Body, type BodyOwner } from './body.ts';
import type { SessionContext } from './context.ts';
import { Request } from './request.ts';
import { Response, type ResponseOwner } from './response.ts';

const PLAIN_TEXT = prepareFields({ 'Content-Type': 'text/plain; charset=utf-8' });
const CONTINUE = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n', 'latin1');

export class Session implements Protocol, BodyOwner, ResponseOwner {
  readonly connection: Connection;
  readonly context: SessionContext;
  /** The parser of a head that has begun; null between heads. */
  #parser: HeadParser | null = null;
  #request: Request | null = null;
  #response: Response | null = null;
  /** No further request is read on this connection. */
  #last = false;
  /** The client waits for 100 Continue before it sends its body. */
  #awaitsContinue = false;
  /** The handler is running: what it finishes is picked up when it returns. */
  #inHandler = false;
  /** Kept bytes may hold whole requests; not ended yet, only paused. */
  #paused = false;
  /** The time of a half-closed client runs. */
  #halfClosed = false;
  #startedMs = 0;

  constructor(connection: Connection, context: SessionContext) {
    this.connection = connection;
    this.context = context;
    context.observer?.connected(connection.peer);
    connection.setTimeout(context.limits.firstByteTimeoutMs);
  }

  // ---- Protocol: what the connection tells ------------------------------------------------------

  get wantsInput(): boolean {
    if (this.connection.state !== OPEN) return false;
    if (this.#request === null) return !this.connection.isFull;
    return this.#request.incoming?.wantsInput === true;
  }

  receive(bytes: Buffer, start: number, end: number): number {
    let at = start;
    let budget = this.context.limits.maxRequestsPerTurn;
    this.#paused = false;
    while (at < end && this.wantsInput) {
      if (this.#request !== null) {
        at = this.#receiveBody(this.#request, bytes, at, end);
      } else if (budget-- === 0) {
        this.#pause();
        break;
      } else {
        const next = this.#receiveHead(bytes, at, end);
        if (next === at) break;
        at = next;
      }
    }
    if (this.#request === null && at === end) this.connection.setTimeout(this.context.limits.keepAliveTimeoutMs);
    else if (at < end && this.connection.isFull) this.#paused = true;
    return at;
  }

  ended(): void {
    if (this.#request === null) {
      if (!this.#paused) this.connection.finish();
      return;
    }
    if (this.#response?.ended === true) {
      // Answered, and the rest of its body will never come.
      this.#endBadly();
      return;
    }
    if (this.#halfClosed) return;
    this.#halfClosed = true;
    const { incoming } = this.#request;
    this.connection.setTimeout(this.context.limits.halfClosedTimeoutMs);
    incoming?.fail(new EpollServerError('ERR_CLIENT_GONE', 'the client ended its request body too early'));
  }

  drained(): void {
    this.#response?.settleWaiters();
  }

  expired(): void {
    this.context.counters.timeouts++;
    if (this.#request === null) {
      if (this.#parser?.begun === true) this.#refuse(408, 'the request head did not arrive in time');
      else this.connection.finish();
    } else if (this.connection.peerEnded) {
      this.connection.abort('the client finished sending and its answer took too long');
    } else if (this.#response?.started === false) {
      this.#refuse(408, 'the request body did not arrive in time');
    } else {
      this.connection.abort('the request body did not arrive in time');
    }
  }

  aborted(reason: string, isTimeout: boolean): void {
    if (isTimeout) this.context.counters.timeouts++;
    if (this.#request === null || this.#response === null) return;
    this.context.counters.aborted++;
    this.#report(this.#request, this.#response, reason);
    this.#loseExchange(reason);
  }

  closed(): void {
    if (this.#parser !== null) this.context.returnParser(this.#parser);
    this.#parser = null;
    this.#loseExchange('the connection was closed');
    if (this.context.observer === null) return;
    const [received, sent] = this.connection.transferred;
    this.context.observer.disconnected(this.connection.peer, received, sent);
  }

  /** The server is closing: idle connections end now, others after their answer. */
  stop(): void {
    if (this.#request === null && this.#parser === null) this.connection.finish();
  }

  // ---- Requests ---------------------------------------------------------------------------------

  /** Returns where the head ended, or `start` while it is incomplete or when it was refused. */
  #receiveHead(bytes: Buffer, start: number, end: number): number {
    const parser = this.#parser ?? this.context.parser;
    const outcome = parser.parse(bytes, start, end);
    if (outcome === INCOMPLETE) {
      if (this.#parser === null) {
        this.#parser = this.context.keepParser();
        this.connection.setTimeout(this.context.limits.headerTimeoutMs);
      }
      return start;
    }
    const { length } = parser.head;
    try {
      if (outcome === WRONG) this.#refuse(parser.status, parser.problem);
      else if (parser.head.contentLength > this.context.limits.maxBodyBytes) this.#refuse(413, 'the body is too large');
      else this.#dispatch(parser.head, bytes, start);
    } finally {
      // Whatever happened: the next head, which may be another client's, begins afresh.
      if (this.#parser === null) parser.reset();
      else this.context.returnParser(parser);
      this.#parser = null;
    }
    return outcome === WRONG ? start : start + length;
  }

  #dispatch(head: Head, bytes: Buffer, start: number): void {
    const { context } = this;
    context.counters.requests++;
    const hasBody = head.chunked || head.contentLength > 0;
    const incoming = hasBody ? new Body(this, head.chunked ? -1 : head.contentLength, context.limits) : null;
    const request = new Request(this.connection, bytes, start, head, incoming);
    const response = new Response(this, isHeadRequest(bytes, start, head), head.minorVersion);
    this.#request = request;
    this.#response = response;
    this.#last = !head.keepAlive;
    this.#awaitsContinue = hasBody && head.expectsContinue && head.minorVersion === 1;
    if (context.observer !== null) {
      this.#startedMs = context.nowMs();
      if (context.observer.wantsHeads) context.observer.requestHead(this.connection.peer, request.headText());
    }
    this.#callHandler(request, response);
  }

  #callHandler(request: Request, response: Response): void {
    this.#inHandler = true;
    try {
      const result = this.context.handler(request, response);
      // A promise, or whatever else has `then`; its getter and itself are the handler's code too.
      if (result !== undefined && typeof result?.then === 'function') {
        request.retain();
        result.then(undefined, (error: unknown) => this.#handlerFailed(error, request, response));
      }
    } catch (error) {
      this.#handlerFailed(error, request, response);
    } finally {
      this.#inHandler = false;
    }
    if (this.#response !== response) return;
    if (response.ended) {
      this.#finishExchange(request, response);
    } else {
      request.retain();
      this.connection.setTimeout(this.connection.peerEnded ? this.context.limits.halfClosedTimeoutMs : 0);
    }
  }

  #receiveBody(request: Request, bytes: Buffer, start: number, end: number): number {
    const { incoming } = request;
    if (incoming === null) return start;
    const at = incoming.receive(bytes, start, end);
    if (incoming.status !== 0) {
      incoming.fail(new EpollServerError('ERR_CLIENT_GONE', incoming.problem));
      if (this.#response?.started === false) this.#refuse(incoming.status, incoming.problem);
      else this.#endBadly();
      return end;
    }
    if (this.#response?.ended === true) this.#afterAnswer(request);
    else if (!this.connection.peerEnded)
      this.connection.setTimeout(incoming.awaited ? this.context.limits.bodyTimeoutMs : 0);
    return at;
  }

  bodyWanted(awaited: boolean): void {
    if (awaited && this.#awaitsContinue && this.#response?.started === false) {
      this.#awaitsContinue = false;
      this.connection.write(CONTINUE);
    }
    if (awaited && !this.connection.peerEnded) this.connection.setTimeout(this.context.limits.bodyTimeoutMs);
    this.connection.wake();
  }

  // ---- Answers ----------------------------------------------------------------------------------

  closesAfter(response: Response): boolean {
    if (response.closeAsked || this.context.stopping) this.#last = true;
    // Whether the body of a request that was answered without 100 Continue follows is unknowable.
    if (this.#awaitsContinue) this.#last = true;
    return this.#last;
  }

  headWritten(target: Buffer, start: number, end: number): void {
    const { observer } = this.context;
    if (observer?.wantsHeads === true) {
      observer.responseHead(this.connection.peer, target.toString('latin1', start, end));
    }
  }

  answered(response: Response): void {
    const request = this.#request;
    if (this.#inHandler || request === null || response !== this.#response) return;
    this.#finishExchange(request, response);
    if (this.#request === null) this.connection.setTimeout(this.context.limits.keepAliveTimeoutMs);
    this.connection.wake();
  }

  #finishExchange(request: Request, response: Response): void {
    this.#report(request, response, '');
    this.#afterAnswer(request);
  }

  /** The answer is given: what is left of the request's body is read away, or ends the connection. */
  #afterAnswer(request: Request): void {
    request.release();
    const { incoming } = request;
    if (incoming !== null && !incoming.complete) {
      this.#discardBody(incoming);
      return;
    }
    this.#request = null;
    this.#response = null;
    if (this.#last || this.context.stopping) this.connection.finish();
  }

  /** Within a bound of bytes, and of time for all of them: more ends the connection. */
  #discardBody(incoming: Body): void {
    const { maxDiscardBytes, bodyTimeoutMs } = this.context.limits;
    if (!incoming.discarding) {
      incoming.discard();
      this.connection.setTimeout(bodyTimeoutMs);
    }
    const tooMuch = (incoming.length ?? 0) > maxDiscardBytes || incoming.discardedBytes > maxDiscardBytes;
    if (this.#last || tooMuch || this.connection.peerEnded) this.#endBadly();
  }

  /** Ends the connection after what was written, though request bytes are or may be left. */
  #endBadly(): void {
    this.#loseExchange('the connection is closing');
    this.connection.finish(true);
  }

  #handlerFailed(error: unknown, request: Request, response: Response): void {
    // Who learns from a rejection that the client left has not failed.
    if (response.gone && error instanceof EpollServerError && error.code === 'ERR_CLIENT_GONE') return;
    this.context.counters.handlerErrors++;
    this.context.report(error, request);
    if (response.ended || response !== this.#response) return;
    if (response.started) this.connection.abort('the handler failed after its answer had begun');
    else response.send(500, PLAIN_TEXT, 'Internal Server Error\n');
  }

  /** Answers what cannot be served, in its place in the order, and ends the connection. */
  #refuse(status: number, problem: string): void {
    const { context, connection } = this;
    context.counters.refused++;
    this.#last = true;
    const response = new Response(this, false, 1);
    const lost = this.#request;
    this.#response?.lose();
    this.#request = null;
    this.#response = null;
    response.send(status, PLAIN_TEXT, `${status} ${reasonPhrase(status)}: ${problem}\n`);
    this.#report(lost, response, problem);
    lost?.clientGone(problem);
    connection.finish(true);
  }

  // ---- Ends -------------------------------------------------------------------------------------

  #pause(): void {
    this.#paused = true;
    this.connection.wake();
  }

  #loseExchange(reason: string): void {
    const [request, response] = [this.#request, this.#response];
    this.#request = null;
    this.#response = null;
    if (response !== null && !response.ended) request?.clientGone(reason);
    else request?.incoming?.discard();
    response?.lose();
  }

  #report(request: Request | null, response: Response, problem: string): void {
    const { observer } = this.context;
    if (observer === null) return;
    const { status, contentBytes } = response;
    const durationMs = request === null ? 0 : this.context.nowMs() - this.#startedMs;
    observer.answered({ request, remote: this.connection.peer, status, contentBytes, durationMs, problem });
  }
}

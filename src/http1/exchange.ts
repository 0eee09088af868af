// The request in flight on one connection and its answer, one at a time: the handler is called, what it
// answers ends the exchange, what it throws is answered for it. It must not know how requests arrive.

import { EpollServerError, messageOf, notAnswered } from '../errors.ts';
import { Body, type BodyOwner } from '../exchange/body.ts';
import { INTERNAL_ERROR, problemAnswer, sendError } from '../http/error-answer.ts';
import { type Head, isHeadRequest } from '../http/head.ts';
import { limitProblem } from '../http/limit-problem.ts';
import type { LimitName } from '../limits.ts';
import { WAIT } from './context.ts';
import { Request } from './request.ts';
import { Response } from './response.ts';
import type { ResponseOwner } from './response-owner.ts';
import { Timed } from './timed.ts';

const CONTINUE = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n', 'latin1');

export abstract class Exchange extends Timed implements BodyOwner, ResponseOwner {
  protected request: Request | null = null;
  protected response: Response | null = null;
  /** No further request is read on this connection. */
  #last = false;
  /** The client waits for 100 Continue before it sends its body. */
  #awaitsContinue = false;
  /** The handler is running: what it finishes is picked up when it returns. */
  #inHandler = false;
  #startedMs = 0;

  // ---- The request ------------------------------------------------------------------------------

  /** Calls the handler with the request whose head lies at `bytes[start]`. */
  protected begin(head: Head, bytes: Buffer, start: number): void {
    const { context } = this;
    context.counters.requests++;
    const hasBody = head.chunked || head.contentLength > 0;
    const incoming = hasBody ? new Body(this, head.chunked ? -1 : head.contentLength, context.limits) : null;
    const request = new Request(this.connection, bytes, start, head, incoming);
    const response = new Response(this, isHeadRequest(bytes, start, head), head.minorVersion);
    this.request = request;
    this.response = response;
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
        result.then(
          () => this.#handlerResolved(request, response),
          (error: unknown) => this.#handlerFailed(error, request, response),
        );
      }
    } catch (error) {
      this.#handlerFailed(error, request, response);
    } finally {
      this.#inHandler = false;
    }
    if (this.response !== response) return;
    if (response.ended) {
      this.#finishExchange(request, response);
    } else {
      request.retain();
      this.awaitAnswer(request, response);
    }
  }

  /**
   * The handler is at work: its time runs until it begins to answer. The client's does, when its body is waited for
   * or it has finished sending.
   */
  protected awaitAnswer(request: Request, { started }: Response): void {
    const { incoming } = request;
    if (this.connection.isEnding) this.awaitHalfClosed(request);
    else if (incoming?.awaited === true) this.awaitBody(incoming);
    else if (started) this.connection.setTimeout(0);
    else this.await(WAIT.HANDLER);
  }

  /** The client has finished sending, or is gone: its handler learns of it first, then the time of its answer is over. */
  protected awaitHalfClosed(request: Request): void {
    const { halfClosedSignalMs, halfClosedTimeoutMs } = this.context.limits;
    const isSignalled = request.hasLeft || halfClosedSignalMs === 0 || halfClosedSignalMs >= halfClosedTimeoutMs;
    this.await(isSignalled ? WAIT.HALF_CLOSED : WAIT.SIGNAL);
  }

  /** The handler may stop its work from now on. What it answers all the same is sent. */
  protected signalHalfClosed(request: Request): void {
    const { halfClosedSignalMs, halfClosedTimeoutMs } = this.context.limits;
    this.await(WAIT.HALF_CLOSED, halfClosedTimeoutMs - halfClosedSignalMs);
    if (this.response?.ended === true) return;
    request.clientLeft(limitProblem('the client has finished sending', 'halfClosedSignalMs', halfClosedSignalMs));
  }

  bodyWanted(awaited: boolean): void {
    if (awaited && this.#awaitsContinue && this.response?.started === false) {
      this.#awaitsContinue = false;
      this.connection.write(CONTINUE);
    }
    const incoming = this.request?.incoming;
    if (awaited && !this.connection.isEnding && incoming != null) this.awaitBody(incoming);
    this.connection.wake();
  }

  // ---- The answer -------------------------------------------------------------------------------

  closesAfter(response: Response): boolean {
    if (response.closeAsked || this.context.stopping) this.#last = true;
    // Whether the body of a request that was answered without 100 Continue follows is unknowable.
    if (this.#awaitsContinue) this.#last = true;
    // A whole answer leaves the rest of the body unread: its client learns at once that it ends the connection.
    const leftBytes = response.isStream ? 0 : (this.request?.incoming?.leftBytes ?? 0);
    if (leftBytes > this.context.limits.maxDiscardBytes) this.#last = true;
    return this.#last;
  }

  headWritten(target: Buffer, start: number, end: number): void {
    if (!this.#inHandler) this.#answerBegan();
    const { observer } = this.context;
    if (observer?.wantsHeads === true) {
      observer.responseHead(this.connection.peer, target.toString('latin1', start, end));
    }
  }

  /** The handler's time is over; the client's goes on. */
  #answerBegan(): void {
    const isAwaited = this.connection.isEnding || this.request?.incoming?.awaited === true;
    if (!isAwaited) this.connection.setTimeout(0);
  }

  answered(response: Response): void {
    const request = this.request;
    if (this.#inHandler || request === null || response !== this.response) return;
    this.#finishExchange(request, response);
    if (this.request === null) this.await(WAIT.KEEP_ALIVE);
    this.connection.resume();
  }

  #finishExchange(request: Request, response: Response): void {
    this.report(request, response, '');
    this.afterAnswer(request);
  }

  /** The answer is given: what is left of the request's body is read away, or ends the connection. */
  protected afterAnswer(request: Request): void {
    request.release();
    const { incoming } = request;
    if (incoming !== null && !incoming.complete) {
      this.#discardBody(incoming);
      return;
    }
    this.request = null;
    this.response = null;
    if (this.#last) this.connection.finish();
  }

  /**
   * Within a bound of time for all of it. Only an answer that said so ends the connection here: after any other, the
   * next request may be on its way, and would be lost. Its head could not know: the length of the body is unknown, or
   * the handler might have read on while it streamed its answer.
   */
  #discardBody(incoming: Body): void {
    if (!incoming.discarding) {
      incoming.discard();
      this.await(WAIT.BODY);
    }
    if (this.#last || this.connection.peerEnded) this.endBadly();
  }

  /** The answer ends in its middle; the whole ones in front of it still reach the client. */
  cutOff(response: Response, reason: string): void {
    if (response !== this.response || this.request === null) return;
    this.context.counters.aborted++;
    this.report(this.request, response, reason);
    this.loseExchange(reason);
    this.connection.finish(true);
  }

  /** Ends the connection after what was written, though request bytes are or may be left. */
  protected endBadly(): void {
    this.loseExchange('the connection is closing');
    this.connection.finish(true);
  }

  /** A handler that returned no promise may answer from a callback; one whose promise resolved is done. */
  #handlerResolved(request: Request, response: Response): void {
    if (response.started || response.ended || response !== this.response) return;
    // A handler that stops its work because its client left has not failed.
    const error: unknown = request.hasLeft ? request.signal.reason : notAnswered(this.context.handler.name);
    this.#handlerFailed(error, request, response);
  }

  #handlerFailed(error: unknown, request: Request, response: Response): void {
    const code = error instanceof EpollServerError ? error.code : null;
    const isCurrent = response === this.response;
    // Who learns from a rejection that the client left, or did not send all it announced, has not failed.
    if (code === 'ERR_CLIENT_GONE' && isCurrent) {
      if (!response.started) this.refuse(400, messageOf(error));
      else response.abort(messageOf(error));
      return;
    }
    if (code === 'ERR_CLIENT_GONE' && response.gone) return;
    if (code === 'ERR_BODY_TOO_LARGE' && isCurrent && !response.started) {
      this.refuse(413, messageOf(error));
      return;
    }
    this.context.counters.handlerErrors++;
    this.context.report(error, request);
    if (response.ended || !isCurrent) return;
    if (response.started) response.abort('the handler failed after its answer had begun');
    else sendError(request, response, INTERNAL_ERROR);
  }

  /** Refuses what goes beyond a limit, and names it. `asked`: as for {@link refuse}. */
  refuseBeyond(status: number, problem: string, limit: LimitName, asked: Request | null = null): void {
    this.refuse(status, limitProblem(problem, limit, this.context.limits[limit]), asked);
  }

  /**
   * Answers what cannot be served, in its place in the order, and ends the connection. `asked`: the request whose head
   * is known, when no handler was given one.
   */
  refuse(status: number, problem: string, asked: Request | null = null): void {
    const { context, connection } = this;
    context.counters.refused++;
    this.#last = true;
    const response = new Response(this, false, 1);
    const lost = this.request;
    if (status === 504) context.report(new EpollServerError('ERR_HANDLER_TIMEOUT', problem), lost);
    this.response?.lose();
    this.#keepForHandler(lost);
    this.request = null;
    this.response = null;
    sendError(lost ?? asked, response, problemAnswer(status, problem));
    this.report(lost, response, problem);
    lost?.clientGone(problem);
    connection.finish(true);
  }

  // ---- Ends -------------------------------------------------------------------------------------

  protected loseExchange(reason: string): void {
    const [request, response] = [this.request, this.response];
    this.#keepForHandler(request);
    this.request = null;
    this.response = null;
    if (response !== null && !response.ended) request?.clientGone(reason);
    else request?.incoming?.discard();
    response?.lose();
  }

  /** A handler that is running may go on with its lost request when the bytes are another client's. */
  #keepForHandler(lost: Request | null): void {
    if (this.#inHandler) lost?.retain();
  }

  protected report(request: Request | null, response: Response, problem: string): void {
    const { observer } = this.context;
    if (observer === null) return;
    const { status, contentBytes } = response;
    const durationMs = request === null ? 0 : this.context.nowMs() - this.#startedMs;
    observer.answered({ request, remote: this.connection.peer, status, contentBytes, durationMs, problem });
  }
}

// One request and its response: the handler is called, what it answers ends the exchange, and what it throws is answered
// for it.

import type { Channel, ProtocolFactory } from '../connection/channel.ts';
import { EpollServerError, messageOf, notAnswered } from '../errors.ts';
import { Body, type BodyOwner } from '../exchange/body.ts';
import { BODY_UNREAD } from '../exchange/misuse.ts';
import type { PrecompiledFields } from '../http/fields.ts';
import { type Head, isHeadRequest } from '../http/head.ts';
import { limitProblem } from '../http/limit-problem.ts';
import { upgradeProblem } from '../http/upgrade.ts';
import type { LimitName } from '../limits.ts';
import { type SessionContext, WAIT } from './context.ts';
import { writeRefusal } from './refusal.ts';
import { Http1Request } from './request.ts';
import { Http1Response, type ResponseOwner } from './response.ts';
import { TracedProtocol } from './traced-protocol.ts';

const CONTINUE_STATUS = 100;
const CONTINUE = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n', 'latin1');

/** What an exchange asks of its session. */
export interface ExchangeOwner {
  readonly channel: Channel;
  readonly context: SessionContext;
  /** The time of `what`, one of {@link WAIT}, begins now: `ms`, or as the limits say. */
  await(what: number, ms?: number): void;
  /** The exchange has ended: the next request may begin. */
  exchangeOver(): void;
}

export class Exchange implements BodyOwner, ResponseOwner {
  readonly channel: Channel;
  readonly context: SessionContext;
  readonly request: Http1Request;
  readonly response: Http1Response;
  readonly #owner: ExchangeOwner;
  /** The session has left it: what its handler still does has no effect. */
  #isOver = false;
  /** No further request is read on this connection. */
  #isLast: boolean;
  /** The client waits for 100 Continue before it sends its body. */
  #awaitsContinue: boolean;
  /** The handler is running: what it finishes is picked up when it returns. */
  #inHandler = false;
  /** The time of a client that finished sending runs. */
  #isHalfClosed = false;
  #startedMs = 0;

  /** For the request whose head lies at `bytes[start]`. */
  constructor(owner: ExchangeOwner, head: Head, bytes: Buffer, start: number) {
    const { channel, context } = owner;
    this.#owner = owner;
    this.channel = channel;
    this.context = context;
    const hasBody = head.chunked || head.contentLength > 0;
    const incoming = hasBody ? new Body(this, head.chunked ? -1 : head.contentLength, context.limits) : null;
    this.request = new Http1Request(channel, bytes, start, head, incoming);
    this.response = new Http1Response(this, isHeadRequest(bytes, start, head), head.minorVersion);
    this.#isLast = !head.keepAlive;
    this.#awaitsContinue = hasBody && head.expectsContinue && head.minorVersion === 1;
  }

  // ---- The handler ------------------------------------------------------------------------------

  /** Calls the handler. */
  begin(): void {
    const { context, request } = this;
    context.counters.requests++;
    if (context.observer !== null) {
      this.#startedMs = context.nowMs();
      if (context.observer.wantsHeads) context.observer.requestHead(this.channel.peer, request.headText());
    }
    this.#callHandler();
    if (this.#isOver) return;
    if (this.response.ended) {
      this.#finish();
    } else {
      request.retain();
      this.#awaitAnswer();
    }
  }

  #callHandler(): void {
    const { request } = this;
    this.#inHandler = true;
    try {
      const result = this.context.handler(request, this.response);
      // A promise, or whatever else has `then`; its getter and itself are the handler's code too.
      if (result !== undefined && typeof result?.then === 'function') {
        request.retain();
        result.then(
          () => this.#handlerResolved(),
          (error: unknown) => this.#handlerFailed(error),
        );
      }
    } catch (error) {
      this.#handlerFailed(error);
    } finally {
      this.#inHandler = false;
    }
  }

  /** A handler that returned no promise may answer from a callback; one whose promise resolved is done. */
  #handlerResolved(): void {
    const { request, response } = this;
    if (response.started || response.ended || this.#isOver) return;
    // A handler that stops its work because its client left has not failed.
    const error: unknown = request.hasLeft ? request.signal.reason : notAnswered(this.context.handler.name);
    this.#handlerFailed(error);
  }

  #handlerFailed(error: unknown): void {
    const { request, response, context } = this;
    const code = error instanceof EpollServerError ? error.code : null;
    const isCurrent = !this.#isOver;
    // A rejection because the client left, or did not send all it announced, is no failure of the handler.
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
    context.counters.handlerErrors++;
    context.report(error, request);
    if (response.ended || !isCurrent) return;
    if (response.started) {
      response.abort('the handler failed after its answer had begun');
      return;
    }
    response.reasonPhrase = undefined;
    context.answerFailure(error, request, response);
  }

  // ---- The request's body -----------------------------------------------------------------------

  get wantsInput(): boolean {
    return this.request.incoming?.wantsInput === true;
  }

  /** Takes bytes of the body; returns where it stopped. */
  receive(bytes: Buffer, start: number, end: number): number {
    const { incoming } = this.request;
    if (incoming === null) return start;
    const wasAwaited = incoming.awaited;
    const at = incoming.receive(bytes, start, end);
    if (incoming.status !== 0) {
      incoming.fail(new EpollServerError('ERR_CLIENT_GONE', incoming.problem));
      if (!this.response.started) this.refuse(incoming.status, incoming.problem);
      else this.#endBadly();
      return end;
    }
    if (this.response.ended) this.#afterAnswer();
    else if (wasAwaited && !this.channel.isEnding) this.#bodyProgressed(incoming, at - start);
    if (wasAwaited && !incoming.awaited && !this.response.ended) this.#awaitAnswer();
    return at;
  }

  bodyWanted(awaited: boolean): void {
    const { incoming } = this.request;
    if (this.#isOver) return;
    if (awaited && this.#awaitsContinue && !this.response.started) {
      this.#awaitsContinue = false;
      this.channel.write(CONTINUE);
    }
    if (awaited && !this.channel.isEnding && incoming !== null) this.#awaitBody(incoming);
    this.channel.wake();
  }

  /** A reader waits for the client from now on, which has what is left of its patience. */
  #awaitBody(incoming: Body): void {
    this.#owner.await(WAIT.BODY, incoming.waitMs(this.context.nowMs()));
  }

  /** `bytes` of an awaited body came: the client has earned time, or no reader waits for it any more. */
  #bodyProgressed(incoming: Body, bytes: number): void {
    const leftMs = incoming.progressMs(this.context.nowMs(), bytes);
    this.channel.setTimeout(incoming.awaited ? leftMs : 0);
  }

  /**
   * Within a bound of time for all of it. Only a response that said so ends the connection here: after any other, the
   * next request may be on its way, and would be lost. Its head could not know: the length of the body is unknown, or
   * the handler might have read on while it streamed its response.
   */
  #discardBody(incoming: Body): void {
    if (!incoming.discarding) {
      incoming.discard();
      this.#owner.await(WAIT.BODY);
    }
    if (this.#isLast || this.channel.peerEnded) this.#endBadly();
  }

  // ---- Time -------------------------------------------------------------------------------------

  /**
   * The handler is at work: its time runs until it begins to answer. The client's does, when its body is waited for or
   * it has finished sending.
   */
  #awaitAnswer(): void {
    const { incoming } = this.request;
    if (this.channel.isEnding) this.#awaitHalfClosed();
    else if (incoming?.awaited === true) this.#awaitBody(incoming);
    else if (this.response.started) this.channel.setTimeout(0);
    else this.#owner.await(WAIT.HANDLER);
  }

  /** The client has finished sending, or is gone: its handler learns of it first, then the time of its response is over. */
  #awaitHalfClosed(): void {
    const { halfClosedSignalMs, halfClosedTimeoutMs } = this.context.limits;
    const isSignalled = this.request.hasLeft || halfClosedSignalMs === 0 || halfClosedSignalMs >= halfClosedTimeoutMs;
    this.#owner.await(isSignalled ? WAIT.HALF_CLOSED : WAIT.SIGNAL);
  }

  /** The handler may stop its work from now on. What it answers all the same is sent. */
  signalHalfClosed(): void {
    const { halfClosedSignalMs, halfClosedTimeoutMs } = this.context.limits;
    this.#owner.await(WAIT.HALF_CLOSED, halfClosedTimeoutMs - halfClosedSignalMs);
    if (this.response.ended) return;
    this.request.clientLeft(limitProblem('the client has finished sending', 'halfClosedSignalMs', halfClosedSignalMs));
  }

  /** The time of `awaited`, one of {@link WAIT}, is over. */
  expired(awaited: number): void {
    const { channel, response } = this;
    if (channel.isEnding) channel.abort('the client finished sending and its answer took too long');
    // The response was sent: only the rest of a body that is not read did not come.
    else if (response.ended) this.#endBadly();
    else if (awaited === WAIT.HANDLER)
      this.#refuseBeyond(504, 'the handler did not begin its answer in time', 'handlerTimeoutMs');
    else if (!response.started) this.#refuseBeyond(408, 'the request body did not arrive in time', 'bodyTimeoutMs');
    else channel.abort('the request body did not arrive in time');
  }

  // ---- The response -----------------------------------------------------------------------------

  closesAfter(response: Http1Response): boolean {
    if (response.closeAsked || this.context.stopping) this.#isLast = true;
    // Whether the body of a request that was answered without 100 Continue follows is unknowable.
    if (this.#awaitsContinue) this.#isLast = true;
    // A whole response leaves the rest of the body unread: its client learns at once that it ends the connection.
    const leftBytes = response.isStream ? 0 : (this.request.incoming?.leftBytes ?? 0);
    if (leftBytes > this.context.limits.maxDiscardBytes) this.#isLast = true;
    return this.#isLast;
  }

  headWritten(target: Buffer, start: number, end: number): void {
    if (!this.#inHandler && !this.#isOver) this.#answerBegan();
    const { observer } = this.context;
    if (observer?.wantsHeads === true) {
      observer.responseHead(this.channel.peer, target.toString('latin1', start, end));
    }
  }

  informed(status: number, head: Buffer): void {
    if (status === CONTINUE_STATUS) this.#awaitsContinue = false;
    const { observer } = this.context;
    if (observer?.wantsHeads === true) observer.responseHead(this.channel.peer, head.toString('latin1'));
  }

  /** The handler's time is over; the client's goes on. */
  #answerBegan(): void {
    const isAwaited = this.channel.isEnding || this.request.incoming?.awaited === true;
    if (!isAwaited) this.channel.setTimeout(0);
  }

  answered(): void {
    if (this.#inHandler || this.#isOver) return;
    this.#finish();
    if (this.#isOver) this.#owner.await(WAIT.KEEP_ALIVE);
    this.channel.resume();
  }

  #finish(): void {
    this.#report('');
    this.#afterAnswer();
  }

  /** The response is complete: what is left of the request's body is read away, or ends the connection. */
  #afterAnswer(): void {
    const { request } = this;
    request.release();
    if (request.incoming !== null && !request.incoming.complete) {
      this.#discardBody(request.incoming);
      return;
    }
    this.#over();
    if (this.#isLast) this.channel.finish();
  }

  /** The response ends in its middle; the whole ones in front of it still reach the client. */
  cutOff(reason: string): void {
    if (this.#isOver) return;
    this.context.counters.aborted++;
    this.#report(reason);
    this.lose(reason);
    this.channel.finish(true);
  }

  // ---- Another protocol -------------------------------------------------------------------------

  upgradeProblem(fields: PrecompiledFields): string {
    const { request } = this;
    if (request.incoming !== null && !request.incoming.complete) return BODY_UNREAD;
    return upgradeProblem(request, fields);
  }

  /** The session keeps this exchange, and therefore uses no more bytes: they are the new protocol's. */
  upgraded(make: ProtocolFactory): void {
    const { channel, context, request, response } = this;
    request.retain();
    this.#isOver = true;
    const { observer } = context;
    let isMade = false;
    channel.speak((to) => {
      const protocol = make(to);
      isMade = true;
      // Where the connection was closed meanwhile, the session has traced its end.
      return observer?.wantsHeads === true && !response.gone ? new TracedProtocol(protocol, to, observer) : protocol;
    });
    this.#report(isMade ? '' : 'the protocol that the connection changed to has failed');
  }

  // ---- Ends -------------------------------------------------------------------------------------

  /** The client finished sending, and all that it sent is used. */
  clientEnded(): void {
    if (this.response.ended) {
      // The response was sent, and the rest of the request's body will never come.
      this.#endBadly();
      return;
    }
    this.clientEnding();
    this.request.incoming?.fail(new EpollServerError('ERR_CLIENT_GONE', 'the client ended its request body too early'));
  }

  /** The response must not take for ever: a client that is gone for good looks like this too. */
  clientEnding(): void {
    if (this.#isHalfClosed) return;
    this.#isHalfClosed = true;
    this.#awaitHalfClosed();
  }

  /** The connection is gone. */
  aborted(reason: string): void {
    if (this.#isOver) return;
    // While the rest of a body is discarded, the response has been reported and the head of its request released.
    if (this.request.incoming?.discarding !== true) {
      this.context.counters.aborted++;
      this.#report(reason);
    }
    this.lose(reason);
  }

  /** Says `problem` with `status` in place of the handler's response, and ends the connection. */
  refuse(status: number, problem: string): void {
    const { context, channel, request, response } = this;
    this.#isLast = true;
    if (status === 504) context.report(new EpollServerError('ERR_HANDLER_TIMEOUT', problem), request);
    response.lose();
    this.#keepForHandler();
    this.#over();
    const { contentBytes } = writeRefusal(channel, context, status, problem, request);
    this.#report(problem, status, contentBytes);
    request.clientGone(problem);
    channel.finish(true);
  }

  #refuseBeyond(status: number, problem: string, limit: LimitName): void {
    this.refuse(status, limitProblem(problem, limit, this.context.limits[limit]));
  }

  /** Ends the connection after what was written, though request bytes are or may be left. */
  #endBadly(): void {
    this.lose('the connection is closing');
    this.channel.finish(true);
  }

  /** The client will not get the response: the handler learns why. */
  lose(reason: string): void {
    const { request, response } = this;
    this.#keepForHandler();
    this.#over();
    if (!response.ended) request.clientGone(reason);
    else request.incoming?.discard();
    response.lose();
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#owner.exchangeOver();
  }

  /** A handler that is running may go on with its lost request when the bytes are another client's. */
  #keepForHandler(): void {
    if (this.#inHandler) this.request.retain();
  }

  #report(problem: string, status = this.response.status, contentBytes = this.response.contentBytes): void {
    const { observer } = this.context;
    if (observer === null) return;
    const durationMs = this.context.nowMs() - this.#startedMs;
    observer.answered({ request: this.request, remote: this.channel.peer, status, contentBytes, durationMs, problem });
  }
}

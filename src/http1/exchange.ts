// One HTTP/1 request and its response: calls the handler, runs its time-outs, and responds when the handler fails.

import type { Channel, ProtocolFactory } from '../connection/channel.ts';
import { EpollServerError, messageOf, notAnswered } from '../errors.ts';
import { Body, type BodyOwner } from '../exchange/body.ts';
import { BODY_UNREAD } from '../exchange/misuse.ts';
import type { PrecompiledFields } from '../http/fields.ts';
import { type Head, isHeadRequest } from '../http/head.ts';
import { limitProblem } from '../http/limit-problem.ts';
import type { RequestIds } from '../http/request-ids.ts';
import { upgradeProblem } from '../http/upgrade.ts';
import type { LimitName } from '../limits.ts';
import { type SessionContext, WAIT } from './context.ts';
import { proxiedRequest } from './forwarded-request.ts';
import { writeRefusal } from './refusal.ts';
import { Http1Request } from './request.ts';
import { Http1Response, type ResponseOwner } from './response.ts';
import { TracedProtocol } from './traced-protocol.ts';

const CONTINUE_STATUS = 100;
const CONTINUE = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n', 'latin1');

const CUT_BODY = 'the client ended its request body too early';

/** The services that a session provides to its exchange. */
export interface ExchangeOwner {
  readonly channel: Channel;
  readonly context: SessionContext;
  /** Starts the time-out `what`, one of {@link WAIT}, with `ms` or the duration of the limits. */
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
  /** The session has dropped this exchange: further calls of its handler have no effect. */
  #isOver = false;
  /** No further request is read on this connection. */
  #isLast: boolean;
  /** The client waits for 100 Continue before it sends its body. */
  #awaitsContinue: boolean;
  /** The handler is running. A response that it completes is handled when it returns. */
  #inHandler = false;
  /** The time-out for a client that has finished sending is running. */
  #isHalfClosed = false;
  #startedMs = 0;
  /** From the start to the head of the response; 0: it has not begun. */
  #firstByteMs = 0;

  /** For the request whose head lies at `bytes[start]`. */
  constructor(owner: ExchangeOwner, head: Head, bytes: Buffer, start: number) {
    const { channel, context } = owner;
    this.#owner = owner;
    this.channel = channel;
    this.context = context;
    const hasBody = head.chunked || head.contentLength > 0;
    const incoming = hasBody ? new Body(this, head.chunked ? -1 : head.contentLength, context.limits) : null;
    const { forwarding } = context;
    this.request =
      forwarding === null
        ? new Http1Request(channel, bytes, start, head, incoming)
        : proxiedRequest(forwarding, channel, bytes, start, head, incoming);
    this.response = new Http1Response(this, isHeadRequest(bytes, start, head), head.minorVersion);
    this.#isLast = !head.keepAlive;
    this.#awaitsContinue = hasBody && head.expectsContinue && head.minorVersion === 1;
  }

  // ---- The handler ------------------------------------------------------------------------------

  begin(): void {
    const { context, request } = this;
    context.counters.requests++;
    if (context.requestIds !== null) this.#identify(context.requestIds);
    if (context.isMeasured) {
      this.#startedMs = context.nowMs();
      if (context.observer?.wantsHeads === true) context.observer.requestHead(this.channel.peer, request.headText());
    }
    this.#callHandler();
    if (this.#isOver) return;
    if (this.response.ended) {
      this.#finish();
    } else {
      request.retain();
      this.#awaitResponse();
    }
  }

  #identify(requestIds: RequestIds): void {
    const { request, response } = this;
    request.requestId = requestIds.of(request);
    response.requestId = request.requestId;
  }

  #callHandler(): void {
    const { request } = this;
    this.#inHandler = true;
    try {
      const result = this.context.handler(request, this.response);
      // Any object with `then` counts as a promise. Its getter and `then` itself run code of the handler.
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

  /** A handler without a promise may respond from a callback. A handler whose promise resolved must have responded. */
  #handlerResolved(): void {
    const { request, response } = this;
    if (response.started || response.ended || this.#isOver) return;
    // A handler that stops its work because the client has left did not fail.
    const error: unknown = request.hasLeft ? request.signal.reason : notAnswered(this.context.handler.name);
    this.#handlerFailed(error);
  }

  #handlerFailed(error: unknown): void {
    const { request, response, context } = this;
    const code = error instanceof EpollServerError ? error.code : null;
    const isCurrent = !this.#isOver;
    // A rejection is no failure of the handler when the client left, or sent less than it announced.
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
      response.abort('the handler failed after its response had begun');
      return;
    }
    response.reasonPhrase = undefined;
    context.answerFailure(error, request, response);
  }

  // ---- The request's body -----------------------------------------------------------------------

  get wantsInput(): boolean {
    return this.request.incoming?.wantsInput === true;
  }

  /** Passes bytes to the body; returns the offset of the first unused byte. */
  receive(bytes: Buffer, start: number, end: number): number {
    const { incoming } = this.request;
    if (incoming === null) return start;
    const wasAwaited = incoming.awaited;
    const at = incoming.receive(bytes, start, end);
    if (incoming.status !== 0) {
      incoming.fail(new EpollServerError('ERR_CLIENT_GONE', incoming.problem));
      if (!this.response.started) this.refuse(incoming.status, incoming.problem);
      else this.#closeEarly();
      return end;
    }
    if (this.response.ended) this.#afterResponse();
    else if (wasAwaited && !this.channel.isEnding) this.#bodyProgressed(incoming, at - start);
    if (wasAwaited && !incoming.awaited && !this.response.ended) this.#awaitResponse();
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

  get #bodyTimeoutMs(): number {
    return this.context.waitsMs[WAIT.BODY] ?? 0;
  }

  /** A reader waits for the body: the time-out is what the minimum rate leaves to the client. */
  #awaitBody(incoming: Body): void {
    this.#owner.await(WAIT.BODY, incoming.waitMs(this.context.nowMs(), this.#bodyTimeoutMs));
  }

  /** `bytes` of an awaited body arrived: extends the time-out, or stops it when no reader waits any more. */
  #bodyProgressed(incoming: Body, bytes: number): void {
    const leftMs = incoming.progressMs(this.context.nowMs(), this.#bodyTimeoutMs, bytes);
    this.channel.setTimeout(incoming.awaited ? leftMs : 0);
  }

  /**
   * Discards the rest of the body within one `bodyTimeoutMs`. The connection is closed here only if the response
   * announced it. Otherwise the next request may be on its way, and would be lost. The response head could not always
   * announce it: the length of the body may be unknown, or the handler may have read on while it streamed its response.
   */
  #discardBody(incoming: Body): void {
    if (!incoming.discarding) {
      incoming.discard();
      this.#owner.await(WAIT.BODY);
    }
    if (this.#isLast || this.channel.peerEnded) this.#closeEarly();
  }

  // ---- Time -------------------------------------------------------------------------------------

  /**
   * Starts the time-out of the handler, which runs until it begins to respond. While the body is awaited, or the client
   * has finished sending, the time-out of the client runs instead.
   */
  #awaitResponse(): void {
    const { incoming } = this.request;
    if (this.channel.isEnding) this.#awaitHalfClosed();
    else if (incoming?.awaited === true) this.#awaitBody(incoming);
    else if (this.response.started) this.channel.setTimeout(0);
    else this.#owner.await(WAIT.HANDLER);
  }

  /** The client has finished sending, or is gone. First the handler gets a signal; later the response times out. */
  #awaitHalfClosed(): void {
    const { halfClosedSignalMs, halfClosedTimeoutMs } = this.context.limits;
    const isSignalled = this.request.hasLeft || halfClosedSignalMs === 0 || halfClosedSignalMs >= halfClosedTimeoutMs;
    this.#owner.await(isSignalled ? WAIT.HALF_CLOSED : WAIT.SIGNAL);
  }

  /** Aborts the signal of the request, so that the handler may stop. A response that it sends all the same is sent. */
  signalHalfClosed(): void {
    const { halfClosedSignalMs, halfClosedTimeoutMs } = this.context.limits;
    this.#owner.await(WAIT.HALF_CLOSED, halfClosedTimeoutMs - halfClosedSignalMs);
    if (this.response.ended) return;
    this.request.clientLeft(limitProblem('the client has finished sending', 'halfClosedSignalMs', halfClosedSignalMs));
  }

  /** The time-out `awaited`, one of {@link WAIT}, has expired. */
  expired(awaited: number): void {
    const { channel, response } = this;
    if (channel.isEnding) channel.abort('the client finished sending and its response took too long');
    // The response was sent: only the rest of an unread body did not arrive.
    else if (response.ended) this.#closeEarly();
    else if (awaited === WAIT.HANDLER) this.#handlerLate();
    else if (!response.started) this.#refuseBeyond(408, 'the request body did not arrive in time', 'bodyTimeoutMs');
    else channel.abort('the request body did not arrive in time');
  }

  #handlerLate(): void {
    this.request.handlerLate();
    if (this.response.started || this.response.ended) return;
    this.#refuseBeyond(504, 'the handler did not begin its response in time', 'handlerTimeoutMs');
  }

  // ---- The response -----------------------------------------------------------------------------

  closesAfter(response: Http1Response): boolean {
    this.#isLast = this.mayCloseAfter(response);
    return this.#isLast;
  }

  mayCloseAfter(response: Http1Response): boolean {
    if (this.#isLast || response.closeAsked || this.context.stopping) return true;
    // Without 100 Continue, the server cannot know whether the body follows (RFC 9110 section 10.1.1).
    if (this.#awaitsContinue) return true;
    // A whole response leaves the rest of the body unread, so its head can announce the close.
    const leftBytes = response.isStream ? 0 : (this.request.incoming?.leftBytes ?? 0);
    return leftBytes > this.context.limits.maxDiscardBytes;
  }

  get isLast(): boolean {
    return this.#isLast || this.context.stopping;
  }

  headWritten(target: Buffer, start: number, end: number): void {
    if (!this.#inHandler && !this.#isOver) this.#answerBegan();
    const { observer } = this.context;
    if (observer !== null) this.#firstByteMs = this.context.nowMs() - this.#startedMs;
    if (observer?.wantsHeads === true) {
      observer.responseHead(this.channel.peer, target.toString('latin1', start, end));
    }
  }

  informed(status: number, head: Buffer): void {
    if (status === CONTINUE_STATUS) this.#awaitsContinue = false;
    const { observer } = this.context;
    if (observer?.wantsHeads === true) observer.responseHead(this.channel.peer, head.toString('latin1'));
  }

  /** Stops the time-out of the handler; the time-outs of the client go on. */
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
    this.#afterResponse();
  }

  /** The response is complete: discards the rest of the request body, or closes the connection. */
  #afterResponse(): void {
    const { request } = this;
    request.release();
    if (request.incoming !== null && !request.incoming.complete) {
      this.#discardBody(request.incoming);
      return;
    }
    this.#over();
    if (this.#isLast) this.channel.finish();
  }

  /** Ends the response in its middle. Whole responses in front of it still reach the client. */
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

  /** The session keeps this exchange, so it uses no further bytes: they belong to the new protocol. */
  upgraded(make: ProtocolFactory): void {
    // The connection may have failed while the head was written.
    if (this.#isOver) return;
    const { channel, context, request, response } = this;
    request.retain();
    this.#isOver = true;
    const { observer } = context;
    let isMade = false;
    channel.speak((to) => {
      const protocol = make(to);
      isMade = true;
      // If the connection was closed meanwhile, the session has traced its end.
      return observer?.wantsHeads === true && !response.gone ? new TracedProtocol(protocol, to, observer) : protocol;
    });
    this.#report(isMade ? '' : 'the protocol that the connection changed to has failed');
  }

  // ---- Ends -------------------------------------------------------------------------------------

  /** The client finished sending, and all bytes that it sent are used. */
  clientEnded(): void {
    if (this.response.ended) {
      // The response was sent, and the rest of the request body will never arrive.
      this.#closeEarly();
      return;
    }
    this.clientEnding();
    const { incoming } = this.request;
    const isCut = incoming !== null && !incoming.complete && !incoming.hasFailed;
    incoming?.fail(new EpollServerError('ERR_CLIENT_GONE', CUT_BODY));
    if (isCut && this.context.events?.refused(this.channel, 400, CUT_BODY) === true) return;
    this.request.clientEnded();
  }

  /** Bounds the time of the response: a client that is gone for good looks like this too. */
  clientEnding(): void {
    if (this.#isHalfClosed) return;
    this.#isHalfClosed = true;
    this.#awaitHalfClosed();
  }

  aborted(reason: string): void {
    if (this.#isOver) return;
    // While the rest of a body is discarded, the response has been reported and the head of its request released.
    if (this.request.incoming?.discarding !== true) {
      this.context.counters.aborted++;
      this.#report(reason);
    }
    this.lose(reason);
  }

  /** Sends `status` with `problem` in place of the handler's response, and closes the connection. */
  refuse(status: number, problem: string): void {
    const { context, channel, request, response } = this;
    this.#isLast = true;
    if (context.events?.refused(channel, status, problem) === true) return;
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

  /** Closes the connection after pending output, even if request bytes are unread. */
  #closeEarly(): void {
    this.lose('the connection is closing');
    this.channel.finish(true);
  }

  /** Drops the response and passes `reason` to the handler. */
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

  /** A running handler may go on with its dropped request after the bytes are reused for another client. */
  #keepForHandler(): void {
    if (this.#inHandler) this.request.retain();
  }

  #report(problem: string, status = this.response.status, contentBytes = this.response.contentBytes): void {
    if (!this.context.isMeasured) return;
    const { observer, metrics } = this.context;
    metrics?.answered(this.request.servedBy, status, this.#startedMs);
    if (observer === null) return;
    const durationMs = this.context.nowMs() - this.#startedMs;
    const { request } = this;
    const { remote } = request;
    const firstByteMs = this.#firstByteMs;
    observer.answered({ request, remote, status, contentBytes, durationMs, firstByteMs, problem });
  }
}

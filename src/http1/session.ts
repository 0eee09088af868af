// One connection's HTTP conversation: requests in, answers out, in order, one in flight. A request that
// cannot be understood is answered in its place in that order, and is the last. It must not know files
// or applications.

import type { Connection } from '../connection/connection.ts';
import type { Protocol } from '../connection/protocol.ts';
import { OPEN } from '../connection/sender.ts';
import { EpollServerError } from '../errors.ts';
import { type HeadParser, INCOMPLETE, WRONG } from '../http/head-parser.ts';
import { type SessionContext, WAIT } from './context.ts';
import { Exchange } from './exchange.ts';
import { Request } from './request.ts';

export class Session extends Exchange implements Protocol {
  /** The parser of a head that has begun; null between heads. */
  #parser: HeadParser | null = null;
  /** Kept bytes may hold whole requests; not ended yet, only paused. */
  paused = false;
  /** The time of a half-closed client runs. */
  #halfClosed = false;

  constructor(connection: Connection, context: SessionContext) {
    super(connection, context);
    context.observer?.connected(connection.peer);
    this.await(WAIT.FIRST_BYTE);
  }

  // ---- Protocol: what the connection tells ------------------------------------------------------

  get wantsInput(): boolean {
    if (this.connection.state !== OPEN) return false;
    if (this.request === null) return !this.connection.isFull;
    return this.request.incoming?.wantsInput === true;
  }

  receive(bytes: Buffer, start: number, end: number): number {
    let at = start;
    let budget = this.context.limits.maxRequestsPerTurn;
    this.paused = false;
    do {
      if (this.request !== null) {
        at = this.#receiveBody(this.request, bytes, at, end);
      } else if (budget-- === 0) {
        this.#pause();
        break;
      } else {
        const next = this.#receiveHead(bytes, at, end);
        if (next === at) break;
        at = next;
      }
    } while (at < end && this.wantsInput);
    if (this.request === null && at === end) this.await(WAIT.KEEP_ALIVE);
    else if (at < end && this.connection.isFull) this.paused = true;
    return at;
  }

  ended(): void {
    if (this.request === null) {
      if (!this.paused) this.connection.finish();
      return;
    }
    if (this.response?.ended === true) {
      // Answered, and the rest of its body will never come.
      this.endBadly();
      return;
    }
    this.ending();
    this.request.incoming?.fail(new EpollServerError('ERR_CLIENT_GONE', 'the client ended its request body too early'));
  }

  /** Its answer must not take for ever: who is gone for good looks like this too. */
  ending(): void {
    if (this.#halfClosed || this.request === null) return;
    this.#halfClosed = true;
    this.awaitHalfClosed(this.request);
  }

  drained(): void {
    this.response?.settleWaiters();
  }

  expired(): void {
    if (this.request === null && this.connection.owes) {
      // Nobody is idle who still takes an answer, and what is not read cannot arrive; `sendTimeoutMs` runs.
      this.await(WAIT.KEEP_ALIVE);
      return;
    }
    if (!this.isBusy && this.context.stopping) {
      this.connection.finish();
      return;
    }
    if (this.request !== null && this.awaits(WAIT.SIGNAL)) {
      this.signalHalfClosed(this.request);
      return;
    }
    const awaited = this.countTimeout();
    if (this.request === null) {
      if (awaited === WAIT.HEADER) this.refuseBeyond(408, 'the request head did not arrive in time', 'headerTimeoutMs');
      else this.connection.finish();
    } else if (this.connection.isEnding) {
      this.connection.abort('the client finished sending and its answer took too long');
    } else if (this.response?.ended === true) {
      // The answer was given: only the rest of a body that nobody reads did not come.
      this.endBadly();
    } else if (awaited === WAIT.HANDLER) {
      this.refuseBeyond(504, 'the handler did not begin its answer in time', 'handlerTimeoutMs');
    } else if (this.response?.started === false) {
      this.refuseBeyond(408, 'the request body did not arrive in time', 'bodyTimeoutMs');
    } else {
      this.connection.abort('the request body did not arrive in time');
    }
  }

  aborted(reason: string, isTimeout: boolean): void {
    if (isTimeout) this.countSendTimeout();
    if (this.request === null || this.response === null) return;
    // While the rest of a body is discarded, the answer has been reported and the head of its request released.
    if (this.request.incoming?.discarding !== true) {
      this.context.counters.aborted++;
      this.report(this.request, this.response, reason);
    }
    this.loseExchange(reason);
  }

  closed(): void {
    if (this.#parser !== null) this.context.returnParser(this.#parser);
    this.#parser = null;
    this.loseExchange('the connection was closed');
    if (this.context.observer === null) return;
    const [received, sent] = this.connection.transferred;
    this.context.observer.disconnected(this.connection.peer, received, sent);
  }

  /** A request is under way, or the head of one. */
  get isBusy(): boolean {
    return this.request !== null || this.#parser !== null;
  }

  /** The server is closing. A request may be on its way, so an idle connection ends only after a short wait. */
  stop(): void {
    if (!this.isBusy && this.connection.state === OPEN) this.await(WAIT.KEEP_ALIVE);
  }

  // ---- Requests ---------------------------------------------------------------------------------

  /** Returns where the head ended, or `start` while it is incomplete or when it was refused. */
  #receiveHead(bytes: Buffer, start: number, end: number): number {
    const parser = this.#parser ?? this.context.parser;
    const outcome = parser.parse(bytes, start, end);
    if (outcome === INCOMPLETE) {
      if (this.#parser === null) {
        this.#parser = this.context.keepParser();
        this.await(WAIT.HEADER);
      }
      return start;
    }
    const { length } = parser.head;
    try {
      if (outcome === WRONG) this.refuse(parser.status, parser.problem);
      else if (parser.head.contentLength > this.context.limits.maxBodyBytes) {
        const asked = new Request(this.connection, bytes, start, parser.head, null);
        this.refuseBeyond(413, 'the body is too large', 'maxBodyBytes', asked);
      } else this.begin(parser.head, bytes, start);
    } finally {
      // Whatever happened: the next head, which may be another client's, begins afresh.
      if (this.#parser === null) parser.reset();
      else this.context.returnParser(parser);
      this.#parser = null;
    }
    return outcome === WRONG ? start : start + length;
  }

  #receiveBody(request: Request, bytes: Buffer, start: number, end: number): number {
    const { incoming } = request;
    if (incoming === null) return start;
    const wasAwaited = incoming.awaited;
    const at = incoming.receive(bytes, start, end);
    if (incoming.status !== 0) {
      incoming.fail(new EpollServerError('ERR_CLIENT_GONE', incoming.problem));
      if (this.response?.started === false) this.refuse(incoming.status, incoming.problem);
      else this.endBadly();
      return end;
    }
    if (this.response?.ended === true) this.afterAnswer(request);
    else if (wasAwaited && !this.connection.isEnding) this.bodyProgressed(incoming, at - start);
    if (wasAwaited && !incoming.awaited && this.response?.ended === false) this.awaitAnswer(request, this.response);
    return at;
  }

  #pause(): void {
    this.paused = true;
    this.connection.wake();
  }
}

// One client's bytes: received within a budget, kept while they cannot be used, and closed without losing
// the last answer (sending is Sender's). It must not know HTTP.

import { EAGAIN, EINTR } from '../kernel/errno.ts';
import { FAILED, HANGUP, READABLE, type SocketAddress, WRITABLE } from '../kernel/kernel.ts';
import { Inbox } from './inbox.ts';
import type { Protocol } from './protocol.ts';
import { CLOSED, FINISHING, LINGERING, OPEN, Sender } from './sender.ts';

export class Connection extends Sender {
  /** Set right after construction by whoever accepted it. */
  protocol: Protocol | null = null;
  /** The client finished sending. */
  peerEnded = false;
  /** The kernel may have more bytes: no EAGAIN or short read came since the last event. */
  #mayReceive = false;
  /** HANGUP or FAILED was reported: only the end itself, not a short read, says that all was read. */
  #hungUp = false;
  /** Request bytes will be left unread: the close must linger. */
  #unread = false;
  #inbox: Inbox | null = null;
  #timeoutTick = 0;
  #lingeredBytes = 0;

  get peer(): SocketAddress {
    return this.context.kernel.peer(this.fd);
  }

  get local(): SocketAddress {
    return this.context.kernel.local(this.fd);
  }

  /** Bytes that passed so far: received, sent. */
  get transferred(): readonly [number, number] {
    return this.context.kernel.transferred(this.fd);
  }

  // ---- The turn ---------------------------------------------------------------------------------

  serve(): void {
    const { stage } = this.context;
    stage.owner = this;
    stage.used = 0;
    const readiness = this.readiness;
    this.readiness = 0;
    if ((readiness & READABLE) !== 0) this.#mayReceive = true;
    if ((readiness & (HANGUP | FAILED)) !== 0) this.#hungUp = true;
    if (this.owes) this.flushOutbox();
    if (this.state === OPEN) this.#offerInput((readiness & FAILED) !== 0);
    else if (this.state === LINGERING) this.#discard();
    if (stage.used > 0) this.flushStage();
    if (this.state === FINISHING && !this.owes) this.#endOutput();
    stage.owner = null;
  }

  /** Kept bytes first, then one receive: that is the budget of a turn. */
  #offerInput(failed: boolean): void {
    const protocol = this.#protocol();
    if (this.#inbox !== null && protocol.wantsInput) this.#offerInbox(this.#inbox, protocol);
    if (this.#mayReceive && this.state === OPEN && (failed || this.#shouldReceive(protocol))) {
      this.#receive(protocol, failed);
      if (this.#mayReceive && this.state === OPEN && this.#shouldReceive(protocol)) this.wake();
    }
    if (this.peerEnded && this.state === OPEN) protocol.ended();
  }

  /**
   * Unwanted input stays in the kernel, which makes the client wait. The end of a client that hung up is
   * looked for all the same, as far as one receive of kept bytes goes: a waiting handler's time runs.
   */
  #shouldReceive(protocol: Protocol): boolean {
    if (protocol.wantsInput && !this.isFull) return true;
    return this.#hungUp && this.#inbox === null && !this.peerEnded;
  }

  #receive(protocol: Protocol, failed: boolean): void {
    const { kernel } = this.context;
    const { input } = kernel;
    const count = kernel.recv(this.fd, 0, input.length);
    if (count > 0) {
      if (count < input.length && !this.#hungUp) this.#mayReceive = false;
      this.#take(protocol, input, count);
    } else if (count === 0 && !failed) {
      this.#mayReceive = false;
      this.peerEnded = true;
    } else if (count === EAGAIN) {
      this.#mayReceive = false;
    } else if (count === EINTR) {
      this.wake();
    } else {
      this.abort('the client reset the connection');
    }
  }

  #take(protocol: Protocol, input: Buffer, count: number): void {
    if (this.#inbox !== null) {
      this.#inbox.append(input, 0, count);
      if (protocol.wantsInput) this.#offerInbox(this.#inbox, protocol);
      return;
    }
    const used = protocol.wantsInput ? protocol.receive(input, 0, count) : 0;
    if (used === count) return;
    if (this.state === OPEN) this.#inbox = new Inbox(input, used, count);
    else this.#unread = true;
  }

  #offerInbox(inbox: Inbox, protocol: Protocol): void {
    inbox.start = protocol.receive(inbox.buffer, inbox.start, inbox.end);
    if (inbox.length === 0) this.#inbox = null;
  }

  protected override drained(): void {
    if (this.state === OPEN) this.#protocol().drained();
  }

  // ---- Time -------------------------------------------------------------------------------------

  /** Calls `Protocol.expired` after `ms`; 0 takes that back. */
  setTimeout(ms: number): void {
    this.#timeoutTick = ms === 0 ? 0 : this.context.reactor.tickAfter(ms);
    this.updateDeadline();
  }

  protected override updateDeadline(): void {
    const timeout = this.#timeoutTick;
    const send = this.sendTick;
    const isTimeoutFirst = send === 0 || (timeout !== 0 && timeout < send);
    this.context.reactor.setDeadline(this, isTimeoutFirst ? timeout : send);
  }

  expire(): void {
    const { reactor } = this.context;
    const nowTick = reactor.tickAfter(0);
    // WRITABLE comes when a third of the send buffer is free; a slow client may have made room before.
    if (this.#isDue(this.sendTick, nowTick)) this.flushOutbox();
    if (this.state === CLOSED) return;
    if (this.state === LINGERING) this.#close();
    else if (this.#isDue(this.sendTick, nowTick)) this.abort('the client did not take its answer in time', true);
    else if (this.#isDue(this.#timeoutTick, nowTick)) this.#expireProtocol();
    if (this.state !== CLOSED && this.deadlineTick === 0) this.updateDeadline();
  }

  #isDue(tick: number, nowTick: number): boolean {
    return tick !== 0 && tick <= nowTick;
  }

  /** The protocol may answer now; the next turn sends it. */
  #expireProtocol(): void {
    this.#timeoutTick = 0;
    this.#protocol().expired();
    if (this.state !== CLOSED) this.wake();
  }

  // ---- The end ----------------------------------------------------------------------------------

  /**
   * Closes once everything written has been sent. Request bytes that are left unread would make the
   * kernel answer with RST and destroy the last answer on its way (RFC 9112 section 9.6): then, or when
   * the caller knows that more may come (`unread`), the connection lingers.
   */
  finish(unread = false): void {
    if (this.state !== OPEN) return;
    this.state = FINISHING;
    this.#unread ||= unread;
    this.#timeoutTick = 0;
    this.wake();
  }

  /** Ends at once: unsent bytes are lost, the protocol is told. */
  override abort(reason: string, isTimeout = false): void {
    if (this.state === CLOSED) return;
    const told = this.state === OPEN;
    this.context.kernel.reset(this.fd);
    this.state = CLOSED;
    if (told) this.#protocol().aborted(reason, isTimeout);
    this.#bury();
  }

  /** All was sent: close, or linger while the client may still be sending. */
  #endOutput(): void {
    const unread = this.#unread || this.#inbox !== null || this.#mayReceive;
    this.#inbox = null;
    if (this.peerEnded || !unread) {
      this.#close();
      return;
    }
    const { kernel, lingerTimeoutMs } = this.context;
    if (kernel.shutdown(this.fd) < 0) {
      this.#close();
      return;
    }
    this.state = LINGERING;
    this.setTimeout(lingerTimeoutMs);
    this.#mayReceive = true;
    this.wake();
  }

  /** Reads away what a lingering client still sends, within a bound. */
  #discard(): void {
    if (!this.#mayReceive) return;
    const { kernel, maxLingerBytes } = this.context;
    const count = kernel.recv(this.fd, 0, kernel.input.length);
    if (count === EAGAIN) {
      this.#mayReceive = false;
      return;
    }
    this.#lingeredBytes += Math.max(count, 0);
    if ((count <= 0 && count !== EINTR) || this.#lingeredBytes > maxLingerBytes) this.#close();
    else this.wake();
  }

  #close(): void {
    if (this.state === CLOSED) return;
    this.state = CLOSED;
    this.#bury();
  }

  #bury(): void {
    this.#inbox = null;
    this.dropOutput();
    this.#protocol().closed();
    this.context.onClosed(this);
    this.context.reactor.bury(this);
  }

  #protocol(): Protocol {
    if (this.protocol === null) throw new Error('epoll-server: broken invariant: a connection has a protocol');
    return this.protocol;
  }
}

/** The interest with which every connection is registered, once. */
export const CONNECTION_INTEREST: number = READABLE | WRITABLE;

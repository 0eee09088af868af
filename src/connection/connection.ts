// One client's bytes: received within a budget, kept while they cannot be used, and closed without losing
// the last answer (sending is Sender's). It must not know HTTP.

import { assert } from '../errors.ts';
import { EAGAIN, EINTR } from '../kernel/errno.ts';
import {
  EVENT_PREFETCHED,
  EVENT_WORDS,
  FAILED,
  HANGUP,
  type Kernel,
  PREFETCH,
  PREFETCH_BYTES,
  READABLE,
  type SocketAddress,
  WRITABLE,
} from '../kernel/kernel.ts';
import { Inbox } from './inbox.ts';
import type { Protocol } from './protocol.ts';
import { CLOSED, FINISHING, LINGERING, OPEN, Sender } from './sender.ts';

/** Unwanted bytes of one connection that are kept where only the end behind them shows that its client left. */
const MAX_PEEKED_BYTES = 65_536;

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
  #prefetches = true;
  #timeoutTick = 0;
  #lingeredBytes = 0;
  #lingerEndTick = 0;
  #peer: SocketAddress | null = null;
  #local: SocketAddress | null = null;

  /** The client's address. */
  get peer(): SocketAddress {
    if (this.#peer === null) {
      this.#assertOpen();
      this.#peer = Object.freeze(this.context.kernel.peer(this.fd));
    }
    return this.#peer;
  }

  /** The client finished sending, or left: bytes that it sent before may still be unread. */
  get isEnding(): boolean {
    return this.peerEnded || this.#hungUp;
  }

  /** The address that the client connected to. */
  get local(): SocketAddress {
    if (this.#local === null) {
      this.#assertOpen();
      this.#local = this.context.localAddress ?? Object.freeze(this.context.kernel.local(this.fd));
    }
    return this.#local;
  }

  /**
   * Looks both addresses up while the connection is open. The kernel's table is keyed by descriptor number, and after
   * the close that number is the next client's.
   */
  captureAddresses(): void {
    if (this.#peer !== null && this.#local !== null) return;
    void this.peer;
    void this.local;
  }

  /** Bytes that passed so far: received, sent. */
  get transferred(): readonly [number, number] {
    this.#assertOpen();
    return this.context.kernel.transferred(this.fd);
  }

  // ---- The turn ---------------------------------------------------------------------------------

  serve(): void {
    const { sendBatch } = this.context;
    // Taken before anything can throw: in a later turn it would name another client's bytes.
    const prefetchIndex = this.takePrefetchIndex();
    sendBatch.begin(this);
    const { readiness } = this;
    this.readiness = 0;
    if ((readiness & READABLE) !== 0) this.#mayReceive = true;
    if ((readiness & (HANGUP | FAILED)) !== 0) this.#hungUp = true;
    if (this.owes) this.flushOutbox();
    if (this.state === OPEN) this.#offerInput((readiness & FAILED) !== 0, prefetchIndex);
    else if (this.state !== CLOSED) this.#discard(prefetchIndex);
    const isBatched = sendBatch.used > sendBatch.start;
    sendBatch.end();
    if (this.state === FINISHING && !isBatched && !this.owes) this.outputSent();
  }

  /** Kept bytes, prefetched ones, then one receive: that is the budget of a turn. */
  #offerInput(failed: boolean, prefetchIndex: number): void {
    const protocol = this.#protocol();
    if (this.#inbox !== null && protocol.wantsInput) this.#offerInbox(this.#inbox, protocol);
    if (prefetchIndex >= 0) this.#takePrefetched(protocol, prefetchIndex);
    if (this.#mayReceive && this.state === OPEN && (failed || this.#shouldReceive(protocol))) {
      // A blocking descriptor is asked before anything more is received.
      if (this.context.isBlocking === true && prefetchIndex >= 0) {
        this.#receiveLater();
      } else {
        const { kernel } = this.context;
        const room = Math.min(kernel.receiveBytes, this.#wants(protocol) ? Infinity : this.#peekBytes);
        const count = kernel.recv(this.fd, 0, room);
        this.#received(protocol, kernel.input, 0, count, count === room, failed);
        if (this.#mayReceive && this.state === OPEN && this.#shouldReceive(protocol)) this.#receiveLater();
      }
    }
    if (this.state !== OPEN) return;
    if (this.peerEnded) protocol.ended();
    else if (this.isEnding) protocol.ending();
  }

  /** What `wait` received for the event of that index, wanted or not. */
  #takePrefetched(protocol: Protocol, index: number): void {
    const { kernel } = this.context;
    const count = prefetchedCount(kernel, index);
    const start = kernel.receiveBytes + index * PREFETCH_BYTES;
    this.#received(protocol, kernel.input, start, count, count === PREFETCH_BYTES, false);
  }

  #wants(protocol: Protocol): boolean {
    return protocol.wantsInput && !protocol.paused && !this.isFull;
  }

  /**
   * Unwanted input stays in the kernel, which makes the client wait. The end of a client that hung up is
   * looked for all the same, as far as one receive of kept bytes goes: a waiting handler's time runs. A back end that
   * does not report it finds it behind what the client sent before.
   */
  #shouldReceive(protocol: Protocol): boolean {
    if (this.#wants(protocol)) return true;
    if (this.peerEnded) return false;
    if (this.#inbox === null) return this.#hungUp || !this.context.kernel.traits.seesHangup;
    return !this.#hungUp && !this.context.kernel.traits.seesHangup && this.#peekBytes > 0;
  }

  /** Unwanted bytes that may still be received for what is behind them. */
  get #peekBytes(): number {
    return MAX_PEEKED_BYTES - (this.#inbox?.length ?? 0);
  }

  /** Input that had to wait is looked at in the next turn, if there is any. */
  resume(): void {
    if (this.#inbox !== null || this.#mayReceive || this.isEnding) this.wake();
  }

  /** There may be more. A blocking descriptor is asked first: receiving from it could wait for ever. */
  #receiveLater(): void {
    this.#mayReceive = this.context.isBlocking !== true;
    if (this.#mayReceive) this.wake();
    else this.context.kernel.rearm(this.fd, READABLE);
  }

  /** A receive returned `count`, into `bytes` from `start` on, of which it filled all room or not. */
  #received(protocol: Protocol, bytes: Buffer, start: number, count: number, filled: boolean, failed: boolean): void {
    if (count > 0) {
      if (!filled && !this.#hungUp) this.#mayReceive = false;
      this.#take(protocol, bytes, start, start + count);
    } else if (count === 0 && !failed) {
      // What came in front of the end is offered first; the end is received again behind it.
      const isOffered = this.#inbox === null || this.#wants(protocol);
      this.#mayReceive = !isOffered;
      if (isOffered) this.peerEnded = true;
      else this.#hungUp = true;
    } else if (count === EAGAIN) {
      this.#mayReceive = false;
    } else if (count === EINTR) {
      this.wake();
    } else {
      this.abort('the client reset the connection');
    }
  }

  #take(protocol: Protocol, bytes: Buffer, start: number, end: number): void {
    if (this.#inbox !== null) {
      this.#inbox.append(bytes, start, end);
      if (protocol.wantsInput && !protocol.paused) this.#offerInbox(this.#inbox, protocol);
    } else {
      const used = protocol.wantsInput ? protocol.receive(bytes, start, end) : start;
      if (used === end) return;
      if (this.state === OPEN) this.#inbox = new Inbox(bytes, used, end);
      else this.#unread = true;
    }
    if (this.#inbox !== null && (!protocol.wantsInput || protocol.paused)) this.#prefetch(false);
  }

  /** Whether the kernel receives by itself: not while what was received waits. */
  #prefetch(on: boolean): void {
    if (this.#prefetches === on) return;
    this.#prefetches = on;
    this.context.kernel.prefetch(this.fd, on ? 1 : 0);
  }

  #offerInbox(inbox: Inbox, protocol: Protocol): void {
    inbox.start = protocol.receive(inbox.buffer, inbox.start, inbox.end);
    if (inbox.length > 0) return;
    this.#inbox = null;
    this.#prefetch(true);
  }

  protected override drained(): void {
    if (this.state === OPEN) this.#protocol().drained();
  }

  // ---- Time -------------------------------------------------------------------------------------

  /** Calls `Protocol.expired` after `ms`; 0 takes that back. */
  setTimeout(ms: number): void {
    const tick = ms === 0 ? 0 : this.context.reactor.tickAfter(ms);
    if (tick === this.#timeoutTick) return;
    this.#timeoutTick = tick;
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
    if (this.#isDue(this.sendTick, nowTick)) this.#flushLate();
    if (this.state === CLOSED) return;
    if (this.state === LINGERING) this.#close();
    else if (this.#isDue(this.sendTick, nowTick) && !this.takes())
      this.abort('the client did not take its answer in time', true);
    else if (this.#isDue(this.#timeoutTick, nowTick)) this.#expireProtocol();
    if (this.state !== CLOSED && this.deadlineTick === 0) this.updateDeadline();
  }

  /** What is sent outside a serving may let requests go on that wait for room, and no event will say so. */
  #flushLate(): void {
    this.flushOutbox();
    if (this.state !== CLOSED && !this.isFull) this.wake();
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
  protected override outputSent(): void {
    const unread = this.#unread || this.#inbox !== null || this.#mayReceive;
    this.#inbox = null;
    if (this.peerEnded || !unread) {
      this.#close();
      return;
    }
    const { kernel, reactor, maxLingerMs } = this.context;
    if (kernel.shutdown(this.fd) < 0) {
      this.#close();
      return;
    }
    this.state = LINGERING;
    this.#lingerEndTick = reactor.tickAfter(maxLingerMs);
    this.#extendLinger();
    // Input is discarded from now on: large receives cost less than prefetches.
    this.#prefetch(false);
    this.#receiveLater();
    this.context.onLingering(this);
  }

  /** A client that goes on sending has time to see its answer, but not for ever. */
  #extendLinger(): void {
    this.#timeoutTick = Math.min(this.context.reactor.tickAfter(this.context.lingerTimeoutMs), this.#lingerEndTick);
    this.updateDeadline();
  }

  /** Other connections need its place. */
  endLinger(): void {
    if (this.state === LINGERING) this.#close();
  }

  /** Ends at once, and by FIN where nothing is cut off: an idle connection, or one whose last answer was sent. */
  end(reason: string): void {
    if (this.owes || this.#protocol().isBusy) this.abort(reason);
    else this.#close();
  }

  /**
   * What a client still sends to a connection that is ending is thrown away, one receive a turn: bytes that close(2)
   * finds unread make the kernel send RST. It is read while the answer is still owed, too, because a client may read
   * the answer only after it has sent everything.
   */
  #discard(prefetchIndex: number): void {
    const isPrefetched = prefetchIndex >= 0;
    if (!isPrefetched && !this.#mayReceive) return;
    const { kernel } = this.context;
    const room = isPrefetched ? PREFETCH_BYTES : kernel.receiveBytes;
    const count = isPrefetched ? prefetchedCount(kernel, prefetchIndex) : kernel.recv(this.fd, 0, room);
    if (count > 0) {
      this.#discarded(count, room);
    } else if (count === EINTR) {
      this.#receiveLater();
    } else {
      this.#mayReceive = false;
      if (count === 0) this.peerEnded = true;
      if (count !== EAGAIN && (count < 0 || this.state === LINGERING)) this.#close();
    }
  }

  #discarded(count: number, room: number): void {
    this.#unread = true;
    if (count < room && !this.#hungUp) this.#mayReceive = false;
    if (this.state === LINGERING) {
      const { maxLingerBytes } = this.context;
      this.#lingeredBytes += count;
      if (maxLingerBytes > 0 && this.#lingeredBytes > maxLingerBytes) {
        this.#close();
        return;
      }
      this.#extendLinger();
    }
    if (this.#mayReceive) this.#receiveLater();
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

  #assertOpen(): void {
    assert(!this.buried, 'the kernel is asked about a connection while it is open');
  }

  #protocol(): Protocol {
    assert(this.protocol !== null, 'a connection has a protocol');
    return this.protocol;
  }
}

/** What `wait` received for the event of that index: the count, 0 at the end, or -errno. */
function prefetchedCount(kernel: Kernel, index: number): number {
  return kernel.events[index * EVENT_WORDS + EVENT_PREFETCHED] ?? EAGAIN;
}

/** The interest with which every connection is registered, once. */
export const CONNECTION_INTEREST: number = READABLE | WRITABLE | PREFETCH;

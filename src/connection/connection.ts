// The connection of one client: receives bytes within a budget, passes them to a protocol, and closes without losing a
// response. Its Output sends.

import { assert, EpollServerError, messageOf } from '../errors.ts';
import { EAGAIN, EINTR, EPROTO } from '../kernel/errno.ts';
import {
  EVENT_PREFETCHED,
  EVENT_WORDS,
  FAILED,
  HANGUP,
  type Kernel,
  type NegotiatedTls,
  PREFETCH,
  PREFETCH_BYTES,
  READABLE,
  type SocketAddress,
  WRITABLE,
} from '../kernel/kernel.ts';
import { Deadline, type DeadlineOwner } from '../reactor/deadline.ts';
import { Source } from '../reactor/source.ts';
import type { Channel, ChannelAttachment, ProtocolFactory } from './channel.ts';
import type { ConnectionContext, Encryption } from './context.ts';
import { TLS_FAILURE } from './handshake.ts';
import { Inbox } from './inbox.ts';
import { Linger } from './linger.ts';
import { type FileSendCallback, Output, type OutputOwner } from './output.ts';
import type { Protocol } from './protocol.ts';

/** open -> finishing (no more input is used) -> lingering (FIN sent, input discarded) -> closed. */
export const OPEN = 0;
export const FINISHING = 1;
export const LINGERING = 2;
export const CLOSED = 3;

/** The interest with which every connection is registered, once. */
export const CONNECTION_INTEREST: number = READABLE | WRITABLE | PREFETCH;

/** Bytes kept although the protocol does not want them: on some back ends only a receive behind them finds the end. */
const MAX_PEEKED_BYTES = 65_536;

/** Protocols that may follow each other without using a byte. */
const MAX_SWITCHES = 8;

/** In place before the first protocol, and after one that failed. */
const SILENT_PROTOCOL: Protocol = {
  wantsInput: false,
  paused: false,
  isBusy: true,
  receive: (_bytes, _start, end) => end,
  ending: () => {},
  ended: () => {},
  drained: () => {},
  expired: () => {},
  stop: () => {},
  refuse: () => {},
  aborted: () => {},
  closed: () => {},
};

/** The events of a {@link Protocol} that carry no value. */
type ProtocolEvent = 'ending' | 'ended' | 'drained' | 'expired' | 'stop' | 'closed';

export class Connection extends Source implements Channel, OutputOwner, DeadlineOwner {
  state: number = OPEN;
  /** The client finished sending. */
  peerEnded = false;
  attachment: ChannelAttachment | null = null;
  protected readonly context: ConnectionContext;
  readonly #output: Output;
  readonly #deadline: Deadline;
  #protocol: Protocol = SILENT_PROTOCOL;
  /** The kernel may have more bytes: no EAGAIN or short read came since the last event. */
  #mayReceive = false;
  /** HANGUP or FAILED was reported: only the end itself shows that all was read, not a short read. */
  #hungUp = false;
  /** Request bytes are left unread, so the connection lingers before it closes. */
  #unread = false;
  #inbox: Inbox | null = null;
  /** FIN follows the output. */
  #endsOutput = false;
  #prefetches = true;
  #linger: Linger | null = null;
  /** {@link stop} was called: protocols that follow have to know. */
  #isStopping = false;
  #peer: SocketAddress | null = null;
  #local: SocketAddress | null = null;
  #tls: NegotiatedTls | null = null;

  /** The connection has no protocol until {@link speak}, which is called before the first turn. */
  constructor(context: ConnectionContext, fd: number, generation: number) {
    super(fd, generation);
    this.context = context;
    this.#output = new Output(context, fd, this);
    this.#deadline = new Deadline(this);
  }

  /** The client's address. The first read makes its text, and must happen while the connection is open. */
  get peer(): SocketAddress {
    if (this.#peer === null) {
      this.#assertOpen();
      this.#peer = Object.freeze(this.context.kernel.peer(this.fd));
    }
    return this.#peer;
  }

  replacePeer({ address, port }: SocketAddress): void {
    this.#peer = Object.freeze({ address, port });
  }

  get isOpen(): boolean {
    return this.state === OPEN;
  }

  /** Read again where a call may have closed it. */
  get #isClosed(): boolean {
    return this.state === CLOSED;
  }

  get isSecure(): boolean {
    return this.context.encryption !== null;
  }

  get isNegotiated(): boolean {
    return this.#tls !== null || (this.isSecure && !this.isDisposed && this.context.kernel.isNegotiated(this.fd) === 1);
  }

  get tls(): NegotiatedTls | null {
    if (this.#tls === null && this.isSecure && !this.isDisposed)
      this.#tls = Object.freeze(this.context.kernel.negotiated(this.fd));
    return this.#tls;
  }

  /**
   * Puts the transport of the listener, if it has one, between the socket and this connection. `received`: its first
   * bytes, which came before. False: there is no memory for it.
   */
  encrypt(received: Uint8Array): boolean {
    const { encryption, context, fd } = this;
    return encryption === null || context.kernel.attach(fd, encryption.kind, received) === 0;
  }

  get encryption(): Encryption | null {
    return this.context.encryption;
  }

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

  /** Reads both addresses while the connection is open: afterwards its descriptor may belong to another client. */
  captureAddresses(): void {
    void this.peer;
    void this.local;
  }

  /** Bytes so far: received, sent. */
  get transferred(): readonly [number, number] {
    this.#assertOpen();
    return this.context.kernel.transferred(this.fd);
  }

  // ---- The protocol -----------------------------------------------------------------------------

  speak(make: ProtocolFactory): void {
    if (this.state === CLOSED) return;
    const isFirst = this.#protocol === SILENT_PROTOCOL;
    this.setTimeout(0);
    try {
      this.#protocol = make(this);
    } catch (error) {
      this.fail(error);
    }
    if (this.#isClosed) {
      // It was closed while the protocol was made, as by a write to a client that is gone.
      this.#notifyAborted('the connection was closed while its protocol was made', false);
      this.#notify('closed');
      return;
    }
    if (isFirst) return;
    if (this.#isStopping) this.#notify('stop');
    this.resume();
  }

  /** Ends the connection as soon as its last response has been sent. */
  stop(): void {
    this.#isStopping = true;
    this.#notify('stop');
  }

  /** Rejects the client, for which there is no room. */
  refuse(status: number, why: string): void {
    try {
      this.#protocol.refuse(status, why);
    } catch (error) {
      this.fail(error);
    }
  }

  #notify(event: ProtocolEvent): void {
    try {
      this.#protocol[event]();
    } catch (error) {
      this.fail(error);
    }
  }

  /** Whether the protocol would use bytes, kept ones included. */
  get #wantsInput(): boolean {
    try {
      return this.#protocol.wantsInput;
    } catch (error) {
      this.fail(error);
      return false;
    }
  }

  /** Whether new bytes are needed: while the protocol is paused, the kept ones suffice. */
  get #wantsNew(): boolean {
    try {
      return this.#protocol.wantsInput && !this.#protocol.paused;
    } catch (error) {
      this.fail(error);
      return false;
    }
  }

  /** Bytes were received that no request has used yet: the next one has begun to arrive. */
  get hasUnusedInput(): boolean {
    return this.#inbox !== null;
  }

  /** A request is in progress. */
  get isBusy(): boolean {
    try {
      return this.#protocol.isBusy;
    } catch (error) {
      this.fail(error);
      return true;
    }
  }

  /**
   * Passes `bytes[start, end)` to the protocol, and the rest to the protocol after it. Returns the offset of the first unused
   * byte.
   */
  #offer(bytes: Buffer, start: number, end: number): number {
    let at = start;
    for (let switches = 0; ; switches++) {
      const protocol = this.#protocol;
      const stopped = this.#receiveBy(this.#protocol, bytes, at, end);
      const isSwitched = this.#protocol !== protocol && stopped < end;
      if (!isSwitched || this.state !== OPEN || !this.#wantsInput) return stopped;
      if (stopped > at) switches = 0;
      if (switches === MAX_SWITCHES) {
        this.fail(new Error('protocols replaced each other without using a byte'));
        return end;
      }
      at = stopped;
    }
  }

  #receiveBy(protocol: Protocol, bytes: Buffer, start: number, end: number): number {
    let stopped: number;
    try {
      stopped = protocol.receive(bytes, start, end);
    } catch (error) {
      this.fail(error);
      return end;
    }
    // This form also rejects NaN.
    if (stopped >= start && stopped <= end) return stopped;
    this.fail(new RangeError(`receive returned ${stopped}, which is not between ${start} and ${end}`));
    return end;
  }

  /** Reports that the protocol broke its contract, and ends this connection only. */
  fail(error: unknown): void {
    const failed = this.#protocol;
    if (this.state === CLOSED && failed === SILENT_PROTOCOL) return;
    this.#protocol = SILENT_PROTOCOL;
    const text = `a connection was closed because its protocol failed: ${messageOf(error)}`;
    this.context.onFault(new EpollServerError('ERR_PROTOCOL', text, { cause: error }));
    if (this.state === CLOSED) return;
    try {
      if (this.state === OPEN) failed.aborted('the protocol failed', false);
      failed.closed();
    } catch {
      // A failed protocol may fail again; its first failure has been reported.
    }
    this.abort('the protocol failed');
  }

  // ---- Output -----------------------------------------------------------------------------------

  get hasPendingOutput(): boolean {
    return this.#output.isPending;
  }

  get unsentBytes(): number {
    return this.#output.unsentBytes;
  }

  get isFull(): boolean {
    return this.#output.isFull;
  }

  reserve(size: number): number {
    return this.#output.reserve(size);
  }

  get target(): Buffer {
    return this.#output.target;
  }

  commit(end: number): void {
    this.#output.commit(end);
  }

  write(bytes: Uint8Array): void {
    this.#output.write(bytes);
  }

  whenSent(callback: (isSent: boolean) => void): void {
    this.#output.whenSent(callback);
  }

  sendFile(descriptor: number, position: number, length: number, callback: FileSendCallback): void {
    this.#output.sendFile(descriptor, position, length, callback);
  }

  onDrained(): void {
    if (this.state === OPEN) this.#notify('drained');
  }

  onSent(): void {
    this.#output.reportSent();
    if (this.state === FINISHING) this.#outputSent();
    if (!this.#endsOutput || this.state !== OPEN) return;
    this.#endsOutput = false;
    this.context.kernel.shutdown(this.fd);
  }

  wake(): void {
    this.context.reactor.wake(this);
  }

  sendFailed(_result: number): void {
    this.abort('the client is gone');
  }

  /** A receive failed with this result. */
  protected receiveFailed(result: number): void {
    if (result === EPROTO) this.#failTransport();
    else this.abort('the client reset the connection');
  }

  /** The transport ends with its alert (RFC 8446 section 6.2). RST would destroy it on its way: see {@link finish}. */
  #failTransport(): void {
    if (this.context.kernel.shutdown(this.fd) < 0) {
      this.abort(TLS_FAILURE);
      return;
    }
    this.attachment?.channelAborted();
    this.#output.drop();
    this.finish(true);
    this.#notifyAborted(TLS_FAILURE, false);
  }

  /** Drops all output, and goes on receiving until the end or an error. */
  protected receiveToEnd(): void {
    this.#output.drop();
    this.#mayReceive = true;
    this.#hungUp = true;
    this.wake();
  }

  // ---- The turn ---------------------------------------------------------------------------------

  serve(): void {
    const { sendBatch } = this.context;
    // Read before any call can throw: in a later turn the index would refer to bytes of another client.
    const prefetchIndex = this.takePrefetchIndex();
    sendBatch.begin(this.#output);
    const { readiness } = this;
    this.readiness = 0;
    if ((readiness & READABLE) !== 0) this.#mayReceive = true;
    if ((readiness & (HANGUP | FAILED)) !== 0) this.#hungUp = true;
    if (this.#output.isPending) this.#output.flush();
    if (this.state === OPEN) this.#offerInput((readiness & FAILED) !== 0, prefetchIndex);
    else if (this.state !== CLOSED) this.#discard(prefetchIndex);
    const isBatched = sendBatch.used > sendBatch.start;
    sendBatch.end();
    if (!isBatched && !this.#output.isPending) this.onSent();
  }

  /** The budget of a turn: kept bytes, prefetched bytes, then one receive. */
  #offerInput(failed: boolean, prefetchIndex: number): void {
    if (this.#inbox !== null && this.#wantsInput) this.#offerInbox(this.#inbox);
    if (prefetchIndex >= 0) this.#acceptPrefetched(prefetchIndex);
    if (this.#mayReceive && this.state === OPEN && (failed || this.#shouldReceive())) {
      // A blocking descriptor must be reported as readable before each receive.
      if (this.context.isBlocking === true && prefetchIndex >= 0) {
        this.#receiveLater();
      } else {
        const { kernel } = this.context;
        const room = Math.min(kernel.receiveBytes, this.#wantsMore ? Infinity : this.#peekBytes);
        const count = kernel.recv(this.fd, 0, room);
        this.#received(kernel.input, 0, count, count === room, failed);
        if (this.#mayReceive && this.state === OPEN && this.#shouldReceive()) this.#receiveLater();
      }
    }
    if (this.state !== OPEN) return;
    if (this.peerEnded) this.#notify('ended');
    else if (this.isEnding) this.#notify('ending');
  }

  /** Processes the bytes that `wait` received for the event of that index, wanted or not. */
  #acceptPrefetched(index: number): void {
    const { kernel } = this.context;
    const count = prefetchedCount(kernel, index);
    const start = kernel.receiveBytes + index * PREFETCH_BYTES;
    this.#received(kernel.input, start, count, count === PREFETCH_BYTES, false);
  }

  get #wantsMore(): boolean {
    return this.#wantsNew && (!this.isFull || this.receivesWhileFull);
  }

  /** Whether input is received although much output waits: a client would fill the memory with responses. */
  protected get receivesWhileFull(): boolean {
    return false;
  }

  /**
   * Unwanted input stays in the kernel, so that the client has to wait. The connection still looks for the end, behind
   * a bounded number of kept bytes, because the time of a waiting handler runs. On a back end that does not report the
   * end, only a receive behind the earlier bytes finds it.
   */
  #shouldReceive(): boolean {
    if (this.#wantsMore) return true;
    if (this.peerEnded) return false;
    if (this.#inbox === null) return this.#hungUp || !this.context.kernel.traits.seesHangup;
    return !this.#hungUp && !this.context.kernel.traits.seesHangup && this.#peekBytes > 0;
  }

  /** Unwanted bytes that may still be received in search of the end. */
  get #peekBytes(): number {
    return MAX_PEEKED_BYTES - (this.#inbox?.length ?? 0);
  }

  /** Schedules a turn when input may wait. */
  resume(): void {
    if (this.#inbox !== null || this.#mayReceive || this.isEnding) this.wake();
  }

  /** Schedules another receive. A blocking descriptor waits for its event first: a receive could block for ever. */
  #receiveLater(): void {
    this.#mayReceive = this.context.isBlocking !== true;
    if (this.#mayReceive) this.wake();
    else this.context.kernel.rearm(this.fd, READABLE);
  }

  /** Processes the result of a receive into `bytes` from `start` on. `filled`: it filled all room. */
  #received(bytes: Buffer, start: number, count: number, filled: boolean, failed: boolean): void {
    if (count > 0) {
      if (!filled && !this.#hungUp) this.#mayReceive = false;
      this.#accept(bytes, start, start + count);
    } else if (count === 0 && !failed) {
      // Earlier bytes are passed to the protocol first; then the end is received again.
      const isOffered = this.#inbox === null || this.#wantsMore;
      this.#mayReceive = !isOffered;
      if (isOffered) this.peerEnded = true;
      else this.#hungUp = true;
    } else if (count === EAGAIN) {
      this.#mayReceive = false;
    } else if (count === EINTR) {
      this.wake();
    } else {
      this.receiveFailed(count);
    }
  }

  #accept(bytes: Buffer, start: number, end: number): void {
    if (this.#inbox !== null) {
      this.#inbox.append(bytes, start, end);
      if (this.#wantsNew) this.#offerInbox(this.#inbox);
    } else {
      const used = this.#wantsInput ? this.#offer(bytes, start, end) : start;
      if (used === end) return;
      if (this.state === OPEN) this.#inbox = new Inbox(bytes, used, end);
      else this.#unread = true;
    }
    if (this.#inbox === null) return;
    if (!this.#wantsNew) this.#prefetch(false);
    else if (this.#inbox.length > this.context.maxUnusedBytes) this.#failForUnused(this.#inbox.length);
  }

  #failForUnused(bytes: number): void {
    this.fail(new Error(`it wants more bytes and left ${bytes} unused (the limit is ${this.context.maxUnusedBytes})`));
  }

  /** Turns prefetch on or off: it is off while received bytes wait. */
  #prefetch(on: boolean): void {
    if (this.#prefetches === on) return;
    this.#prefetches = on;
    this.context.kernel.prefetch(this.fd, on ? 1 : 0);
  }

  #offerInbox(inbox: Inbox): void {
    inbox.start = this.#offer(inbox.buffer, inbox.start, inbox.end);
    // A closed descriptor may already belong to another client.
    if (inbox.length > 0 || this.state === CLOSED) return;
    this.#inbox = null;
    this.#prefetch(true);
  }

  // ---- Time -------------------------------------------------------------------------------------

  setTimeout(ms: number): void {
    // In later states the deadline belongs to the linger.
    if (this.state !== OPEN) return;
    const tick = ms === 0 ? 0 : this.context.reactor.tickAfter(ms);
    if (tick !== this.#deadline.tick) this.context.reactor.setDeadline(this.#deadline, tick);
  }

  expire(): void {
    if (this.state === LINGERING || this.state === FINISHING) {
      this.#close();
    } else if (this.state === OPEN) {
      this.#notify('expired');
      // The protocol may have written; the next turn sends it.
      this.wake();
    }
  }

  // ---- The end ----------------------------------------------------------------------------------

  /**
   * Closes when all output has been sent. Unread request bytes would make the kernel send RST, which destroys the last
   * response on its way (RFC 9112 section 9.6). So the connection lingers then, or when the caller expects more bytes
   * (`unread`).
   */
  finish(unread = false): void {
    if (this.state !== OPEN) return;
    this.setTimeout(0);
    this.state = FINISHING;
    this.#unread ||= unread;
    this.wake();
  }

  endOutput(): void {
    if (this.state !== OPEN) return;
    this.#endsOutput = true;
    this.wake();
  }

  sendNow(): void {
    if (!this.#isClosed) this.#output.trySend();
  }

  abort(reason: string, isTimeout = false): void {
    if (this.state === CLOSED) return;
    this.attachment?.channelAborted();
    this.context.kernel.reset(this.fd);
    this.#end(reason, isTimeout);
  }

  drop(reason: string, sends = false): void {
    if (sends) this.sendNow();
    else this.#output.discard();
    if (!this.#isClosed) this.#end(reason, false);
  }

  #end(reason: string, isTimeout: boolean): void {
    const isOpen = this.state === OPEN;
    this.state = CLOSED;
    if (isOpen) this.#notifyAborted(reason, isTimeout);
    this.#release();
  }

  #notifyAborted(reason: string, isTimeout: boolean): void {
    try {
      this.#protocol.aborted(reason, isTimeout);
    } catch (error) {
      this.fail(error);
    }
  }

  /** All output was sent: closes, or lingers while the client may still be sending. */
  #outputSent(): void {
    const isEncrypted = this.context.encryption !== null;
    if (isEncrypted && this.#awaitsEnd()) return;
    // The close_notify of the client is still to come: RST would answer it.
    const unread = isEncrypted || this.#unread || this.#inbox !== null || this.#mayReceive;
    this.#inbox = null;
    if (this.peerEnded || !unread || this.context.kernel.shutdown(this.fd) < 0) {
      this.#close();
      return;
    }
    this.state = LINGERING;
    this.#linger = new Linger(this.context.reactor, this.context);
    this.context.reactor.setDeadline(this.#deadline, this.#linger.tick);
    // Input is discarded from now on: large receives cost less than prefetches.
    this.#prefetch(false);
    this.#receiveLater();
    this.context.onLingering(this);
  }

  /**
   * Whether close_notify waits for room in the socket, until WRITABLE or for a bounded time. Without it the client could
   * not tell the end of a response from a connection that was cut off (RFC 8446 section 6.1).
   */
  #awaitsEnd(): boolean {
    const { kernel, reactor, sendTimeoutMs } = this.context;
    if (kernel.shutdown(this.fd) <= 0) return false;
    if (this.#deadline.tick === 0 && sendTimeoutMs > 0)
      reactor.setDeadline(this.#deadline, reactor.tickAfter(sendTimeoutMs));
    return true;
  }

  /** Closes a lingering connection to make room for others. */
  endLinger(): void {
    if (this.state === LINGERING) this.#close();
  }

  /**
   * Ends at once: by FIN if the connection is idle or its last response was sent, else by RST. Returns whether a request
   * or a response was cut off.
   */
  end(reason: string): boolean {
    this.#output.sendJoined();
    const { isActive } = this;
    if (isActive) this.abort(reason);
    else this.#close();
    return isActive;
  }

  /** Whether a request or a response is under way. */
  get isActive(): boolean {
    return this.hasPendingOutput || this.isBusy;
  }

  /**
   * Discards input of a connection that is ending, one receive per turn: unread bytes at close(2) make the kernel send
   * RST. It also reads while the response is pending, because a client may read it only after it has sent everything.
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
    if (this.#linger !== null) {
      if (!this.#linger.discard(count)) {
        this.#close();
        return;
      }
      this.context.reactor.setDeadline(this.#deadline, this.#linger.tick);
    }
    if (this.#mayReceive) this.#receiveLater();
  }

  #close(): void {
    if (this.state === CLOSED) return;
    this.state = CLOSED;
    this.#release();
  }

  /** Releases what the connection holds; its descriptor is closed at the end of the turn. */
  #release(): void {
    this.#inbox = null;
    this.#output.drop();
    this.context.reactor.dropDeadline(this.#deadline);
    this.#notify('closed');
    this.#notifyAttachment();
    this.context.onClosed(this);
    this.context.reactor.closeLater(this);
  }

  #notifyAttachment(): void {
    try {
      this.attachment?.channelClosed();
    } catch (error) {
      this.fail(error);
    }
  }

  #assertOpen(): void {
    assert(!this.isDisposed, 'addresses and byte counts are read while the connection is open');
  }
}

/** The result of the prefetch for the event of that index: the count, 0 at the end, or -errno. */
function prefetchedCount(kernel: Kernel, index: number): number {
  return kernel.events[index * EVENT_WORDS + EVENT_PREFETCHED] ?? EAGAIN;
}

// One client: bytes are received within a budget, kept while they cannot be used, and given to a protocol; the end loses
// no response. What it sends is its Output's part.

import { assert, EpollServerError, messageOf } from '../errors.ts';
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
import { Deadline, type DeadlineOwner } from '../reactor/deadline.ts';
import { Source } from '../reactor/source.ts';
import type { Channel, ProtocolFactory } from './channel.ts';
import type { ConnectionContext } from './context.ts';
import { Inbox } from './inbox.ts';
import { Linger } from './linger.ts';
import { type FileTaker, Output, type OutputOwner } from './output.ts';
import type { Protocol } from './protocol.ts';

/** open -> finishing (no more input is used) -> lingering (FIN sent, input thrown away) -> closed. */
export const OPEN = 0;
export const FINISHING = 1;
export const LINGERING = 2;
export const CLOSED = 3;

/** The interest with which every connection is registered, once. */
export const CONNECTION_INTEREST: number = READABLE | WRITABLE | PREFETCH;

/** Unwanted bytes of one connection that are kept where only the end behind them shows that its client left. */
const MAX_PEEKED_BYTES = 65_536;

/** Protocols that may follow each other without using a byte. */
const MAX_SWITCHES = 8;

/** Spoken before the first protocol, and in place of one that failed. */
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
  protected readonly context: ConnectionContext;
  readonly #output: Output;
  readonly #deadline: Deadline;
  #protocol: Protocol = SILENT_PROTOCOL;
  /** The kernel may have more bytes: no EAGAIN or short read came since the last event. */
  #mayReceive = false;
  /** HANGUP or FAILED was reported: only the end itself, not a short read, says that all was read. */
  #hungUp = false;
  /** Request bytes will be left unread: the close must linger. */
  #unread = false;
  #inbox: Inbox | null = null;
  #prefetches = true;
  #linger: Linger | null = null;
  #peer: SocketAddress | null = null;
  #local: SocketAddress | null = null;

  /** It has no protocol until {@link speak}, which is called before the first turn. */
  constructor(context: ConnectionContext, fd: number, generation: number) {
    super(fd, generation);
    this.context = context;
    this.#output = new Output(context, fd, this);
    this.#deadline = new Deadline(this);
  }

  /** The client's address: accept(2) left its bytes with the kernel, and the first read, while it is open, makes text. */
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

  /** Reads both while the connection is open: afterwards its descriptor's number is the next client's. */
  captureAddresses(): void {
    void this.peer;
    void this.local;
  }

  /** Bytes that passed so far: received, sent. */
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
    if (!isFirst) this.resume();
  }

  /** Ends the connection as soon as nothing is lost by it. */
  stop(): void {
    this.#tell('stop');
  }

  /** There is no room for this client. */
  refuse(status: number, why: string): void {
    try {
      this.#protocol.refuse(status, why);
    } catch (error) {
      this.fail(error);
    }
  }

  #tell(event: ProtocolEvent): void {
    try {
      this.#protocol[event]();
    } catch (error) {
      this.fail(error);
    }
  }

  /** Whether the protocol would use bytes, those that are kept too. */
  get #wantsInput(): boolean {
    try {
      return this.#protocol.wantsInput;
    } catch (error) {
      this.fail(error);
      return false;
    }
  }

  /** Whether new bytes are needed: while the protocol is paused, those that are kept suffice. */
  get #wantsNew(): boolean {
    try {
      return this.#protocol.wantsInput && !this.#protocol.paused;
    } catch (error) {
      this.fail(error);
      return false;
    }
  }

  get #isBusy(): boolean {
    try {
      return this.#protocol.isBusy;
    } catch (error) {
      this.fail(error);
      return true;
    }
  }

  /** Gives `bytes[start, end)` to the protocol, and the rest to a next one. Returns where it stopped. */
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
    // Written so that NaN is refused too.
    if (stopped >= start && stopped <= end) return stopped;
    this.fail(new RangeError(`it stopped at ${stopped} of the bytes from ${start} to ${end}`));
    return end;
  }

  /** The protocol broke its contract: its own connection ends, and one line says why. */
  fail(error: unknown): void {
    const failed = this.#protocol;
    if (this.state === CLOSED && failed === SILENT_PROTOCOL) return;
    this.#protocol = SILENT_PROTOCOL;
    const text = `a connection is closed, because its protocol failed: ${messageOf(error)}`;
    this.context.onFault(new EpollServerError('ERR_PROTOCOL', text, { cause: error }));
    if (this.state === CLOSED) return;
    try {
      if (this.state === OPEN) failed.aborted('the protocol failed', false);
      failed.closed();
    } catch {
      // A protocol that failed may fail again: that has been reported.
    }
    this.abort('the protocol failed');
  }

  // ---- Output -----------------------------------------------------------------------------------

  get hasPendingOutput(): boolean {
    return this.#output.isPending;
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

  sendFile(descriptor: number, position: number, length: number, taker: FileTaker): void {
    this.#output.sendFile(descriptor, position, length, taker);
  }

  onDrained(): void {
    if (this.state === OPEN) this.#tell('drained');
  }

  onSent(): void {
    if (this.state === FINISHING) this.#outputSent();
  }

  wake(): void {
    this.context.reactor.wake(this);
  }

  // ---- The turn ---------------------------------------------------------------------------------

  serve(): void {
    const { sendBatch } = this.context;
    // Taken before anything can throw: in a later turn it would name another client's bytes.
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

  /** Kept bytes, prefetched ones, then one receive: that is the budget of a turn. */
  #offerInput(failed: boolean, prefetchIndex: number): void {
    if (this.#inbox !== null && this.#wantsInput) this.#offerInbox(this.#inbox);
    if (prefetchIndex >= 0) this.#takePrefetched(prefetchIndex);
    if (this.#mayReceive && this.state === OPEN && (failed || this.#shouldReceive())) {
      // A blocking descriptor is asked before anything more is received.
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
    if (this.peerEnded) this.#tell('ended');
    else if (this.isEnding) this.#tell('ending');
  }

  /** What `wait` received for the event of that index, wanted or not. */
  #takePrefetched(index: number): void {
    const { kernel } = this.context;
    const count = prefetchedCount(kernel, index);
    const start = kernel.receiveBytes + index * PREFETCH_BYTES;
    this.#received(kernel.input, start, count, count === PREFETCH_BYTES, false);
  }

  get #wantsMore(): boolean {
    return this.#wantsNew && !this.isFull;
  }

  /**
   * Unwanted input stays in the kernel, which makes the client wait. The end of a client that hung up is looked for all
   * the same, as far as one receive of kept bytes goes: a waiting handler's time runs. A back end that does not report
   * it finds it behind what the client sent before.
   */
  #shouldReceive(): boolean {
    if (this.#wantsMore) return true;
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
  #received(bytes: Buffer, start: number, count: number, filled: boolean, failed: boolean): void {
    if (count > 0) {
      if (!filled && !this.#hungUp) this.#mayReceive = false;
      this.#take(bytes, start, start + count);
    } else if (count === 0 && !failed) {
      // What came in front of the end is offered first; the end is received again behind it.
      const isOffered = this.#inbox === null || this.#wantsMore;
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

  #take(bytes: Buffer, start: number, end: number): void {
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
    else if (this.#inbox.length > this.context.maxUnusedBytes) this.#failUnused(this.#inbox.length);
  }

  #failUnused(bytes: number): void {
    this.fail(new Error(`it wants more, and left ${bytes} bytes unused (at most ${this.context.maxUnusedBytes})`));
  }

  /** Whether the kernel receives by itself: not while what was received waits. */
  #prefetch(on: boolean): void {
    if (this.#prefetches === on) return;
    this.#prefetches = on;
    this.context.kernel.prefetch(this.fd, on ? 1 : 0);
  }

  #offerInbox(inbox: Inbox): void {
    inbox.start = this.#offer(inbox.buffer, inbox.start, inbox.end);
    // A closed descriptor may be the next client's already.
    if (inbox.length > 0 || this.state === CLOSED) return;
    this.#inbox = null;
    this.#prefetch(true);
  }

  // ---- Time -------------------------------------------------------------------------------------

  setTimeout(ms: number): void {
    // The deadline is that of the linger from then on.
    if (this.state !== OPEN) return;
    const tick = ms === 0 ? 0 : this.context.reactor.tickAfter(ms);
    if (tick !== this.#deadline.tick) this.context.reactor.setDeadline(this.#deadline, tick);
  }

  expire(): void {
    if (this.state === LINGERING) {
      this.#close();
    } else if (this.state === OPEN) {
      this.#tell('expired');
      // The protocol may have written; the next turn sends it.
      this.wake();
    }
  }

  // ---- The end ----------------------------------------------------------------------------------

  /**
   * Closes once everything written has been sent. Request bytes that are left unread would make the kernel answer with
   * RST and destroy the last response on its way (RFC 9112 section 9.6): then, or when the caller knows that more may
   * come (`unread`), the connection lingers.
   */
  finish(unread = false): void {
    if (this.state !== OPEN) return;
    this.setTimeout(0);
    this.state = FINISHING;
    this.#unread ||= unread;
    this.wake();
  }

  abort(reason: string, isTimeout = false): void {
    if (this.state === CLOSED) return;
    const isOpen = this.state === OPEN;
    this.context.kernel.reset(this.fd);
    this.state = CLOSED;
    if (isOpen) this.#tellAborted(reason, isTimeout);
    this.#closeLater();
  }

  #tellAborted(reason: string, isTimeout: boolean): void {
    try {
      this.#protocol.aborted(reason, isTimeout);
    } catch (error) {
      this.fail(error);
    }
  }

  /** All was sent: close, or linger while the client may still be sending. */
  #outputSent(): void {
    const unread = this.#unread || this.#inbox !== null || this.#mayReceive;
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

  /** Other connections need its place. */
  endLinger(): void {
    if (this.state === LINGERING) this.#close();
  }

  /** Ends at once, and by FIN where nothing is cut off: an idle connection, or one whose last answer was sent. */
  end(reason: string): void {
    if (this.hasPendingOutput || this.#isBusy) this.abort(reason);
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
    this.#closeLater();
  }

  /** Gives the descriptor back at the end of the turn. */
  #closeLater(): void {
    this.#inbox = null;
    this.#output.drop();
    this.context.reactor.dropDeadline(this.#deadline);
    this.#tell('closed');
    this.context.onClosed(this);
    this.context.reactor.bury(this);
  }

  #assertOpen(): void {
    assert(!this.buried, 'the kernel is asked about a connection while it is open');
  }
}

/** What `wait` received for the event of that index: the count, 0 at the end, or -errno. */
function prefetchedCount(kernel: Kernel, index: number): number {
  return kernel.events[index * EVENT_WORDS + EVENT_PREFETCHED] ?? EAGAIN;
}

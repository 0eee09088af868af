// One client's bytes: received within a budget, kept while they cannot be used, sent as far as the
// kernel takes them, and closed without losing the last answer. It must not know HTTP.

import { EAGAIN, EINTR } from '../kernel/errno.ts';
import { FAILED, HANGUP, type Kernel, READABLE, type SocketAddress, WRITABLE } from '../kernel/kernel.ts';
import type { Reactor } from '../reactor/reactor.ts';
import { Source } from '../reactor/source.ts';
import { Inbox } from './inbox.ts';
import { GATHER_BYTES, Outbox } from './outbox.ts';
import type { Protocol } from './protocol.ts';
import type { Stage } from './stage.ts';

/** open -> finishing (no more input is used) -> lingering (FIN sent, input thrown away) -> closed. */
export const OPEN = 0;
export const FINISHING = 1;
export const LINGERING = 2;
export const CLOSED = 3;

/** What all connections of a server share. */
export interface ConnectionContext {
  readonly kernel: Kernel;
  readonly reactor: Reactor;
  readonly stage: Stage;
  readonly maxUnsentBytes: number;
  readonly sendTimeoutMs: number;
  readonly lingerTimeoutMs: number;
  readonly maxLingerBytes: number;
  /** Told when the descriptor of a connection is given back. */
  readonly onClosed: (connection: Connection) => void;
}

export class Connection extends Source {
  /** Set right after construction by whoever accepted it. */
  protocol: Protocol | null = null;
  state: number = OPEN;
  /** The client finished sending. */
  peerEnded = false;
  readonly #context: ConnectionContext;
  /** The kernel may have more bytes: no EAGAIN or short read came since the last event. */
  #mayReceive = false;
  /** HANGUP or FAILED was reported: only the end itself, not a short read, says that all was read. */
  #hungUp = false;
  /** Request bytes will be left unread: the close must linger. */
  #unread = false;
  #inbox: Inbox | null = null;
  #outbox: Outbox | null = null;
  #timeoutTick = 0;
  #sendTick = 0;
  #lingeredBytes = 0;

  constructor(context: ConnectionContext, fd: number, generation: number) {
    super(fd, generation);
    this.#context = context;
  }

  get peer(): SocketAddress {
    return this.#context.kernel.peer(this.fd);
  }

  get local(): SocketAddress {
    return this.#context.kernel.local(this.fd);
  }

  /** Bytes that passed so far: received, sent. */
  get transferred(): readonly [number, number] {
    return this.#context.kernel.transferred(this.fd);
  }

  /** Bytes that are written and not yet taken by the kernel. */
  get unsentBytes(): number {
    const { stage } = this.#context;
    return (this.#outbox === null ? 0 : this.#outbox.bytes) + (stage.owner === this ? stage.used : 0);
  }

  /** Whether writers should wait for `Protocol.drained`. */
  get isFull(): boolean {
    return this.#outbox !== null && this.#outbox.bytes >= this.#context.maxUnsentBytes;
  }

  // ---- The turn ---------------------------------------------------------------------------------

  serve(): void {
    const { stage } = this.#context;
    stage.owner = this;
    stage.used = 0;
    const readiness = this.readiness;
    this.readiness = 0;
    if ((readiness & READABLE) !== 0) this.#mayReceive = true;
    if ((readiness & (HANGUP | FAILED)) !== 0) this.#hungUp = true;
    if (this.#outbox !== null) this.#flushOutbox();
    if (this.state === OPEN) this.#offerInput((readiness & FAILED) !== 0);
    else if (this.state === LINGERING) this.#discard();
    if (stage.used > 0) this.#flushStage();
    if (this.state === FINISHING && this.#outbox === null) this.#endOutput();
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
    const { kernel } = this.#context;
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

  /** Has this connection served in the next turn. */
  wake(): void {
    this.#context.reactor.wake(this);
  }

  // ---- Output -----------------------------------------------------------------------------------

  /**
   * Room for `size` bytes: the caller writes them into {@link target} from the offset that is
   * returned, and says with {@link commit} where it ended.
   */
  reserve(size: number): number {
    const { stage } = this.#context;
    if (stage.owner === this && this.#outbox === null) {
      if (stage.used + size > stage.arena.length && stage.used > 0) this.#flushStage();
      if (this.#outbox === null && stage.used + size <= stage.arena.length) {
        stage.target = stage.arena;
        return stage.used;
      }
    }
    stage.target = Buffer.allocUnsafe(size);
    return 0;
  }

  /** Where to write what was reserved. */
  get target(): Buffer {
    return this.#context.stage.target;
  }

  /** The reserved bytes are written, up to `end`. */
  commit(end: number): void {
    const { stage } = this.#context;
    if (stage.target === stage.arena) stage.used = end;
    else this.#owe(stage.target.subarray(0, end));
  }

  /** Sends `bytes` after what was written before. Large ones are not copied: leave them unchanged. */
  write(bytes: Uint8Array): void {
    const { stage } = this.#context;
    if (bytes.length <= GATHER_BYTES) {
      const at = this.reserve(bytes.length);
      this.target.set(bytes, at);
      this.commit(at + bytes.length);
    } else if (stage.owner === this && this.#outbox === null) {
      this.#writeThrough(bytes);
    } else {
      this.#owe(bytes);
    }
  }

  /** What is staged and `bytes` leave with one call; what the kernel does not take is owed. */
  #writeThrough(bytes: Uint8Array): void {
    const { kernel, stage } = this.#context;
    const staged = stage.used;
    const count = kernel.sendv(this.fd, 0, staged, bytes);
    stage.used = 0;
    if (this.#sendFailed(count)) return;
    const sent = Math.max(count, 0);
    if (sent < staged) this.#owe(Buffer.from(stage.arena.subarray(sent, staged)), true);
    if (sent < staged + bytes.length) this.#owe(bytes.subarray(Math.max(sent - staged, 0)), true);
    if (sent > 0) this.#progress();
  }

  /** Keeps `chunk` for later. Unless the kernel refused it just now, the next turn tries first. */
  #owe(chunk: Uint8Array, refused = false): void {
    if (this.state === CLOSED || chunk.length === 0) return;
    if (this.#outbox === null) {
      this.#outbox = new Outbox();
      this.#progress();
      if (!refused) this.wake();
    }
    this.#outbox.push(chunk);
  }

  #flushStage(): void {
    const { kernel, stage } = this.#context;
    const { used } = stage;
    stage.used = 0;
    const count = kernel.send(this.fd, 0, used);
    if (count === used || this.#sendFailed(count)) return;
    const sent = Math.max(count, 0);
    this.#owe(Buffer.from(stage.arena.subarray(sent, used)), true);
  }

  /** Sends what is owed until the kernel refuses: a short count means that WRITABLE will come. */
  #flushOutbox(): void {
    const { kernel, stage } = this.#context;
    const wasFull = this.isFull;
    while (this.#outbox !== null && this.state !== CLOSED) {
      const outbox = this.#outbox;
      const large = outbox.large;
      const length = large === null ? outbox.gather(stage.arena) : large.length - outbox.offset;
      const count =
        large === null ? kernel.send(this.fd, 0, length) : kernel.sendFrom(this.fd, large, outbox.offset);
      if (this.#sendFailed(count)) return;
      if (count > 0) {
        outbox.drop(count);
        if (outbox.bytes === 0) this.#outbox = null;
        this.#progress();
      }
      if (count < length) break;
    }
    if (this.state === OPEN && (this.#outbox === null || (wasFull && !this.isFull))) this.#protocol().drained();
  }

  /** Whether a send ended the connection; EAGAIN does not, and EINTR is tried again next turn. */
  #sendFailed(result: number): boolean {
    if (result >= 0 || result === EAGAIN) return false;
    if (result === EINTR) {
      this.wake();
      return false;
    }
    this.abort('the client is gone');
    return true;
  }

  /** The client took bytes, or some began to wait: it has `sendTimeoutMs` for the next ones. */
  #progress(): void {
    this.#sendTick = this.#outbox === null ? 0 : this.#context.reactor.tickAfter(this.#context.sendTimeoutMs);
    this.#setDeadline();
  }

  // ---- Time -------------------------------------------------------------------------------------

  /** Calls `Protocol.expired` after `ms`; 0 takes that back. */
  setTimeout(ms: number): void {
    this.#timeoutTick = ms === 0 ? 0 : this.#context.reactor.tickAfter(ms);
    this.#setDeadline();
  }

  #setDeadline(): void {
    const [a, b] = [this.#timeoutTick, this.#sendTick];
    this.#context.reactor.setDeadline(this, a === 0 ? b : b === 0 ? a : Math.min(a, b));
  }

  expire(): void {
    const { reactor } = this.#context;
    const nowTick = reactor.tickAfter(0);
    if (this.state === LINGERING) this.#close();
    else if (this.#sendTick !== 0 && this.#sendTick <= nowTick) this.abort('the client did not take its answer in time');
    else if (this.#timeoutTick !== 0 && this.#timeoutTick <= nowTick) this.#expireProtocol();
    if (this.state !== CLOSED && this.deadlineTick === 0) this.#setDeadline();
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
  abort(reason: string): void {
    if (this.state === CLOSED) return;
    const told = this.state === OPEN;
    this.#context.kernel.reset(this.fd);
    this.state = CLOSED;
    if (told) this.#protocol().aborted(reason);
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
    const { kernel, lingerTimeoutMs } = this.#context;
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
    const { kernel, maxLingerBytes } = this.#context;
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
    this.#outbox = null;
    this.#protocol().closed();
    this.#context.onClosed(this);
    this.#context.reactor.bury(this);
  }

  #protocol(): Protocol {
    if (this.protocol === null) throw new Error('epoll-server: broken invariant: a connection has a protocol');
    return this.protocol;
  }
}

/** The interest with which every connection is registered, once. */
export const CONNECTION_INTEREST: number = READABLE | WRITABLE;

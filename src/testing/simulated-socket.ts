// The server's end of one simulated connection, as Linux keeps it: what arrived, what was accepted for
// sending, which ends were told, and what an error left behind. It must not know who calls it.

import { ECONNRESET, EPIPE } from '../kernel/errno.ts';
import { FAILED, HANGUP, READABLE, WRITABLE } from '../kernel/kernel.ts';
import { ByteQueue } from './byte-queue.ts';
import type { SimulatedPoller, Watched } from './simulated-poller.ts';
import type { SimulatedTransport } from './simulated-transport.ts';

/** The client's end, as far as the server's end tells it something. */
export interface ClientEnd {
  /** Bytes that wait for room in the server's receive buffer. */
  readonly waitingBytes: number;
  /** There is room for more of them. */
  roomForMore(): void;
  /** Bytes, or the end, can be read. */
  readable(): void;
  /** The connection was reset: what was not read is lost. */
  wasReset(): void;
}

export class SimulatedSocket implements Watched {
  /** The client's port, by which it is known. */
  readonly port: number;
  readonly client: ClientEnd;
  /** What arrived and was not received yet. */
  readonly inbound: ByteQueue = new ByteQueue();
  /** What was sent and the client has not read yet. */
  readonly outbound: ByteQueue = new ByteQueue();
  /** Bytes that `outbound` can hold. */
  readonly sendCapacity: number;
  /** Bytes that `inbound` can hold. */
  readonly receiveCapacity: number;
  /** What stands between this socket and the kernel's calls; null: nothing. */
  transport: SimulatedTransport | null = null;
  fd = -1;
  /** The client sent FIN, and it arrived. */
  inboundEnded = false;
  /** FIN was sent. */
  outboundEnded = false;
  /** The error that the next call reports, once; 0: none. */
  error = 0;
  /** Reset by either side: nothing passes any more. */
  isDead = false;
  /** The descriptor was closed. */
  isClosed = false;
  /** close(2) will reset. */
  resetsOnClose = false;
  /** A send was refused since there was room last: WRITABLE is owed. */
  wantsRoom = false;
  /** A wait receives for it when it reports READABLE. */
  prefetches = false;
  /** HANGUP or FAILED was reported: nothing more is owed for what is left. */
  hangupReported = false;
  /** recv has said that the client sent its last byte. */
  endSeen = false;
  /** Things that a dial held back and that will still happen. */
  heldBack = 0;
  /** A dial kept what arrived from the server for a while. */
  isDelayed = false;
  /** The server ended it though bytes lay there, of which it had received none. */
  endedUnheard = false;
  /** What was done to it from outside that it need not survive; empty: nothing. */
  hurt = '';
  receivedBytes = 0;
  sentBytes = 0;
  /** How many others the server was connected to when it accepted this one. */
  company = 0;
  /** Times of what happened, in milliseconds; 0: not yet. */
  acceptedMs = 0;
  firstArrivedMs = 0;
  firstReceivedMs = 0;
  lastReceivedMs = 0;
  lastSentMs = 0;
  /** When the server's FIN or RST left. */
  endedMs = 0;
  /** What {@link lastReceivedMs} was at the last sending. */
  receivedBeforeSendingMs = 0;
  readonly #poller: SimulatedPoller;
  readonly #mergesArrivals: boolean;

  constructor(
    port: number,
    client: ClientEnd,
    poller: SimulatedPoller,
    options: { readonly sendCapacity: number; readonly receiveCapacity: number; readonly mergesArrivals: boolean },
  ) {
    this.port = port;
    this.client = client;
    this.#poller = poller;
    this.sendCapacity = options.sendCapacity;
    this.receiveCapacity = options.receiveCapacity;
    this.#mergesArrivals = options.mergesArrivals;
  }

  /** Whether something is still to happen that a dial held back. */
  get isHeldBack(): boolean {
    return this.heldBack > 0;
  }

  /** Whether bytes can be received, from here or from what the transport holds. */
  get hasUnread(): boolean {
    return this.inbound.length > 0 || (this.transport?.holdsInput ?? false);
  }

  get sendRoom(): number {
    return Math.max(this.sendCapacity - this.outbound.length, 0);
  }

  readiness(): number {
    let bits = 0;
    if (this.hasUnread) bits |= READABLE;
    // Linux says writable when a third of the buffer is free.
    if (this.sendRoom * 3 >= this.sendCapacity || this.outboundEnded) bits |= WRITABLE;
    if (this.inboundEnded || this.isDead) bits |= HANGUP;
    if (this.error !== 0) bits |= FAILED;
    return (bits & (HANGUP | FAILED)) === 0 ? bits : bits | READABLE | WRITABLE;
  }

  reported(bits: number): void {
    if ((bits & (HANGUP | FAILED)) !== 0) this.hangupReported = true;
  }

  delayed(): void {
    this.isDelayed = true;
  }

  // ---- What the client did ----------------------------------------------------------------------

  /** Bytes arrive. On a closed descriptor the kernel answers with RST. */
  arrive(bytes: Uint8Array, nowMs: number): void {
    if (this.isDead) return;
    if (this.isClosed) {
      this.#resetClient();
      return;
    }
    const isFirst = this.inbound.length === 0;
    this.firstArrivedMs ||= nowMs;
    this.inbound.push(bytes);
    if (isFirst || !this.#mergesArrivals) this.#poller.raise(this.fd, READABLE);
  }

  /** FIN arrives. */
  arriveEnd(): void {
    if (this.isDead || this.isClosed) return;
    this.inboundEnded = true;
    this.#poller.raise(this.fd, READABLE | HANGUP);
  }

  /** RST arrives: what came before can still be read, what was sent is lost. */
  fail(): void {
    if (this.isDead) return;
    this.isDead = true;
    this.outbound.clear();
    if (this.isClosed) return;
    this.error = this.inboundEnded ? EPIPE : ECONNRESET;
    this.#poller.raise(this.fd, READABLE | WRITABLE | HANGUP | FAILED);
  }

  /** The client took bytes from `outbound`. */
  clientRead(): void {
    if (!this.wantsRoom || this.isClosed || this.sendRoom * 3 < this.sendCapacity) return;
    this.wantsRoom = false;
    this.#poller.raise(this.fd, WRITABLE);
  }

  accepted(nowMs: number, company: number): void {
    this.acceptedMs = nowMs;
    this.company = company;
  }

  // ---- What the server did ----------------------------------------------------------------------

  /** Moves what arrived into `target`; returns how many bytes. */
  receive(target: Uint8Array, nowMs: number): number {
    const count = this.inbound.take(target);
    if (this.transport === null) this.noteReceived(count, nowMs);
    this.client.roomForMore();
    return count;
  }

  /** Sends bytes that nobody changes any more. */
  transmit(bytes: Uint8Array, nowMs: number): void {
    this.outbound.push(bytes);
    if (this.transport === null) this.noteSent(bytes.length, nowMs);
    this.client.readable();
  }

  /** The server received that many bytes. */
  noteReceived(count: number, nowMs: number): void {
    this.receivedBytes += count;
    this.lastReceivedMs = nowMs;
    this.firstReceivedMs ||= nowMs;
  }

  /** The server sent that many bytes. */
  noteSent(count: number, nowMs: number): void {
    this.sentBytes += count;
    this.lastSentMs = nowMs;
    this.receivedBeforeSendingMs = this.lastReceivedMs;
  }

  /** Sends FIN. */
  endOutput(nowMs: number): void {
    this.#noteEnd(nowMs);
    this.outboundEnded = true;
    this.endedMs = nowMs;
    this.client.readable();
  }

  /** The error that is pending, once; `otherwise` without one. */
  takeError(otherwise: number): number {
    const error = this.error === 0 ? otherwise : this.error;
    this.error = 0;
    return error;
  }

  /** Something happens again that was held back. */
  raise(bits: number): void {
    if (!this.isClosed) this.#poller.raise(this.fd, bits);
  }

  /** The descriptor is closed: with FIN, or with RST when bytes were left unread (RFC 9293 section 3.6.1). */
  close(nowMs: number): void {
    this.#noteEnd(nowMs);
    this.endedMs ||= nowMs;
    const resets = this.resetsOnClose || this.inbound.length > 0 || this.client.waitingBytes > 0;
    this.isClosed = true;
    this.inbound.clear();
    if (this.isDead) return;
    if (resets) {
      this.#resetClient();
    } else {
      this.outboundEnded = true;
      this.client.readable();
    }
  }

  #noteEnd(nowMs: number): void {
    const isUnheard = this.inbound.length > 0 && this.receivedBytes === 0 && this.sentBytes === 0;
    // What came since the last turn came too late: an end that was decided then follows now.
    const isOld = this.firstArrivedMs < nowMs - 1;
    if (isUnheard && isOld && !this.isHeldBack && !this.isDelayed) this.endedUnheard = true;
  }

  #resetClient(): void {
    this.isDead = true;
    this.outbound.clear();
    this.client.wasReset();
  }
}

// The server's end of a simulated connection, with the behaviour of Linux: received bytes, unsent bytes, the ends of
// both directions, and a pending error.

import { ECONNREFUSED, ECONNRESET, EPIPE } from '../kernel/errno.ts';
import { FAILED, HANGUP, READABLE, WRITABLE } from '../kernel/kernel.ts';
import { ByteQueue } from './byte-queue.ts';
import type { SimulatedPoller, Watched } from './simulated-poller.ts';
import type { SimulatedTransport } from './simulated-transport.ts';

/** The client's end, as the server's end notifies it. */
export interface ClientEnd {
  /** Bytes that wait for room in the server's receive buffer. */
  readonly waitingBytes: number;
  /** Called when there is room for more of them. */
  roomForMore(): void;
  /** Called when bytes, or the end, can be read. */
  readable(): void;
  /** Called when the connection was reset: unread bytes are lost. */
  wasReset(): void;
}

/** The server's end of a simulated connection, for inspection by tests. */
export class SimulatedSocket implements Watched {
  /** The client's port, which identifies it. */
  readonly port: number;
  /** The other end. */
  readonly client: ClientEnd;
  /** Bytes that arrived and are not received yet. */
  readonly inbound: ByteQueue = new ByteQueue();
  /** Bytes that were sent and the client has not read yet. */
  readonly outbound: ByteQueue = new ByteQueue();
  /** The capacity of `outbound` in bytes. */
  readonly sendCapacity: number;
  /** The capacity of `inbound` in bytes. */
  readonly receiveCapacity: number;
  /** The transport between this socket and the kernel's calls; null: none. */
  transport: SimulatedTransport | null = null;
  /** The client's address. */
  address = '127.0.0.1';
  /** The descriptor; -1: not accepted yet. */
  fd = -1;
  /** The server connects, and there is no result yet. */
  isConnecting = false;
  /** The client sent FIN, and it arrived. */
  inboundEnded = false;
  /** FIN was sent. */
  outboundEnded = false;
  /** The pending error, which the next call reports once; 0: none. */
  error = 0;
  /** Reset by either side: no bytes pass any more. */
  isDead = false;
  /** The descriptor was closed. */
  isClosed = false;
  /** Whether close(2) will send RST. */
  resetsOnClose = false;
  /** A send failed for want of room since the last WRITABLE, so that event has to follow. */
  wantsRoom = false;
  /** Whether a wait prefetches input when it reports READABLE. */
  prefetches = false;
  /** HANGUP or FAILED was reported: no further event is needed for remaining bytes. */
  hangupReported = false;
  /** recv has returned the end of the client's data. */
  endSeen = false;
  /** Delayed events that are still to come. */
  heldBack = 0;
  /** Whether a fault delays bytes that arrived from the server. */
  isDelayed = false;
  /** The server ended the connection though unread bytes were there, and had received none of them. */
  endedUnread = false;
  /** The injected fault that the connection need not survive; empty: none. */
  injectedFault = '';
  /** Bytes that the server has received. */
  receivedBytes = 0;
  /** Bytes that the server has sent. */
  sentBytes = 0;
  /** The number of other connections when the server accepted this one. */
  otherConnections = 0;
  /** Times of events, in milliseconds; 0: not yet. */
  acceptedMs = 0;
  /** When the first byte arrived. */
  firstArrivedMs = 0;
  /** When the server received the first byte. */
  firstReceivedMs = 0;
  /** When the server last received bytes. */
  lastReceivedMs = 0;
  /** When the server last sent bytes. */
  lastSentMs = 0;
  /** When the socket last accepted bytes of the wire. */
  lastTransmittedMs = 0;
  /** When the server sent FIN or RST. */
  endedMs = 0;
  /** The value of {@link lastReceivedMs} at the last send. */
  receivedBeforeSendingMs = 0;
  readonly #poller: SimulatedPoller;
  readonly #mergesArrivals: boolean;

  /** `mergesArrivals`: bytes that arrive behind unread ones cause no event. The capacities are in bytes. */
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

  /** Whether a delayed event is still to come. */
  get isHeldBack(): boolean {
    return this.heldBack > 0;
  }

  /** Whether bytes can be received, from this socket or from its transport. */
  get hasUnread(): boolean {
    return this.inbound.length > 0 || (this.transport?.holdsInput ?? false);
  }

  /** The free space of the send buffer, in bytes. */
  get sendRoom(): number {
    return Math.max(this.sendCapacity - this.outbound.length, 0);
  }

  readiness(): number {
    let bits = 0;
    if (this.isConnecting) return 0;
    if (this.hasUnread) bits |= READABLE;
    // Linux reports writable when a third of the buffer is free.
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

  // ---- Actions of the client ----------------------------------------------------------------------

  /** Receives bytes. If the descriptor is closed, the kernel responds with RST. */
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

  /** The connection that the server made is there. */
  connected(): void {
    this.isConnecting = false;
    this.#poller.raise(this.fd, WRITABLE);
  }

  /** The connection that the server made is refused. */
  refuse(): void {
    if (this.isClosed) return;
    this.isConnecting = false;
    this.isDead = true;
    this.error = ECONNREFUSED;
    this.#poller.raise(this.fd, READABLE | WRITABLE | HANGUP | FAILED);
  }

  /** RST arrives: earlier input can still be read, unsent output is lost. */
  fail(): void {
    if (this.isDead) return;
    this.isDead = true;
    this.outbound.clear();
    if (this.isClosed) return;
    this.error = this.inboundEnded ? EPIPE : ECONNRESET;
    this.#poller.raise(this.fd, READABLE | WRITABLE | HANGUP | FAILED);
  }

  /** The client has read bytes from `outbound`. */
  clientRead(): void {
    if (!this.wantsRoom || this.isClosed || this.sendRoom * 3 < this.sendCapacity) return;
    this.wantsRoom = false;
    this.#poller.raise(this.fd, WRITABLE);
  }

  /** Called when the server has accepted the connection. */
  accepted(nowMs: number, otherConnections: number): void {
    this.acceptedMs = nowMs;
    this.otherConnections = otherConnections;
  }

  // ---- Actions of the server ----------------------------------------------------------------------

  /** Moves received bytes into `target`; returns how many. */
  receive(target: Uint8Array, nowMs: number): number {
    const count = this.inbound.take(target);
    if (this.transport === null) this.noteReceived(count, nowMs);
    this.client.roomForMore();
    return count;
  }

  /** Sends bytes that will not be changed any more. */
  transmit(bytes: Uint8Array, nowMs: number): void {
    this.lastTransmittedMs = nowMs;
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

  /** Returns and clears the pending error; `otherwise` if there is none. */
  takeError(otherwise: number): number {
    const error = this.error === 0 ? otherwise : this.error;
    this.error = 0;
    return error;
  }

  /** Raises a delayed event. */
  raise(bits: number): void {
    if (!this.isClosed) this.#poller.raise(this.fd, bits);
  }

  /** Closes the descriptor: with FIN, or with RST when bytes were left unread (RFC 9293 section 3.6.1). */
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
    // Bytes that came during this turn do not count: the end was decided before them.
    const isOld = this.firstArrivedMs < nowMs - 1;
    if (isUnheard && isOld && !this.isHeldBack && !this.isDelayed) this.endedUnread = true;
  }

  #resetClient(): void {
    this.isDead = true;
    this.outbound.clear();
    this.client.wasReset();
  }
}

// A simulated kernel: sockets, readiness and time come from a seed. A whole server runs on it unchanged; clients are
// objects of the same process.

import { isIP } from 'node:net';
import type { Encryption } from '../connection/context.ts';
import { EAGAIN, EBADF, EINVAL, ENOENT, EPIPE } from '../kernel/errno.ts';
import {
  ACCEPTS,
  BYTES_RECEIVED,
  BYTES_SENT,
  EVENT_PREFETCHED,
  EVENT_READINESS,
  EVENT_WORDS,
  FAILED,
  type Kernel,
  type NegotiatedTls,
  NOT_PREFETCHED,
  NOW_MS,
  type PollerTraits,
  PREFETCH,
  PREFETCH_BYTES,
  READABLE,
  RECEIVES,
  REGISTRATIONS,
  SENDS,
  type SocketAddress,
  WAITS,
} from '../kernel/kernel.ts';
import { CallLedger } from './call-ledger.ts';
import { DescriptorTable } from './descriptor-table.ts';
import { FaultSource } from './fault-source.ts';
import { FaultyNetwork } from './faulty-network.ts';
import { MACHINE_DEFAULTS, type SimulatedKernelOptions } from './machine-options.ts';
import { Random } from './random.ts';
import { SimulatedClient } from './simulated-client.ts';
import { SimulatedListener } from './simulated-listener.ts';
import { SimulatedPoller } from './simulated-poller.ts';
import { SimulatedSender } from './simulated-sender.ts';
import { SimulatedSocket } from './simulated-socket.ts';
import { SimulatedTransport } from './simulated-transport.ts';
import { VirtualClock } from './virtual-clock.ts';

/** The first port that a client gets, as on Linux. */
const FIRST_CLIENT_PORT = 32_768;

/** The largest port of TCP. */
const MAX_PORT = 65_535;

/** As kHandshakeStepsPerWait of native/transport.h. */
const HANDSHAKES_PER_WAIT = 2;

/** The same for all connections. */
const NEGOTIATED: NegotiatedTls = {
  protocol: 'TLSv1.3',
  cipher: 'TLS_AES_128_GCM_SHA256',
  alpnProtocol: '',
  serverName: '',
  isResumed: false,
  certificate: null,
  authorizationError: '',
};

/** The bytes of a send operation without any. */
const NO_BYTES = new Uint8Array(0);

/**
 * A kernel without an operating system: sockets in memory, a virtual clock, and injected faults. It keeps the contract
 * of `Kernel`.
 */
export class SimulatedKernel extends SimulatedSender implements Kernel {
  /** Those of an edge-triggered back end without a descriptor. */
  readonly traits: PollerTraits = {
    name: 'simulated',
    edgeTriggered: true,
    hasDescriptor: false,
    seesHangup: true,
    maxDescriptors: 0,
  };
  /** The clock of the kernel and its clients. */
  readonly clock: VirtualClock;
  /** The source of injected faults. */
  readonly faults: FaultSource;
  /** The watched descriptors and pending events. */
  readonly poller: SimulatedPoller;
  /** The open descriptors. */
  readonly descriptors: DescriptorTable = new DescriptorTable();
  /** All calls and their results. */
  readonly ledger: CallLedger = new CallLedger();
  /**
   * What answers the connections that the server makes, by the path of a Unix domain socket or by `address:port`. Null:
   * the backlog is full, so a connection to a port stays in progress, and one to a path fails.
   */
  readonly upstreams: Map<string, ((peer: SimulatedClient) => void) | null> = new Map();
  /** The turn function given to `start`; null before it, and after `stop`. */
  turn: (() => void) | null = null;
  readonly #options: Required<Omit<SimulatedKernelOptions, 'clock' | 'faults'>>;
  readonly #network: FaultyNetwork;
  /** For a server; null: its clients speak plaintext. */
  readonly encryption: Encryption | null;
  #handshakesBegun = 0;
  #nextPort = FIRST_CLIENT_PORT;
  #destroyed = false;

  /** Each option has a default: see {@link SimulatedKernelOptions}. */
  constructor(options: SimulatedKernelOptions = {}) {
    const { clock = new VirtualClock(), faults = new FaultSource({}, new Random(0)), ...sizes } = options;
    const machine = { ...MACHINE_DEFAULTS, ...sizes };
    super(machine);
    this.#options = machine;
    this.encryption = machine.transport === 'encrypted' ? { kind: {} } : null;
    this.clock = clock;
    this.faults = faults;
    this.poller = new SimulatedPoller(faults);
    this.#network = new FaultyNetwork(clock, faults, (fault) => this.ledger.onCall?.(`! ${fault}`));
    this.control[NOW_MS] = clock.nowMs;
  }

  /** Calls that had an effect, and faults. A busy loop makes none. */
  get progress(): number {
    return this.ledger.effects + this.faults.count;
  }

  /** The sum of time jumps, in milliseconds, of waits that returned late. */
  get jumpedMs(): number {
    return this.#network.jumpedMs;
  }

  /** Connects a client to `port`, or to the only listener. Undefined: nothing listens there. */
  connectClient(port?: number): SimulatedClient | undefined {
    const listener = this.descriptors.listener(port);
    if (listener === undefined) return undefined;
    const { sendCapacity, receiveCapacity, latencyMs, transport } = this.#options;
    const client = new SimulatedClient(this.clock, latencyMs, transport !== false);
    const mergesArrivals = this.faults.isOn('mergedArrivals');
    const options = { sendCapacity, receiveCapacity, mergesArrivals };
    const socket = new SimulatedSocket(this.#nextPort++, client, this.poller, options);
    if (transport !== false) socket.transport = this.#transportOver(socket);
    client.connected(socket);
    listener.backlog.push(socket);
    this.poller.raise(listener.fd, READABLE);
    return client;
  }

  // ---- The poller -------------------------------------------------------------------------------

  wait(timeoutMs: number): number {
    if (this.#destroyed) return EBADF;
    this.#handshakesBegun = 0;
    if (timeoutMs !== 0 && !this.poller.hasReady)
      this.clock.pass(timeoutMs < 0 ? Infinity : timeoutMs, () => this.poller.hasReady);
    this.#network.delay();
    const count = this.poller.take(this.events, this.#options.eventCapacity);
    this.control[NOW_MS] = this.clock.nowMs;
    for (let i = 0; i < count; i++) this.#report(i * EVENT_WORDS);
    this.#count(WAITS, 1);
    this.ledger.waited(this.events, count);
    for (let i = 0; i < count; i++) this.events[i * EVENT_WORDS + EVENT_PREFETCHED] = this.#prefetch(i);
    return count;
  }

  add(fd: number, interest: number): number {
    if (this.#destroyed) return EBADF;
    const entry = this.descriptors.find(fd);
    if (entry === undefined) return this.#misused('add', fd);
    this.#count(REGISTRATIONS, 1);
    const refusal = entry.object instanceof SimulatedSocket ? this.#network.refuseAdd(entry.object) : 0;
    if (refusal !== 0) return this.#result('add', fd, refusal);
    const status = this.poller.add(fd, entry.generation, interest & ~PREFETCH, entry.object);
    if (status === 0 && entry.object instanceof SimulatedSocket) entry.object.prefetches = (interest & PREFETCH) !== 0;
    return this.#result('add', fd, status === 0 ? entry.generation : status);
  }

  rearm(fd: number, interest: number): number {
    if (this.#destroyed) return EBADF;
    return this.#result('rearm', fd, this.poller.rearm(fd, interest));
  }

  remove(fd: number): number {
    if (this.#destroyed) return EBADF;
    return this.#result('remove', fd, this.poller.remove(fd));
  }

  // ---- Sockets ----------------------------------------------------------------------------------

  listen(_address: string, port: number, _backlog: number): number {
    if (this.#destroyed) return EBADF;
    return this.descriptors.open((fd) => new SimulatedListener(fd, port === 0 ? 8080 : port));
  }

  connect(address: string, port: number): number {
    if (this.#destroyed) return EBADF;
    if (isIP(address) === 0 || port < 1 || port > MAX_PORT) return EINVAL;
    return this.#connectTo(`${address}:${port}`, port, false);
  }

  connectUnix(path: string): number {
    return this.#destroyed ? EBADF : this.#connectTo(path, 0, true);
  }

  /** `isUnix`: the result is there at once, as for unix(7). */
  #connectTo(place: string, port: number, isUnix: boolean): number {
    const answer = this.upstreams.get(place);
    const missing = isUnix && answer === undefined ? ENOENT : isUnix && answer === null ? EAGAIN : 0;
    const failure = missing === 0 ? this.#network.refuseConnect(isUnix) : missing;
    if (failure !== 0) return this.#result('connect', -1, failure);
    const { sendCapacity, receiveCapacity, latencyMs } = this.#options;
    const peer = new SimulatedClient(this.clock, latencyMs);
    const options = { sendCapacity, receiveCapacity, mergesArrivals: this.faults.isOn('mergedArrivals') };
    const socket = new SimulatedSocket(port, peer, this.poller, options);
    peer.connected(socket);
    const fd = this.descriptors.open((opened) => {
      socket.fd = opened;
      return socket;
    });
    socket.isConnecting = !isUnix;
    const delayMs = isUnix ? 0 : latencyMs + this.#network.connectDelayMs();
    if (answer !== null) this.clock.after(delayMs, () => this.#answer(socket, peer, answer));
    return this.#result('connect', fd, fd);
  }

  /** `answer`: undefined when no program listens. */
  #answer(socket: SimulatedSocket, peer: SimulatedClient, answer: ((peer: SimulatedClient) => void) | undefined): void {
    if (socket.isClosed) return;
    if (answer === undefined || this.#network.refusesLate()) {
      socket.refuse();
      return;
    }
    socket.connected();
    answer(peer);
  }

  accept(listener: number): number {
    const object = this.descriptors.find(listener)?.object;
    if (!(object instanceof SimulatedListener)) return this.#misused('accept', listener);
    this.#count(ACCEPTS, 1);
    if (object.backlog.length === 0) return EAGAIN;
    const refusal = this.#network.refuseAccept(object);
    if (refusal !== 0) return this.#result('accept', listener, refusal);
    const socket = object.backlog.shift();
    if (socket === undefined) return EAGAIN;
    socket.accepted(this.clock.nowMs, this.poller.size - 1);
    return this.#result(
      'accept',
      listener,
      this.descriptors.open((fd) => {
        socket.fd = fd;
        return socket;
      }),
    );
  }

  recv(fd: number, offset: number, length: number): number {
    const socket = this.descriptors.socket(fd);
    if (socket === undefined) return this.#misused('recv', fd);
    if (!isInside(offset, length, this.receiveBytes)) return EINVAL;
    return this.#receive(fd, socket, this.input.subarray(offset, offset + length));
  }

  prefetch(fd: number, on: 0 | 1): number {
    const socket = this.descriptors.socket(fd);
    if (socket === undefined) return this.#misused('prefetch', fd);
    socket.prefetches = on === 1;
    return 0;
  }

  override sendBatch(count: number): number {
    return this.#destroyed ? EBADF : super.sendBatch(count);
  }

  send(fd: number, offset: number, length: number, bytes: Uint8Array = NO_BYTES, bytesOffset = 0): number {
    if (!isInside(offset, length, this.output.length)) return EINVAL;
    if (bytesOffset < 0 || bytesOffset > bytes.length) return EINVAL;
    return this.#send(fd, [this.output.subarray(offset, offset + length), bytes.subarray(bytesOffset)]);
  }

  shutdown(fd: number): number {
    const socket = this.descriptors.socket(fd);
    if (socket === undefined) return this.#misused('shutdown', fd);
    const { transport } = socket;
    if (transport === null) return this.#result('shutdown', fd, this.#network.shutdown(socket));
    const result = transport.shutdown();
    return this.#result('shutdown', fd, result === 0 && transport.hasPendingOutput ? 1 : result);
  }

  reset(fd: number): number {
    const socket = this.descriptors.socket(fd);
    if (socket === undefined) return this.#misused('reset', fd);
    socket.resetsOnClose = true;
    return this.#result('reset', fd, 0);
  }

  close(fd: number): number {
    const entry = this.descriptors.find(fd);
    if (entry === undefined) return this.#misused('close', fd);
    this.poller.forget(fd);
    this.descriptors.close(fd);
    if (entry.object instanceof SimulatedSocket && !entry.object.resetsOnClose) entry.object.transport?.shutdown();
    entry.object.close(this.clock.nowMs);
    return this.#result('close', fd, this.#network.closeResult());
  }

  peer(fd: number): SocketAddress {
    return this.descriptors.peer(fd);
  }

  local(fd: number): SocketAddress {
    return this.descriptors.local(fd);
  }

  wireSent(fd: number): number {
    const socket = this.descriptors.socket(fd);
    return socket === undefined ? EBADF : (socket.transport?.wireSentBytes ?? socket.sentBytes);
  }

  acknowledged(fd: number): number {
    return this.wireSent(fd) - (this.descriptors.socket(fd)?.outbound.length ?? 0);
  }

  /** Its sockets have the simulated transport from the beginning, or none. */
  attach(fd: number): number {
    return this.descriptors.socket(fd)?.transport != null && this.encryption !== null ? 0 : EINVAL;
  }

  isNegotiated(fd: number): number {
    return this.descriptors.socket(fd)?.transport?.isSecure === true ? 1 : 0;
  }

  negotiated(fd: number): NegotiatedTls | null {
    return this.isNegotiated(fd) === 1 ? NEGOTIATED : null;
  }

  transferred(fd: number): readonly [number, number] {
    const socket = this.descriptors.socket(fd);
    return socket === undefined ? [0, 0] : [socket.receivedBytes, socket.sentBytes];
  }

  // ---- Lifetime -----------------------------------------------------------------------------------

  start(turn: () => void): number {
    if (this.#destroyed) return EBADF;
    this.turn = turn;
    return 0;
  }

  /** No process depends on it. */
  setReferenced(): number {
    return this.turn === null ? EBADF : 0;
  }

  stop(): void {
    this.turn = null;
  }

  destroy(): void {
    this.stop();
    for (const fd of this.descriptors.all()) this.close(fd);
    this.#destroyed = true;
  }

  now(): number {
    this.control[NOW_MS] = this.clock.nowMs;
    return this.clock.nowMs;
  }

  /** An arrow function, since it is passed without its kernel. */
  readonly wallClockMs = (): number => this.clock.wallClockMs;

  // ---- Counters -----------------------------------------------------------------------------------

  /** The bytes that a wait receives for the event at that index, if its descriptor prefetches. */
  #prefetch(index: number): number {
    const at = index * EVENT_WORDS;
    const [fd = -1, generation, readiness = 0] = this.events.subarray(at, at + EVENT_WORDS);
    if ((readiness & READABLE) === 0 || (readiness & FAILED) !== 0) return NOT_PREFETCHED;
    const entry = this.descriptors.find(fd);
    if (entry === undefined || entry.generation !== generation) return NOT_PREFETCHED;
    if (!(entry.object instanceof SimulatedSocket) || !entry.object.prefetches) return NOT_PREFETCHED;
    const start = this.receiveBytes + index * PREFETCH_BYTES;
    return this.#receive(fd, entry.object, this.input.subarray(start, start + PREFETCH_BYTES));
  }

  #receive(fd: number, socket: SimulatedSocket, target: Uint8Array): number {
    this.#count(RECEIVES, 1);
    if (socket.isConnecting) return EAGAIN;
    const result = socket.transport?.receive(target) ?? this.#network.receive(socket, target);
    if (socket.transport !== null) {
      if (result > 0) socket.noteReceived(result, this.clock.nowMs);
      this.#reportHeld(fd, socket.transport);
    }
    if (result > 0) this.#count(BYTES_RECEIVED, result);
    return this.#result('recv', fd, result);
  }

  #send(fd: number, pieces: readonly Uint8Array[]): number {
    const socket = this.descriptors.socket(fd);
    if (socket === undefined) return this.#misused('send', fd);
    if (socket.isConnecting) return EAGAIN;
    if (socket.outboundEnded && !socket.isDead) return this.#misused('send', fd, 'after shutdown', EPIPE);
    this.#count(SENDS, 1);
    const result = socket.transport?.send(Buffer.concat(pieces)) ?? this.#network.send(socket, pieces);
    if (socket.transport !== null) {
      if (result > 0) socket.noteSent(result, this.clock.nowMs);
      this.#reportHeld(fd, socket.transport);
    }
    if (result > 0) this.#count(BYTES_SENT, result);
    return this.#result('send', fd, result);
  }

  #transportOver(socket: SimulatedSocket): SimulatedTransport {
    const wire = {
      receive: (target: Uint8Array) => this.#network.receive(socket, target),
      send: (bytes: Uint8Array) => this.#network.send(socket, [bytes]),
      shutdown: () => this.#network.shutdown(socket),
    };
    return new SimulatedTransport(wire, this.encryption === null ? null : () => this.#mayBeginHandshake());
  }

  #mayBeginHandshake(): boolean {
    return this.#handshakesBegun++ < HANDSHAKES_PER_WAIT;
  }

  /** The transport of a descriptor sees an event first, unless the event is that of an earlier use of the number. */
  #report(at: number): void {
    const [fd = -1, generation, readiness = 0] = this.events.subarray(at, at + EVENT_WORDS);
    const entry = this.descriptors.find(fd);
    if (entry?.generation !== generation || !(entry?.object instanceof SimulatedSocket)) return;
    const { transport } = entry.object;
    if (transport !== null) this.events[at + EVENT_READINESS] = transport.report(readiness);
  }

  /** Reports input that the transport holds: no event of the socket follows for it. */
  #reportHeld(fd: number, transport: SimulatedTransport): void {
    if (transport.receiveWaits && transport.holdsInput) this.poller.raise(fd, READABLE);
  }

  /** Adds to a counter of `control`. */
  #count(word: number, by: number): void {
    this.control[word] = (this.control[word] ?? 0) + by;
  }

  #misused(call: string, fd: number, how?: string, error = EBADF): number {
    if (!this.#destroyed) this.ledger.misused(call, fd, how);
    return error;
  }

  #result(call: string, fd: number, result: number): number {
    this.ledger.result(call, fd, result);
    return result;
  }
}

/** Whether a range is valid, as unsigned 32-bit numbers, which the addon reads. */
function isInside(offset: number, length: number, size: number): boolean {
  const [from, count] = [offset >>> 0, length >>> 0];
  return from <= size && count <= size - from;
}

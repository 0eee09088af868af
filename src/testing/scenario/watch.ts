// Checks the whole simulation around every turn for broken rules that no single client can detect.

import { DUE_AT_MS, PREFETCH_BYTES } from '../../kernel/kernel.ts';
import type { SimulatedServer } from '../simulated-server.ts';
import type { SimulatedSocket } from '../simulated-socket.ts';
import type { SimulatedApplication } from './application.ts';
import { CheckFailure } from './failure.ts';
import type { WatchedConnections } from './machine.ts';
import type { RunSettings } from './settings.ts';

/**
 * The maximum number of consecutive turns without a call that has an effect. One may follow a wake-up whose work was
 * done meanwhile; a busy loop makes thousands.
 */
const MAX_IDLE_TURNS = 3;

/** The maximum number of turns for which a ready client may wait, beyond the turns of all connected clients. */
const MAX_WAITED_TURNS = 64;

/** The maximum number of connections beyond the limit, each of which is being rejected with 503. */
const MAX_REJECTED = 64;

/** A server without free descriptors tries to accept again within this time. */
const ACCEPT_PAUSE_MS = 400;

export class Watch {
  readonly #world: SimulatedServer;
  readonly #application: SimulatedApplication;
  readonly #settings: RunSettings;
  readonly #connections: WatchedConnections;
  #progress = 0;
  #wasDue = false;
  #idleTurns = 0;
  turns = 0;
  #misuses = 0;
  /** How many turns each ready connection has waited, and its byte count when the wait began. */
  readonly #waiting = new Map<SimulatedSocket, { passed: number; turns: number }>();

  constructor(
    world: SimulatedServer,
    application: SimulatedApplication,
    settings: RunSettings,
    connections: WatchedConnections,
  ) {
    this.#world = world;
    this.#application = application;
    this.#settings = settings;
    this.#connections = connections;
  }

  /** A counter of progress: calls with an effect, faults and requests. */
  get #currentProgress(): number {
    return this.#world.kernel.progress + this.#application.requests;
  }

  before(): void {
    const { kernel, clock } = this.#world;
    this.#progress = this.#currentProgress;
    if (this.#world.hasBlocked) this.#idleTurns = 0;
    this.#wasDue = (kernel.control[DUE_AT_MS] ?? Infinity) <= clock.nowMs;
  }

  /** @throws CheckFailure */
  after(): void {
    this.turns++;
    this.#checkProgress();
    this.#checkCalls();
    this.#checkRoom();
    // Checking all connections in each turn would make large runs quadratic.
    const { size } = this.#world.kernel.poller;
    if (size > 64 && this.turns % size !== 0) return;
    const willBlock = !this.#world.mustTurn;
    if (willBlock) {
      this.#checkBacklog();
      this.#checkDescriptors();
    }
    for (const socket of this.#world.kernel.descriptors.sockets()) {
      if (willBlock) this.#checkEdges(socket);
      this.#checkBounds(socket);
      if (size <= 64) this.#checkFairness(socket, size);
    }
  }

  #checkProgress(): void {
    const isIdle = this.#currentProgress === this.#progress && !this.#wasDue;
    this.#idleTurns = isIdle ? this.#idleTurns + 1 : 0;
    if (this.#idleTurns > MAX_IDLE_TURNS) throw new CheckFailure('spin', `${this.#idleTurns} turns without any effect`);
  }

  #checkCalls(): void {
    const { kernel, server } = this.#world;
    const { misuses } = kernel.ledger;
    if (misuses.length > this.#misuses) throw new CheckFailure('descriptors', misuses.join(', '));
    const { staleEvents } = server.stats().loop;
    // Events of a connection that was closed before this turn count as stale too.
    if (staleEvents < kernel.poller.staleEvents) {
      throw new CheckFailure(
        'stale',
        `${kernel.poller.staleEvents} stale events were reported, ${staleEvents} dropped`,
      );
    }
  }

  #checkRoom(): void {
    const { open, lingering, refused } = this.#world.server.stats().connections;
    const { maxConnections, maxLingeringConnections } = this.#settings.limits;
    if (lingering > maxLingeringConnections) {
      throw new CheckFailure('bounds', `${lingering} linger, the limit is ${maxLingeringConnections}`);
    }
    const connected = open - lingering;
    if (connected <= maxConnections + Math.min(refused, MAX_REJECTED)) return;
    throw new CheckFailure('bounds', `${connected} clients are connected, the limit is ${maxConnections}`);
  }

  /** A client in the backlog waits for a deadline at most: without room it gets 503. */
  #checkBacklog(): void {
    const { kernel, clock } = this.#world;
    const waiting = kernel.descriptors.listener()?.backlog.length ?? 0;
    if (waiting === 0 || (kernel.control[DUE_AT_MS] ?? Infinity) < clock.nowMs + ACCEPT_PAUSE_MS) return;
    throw new CheckFailure('edges', `${waiting} clients wait to be accepted, and the loop blocks`);
  }

  /** Every open descriptor is the listener or a connection of the server. */
  #checkDescriptors(): void {
    const { kernel, server } = this.#world;
    const { opened, closed } = kernel.descriptors;
    const known = server.stats().connections.open + (kernel.descriptors.listener() === undefined ? 0 : 1);
    if (opened - closed === known) return;
    throw new CheckFailure('leaks', `${opened - closed} descriptors are open, and the server knows of ${known}`);
  }

  /** Whether the server has a reason not to read from this connection. */
  #isPaused(socket: SimulatedSocket): boolean {
    if (socket.isDead || socket.isHeldBack) return true;
    if (this.#application.historyOf(socket.port).running > 0) return true;
    return socket.wantsRoom;
  }

  /** No connection may have reported but unread input while no later event will wake the server. */
  #checkEdges(socket: SimulatedSocket): void {
    const hasInput = socket.hasUnread || (socket.inboundEnded && !socket.endSeen);
    if (!hasInput || this.#isPaused(socket)) return;
    const what = socket.inbound.length > 0 ? `${socket.inbound.length} bytes are` : 'the end is';
    throw new CheckFailure(
      'edges',
      `${what} unread on descriptor ${socket.fd} (port ${socket.port}), and the loop blocks`,
    );
  }

  #checkFairness(socket: SimulatedSocket, size: number): void {
    const isReady = socket.inbound.length > 0 && !this.#isPaused(socket);
    const waited = this.#waiting.get(socket);
    const passed = socket.receivedBytes + socket.sentBytes;
    if (!isReady || waited === undefined || waited.passed !== passed) {
      if (isReady) this.#waiting.set(socket, { passed, turns: 0 });
      else if (waited !== undefined) this.#waiting.delete(socket);
      return;
    }
    waited.turns++;
    if (waited.turns > MAX_WAITED_TURNS + size * 8) {
      throw new CheckFailure(
        'fairness',
        `descriptor ${socket.fd} is ready and was not served for ${waited.turns} turns`,
      );
    }
  }

  /** Bounds the output that the server holds for a connection: written by handlers, and not accepted by the kernel. */
  #checkBounds(socket: SimulatedSocket): void {
    const { limits, machine, requests } = this.#settings;
    const { givenBytes, takenBytes, running } = this.#application.historyOf(socket.port);
    const unsent = givenBytes - socket.sentBytes;
    const maxUnsent = limits.maxUnsentBytes + requests.maxContentBytes + machine.outputBytes;
    if (unsent > maxUnsent)
      throw new CheckFailure('bounds', `${unsent} bytes of output are buffered, the limit is ${maxUnsent}`);
    if (running > 1) throw new CheckFailure('bounds', `${running} requests of one connection are in flight`);
    // Input behind the last response is discarded, while it is sent and behind the server's end.
    if (this.#connections.isFinishing(socket.fd) || socket.outboundEnded || socket.transport?.isEnded === true) return;
    const unread = socket.receivedBytes - takenBytes;
    // A prefetch may have read for a connection that has paused reading meanwhile.
    const maxUnread = limits.maxHeaderBytes + 2 * machine.receiveBytes + 2 * PREFETCH_BYTES;
    if (unread > maxUnread)
      throw new CheckFailure('bounds', `${unread} bytes of input are buffered, the limit is ${maxUnread}`);
  }
}

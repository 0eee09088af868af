// Looks at the whole world around every turn, and says when a rule was broken that no single client can see.

import { DUE_AT_MS, PREFETCH_BYTES } from '../../kernel/kernel.ts';
import type { SimulatedServer } from '../simulated-server.ts';
import type { SimulatedSocket } from '../simulated-socket.ts';
import type { SimulatedApplication } from './application.ts';
import { CheckFailure } from './failure.ts';
import type { RunSettings } from './settings.ts';

/**
 * Turns in a row that may pass without a call that has an effect. One may be owed to a wake-up for something
 * that was done in the meantime; who spins makes thousands.
 */
const MAX_IDLE_TURNS = 3;

/** Turns for which a client who is ready may wait, beyond one for everybody who is connected. */
const MAX_WAITED_TURNS = 64;

/** Clients at once who are being told that there is no room, beyond those that there is room for. */
const MAX_TOLD = 64;

/** A server that has no descriptors left looks again within this time. */
const ACCEPT_PAUSE_MS = 400;

export class Watch {
  readonly #world: SimulatedServer;
  readonly #application: SimulatedApplication;
  readonly #settings: RunSettings;
  #progress = 0;
  #wasDue = false;
  #idleTurns = 0;
  turns = 0;
  #misuses = 0;
  /** How long each ready connection has waited, in turns, and what had passed on it when that began. */
  readonly #waiting = new Map<SimulatedSocket, { passed: number; turns: number }>();

  constructor(world: SimulatedServer, application: SimulatedApplication, settings: RunSettings) {
    this.#world = world;
    this.#application = application;
    this.#settings = settings;
  }

  /** Calls with an effect, faults, and requests: what a turn may bring forward. */
  get #worldsProgress(): number {
    return this.#world.kernel.progress + this.#application.requests;
  }

  before(): void {
    const { kernel, clock } = this.#world;
    this.#progress = this.#worldsProgress;
    if (this.#world.hasBlocked) this.#idleTurns = 0;
    this.#wasDue = (kernel.control[DUE_AT_MS] ?? Infinity) <= clock.nowMs;
  }

  /** @throws CheckFailure */
  after(): void {
    this.turns++;
    this.#checkProgress();
    this.#checkCalls();
    this.#checkRoom();
    // Looking at everybody in each turn would make large runs quadratic.
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
    const isIdle = this.#worldsProgress === this.#progress && !this.#wasDue;
    this.#idleTurns = isIdle ? this.#idleTurns + 1 : 0;
    if (this.#idleTurns > MAX_IDLE_TURNS) throw new CheckFailure('spin', `${this.#idleTurns} turns without any effect`);
  }

  #checkCalls(): void {
    const { kernel, server } = this.#world;
    const { misuses } = kernel.ledger;
    if (misuses.length > this.#misuses) throw new CheckFailure('descriptors', misuses.join(', '));
    const { staleEvents } = server.stats().loop;
    // Those of a connection that was given up before this turn count as stale too.
    if (staleEvents < kernel.poller.staleEvents) {
      throw new CheckFailure('stale', `${kernel.poller.staleEvents} were reported, ${staleEvents} dropped`);
    }
  }

  #checkRoom(): void {
    const { open, lingering, refused } = this.#world.server.stats().connections;
    const { maxConnections, maxLingeringConnections } = this.#settings.limits;
    if (lingering > maxLingeringConnections) {
      throw new CheckFailure('bounds', `${lingering} linger, not ${maxLingeringConnections}`);
    }
    const connected = open - lingering;
    if (connected <= maxConnections + Math.min(refused, MAX_TOLD)) return;
    throw new CheckFailure('bounds', `${connected} clients are connected, not ${maxConnections}`);
  }

  /** Who waits to be accepted waits for a deadline at most: without room it hears so. */
  #checkBacklog(): void {
    const { kernel, clock } = this.#world;
    const waiting = kernel.descriptors.listener()?.backlog.length ?? 0;
    if (waiting === 0 || (kernel.control[DUE_AT_MS] ?? Infinity) < clock.nowMs + ACCEPT_PAUSE_MS) return;
    throw new CheckFailure('edges', `${waiting} clients wait to be accepted, and the loop blocks`);
  }

  /** Every open descriptor is a connection that the server knows, or its listener. */
  #checkDescriptors(): void {
    const { kernel, server } = this.#world;
    const { opened, closed } = kernel.descriptors;
    const known = server.stats().connections.open + (kernel.descriptors.listener() === undefined ? 0 : 1);
    if (opened - closed === known) return;
    throw new CheckFailure('leaks', `${opened - closed} descriptors are open, and the server knows of ${known}`);
  }

  /** Whether the server has a reason to leave this connection's input alone. */
  #isPaused(socket: SimulatedSocket): boolean {
    if (socket.isDead || socket.isHeldBack) return true;
    if (this.#application.historyOf(socket.port).running > 0) return true;
    return socket.wantsRoom;
  }

  /** Nobody may be left with input that was reported, nothing to wait for, and nobody to wake it. */
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

  /** What the server holds of a connection's output: given by handlers, and not taken by the kernel. */
  #checkBounds(socket: SimulatedSocket): void {
    const { limits, machine, requests } = this.#settings;
    const { givenBytes, takenBytes, running } = this.#application.historyOf(socket.port);
    const unsent = givenBytes - socket.sentBytes;
    const maxUnsent = limits.maxUnsentBytes + requests.maxContentBytes + machine.outputBytes;
    if (unsent > maxUnsent) throw new CheckFailure('bounds', `${unsent} bytes of output are held, not ${maxUnsent}`);
    if (running > 1) throw new CheckFailure('bounds', `${running} requests of one connection are in flight`);
    // What comes behind the server's end is thrown away.
    if (socket.outboundEnded || socket.transport?.isEnded === true) return;
    const unread = socket.receivedBytes - takenBytes;
    // A prefetch may come for a connection that turned out not to want it.
    const maxUnread = limits.maxHeaderBytes + 2 * machine.receiveBytes + 2 * PREFETCH_BYTES;
    if (unread > maxUnread) throw new CheckFailure('bounds', `${unread} bytes of input are held, not ${maxUnread}`);
  }
}

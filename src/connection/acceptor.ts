// Accepts clients from one listening descriptor, a bounded number per turn, and pauses when the system is out of
// descriptors or memory.

import {
  EAGAIN,
  ECONNABORTED,
  EHOSTDOWN,
  EHOSTUNREACH,
  EINTR,
  EMFILE,
  ENETDOWN,
  ENETUNREACH,
  ENFILE,
  ENOPROTOOPT,
  EOPNOTSUPP,
  EPERM,
  EPROTO,
} from '../kernel/errno.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { READABLE } from '../kernel/kernel.ts';
import { Deadline, type DeadlineOwner } from '../reactor/deadline.ts';
import type { Reactor } from '../reactor/reactor.ts';
import { Source } from '../reactor/source.ts';
import { CONNECTION_INTEREST } from './connection.ts';

/**
 * After the system ran out of descriptors or memory, accepting is tried again this much later. An edge-triggered
 * listener gives no second event for a waiting client, and a level-triggered one would spin at 100 % (libuv #690).
 */
const EXHAUSTED_PAUSE_MS = 250;

/**
 * Results of accept(2) that concern one client: it closed the connection, a firewall rejected it, or its network
 * failed. All others concern this process, and would be returned again at once.
 */
const CLIENT_FAILED = new Set([
  EINTR,
  ECONNABORTED,
  EPROTO,
  EPERM,
  ENETDOWN,
  ENETUNREACH,
  EHOSTDOWN,
  EHOSTUNREACH,
  ENOPROTOOPT,
  EOPNOTSUPP,
]);

/** Counters of an acceptor since it was created. */
export interface AcceptorCounters {
  accepted: number;
  /** Times accepting paused because the system was out of descriptors or memory. */
  exhausted: number;
  /** Clients that had closed the connection before accept(2), or could not be watched. */
  failed: number;
}

export interface AcceptorOptions {
  readonly maxAcceptsPerTurn: number;
  /** Closes descriptors that are not in use, such as cached files. False: there are none. */
  readonly freeDescriptors?: () => boolean;
  /**
   * Called when the system has no room: the owner may close a connection, and then calls {@link
   * Acceptor.connectionClosed}. If that did not help, it is called once for each pause.
   */
  readonly onExhausted?: () => void;
  /**
   * Called for an accepted client that cannot be watched (its descriptor is too high for the back end). It is closed
   * next.
   */
  readonly onRefuse?: (fd: number) => void;
  /** Called when a client was accepted and is watched. */
  readonly onAccept: (fd: number, generation: number) => void;
}

export class Acceptor extends Source implements DeadlineOwner {
  readonly counters: AcceptorCounters = { accepted: 0, exhausted: 0, failed: 0 };
  readonly #kernel: Kernel;
  readonly #reactor: Reactor;
  readonly #options: AcceptorOptions;
  readonly #deadline: Deadline = new Deadline(this);
  /** The system has no room; accepting continues when a connection closes, or after a pause. */
  #full = false;
  /** {@link AcceptorOptions.onExhausted} was called, and no client accepted since. Not called again until a pause is over. */
  #madeRoom = false;
  /** Clients to accept in the last turn, after {@link drain}; 0: not draining. */
  #lastClients = 0;

  constructor(reactor: Reactor, fd: number, generation: number, options: AcceptorOptions) {
    super(fd, generation);
    this.#kernel = reactor.kernel;
    this.#reactor = reactor;
    this.#options = options;
  }

  /** The interest with which the listener is registered. */
  static readonly INTEREST: number = READABLE;

  serve(): void {
    this.readiness = 0;
    this.#full = false;
    if (this.#lastClients > 0) {
      this.#accept(this.#lastClients);
      this.close();
    } else if (this.#accept(this.#options.maxAcceptsPerTurn)) {
      this.#reactor.wake(this);
    }
  }

  /** Clients that came while others were served: between this accept(2) and close(2) there is almost no time. */
  override closing(): void {
    if (this.#lastClients === 0) return;
    this.#accept(this.#lastClients);
    this.#reactor.dropDeadline(this.#deadline);
  }

  /** Accepts at most `max` clients; returns whether more may wait. */
  #accept(max: number): boolean {
    for (let i = 0; i < max; i++) {
      const fd = this.#kernel.accept(this.fd);
      if (fd === EAGAIN) return false;
      if (fd >= 0) this.#register(fd);
      else if (!this.#mayContinue(fd)) return false;
    }
    return true;
  }

  expire(): void {
    this.#madeRoom = false;
    this.#reactor.wake(this);
  }

  /** Tries again after a connection closed, if the system had no room. */
  connectionClosed(): void {
    if (this.#full) this.#reactor.wake(this);
  }

  /** Stops accepting; the descriptor is closed at the end of the turn. */
  close(): void {
    this.#reactor.dropDeadline(this.#deadline);
    this.#reactor.closeLater(this);
  }

  /** Accepts the clients that wait already, then stops: closing the listener would reset them. */
  drain(maxClients: number): void {
    this.#lastClients = maxClients;
    this.#reactor.wake(this);
  }

  #register(fd: number): void {
    this.#madeRoom = false;
    const generation = this.#kernel.add(fd, CONNECTION_INTEREST);
    if (generation < 0) {
      this.counters.failed++;
      if (generation === EMFILE) this.#options.onRefuse?.(fd);
      this.#kernel.close(fd);
      return;
    }
    this.counters.accepted++;
    this.#options.onAccept(fd, generation);
  }

  /** Handles a failed accept; returns whether to accept the next client. */
  #mayContinue(error: number): boolean {
    if (CLIENT_FAILED.has(error)) {
      this.counters.failed++;
      return true;
    }
    if ((error === EMFILE || error === ENFILE) && this.#options.freeDescriptors?.() === true) return true;
    this.counters.exhausted++;
    this.#full = true;
    if (this.#madeRoom) return false;
    this.#madeRoom = true;
    this.#reactor.setDeadline(this.#deadline, this.#reactor.tickAfter(EXHAUSTED_PAUSE_MS));
    this.#options.onExhausted?.();
    return false;
  }
}

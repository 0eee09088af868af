// Takes new clients from one listening descriptor, a bounded number a turn, and waits when the system says
// that there is no room. It must not know who may stay, nor what is spoken.

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
 * After the system ran out of descriptors or memory, accepting is tried again this much later. An
 * edge-triggered listener gives no second event for a waiting client, a level-triggered one would
 * spin at 100 % (libuv #690).
 */
const EXHAUSTED_PAUSE_MS = 250;

/**
 * Results of accept(2) that concern one client: it was gone, the firewall forbade it, or its network failed
 * before it was taken. All others concern this process, and would come again at once.
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

/** What an acceptor counted. */
export interface AcceptorCounters {
  accepted: number;
  /** Times accepting paused because the system was out of descriptors or memory. */
  exhausted: number;
  /** Clients that were gone, or could not be watched, when their turn came. */
  failed: number;
}

export interface AcceptorOptions {
  readonly maxAcceptsPerTurn: number;
  /** Gives descriptors back that nobody needs just now. False: there are none. */
  readonly relieve?: () => boolean;
  /** The system has no room: a connection that may be closed makes some, and then {@link Acceptor.connectionClosed}. */
  readonly onExhausted?: () => void;
  /** A client was accepted and cannot be watched (its number is too high for the back end): it is closed next. */
  readonly onRefuse?: (fd: number) => void;
  /** A client was accepted and is watched. */
  readonly onAccept: (fd: number, generation: number) => void;
}

export class Acceptor extends Source implements DeadlineOwner {
  readonly counters: AcceptorCounters = { accepted: 0, exhausted: 0, failed: 0 };
  readonly #kernel: Kernel;
  readonly #reactor: Reactor;
  readonly #options: AcceptorOptions;
  readonly #deadline: Deadline = new Deadline(this);
  /** No room in the system: the next connection that closes lets it go on. */
  #full = false;
  /** How many clients it takes in its last turn; 0: that has not come. */
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

  /** Takes at most `max` clients; returns whether more may wait. */
  #accept(max: number): boolean {
    for (let i = 0; i < max; i++) {
      const fd = this.#kernel.accept(this.fd);
      if (fd === EAGAIN) return false;
      if (fd >= 0) this.#enter(fd);
      else if (!this.#survives(fd)) return false;
    }
    return true;
  }

  expire(): void {
    this.#reactor.wake(this);
  }

  /** A connection closed: there may be room again. */
  connectionClosed(): void {
    if (this.#full) this.#reactor.wake(this);
  }

  /** Stops taking clients; the descriptor is closed at the end of the turn. */
  close(): void {
    this.#reactor.dropDeadline(this.#deadline);
    this.#reactor.bury(this);
  }

  /** Stops in the next turn, when it has taken those that wait already: closing the listener would reset them. */
  drain(maxClients: number): void {
    this.#lastClients = maxClients;
    this.#reactor.wake(this);
  }

  #enter(fd: number): void {
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

  /** Whether to go on after a failed accept. */
  #survives(error: number): boolean {
    if (CLIENT_FAILED.has(error)) {
      this.counters.failed++;
      return true;
    }
    if ((error === EMFILE || error === ENFILE) && this.#options.relieve?.() === true) return true;
    this.counters.exhausted++;
    this.#full = true;
    this.#reactor.setDeadline(this.#deadline, this.#reactor.tickAfter(EXHAUSTED_PAUSE_MS));
    this.#options.onExhausted?.();
    return false;
  }
}

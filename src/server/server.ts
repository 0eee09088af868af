// The server: a kernel, a reactor, a listener, a handler, and everyone who is connected, on one thread.
// It wires the layers; it decides nothing about bytes.

import { Acceptor } from '../connection/acceptor.ts';
import { Connection } from '../connection/connection.ts';
import { check } from '../kernel/errno.ts';
import type { SocketAddress } from '../kernel/kernel.ts';
import { createNativeKernel, type NativeKernel } from '../kernel/native-kernel.ts';
import { Reactor } from '../reactor/reactor.ts';
import { refuse } from '../session/refusal.ts';
import { listen, urlOf } from './listener.ts';
import type { ServeOptions } from './options.ts';
import { type Plan, planOf, Site } from './site.ts';
import { type ServerStats, statsOf } from './stats.ts';

/** How often a closing server looks whether everyone has left. */
const CLOSE_POLL_MS = 20;

/** Something that serves until it is closed. */
export interface Running {
  /** `http://127.0.0.1:8080/`. */
  readonly url: string;
  /** The name of its back end. */
  readonly backend: string;
  /** The real path of the folder it serves; null when a handler answers. */
  readonly root: string | null;
  /**
   * Stops accepting, lets requests in flight finish (at most `shutdownTimeoutMs`), closes. Resolves when
   * nothing is open any more; calling it again returns the same promise. `now` cuts everything off.
   */
  close(options?: { readonly now?: boolean }): Promise<void>;
}

/** A running server. */
export interface Server extends Running {
  /** What it listens on. */
  readonly address: SocketAddress;
  /** Counters since the start; see {@link ServerStats}. */
  stats(): ServerStats;
}

/** How a reactor server differs from the usual one. */
export interface Variant {
  /** Other processes listen on the same port. */
  readonly isShared?: boolean;
  /** A listening descriptor that was inherited. */
  readonly inherited?: number;
  /** Makes what the reactor drives for one client. Default: a {@link Connection}. */
  readonly connect?: (site: Site, fd: number, generation: number) => Connection;
}

/**
 * Starts a server; resolves when it listens.
 * @throws EpollServerError `ERR_OPTION`, `ERR_ROOT`, `ERR_LISTEN` (port taken, address unknown),
 * `ERR_BACKEND`, `ERR_ADDON`, `ERR_PLATFORM`.
 */
export function serve(options: ServeOptions): Promise<Server> {
  return serveVariant(options, {});
}

/** As {@link serve}, for the programs that are variants of it. */
export async function serveVariant(options: ServeOptions, variant: Variant): Promise<Server> {
  const plan = await planOf(options);
  const kernel = createNativeKernel(options.backend);
  try {
    return new RunningServer(kernel, plan, variant);
  } catch (error) {
    kernel.destroy();
    throw error;
  }
}

class RunningServer implements Server {
  readonly address: SocketAddress;
  readonly url: string;
  readonly backend: string;
  readonly root: string | null;
  readonly #kernel: NativeKernel;
  readonly #reactor: Reactor;
  readonly #acceptor: Acceptor;
  readonly #site: Site;
  readonly #plan: Plan;
  #closing: Promise<void> | null = null;
  #cutOff = false;

  constructor(kernel: NativeKernel, plan: Plan, variant: Variant) {
    const { inherited, isShared = false, connect = makeConnection } = variant;
    this.#kernel = kernel;
    this.#plan = plan;
    this.root = plan.root;
    this.backend = kernel.traits.name;
    const listener =
      inherited === undefined
        ? listen(kernel, { ...plan.place, shared: isShared })
        : check('adopt', kernel.adopt(inherited), 'the inherited socket');
    this.address = kernel.local(listener);
    this.url = urlOf(this.address);
    this.#reactor = new Reactor(kernel);
    this.#site = new Site(plan, kernel, this.#reactor, { onLeave: () => this.#acceptor.connectionClosed() });
    this.#acceptor = this.#startAccepting(listener, connect);
    check(
      'start',
      kernel.start(() => this.#reactor.turn()),
      'the event loop',
    );
    this.#reactor.wake(this.#acceptor);
  }

  stats(): ServerStats {
    return statsOf(this.#kernel, this.#reactor, this.#acceptor, this.#site.sessions, this.#site.size);
  }

  close(options: { readonly now?: boolean } = {}): Promise<void> {
    if (options.now === true) this.#cutOff = true;
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // A handler may be the caller: let its turn end first.
    await pause(0);
    this.#acceptor.close();
    this.#site.stop();
    const deadlineMs = this.#kernel.now() + this.#plan.limits.shutdownTimeoutMs;
    while (this.#site.size > 0 && !this.#cutOff && this.#kernel.now() < deadlineMs) await pause(CLOSE_POLL_MS);
    this.#site.abort('the server is closing');
    // One more turn gives the descriptors back and writes the last log lines.
    this.#reactor.turn();
    this.#kernel.destroy();
  }

  #startAccepting(listener: number, connect: NonNullable<Variant['connect']>): Acceptor {
    const generation = check('add', this.#kernel.add(listener, Acceptor.INTEREST), 'the listening socket');
    const { maxConnections, maxAcceptsPerTurn } = this.#plan.limits;
    const acceptor = new Acceptor(this.#reactor, listener, generation, {
      maxConnections,
      maxAcceptsPerTurn,
      openConnections: () => this.#site.size,
      onRefuse: (fd) => refuse(this.#kernel, this.#site.sessions, fd),
      onAccept: (fd, clientGeneration) => {
        const connection = connect(this.#site, fd, clientGeneration);
        this.#reactor.add(connection);
        this.#site.enter(connection);
      },
    });
    this.#reactor.add(acceptor);
    return acceptor;
  }
}

function makeConnection(site: Site, fd: number, generation: number): Connection {
  return new Connection(site.connectionContext, fd, generation);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

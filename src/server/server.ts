// The server: a kernel, a reactor, a listener, a handler, and everyone who is connected, on one thread.
// It wires the layers; it decides nothing about bytes.

import { Acceptor } from '../connection/acceptor.ts';
import { Connection } from '../connection/connection.ts';
import { refuseUnwatched } from '../http1/refusal.ts';
import { check } from '../kernel/errno.ts';
import type { Kernel, SocketAddress } from '../kernel/kernel.ts';
import { createNativeKernel, type NativeKernel } from '../kernel/native-kernel.ts';
import { Reactor } from '../reactor/reactor.ts';
import { applicationOf } from './application.ts';
import { type Composition, compose } from './composition.ts';
import type { Connect } from './connections.ts';
import { listen, urlOf } from './listener.ts';
import type { ServeOptions } from './options.ts';
import { type Plan, planOf, planOfHandler, Resources } from './plan.ts';
import { type ServerStats, statsOf } from './stats.ts';

/** Something that serves until it is closed. */
export interface Running {
  /** `http://127.0.0.1:8080/`. */
  readonly url: string;
  /** The name of its back end. */
  readonly backend: string;
  /** The folder that it serves, by its name, absolute; null when a handler answers. */
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
  readonly connect?: Connect;
}

/**
 * Starts a server; resolves when it listens.
 * @throws EpollServerError `ERR_OPTION`, `ERR_ROOT`, `ERR_APPLICATION_MODULE`, `ERR_LISTEN` (port taken, address unknown),
 * `ERR_BACKEND`, `ERR_ADDON`, `ERR_PLATFORM`.
 */
export function serve(options: ServeOptions): Promise<Server> {
  return serveVariant(options, {});
}

/** As {@link serve}, for the programs that are variants of it. */
export async function serveVariant(options: ServeOptions, variant: Variant): Promise<Server> {
  const plan = await planOf(options);
  const resources = await Resources.open(plan);
  let kernel: NativeKernel | null = null;
  try {
    kernel = createNativeKernel(options.backend);
    return new RunningServer(kernel, plan, resources, listenerOf(kernel, plan, variant), variant);
  } catch (error) {
    kernel?.destroy();
    await resources.close();
    throw error;
  }
}

/**
 * Starts a server with a handler over any kernel, on the address that the kernel has (`host` must be numeric).
 * What it does from here on depends on nothing but the kernel and the handler.
 * @throws EpollServerError as {@link serve} does.
 */
export function serveOn(kernel: Kernel, options: ServeOptions): Server {
  const plan = planOfHandler(options);
  const resources = new Resources(null, applicationOf(options.handler ?? null));
  return new RunningServer(kernel, plan, resources, listen(kernel, plan.place));
}

function listenerOf(kernel: NativeKernel, plan: Plan, { inherited, isShared = false }: Variant): number {
  if (inherited === undefined) return listen(kernel, { ...plan.place, shared: isShared });
  return check('adopt', kernel.adopt(inherited), 'the inherited socket');
}

function makeConnection(...[context, fd, generation]: Parameters<Connect>): Connection {
  return new Connection(context, fd, generation);
}

class RunningServer implements Server {
  readonly address: SocketAddress;
  readonly url: string;
  readonly backend: string;
  readonly root: string | null;
  readonly #kernel: Kernel;
  readonly #plan: Plan;
  readonly #resources: Resources;
  readonly #reactor: Reactor;
  readonly #acceptor: Acceptor;
  readonly #composition: Composition;
  #closing: Promise<void> | null = null;
  #cutOff = false;
  /** Ends the wait of a closing server: everyone left, or it is to be cut off. */
  #release: () => void = () => {};

  constructor(kernel: Kernel, plan: Plan, resources: Resources, listener: number, variant: Variant = {}) {
    this.#kernel = kernel;
    this.#plan = plan;
    this.#resources = resources;
    this.root = plan.folders?.root ?? null;
    this.backend = kernel.traits.name;
    this.address = kernel.local(listener);
    this.url = urlOf(this.address);
    this.#reactor = new Reactor(kernel);
    this.#composition = compose(plan, resources, kernel, this.#reactor, {
      onClosed: () => this.#left(),
      listener: this.address,
    });
    this.#acceptor = this.#startAccepting(listener, variant.connect ?? makeConnection);
    check(
      'start',
      kernel.start(() => this.#reactor.turn()),
      'the event loop',
    );
    this.#reactor.wake(this.#acceptor);
  }

  stats(): ServerStats {
    return statsOf(this.#kernel, this.#reactor, this.#acceptor, this.#composition);
  }

  close(options: { readonly now?: boolean } = {}): Promise<void> {
    if (options.now === true) this.#cutOff = true;
    if (this.#cutOff) this.#release();
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#composition.sessions.stop();
    this.#composition.connections.stop();
    // A handler may be the caller: let its turn end first.
    await this.#reactor.pause(0);
    if (this.#cutOff) this.#acceptor.close();
    else {
      this.#acceptor.drain(this.#plan.limits.backlog);
      await this.#reactor.pause(0);
    }
    if (this.#composition.connections.size > 0 && !this.#cutOff) await this.#emptied();
    this.#composition.connections.abort('the server is closing');
    // One more turn gives the descriptors back and writes the last log lines.
    this.#reactor.turn();
    this.#kernel.destroy();
    await this.#resources.close();
  }

  /** Resolves when nobody is connected any more, or their time is over. */
  #emptied(): Promise<void> {
    return new Promise((resolve) => {
      this.#release = resolve;
      void this.#reactor.pause(this.#plan.limits.shutdownTimeoutMs).then(resolve);
    });
  }

  #startAccepting(listener: number, connect: Connect): Acceptor {
    const generation = check('add', this.#kernel.add(listener, Acceptor.INTEREST), 'the listening socket');
    const connectDriven: Connect = (context, fd, clientGeneration) => {
      const connection = connect(context, fd, clientGeneration);
      this.#reactor.add(connection);
      return connection;
    };
    const acceptor = new Acceptor(this.#reactor, listener, generation, {
      maxAcceptsPerTurn: this.#plan.limits.maxAcceptsPerTurn,
      relieve: () => this.#composition.sites?.openFiles.relieve() ?? false,
      onExhausted: () => this.#composition.connections.relieve(),
      onRefuse: (fd) => refuseUnwatched(this.#kernel, this.#composition.sessions, fd),
      onAccept: (fd, clientGeneration) => this.#composition.connections.open(connectDriven, fd, clientGeneration),
    });
    this.#reactor.add(acceptor);
    return acceptor;
  }

  #left(): void {
    this.#acceptor.connectionClosed();
    if (this.#composition.connections.size === 0) this.#release();
  }
}

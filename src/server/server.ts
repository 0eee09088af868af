// The server: connects a kernel, a reactor, listeners, a handler and the connections of one thread.

import { Acceptor } from '../connection/acceptor.ts';
import type { Connect } from '../connection/connections.ts';
import { assert, EpollServerError } from '../errors.ts';
import type { Handler } from '../http/handler.ts';
import type { HeadRules } from '../http/head-rules.ts';
import type { SessionEvents } from '../http1/context.ts';
import { refuseUnwatched } from '../http1/refusal.ts';
import type { Kernel, SocketAddress } from '../kernel/kernel.ts';
import { check } from '../kernel/native-error.ts';
import { createNativeKernel, type NativeKernel } from '../kernel/native-kernel.ts';
import { relieveDescriptors } from '../kernel/spare-descriptors.ts';
import type { ListenAddress } from '../options/listen-address.ts';
import { Reactor } from '../reactor/reactor.ts';
import { type Composition, compose } from './composition.ts';
import { contentOfHandler, type OpenContent, OptionsContent, openContent, type Setup } from './content.ts';
import { ContentClock } from './content-clock.ts';
import { inheritedSpecs, type OpenListener, openListeners, openTcpListener, securePortOf } from './listener.ts';
import { checkOptions } from './options.ts';
import { type ResolvedOptions, resolveHandlerOptions, resolveOptions } from './resolved-options.ts';
import type { ServeOptions } from './serve-options.ts';
import { type ServerStats, statsOf } from './stats.ts';

/** A server that runs until it is closed. */
export interface ServerHandle {
  /** The addresses it listens on, as the start line shows them: `http://127.0.0.1:8080/`, `unix:/run/x.sock`. */
  readonly places: readonly string[];
  /** The name of its back end. */
  readonly backend: string;
  /**
   * Stops accepting, lets requests in flight finish (at most `timeouts.shutdownMs`), and closes. Resolves when nothing
   * is open; another call returns the same promise. `now` ends all connections at once.
   */
  close(options?: { readonly now?: boolean }): Promise<void>;
}

/** A running server. With several listeners, `url`, `port` and `hostname` are those of the first. */
export interface Server {
  /** `http://127.0.0.1:8080/`; `unix:/run/x.sock` for a Unix domain socket. */
  readonly url: URL;
  /** One URL per listener. */
  readonly urls: readonly URL[];
  /** Undefined for a Unix domain socket. */
  readonly port: number | undefined;
  /** The bound address, such as `127.0.0.1` or `::1`; undefined for a Unix domain socket. */
  readonly hostname: string | undefined;
  /** The name of its back end. */
  readonly backend: string;
  /**
   * Stops accepting, lets requests in flight finish (at most `timeouts.shutdownMs`), and closes. Resolves when nothing
   * is open; another call returns the same promise. `now` ends all connections at once.
   */
  close(options?: { readonly now?: boolean }): Promise<void>;
  /** Counters since the start; see {@link ServerStats}. */
  stats(): ServerStats;
  /** Keeps the process alive while the server runs (the default). */
  ref(): void;
  /** Lets the process end when nothing else keeps it alive, even while clients are connected. */
  unref(): void;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Differences of a reactor server from the default one. */
export interface ReactorOptions {
  /**
   * Listens here instead of on the addresses in the options: a parent process opened these descriptors, or shares these
   * ports.
   */
  readonly inherited?: readonly ListenAddress[];
  /** The back end, if the options leave no choice. */
  readonly backend?: string;
  /** Makes the source that the reactor drives for one client. Default: a connection driven by callbacks. */
  readonly connect?: Connect;
  /** Is shown the connections. */
  readonly events?: SessionEvents;
  /** Default: strict ones. */
  readonly rules?: HeadRules;
  /** Connections end by themselves when the server closes. Default: each response is then the last of its connection. */
  readonly keepsConnections?: boolean;
}

/** Starts a server, as `serve` does. */
export function startServer(options: ServeOptions): Promise<Server> {
  const settings = checkOptions(options);
  return serveReactor({ settings, content: new OptionsContent(settings) }, {});
}

/** As {@link startServer}, for the programs that are variants of it. */
export async function serveReactor(setup: Setup, reactorOptions: ReactorOptions): Promise<Server & ServerHandle> {
  const resolved = await resolveOptions(setup);
  const { signal, backend } = resolved.settings;
  signal?.throwIfAborted();
  const clock = new ContentClock();
  const content = await openContent(setup.content, resolved.settings, clock);
  let kernel: NativeKernel | null = null;
  let listeners: readonly OpenListener[] = [];
  try {
    signal?.throwIfAborted();
    kernel = createNativeKernel(reactorOptions.backend ?? backend);
    listeners = openListeners(kernel, inheritedSpecs(resolved.listeners, reactorOptions.inherited), resolved.tls);
    return new RunningServer({ kernel, resolved, content, clock, listeners }, reactorOptions);
  } catch (error) {
    for (const listener of listeners) listener.removeFile();
    kernel?.destroy();
    await content.close();
    throw error;
  }
}

/**
 * Starts a server with a handler over any kernel, on the addresses that the kernel has (hosts must be numeric). From
 * then on its behaviour depends only on the kernel and the handler.
 * @throws EpollServerError as {@link startServer} does.
 */
export function serveOn(kernel: Kernel, options: ServeOptions): Server {
  const resolved = resolveHandlerOptions(checkOptions(options));
  const { handler, rules, tls } = resolved.settings;
  if (rules !== null) throw new EpollServerError('ERR_OPTION', 'rules are not for this server: it opens no files');
  if (tls !== null) throw new EpollServerError('ERR_OPTION', 'this kernel has no TLS');
  if (handler === undefined) throw new EpollServerError('ERR_OPTION', 'handler is missing: it must be a function');
  const listeners = resolved.listeners.map((spec) => {
    if ('host' in spec.address) return openTcpListener(kernel, spec, spec.address);
    throw new EpollServerError('ERR_OPTION', 'this kernel listens on addresses with a port only');
  });
  return new RunningServer({
    kernel,
    resolved,
    content: contentOfHandler(handler),
    clock: new ContentClock(),
    listeners,
  });
}

/** A server that was started at once, with what its owner may change and see. */
export interface OwnedServer extends Server {
  readonly addresses: readonly SocketAddress[];
  readonly composition: Composition;
}

/**
 * Starts a server with a handler at once, on `specs`.
 * @throws EpollServerError `ERR_LISTEN`, `ERR_BACKEND`, `ERR_ADDON`, `ERR_PLATFORM`.
 */
export function startOwned(
  resolved: ResolvedOptions,
  handler: Handler,
  options: Pick<ReactorOptions, 'events' | 'rules' | 'keepsConnections'>,
): OwnedServer {
  const kernel = createNativeKernel(resolved.settings.backend);
  try {
    const listeners = openListeners(kernel, resolved.listeners, resolved.tls);
    const content = contentOfHandler(handler);
    return new RunningServer({ kernel, resolved, content, clock: new ContentClock(), listeners }, options);
  } catch (error) {
    kernel.destroy();
    throw error;
  }
}

/** Handshakes that begin in one turn (kHandshakesPerWait of native/tls.cc). */
const HANDSHAKES_PER_TURN = 8;

/** The parts of a server. */
interface ServerParts {
  readonly kernel: Kernel;
  readonly resolved: ResolvedOptions;
  readonly content: OpenContent;
  readonly clock: ContentClock;
  readonly listeners: readonly OpenListener[];
}

class RunningServer implements OwnedServer, ServerHandle {
  readonly url: URL;
  readonly urls: readonly URL[];
  readonly port: number | undefined;
  readonly hostname: string | undefined;
  readonly backend: string;
  readonly #kernel: Kernel;
  readonly #resolved: ResolvedOptions;
  readonly #content: OpenContent;
  readonly #reactor: Reactor;
  readonly #listeners: readonly OpenListener[];
  readonly #acceptors: readonly Acceptor[];
  readonly composition: Composition;
  #closing: Promise<void> | null = null;
  readonly #keepsConnections: boolean;
  #cutOff = false;
  /** Ends the wait of a closing server: all connections closed, or they are to be cut off. */
  #release: () => void = () => {};

  constructor({ kernel, resolved, content, clock, listeners }: ServerParts, reactorOptions: ReactorOptions = {}) {
    const [first] = listeners;
    assert(first !== undefined, 'a server has a listener');
    this.#kernel = kernel;
    this.#resolved = resolved;
    this.#content = content;
    this.#keepsConnections = reactorOptions.keepsConnections ?? false;
    this.backend = kernel.traits.name;
    const { address, port } = first.address;
    this.url = first.url;
    this.port = address === '' ? undefined : port;
    this.hostname = address === '' ? undefined : address;
    this.urls = listeners.map(({ url }) => url);
    this.#listeners = listeners;
    this.#reactor = new Reactor(kernel);
    clock.follow(this.#reactor);
    this.composition = compose(resolved.settings, content.handler, kernel, this.#reactor, {
      onClosed: () => this.#left(),
      listeners,
      securePort: () => securePortOf(listeners),
      connect: reactorOptions.connect,
      events: reactorOptions.events,
      rules: reactorOptions.rules,
      drive: (connection) => this.#reactor.add(connection),
    });
    this.#acceptors = listeners.map(({ fd }, index) => this.#startAccepting(fd, index));
    check(
      'start',
      kernel.start(() => this.#reactor.turn()),
      'the event loop',
    );
    for (const acceptor of this.#acceptors) this.#reactor.wake(acceptor);
    resolved.tls?.start();
    resolved.settings.signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  readonly #onAbort = (): void => void this.close();

  get addresses(): readonly SocketAddress[] {
    return this.#listeners.map(({ address }) => address);
  }

  get places(): readonly string[] {
    return this.#listeners.map(({ text }) => text);
  }

  ref(): void {
    this.#kernel.setReferenced(1);
  }

  unref(): void {
    this.#kernel.setReferenced(0);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  stats(): ServerStats {
    return statsOf(
      this.#kernel,
      this.#reactor,
      this.#acceptors,
      this.composition,
      this.#content.files,
      this.#resolved.tls,
    );
  }

  close(options: { readonly now?: boolean } = {}): Promise<void> {
    if (options.now === true) this.#cutOff = true;
    if (this.#cutOff) this.#release();
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#resolved.settings.signal?.removeEventListener('abort', this.#onAbort);
    this.#resolved.tls?.close();
    for (const listener of this.#listeners) listener.removeFile();
    if (!this.#keepsConnections) this.composition.stop();
    // A handler may be the caller: let its turn end first.
    await this.#reactor.pause(0);
    for (const [index, acceptor] of this.#acceptors.entries()) {
      if (this.#cutOff) acceptor.close();
      else acceptor.drain(this.#listeners[index]?.listenerOptions.backlog ?? 0);
    }
    if (!this.#cutOff) await this.#reactor.pause(0);
    if (this.composition.connections.size > 0 && !this.#cutOff) await this.#emptied();
    this.composition.connections.abort('the server is closing');
    // One more turn closes the descriptors and writes the last log lines.
    this.#reactor.turn();
    this.#kernel.destroy();
    await this.#content.close();
  }

  /** Resolves when no connection is open any more, or the shutdown time is over. */
  #emptied(): Promise<void> {
    return new Promise((resolve) => {
      this.#release = resolve;
      void this.#reactor.pause(this.#resolved.settings.limits.shutdownTimeoutMs).then(resolve);
    });
  }

  #startAccepting(listenerFd: number, index: number): Acceptor {
    const generation = check('add', this.#kernel.add(listenerFd, Acceptor.INTEREST), 'the listening socket');
    const acceptor = new Acceptor(this.#reactor, listenerFd, generation, {
      maxAcceptsPerTurn: this.#maxAcceptsPerTurn(index),
      freeDescriptors: relieveDescriptors,
      onExhausted: () => this.composition.connections.closeOldestLingering(),
      onRefuse: (fd) => this.#refuseUnwatched(fd, index),
      onAccept: (fd, life) => void this.composition.connections.open(fd, life, index),
    });
    this.#reactor.add(acceptor);
    return acceptor;
  }

  /** Clients whose handshake cannot begin soon wait in the backlog, where they cost nothing. */
  #maxAcceptsPerTurn(listener: number): number {
    const { maxAcceptsPerTurn } = this.#resolved.settings.limits;
    const isEncrypted = this.#listeners[listener]?.listenerOptions.isEncrypted === true;
    return isEncrypted ? Math.min(maxAcceptsPerTurn, HANDSHAKES_PER_TURN) : maxAcceptsPerTurn;
  }

  /** An encrypted client would need a handshake first: it is closed without a response. */
  #refuseUnwatched(fd: number, listener: number): void {
    if (this.#listeners[listener]?.encryption !== null) return;
    refuseUnwatched(this.#kernel, this.composition.sessions, fd);
  }

  #left(): void {
    for (const acceptor of this.#acceptors) acceptor.connectionClosed();
    if (this.composition.connections.size === 0) this.#release();
  }
}

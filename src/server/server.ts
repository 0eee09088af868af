// The server: a kernel, a reactor, a listener, a handler, and everyone who is connected, on one thread.
// It wires the layers; it decides nothing about bytes.

import { Acceptor } from '../connection/acceptor.ts';
import type { Connect } from '../connection/connections.ts';
import { assert, EpollServerError } from '../errors.ts';
import { refuseUnwatched } from '../http1/refusal.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { check } from '../kernel/native-error.ts';
import { createNativeKernel, type NativeKernel } from '../kernel/native-kernel.ts';
import { relieveDescriptors } from '../kernel/spare-descriptors.ts';
import type { ListenAddress } from '../options/listen-address.ts';
import { Reactor } from '../reactor/reactor.ts';
import { type Composition, compose } from './composition.ts';
import { contentOfHandler, type OpenContent, OptionsContent, openContent, type Setup } from './content.ts';
import { ContentClock } from './content-clock.ts';
import { inheritedSpecs, type OpenListener, openListeners, openTcpListener } from './listener.ts';
import { checkOptions } from './options.ts';
import { type ResolvedOptions, resolveHandlerOptions, resolveOptions } from './resolved-options.ts';
import type { ServeOptions } from './serve-options.ts';
import { type ServerStats, statsOf } from './stats.ts';

/** Something that serves until it is closed. */
export interface ServerHandle {
  /** Where it listens, as the start line shows it: `http://127.0.0.1:8080/`, `unix:/run/x.sock`. */
  readonly places: readonly string[];
  /** The name of its back end. */
  readonly backend: string;
  /**
   * Stops accepting, lets requests in flight finish (at most `timeouts.shutdownMs`), closes. Resolves when
   * nothing is open any more; calling it again returns the same promise. `now` cuts everything off.
   */
  close(options?: { readonly now?: boolean }): Promise<void>;
}

/** A running server. What it says of one listener is said of the first, where it has several. */
export interface Server {
  /** `http://127.0.0.1:8080/`; `unix:/run/x.sock` for a Unix domain socket. */
  readonly url: URL;
  /** One for each listener. */
  readonly urls: readonly URL[];
  /** Undefined: it is a Unix domain socket. */
  readonly port: number | undefined;
  /** The address that it is bound to, such as `127.0.0.1` or `::1`; undefined: it is a Unix domain socket. */
  readonly hostname: string | undefined;
  /** The name of its back end. */
  readonly backend: string;
  /**
   * Stops accepting, lets requests in flight finish (at most `timeouts.shutdownMs`), closes. Resolves when nothing is open
   * any more; calling it again returns the same promise. `now` cuts everything off.
   */
  close(options?: { readonly now?: boolean }): Promise<void>;
  /** Counters since the start; see {@link ServerStats}. */
  stats(): ServerStats;
  /** The process goes on while the server runs, as it does at first. */
  ref(): void;
  /** The process ends when nothing else keeps it alive, whether clients are connected or not. */
  unref(): void;
  [Symbol.asyncDispose](): Promise<void>;
}

/** How a reactor server differs from the usual one. */
export interface ReactorOptions {
  /** Listens there, and not where the options say: a parent process opened these descriptors, or shares these ports. */
  readonly inherited?: readonly ListenAddress[];
  /** The back end, where the options leave no choice. */
  readonly backend?: string;
  /** Makes what the reactor drives for one client. Default: a connection that callbacks drive. */
  readonly connect?: Connect;
}

/** As `serve` does. */
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
    listeners = openListeners(kernel, inheritedSpecs(resolved.listeners, reactorOptions.inherited));
    return new RunningServer({ kernel, resolved, content, clock, listeners }, reactorOptions);
  } catch (error) {
    for (const listener of listeners) listener.removeFile();
    kernel?.destroy();
    await content.close();
    throw error;
  }
}

/**
 * Starts a server with a handler over any kernel, on the addresses that the kernel has (hosts must be numeric).
 * What it does from here on depends on nothing but the kernel and the handler.
 * @throws EpollServerError as {@link startServer} does.
 */
export function serveOn(kernel: Kernel, options: ServeOptions): Server {
  const resolved = resolveHandlerOptions(checkOptions(options));
  const { handler } = resolved.settings;
  if (handler === undefined) throw new EpollServerError('ERR_OPTION', 'give a handler, which is a function');
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

/** What a server is made of. */
interface ServerParts {
  readonly kernel: Kernel;
  readonly resolved: ResolvedOptions;
  readonly content: OpenContent;
  readonly clock: ContentClock;
  readonly listeners: readonly OpenListener[];
}

class RunningServer implements Server, ServerHandle {
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
  readonly #composition: Composition;
  #closing: Promise<void> | null = null;
  #cutOff = false;
  /** Ends the wait of a closing server: everyone left, or it is to be cut off. */
  #release: () => void = () => {};

  constructor({ kernel, resolved, content, clock, listeners }: ServerParts, reactorOptions: ReactorOptions = {}) {
    const [first] = listeners;
    assert(first !== undefined, 'a server has a listener');
    this.#kernel = kernel;
    this.#resolved = resolved;
    this.#content = content;
    this.backend = kernel.traits.name;
    const { address, port } = first.address;
    this.url = first.url;
    this.port = address === '' ? undefined : port;
    this.hostname = address === '' ? undefined : address;
    this.urls = listeners.map(({ url }) => url);
    this.#listeners = listeners;
    this.#reactor = new Reactor(kernel);
    clock.follow(this.#reactor);
    this.#composition = compose(resolved.settings, content.handler, kernel, this.#reactor, {
      onClosed: () => this.#left(),
      listeners,
      connect: reactorOptions.connect,
      drive: (connection) => this.#reactor.add(connection),
    });
    this.#acceptors = listeners.map(({ fd }, index) => this.#startAccepting(fd, index));
    check(
      'start',
      kernel.start(() => this.#reactor.turn()),
      'the event loop',
    );
    for (const acceptor of this.#acceptors) this.#reactor.wake(acceptor);
    resolved.settings.signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  readonly #onAbort = (): void => void this.close();

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
    return statsOf(this.#kernel, this.#reactor, this.#acceptors, this.#composition, this.#content.files);
  }

  close(options: { readonly now?: boolean } = {}): Promise<void> {
    if (options.now === true) this.#cutOff = true;
    if (this.#cutOff) this.#release();
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#resolved.settings.signal?.removeEventListener('abort', this.#onAbort);
    for (const listener of this.#listeners) listener.removeFile();
    this.#composition.stop();
    // A handler may be the caller: let its turn end first.
    await this.#reactor.pause(0);
    for (const [index, acceptor] of this.#acceptors.entries()) {
      if (this.#cutOff) acceptor.close();
      else acceptor.drain(this.#listeners[index]?.listenerOptions.backlog ?? 0);
    }
    if (!this.#cutOff) await this.#reactor.pause(0);
    if (this.#composition.connections.size > 0 && !this.#cutOff) await this.#emptied();
    this.#composition.connections.abort('the server is closing');
    // One more turn gives the descriptors back and writes the last log lines.
    this.#reactor.turn();
    this.#kernel.destroy();
    await this.#content.close();
  }

  /** Resolves when nobody is connected any more, or their time is over. */
  #emptied(): Promise<void> {
    return new Promise((resolve) => {
      this.#release = resolve;
      void this.#reactor.pause(this.#resolved.settings.limits.shutdownTimeoutMs).then(resolve);
    });
  }

  #startAccepting(listenerFd: number, index: number): Acceptor {
    const generation = check('add', this.#kernel.add(listenerFd, Acceptor.INTEREST), 'the listening socket');
    const acceptor = new Acceptor(this.#reactor, listenerFd, generation, {
      maxAcceptsPerTurn: this.#resolved.settings.limits.maxAcceptsPerTurn,
      freeDescriptors: relieveDescriptors,
      onExhausted: () => this.#composition.connections.closeOldestLingering(),
      onRefuse: (fd) => refuseUnwatched(this.#kernel, this.#composition.sessions, fd),
      onAccept: (fd, life) => void this.#composition.connections.open(fd, life, index),
    });
    this.#reactor.add(acceptor);
    return acceptor;
  }

  #left(): void {
    for (const acceptor of this.#acceptors) acceptor.connectionClosed();
    if (this.#composition.connections.size === 0) this.#release();
  }
}

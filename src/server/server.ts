// The server: connects a kernel, a reactor, listeners, a handler and the connections of one thread.

import { Acceptor } from '../connection/acceptor.ts';
import type { Connect } from '../connection/connections.ts';
import type { Encryption } from '../connection/context.ts';
import { Outgoing } from '../connection/outgoing.ts';
import { assert, EpollServerError } from '../errors.ts';
import { type DurationCounts, DurationHistogram } from '../exchange/duration-histogram.ts';
import type { RequestCounts } from '../exchange/request-metrics.ts';
import type { Handler } from '../http/handler.ts';
import { traitsOf } from '../http/handler-traits.ts';
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
import { contentOfHandler, type OpenContent, openContent, type Setup } from './content.ts';
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
  /** Requests and responses that were cut off when it closed, because they took too long or were not waited for. */
  readonly cutOff: number;
  /**
   * Drains and closes: serves on for `timeouts.drainDelayMs`, then stops accepting, and lets requests in flight finish
   * (at most `timeouts.shutdownMs`). Resolves when nothing is open; another call returns the same promise. `now` ends
   * all connections at once.
   */
  close(options?: CloseOptions): Promise<void>;
  /** The URL of the admin listener; undefined: there is none. */
  readonly adminUrl?: URL | undefined;
}

/** How a server closes. */
export interface CloseOptions {
  /** Ends all connections at once. */
  readonly now?: boolean;
  /** Another process goes on serving the same listeners: no client has to be sent elsewhere first. */
  readonly isReplaced?: boolean;
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
   * Drains and closes: serves on for `timeouts.drainDelayMs`, then stops accepting, and lets requests in flight finish
   * (at most `timeouts.shutdownMs`). Resolves when nothing is open; another call returns the same promise. `now` ends
   * all connections at once.
   */
  close(options?: { readonly now?: boolean }): Promise<void>;
  /** The URL of the admin listener; undefined: there is none. */
  readonly adminUrl?: URL | undefined;
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

/** A server over a reactor, with what the admin listener shows of it. */
export interface ReactorServer extends Server, ServerHandle {
  close(options?: CloseOptions): Promise<void>;
  readonly adminUrl?: URL | undefined;
  /** Whether {@link Server.close} was called. */
  readonly isClosing: boolean;
  /** Whether `maxConnections` is reached, or as many requests wait for a thread as may. */
  readonly isFull: boolean;
  /** The descriptors of its listeners. */
  readonly listenerFds: readonly number[];
  /** Connections with a request or a response under way; counted in time proportional to the open ones. */
  countActive(): number;
  /** Requests by what handled them, and how long turns took; null: they are not measured. */
  readonly measured: { readonly requests: RequestCounts; readonly turns: DurationCounts } | null;
}

/** Starts a server on its listeners, without its admin listener. */
export async function serveReactor(setup: Setup, reactorOptions: ReactorOptions): Promise<ReactorServer> {
  const resolved = await resolveOptions(setup);
  const { signal, backend } = resolved.settings;
  signal?.throwIfAborted();
  const clock = new ContentClock();
  const outgoing = new Outgoing();
  const content = await openContent(setup.content, resolved.settings, clock, outgoing);
  let kernel: NativeKernel | null = null;
  let listeners: readonly OpenListener[] = [];
  try {
    signal?.throwIfAborted();
    kernel = createNativeKernel(reactorOptions.backend ?? backend);
    listeners = openListeners(kernel, inheritedSpecs(resolved.listeners, reactorOptions.inherited), resolved.tls);
    return new RunningServer({ kernel, resolved, content, clock, outgoing, listeners }, reactorOptions);
  } catch (error) {
    for (const listener of listeners) listener.removeFile();
    kernel?.destroy();
    await content.close();
    throw error;
  }
}

/** What the machine has besides its kernel. */
export interface MachineParts {
  /** How connections are encrypted; null: they are not. */
  readonly encryption?: Encryption | null | undefined;
  /** The connections to other programs, which the handler uses. */
  readonly outgoing?: Outgoing | undefined;
}

/**
 * Starts a server with a handler over any kernel, on the addresses that the kernel has (hosts must be numeric). From
 * then on its behaviour depends only on the kernel and the handler, which may use its connections through `outgoing`.
 * @throws EpollServerError as `serve` does.
 */
export function serveOn(kernel: Kernel, options: ServeOptions, parts: MachineParts = {}): Server {
  const { encryption = null, outgoing = new Outgoing() } = parts;
  const resolved = resolveHandlerOptions(checkOptions(options), encryption !== null);
  const { handler, proxies, rules, tls } = resolved.settings;
  if (proxies.length > 0) throw new EpollServerError('ERR_OPTION', 'proxy is not for this server: it has a handler');
  if (rules !== null) throw new EpollServerError('ERR_OPTION', 'rules are not for this server: it opens no files');
  if (tls !== null) throw new EpollServerError('ERR_OPTION', 'this kernel has no TLS');
  if (handler === undefined) throw new EpollServerError('ERR_OPTION', 'handler is missing: it must be a function');
  const listeners = resolved.listeners.map((spec) => {
    if ('host' in spec.address) return openTcpListener(kernel, spec, spec.address, encryption);
    throw new EpollServerError('ERR_OPTION', 'this kernel listens on addresses with a port only');
  });
  return new RunningServer({
    kernel,
    resolved,
    content: contentOfHandler(handler),
    clock: new ContentClock(),
    outgoing,
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
    const [clock, outgoing] = [new ContentClock(), new Outgoing()];
    return new RunningServer({ kernel, resolved, content, clock, outgoing, listeners }, options);
  } catch (error) {
    kernel.destroy();
    throw error;
  }
}

/** Handshakes that begin in one turn (kHandshakeStepsPerWait of native/transport.h). */
const HANDSHAKES_PER_TURN = 2;

/** The parts of a server. */
interface ServerParts {
  readonly kernel: Kernel;
  readonly resolved: ResolvedOptions;
  readonly content: OpenContent;
  readonly clock: ContentClock;
  readonly outgoing: Outgoing;
  readonly listeners: readonly OpenListener[];
}

class RunningServer implements OwnedServer, ReactorServer {
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
  readonly #turns: DurationHistogram | null;
  /** How many requests were cut off by the close. */
  cutOff = 0;
  #closing: Promise<void> | null = null;
  readonly #keepsConnections: boolean;
  #isReferenced = true;
  /** {@link close} was called with `now`. */
  #isNow = false;
  /** Its last turn runs, or is over. */
  #isOver = false;
  /** It waits for its last connections. */
  #isEmptying = false;
  /** Ends the wait of a closing server: all connections closed, or they are to be cut off. */
  #release: () => void = () => {};

  constructor(
    { kernel, resolved, content, clock, outgoing, listeners }: ServerParts,
    reactorOptions: ReactorOptions = {},
  ) {
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
    outgoing.follow(this.composition.connections, this.#reactor);
    this.#turns = this.composition.sessions.metrics === null ? null : this.#measureTurns();
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
    this.#isReferenced = true;
    this.#refer();
  }

  unref(): void {
    this.#isReferenced = false;
    this.#refer();
  }

  /** Connections that end by themselves keep the process alive, as those of node:http do. */
  #refer(): void {
    const isAwaited = this.#keepsConnections && this.composition.connections.size > 0;
    this.#kernel.setReferenced(this.#isReferenced || isAwaited ? 1 : 0);
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

  get isClosing(): boolean {
    return this.#closing !== null;
  }

  get isFull(): boolean {
    return this.composition.connections.isFull || traitsOf(this.#content.handler).isFull?.() === true;
  }

  get listenerFds(): readonly number[] {
    return this.#listeners.map(({ fd }) => fd);
  }

  countActive(): number {
    return this.composition.connections.countActive();
  }

  get measured(): ReactorServer['measured'] {
    const { metrics } = this.composition.sessions;
    if (metrics === null || this.#turns === null) return null;
    return { requests: metrics.counts, turns: this.#turns.counts };
  }

  /** The time of a turn is how long a client may have waited that became ready meanwhile. */
  #measureTurns(): DurationHistogram {
    const histogram = new DurationHistogram();
    this.#reactor.onTurnEnd(() => {
      // The last turn waits for nothing, so its time is that of an earlier wait.
      if (!this.#isOver) histogram.add(this.#kernel.now() - this.#reactor.nowMs());
    });
    return histogram;
  }

  close(options: CloseOptions = {}): Promise<void> {
    if (options.now === true) this.#isNow = true;
    if (this.#isNow) this.#release();
    this.#closing ??= this.#close(options.isReplaced === true);
    return this.#closing;
  }

  async #close(isReplaced: boolean): Promise<void> {
    this.#resolved.settings.signal?.removeEventListener('abort', this.#onAbort);
    const { drainDelayMs, shutdownTimeoutMs } = this.#resolved.settings.limits;
    const sinceMs = this.#kernel.now();
    if (!this.#keepsConnections) this.composition.drain();
    if (drainDelayMs > 0 && !this.#isNow && !isReplaced) await this.#released(drainDelayMs);
    this.#resolved.tls?.close();
    for (const listener of this.#listeners) listener.removeFile();
    if (!this.#keepsConnections) this.composition.stop();
    // A handler may be the caller: let its turn end first.
    await this.#reactor.pause(0);
    for (const [index, acceptor] of this.#acceptors.entries()) {
      if (this.#isNow) acceptor.close();
      else acceptor.drain(this.#listeners[index]?.listenerOptions.backlog ?? 0);
    }
    if (!this.#isNow) await this.#reactor.pause(0);
    this.#isEmptying = true;
    if (this.composition.connections.size > 0 && !this.#isNow) await this.#released(shutdownTimeoutMs);
    this.cutOff += this.composition.connections.abort('the server is closing');
    this.#isOver = true;
    // One more turn closes the descriptors and writes the last log lines.
    this.#reactor.turn();
    const leftMs = drainDelayMs + shutdownTimeoutMs - (this.#kernel.now() - sinceMs);
    this.#kernel.destroy();
    await this.#content.close(this.#isNow ? 0 : Math.max(leftMs, 0));
  }

  /** Resolves after `ms`, or earlier: {@link close} was called with `now`, or the last connection closed. */
  #released(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#release = resolve;
      void this.#reactor.pause(ms).then(resolve);
    });
  }

  #startAccepting(listenerFd: number, index: number): Acceptor {
    const generation = check('add', this.#kernel.add(listenerFd, Acceptor.INTEREST), 'the listening socket');
    const acceptor = new Acceptor(this.#reactor, listenerFd, generation, {
      maxAcceptsPerTurn: this.#maxAcceptsPerTurn(index),
      freeDescriptors: relieveDescriptors,
      onExhausted: () => this.composition.connections.closeOldestLingering(),
      onRefuse: (fd) => this.#refuseUnwatched(fd, index),
      onAccept: (fd, life) => {
        this.composition.connections.open(fd, life, index);
        if (!this.#isReferenced) this.#refer();
      },
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
    if (!this.#isReferenced) this.#refer();
    if (this.#isEmptying && this.composition.connections.size === 0) this.#release();
  }
}

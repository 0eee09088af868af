// A server without a reactor, which waits for one descriptor at a time. The thread blocks in the back end's wait, on
// one client's descriptor or the listener's. libuv's descriptor is beside it, since signals come through it.

import type { ListenerContext } from '../connection/context.ts';
import { Outgoing } from '../connection/outgoing.ts';
import { refuseUnwatched } from '../http1/refusal.ts';
import { EAGAIN, EMFILE, ENFILE, ENOBUFS, ENOMEM } from '../kernel/errno.ts';
import { PREFETCH, READABLE } from '../kernel/kernel.ts';
import { check } from '../kernel/native-error.ts';
import { createNativeKernel, type NativeKernel } from '../kernel/native-kernel.ts';
import { logLine } from '../log/log-line.ts';
import type { ListenAddress } from '../options/listen-address.ts';
import { BlockingDriver } from '../reactor/blocking-driver.ts';
import type { ServerTls } from '../tls/server-tls.ts';
import { type Composition, compose } from './composition.ts';
import { contentOfHandler, type OpenContent, openContent, type Setup } from './content.ts';
import { ContentClock } from './content-clock.ts';
import {
  encryptionOf,
  inheritedSpecs,
  type ListenerSpec,
  type OpenListener,
  openListeners,
  securePortOf,
} from './listener.ts';
import { type ResolvedOptions, resolveOptions } from './resolved-options.ts';
import type { CloseOptions, ServerHandle } from './server.ts';

/** The back end: it can wait for one descriptor at a time, whatever its number. */
const BACK_END = 'poll';

/** After descriptors or memory ran out, accepting is retried after this pause. */
const EXHAUSTED_PAUSE_MS = 250;

const EXHAUSTED = new Set([EMFILE, ENFILE, ENOBUFS, ENOMEM]);

export interface BlockingOptions {
  /** The server's main function. It runs until {@link BlockingServer.isClosing}; the server ends when it returns. */
  readonly work: (server: BlockingServer) => Promise<void>;
  /** Descriptors opened by a parent process, used instead of the addresses in the options. Null: no listener. */
  readonly inherited?: readonly ListenAddress[] | null;
  /** Whether child processes or threads respond. Then the content is checked here, but not opened. */
  readonly isParent?: boolean;
  /** The children, which end when the server closes; null: there are none yet. */
  readonly children?: () => Children | null;
}

/** The processes or threads of a parent. */
export interface Children {
  /** How many requests they have cut off. */
  readonly cutOff: number;
  /** Ends them in order within `limitMs`; 0: at once. `isReplaced`: others serve on the same listeners. */
  stop(limitMs: number, isReplaced?: boolean): Promise<void>;
  /** Cuts off what ending children still do. */
  cut(): void;
}

/** An accepted client. */
export interface AcceptedClient {
  readonly fd: number;
  /** The index of the listener that accepted it. */
  readonly listener: number;
}

/** The parts of a server. */
interface BlockingParts {
  readonly kernel: NativeKernel;
  readonly resolved: ResolvedOptions;
  readonly content: OpenContent;
  readonly clock: ContentClock;
  readonly listeners: readonly OpenListener[];
}

/** A parent hands over every client, so its handler never runs. */
const OF_CHILDREN = contentOfHandler(() => {
  throw new Error('epoll-server: broken invariant: a parent handles no request');
});

export class BlockingServer implements ServerHandle {
  readonly kernel: NativeKernel;
  readonly places: readonly string[];
  readonly backend: string = BACK_END;
  /** Resolves when the server's main function has returned. */
  readonly finished: Promise<void>;
  readonly listeners: readonly OpenListener[];
  readonly #resolved: ResolvedOptions;
  readonly #content: OpenContent;
  readonly #composition: Composition;
  readonly #driver: BlockingDriver;
  readonly #children: () => Children | null;
  /** Requests that this server itself has cut off. */
  #cutOff = 0;
  readonly #drainDelayMs: number;
  /** {@link close} was called with `now`. */
  #isNow = false;
  #ending: Promise<void> | null = null;
  #closing: Promise<void> | null = null;
  /** Ends the delay before it closes. */
  #release: () => void = () => {};
  /** Whether this server accepts clients itself, instead of its children. */
  #accepts = false;
  /** The listener of the last accepted client. The other listeners come first in the next accept. */
  #lastListener = 0;
  /** Clients that had been accepted when the server closed. */
  #waiting: AcceptedClient[] = [];

  /** @throws EpollServerError as `serve` does. */
  static async start(setup: Setup, blocking: BlockingOptions): Promise<BlockingServer> {
    const resolved = await resolveOptions(setup);
    const clock = new ContentClock();
    const content =
      blocking.isParent === true
        ? OF_CHILDREN
        : await openContent(setup.content, resolved.settings, clock, new Outgoing());
    let kernel: NativeKernel | null = null;
    let listeners: readonly OpenListener[] = [];
    try {
      kernel = createNativeKernel(BACK_END);
      const { inherited } = blocking;
      if (inherited !== null) {
        listeners = openListeners(kernel, inheritedSpecs(resolved.listeners, inherited), resolved.tls);
      }
      return new BlockingServer({ kernel, resolved, content, clock, listeners }, blocking);
    } catch (error) {
      for (const listener of listeners) listener.removeFile();
      kernel?.destroy();
      await content.close();
      throw error;
    }
  }

  private constructor(
    { kernel, resolved, content, clock, listeners }: BlockingParts,
    { work, children, inherited }: BlockingOptions,
  ) {
    this.kernel = kernel;
    this.#resolved = resolved;
    // The parent of a child has waited.
    this.#drainDelayMs = inherited === undefined ? resolved.settings.limits.drainDelayMs : 0;
    this.#content = content;
    this.#children = children ?? (() => null);
    this.listeners = listeners;
    this.places = listeners.map(({ text }) => text);
    this.#driver = new BlockingDriver(kernel);
    clock.follow(this.#driver);
    this.#composition = compose(resolved.settings, content.handler, kernel, this.#driver, {
      isBlocking: true,
      securePort: () => securePortOf(listeners, resolved.listeners),
      listeners: listeners.length > 0 ? listeners : resolved.listeners.map((spec) => handedContext(spec, resolved.tls)),
    });
    resolved.tls?.start();
    this.finished = work(this);
  }

  /** How many requests were cut off by the close, here and by children. */
  get cutOff(): number {
    return this.#cutOff + (this.#children()?.cutOff ?? 0);
  }

  get isClosing(): boolean {
    return this.#closing !== null;
  }

  /** The maximum number of concurrent children. */
  get maxChildren(): number {
    return this.#resolved.settings.limits.maxChildren;
  }

  /**
   * Waits for the listeners and accepts the next client, whose descriptor blocks. When the server closes, the remaining
   * accepted clients come first, then null.
   * The listeners do not block. If another process accepted the client between the wait and accept(2), a blocking
   * accept would delay signals.
   */
  async accept(): Promise<AcceptedClient | null> {
    this.#accepts = true;
    if (!this.isClosing) {
      for (const { fd } of this.listeners) check('add', this.kernel.add(fd, READABLE), 'the listening socket');
    }
    while (!this.isClosing) {
      await this.#driver.next();
      const client = this.isClosing ? EAGAIN : this.#acceptNext();
      if (typeof client !== 'number') {
        for (const { fd } of this.listeners) this.kernel.remove(fd);
        return client;
      }
      if (EXHAUSTED.has(client)) await pause(EXHAUSTED_PAUSE_MS);
      // After EAGAIN the poller is armed again. An error of one client must not stop the next accept.
      if (!this.isClosing) for (const { fd } of this.listeners) this.kernel.rearm(fd, READABLE);
    }
    return this.#waiting.shift() ?? null;
  }

  /** Accepts one client, trying the listeners in rotation. Returns -errno if there is none. */
  #acceptNext(): AcceptedClient | number {
    const count = this.listeners.length;
    let failure: number = EAGAIN;
    for (let i = 1; i <= count; i++) {
      const listener = (this.#lastListener + i) % count;
      const fd = this.#acceptFrom(listener);
      if (fd >= 0) {
        this.#lastListener = listener;
        return { fd, listener };
      }
      if (fd !== EAGAIN) failure = fd;
    }
    return failure;
  }

  #acceptFrom(listener: number): number {
    const from = this.listeners[listener];
    return from === undefined ? EAGAIN : this.kernel.acceptBlocking(from.fd);
  }

  /** Serves one client until its connection ends: wait, receive, respond, repeat. */
  async converse({ fd, listener }: AcceptedClient): Promise<void> {
    const generation = check('add', this.kernel.add(fd, READABLE | PREFETCH), 'a client');
    const client = this.#composition.connections.open(fd, generation, listener);
    while (client !== null && !client.isDisposed) {
      await this.#driver.next(client);
      if (client.isDisposed) break;
      client.serve();
      this.#driver.served();
    }
  }

  /** Takes over a client that another process accepted. */
  adopt({ fd, listener }: AcceptedClient): AcceptedClient {
    return { fd: check('adopt', this.kernel.adopt(fd), 'the inherited socket'), listener };
  }

  /** Takes a duplicate of a client's socket that another thread accepted. This thread closes the duplicate itself. */
  adoptCopy({ fd, listener }: AcceptedClient): AcceptedClient {
    return { fd: check('dup', this.kernel.adoptCopy(fd), 'the socket of another thread'), listener };
  }

  /**
   * Responds with 503 and closes: there is no room or no child for this client. Logs one line, unless the server is
   * closing.
   */
  reject({ fd, listener }: AcceptedClient, why: string): void {
    if (!this.isClosing) logLine(`a client was rejected with 503: ${why}`);
    // The request may not have arrived: do not wait for it.
    this.kernel.unblock(fd);
    // An encrypted client would need a handshake first.
    if (this.listeners[listener]?.encryption === null) refuseUnwatched(this.kernel, this.#composition.sessions, fd);
    this.kernel.close(fd);
  }

  close({ now = false }: CloseOptions = {}): Promise<void> {
    if (now) {
      this.#isNow = true;
      this.#abort();
      if (this.isClosing) this.#children()?.cut();
      this.#release();
    }
    this.#ending ??= this.#end();
    return this.#ending;
  }

  async #end(): Promise<void> {
    this.#composition.drain();
    if (this.#drainDelayMs > 0 && !this.#isNow) {
      await new Promise<void>((resolve) => {
        this.#release = resolve;
        setTimeout(resolve, this.#drainDelayMs);
      });
    }
    this.#closing = this.#close();
    await this.#closing;
  }

  /** Accepts the clients in the backlog, since closing the listeners would reset them. */
  #acceptWaiting(): void {
    for (const [listener, { listenerOptions }] of this.listeners.entries()) {
      for (let i = 0; i < listenerOptions.backlog; i++) {
        const fd = this.#acceptFrom(listener);
        if (fd < 0) break;
        this.#waiting.push({ fd, listener });
      }
    }
  }

  /** Ends all connections at once. */
  #abort(): void {
    for (const { fd } of this.#waiting.splice(0)) this.kernel.close(fd);
    this.#cutOff += this.#composition.connections.abort('the server is closing');
  }

  async #close(): Promise<void> {
    for (const listener of this.listeners) listener.removeFile();
    this.#resolved.tls?.close();
    this.#composition.stop();
    if (this.#accepts && !this.#isNow) this.#acceptWaiting();
    // A handler may be the caller: let it return first.
    await pause(0);
    const { shutdownTimeoutMs } = this.#resolved.settings.limits;
    for (const { fd } of this.listeners) this.kernel.close(fd);
    this.#driver.interrupt();
    const timer = setTimeout(() => this.#abort(), shutdownTimeoutMs);
    await Promise.all([this.finished, this.#children()?.stop(shutdownTimeoutMs)]);
    clearTimeout(timer);
    this.#driver.end();
    this.kernel.destroy();
    await this.#content.close();
  }
}

/** For a child that receives clients of its parent's listeners: getsockname(2) is called for each connection. */
function handedContext(spec: ListenerSpec, tls: ServerTls | null): ListenerContext {
  return { localAddress: null, listenerOptions: spec.options, encryption: encryptionOf(spec, tls) };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

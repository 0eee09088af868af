// One server: a kernel, a reactor, a listener, a handler, and everyone who is connected.
// It wires the layers; it decides nothing about bytes.

import { Acceptor } from '../connection/acceptor.ts';
import { ADMITTED, Admission, CUT_OFF, REFUSED } from '../connection/admission.ts';
import { Connection } from '../connection/connection.ts';
import type { ConnectionContext, Sender } from '../connection/sender.ts';
import { Stage } from '../connection/stage.ts';
import { assert, EpollServerError, messageOf } from '../errors.ts';
import { HttpClock } from '../http/date.ts';
import type { Handler, HttpRequest } from '../http/handler.ts';
import { HeadWriter } from '../http/response-head.ts';
import { check } from '../kernel/errno.ts';
import { createNativeFiles, type Files } from '../kernel/files.ts';
import type { Kernel, SocketAddress } from '../kernel/kernel.ts';
import { createNativeKernel } from '../kernel/native-kernel.ts';
import type { Limits } from '../limits.ts';
import { Reactor } from '../reactor/reactor.ts';
import { SessionContext } from '../session/context.ts';
import { Session } from '../session/session.ts';
import { lineFormatter } from './access-log.ts';
import { type Application, openApplication } from './application.ts';
import { listen, resolveHost, urlOf } from './listener.ts';
import { checkOptions, type ServeOptions } from './options.ts';
import { type Folders, resolveFolders, Sites } from './sites.ts';
import { type ServerStats, statsOf } from './stats.ts';
import { Watcher } from './watcher.ts';

const DEFAULT_PORT = 8080;
const DEFAULT_HOST = '127.0.0.1';

/** How often a closing server looks whether everyone has left. */
const CLOSE_POLL_MS = 20;

/** A running server. */
export interface Server {
  /** What it listens on. */
  readonly address: SocketAddress;
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
  /** Counters since the start; see {@link ServerStats}. */
  stats(): ServerStats;
}

/**
 * Starts a server; resolves when it listens.
 * @throws EpollServerError `ERR_OPTION`, `ERR_ROOT`, `ERR_APPLICATION_MODULE`, `ERR_LISTEN` (port taken, address unknown),
 * `ERR_BACKEND`, `ERR_ADDON`, `ERR_PLATFORM`.
 */
export async function serve(options: ServeOptions): Promise<Server> {
  const limits = checkOptions(options);
  const folders = options.root === undefined ? null : await resolveFolders(options.root, options.site ?? {});
  const address = await resolveHost(options.host ?? DEFAULT_HOST);
  const onError = options.onError ?? logError;
  const application = await openApplication(options, limits, (error) => onError(error, null));
  const files = createNativeFiles();
  let kernel: Kernel | null = null;
  try {
    kernel = createNativeKernel(options.backend);
    return new RunningServer(kernel, files, options, limits, folders, address, application);
  } catch (error) {
    files.destroy();
    kernel?.destroy();
    await application.close();
    throw error;
  }
}

class RunningServer implements Server {
  readonly address: SocketAddress;
  readonly url: string;
  readonly backend: string;
  readonly root: string | null;
  readonly #kernel: Kernel;
  readonly #files: Files;
  readonly #sites: Sites | null;
  readonly #reactor: Reactor;
  readonly #acceptor: Acceptor;
  readonly #sessions: SessionContext;
  readonly #connections = new Map<Sender, Session>();
  readonly #admission: Admission;
  /** Those of the connections that are only being told that there is no room. */
  readonly #refused = new Set<Sender>();
  readonly #connectionContext: ConnectionContext;
  readonly #limits: Limits;
  readonly #application: Application;
  #closing: Promise<void> | null = null;
  #cutOff = false;

  constructor(
    kernel: Kernel,
    files: Files,
    options: ServeOptions,
    limits: Limits,
    folders: Folders | null,
    address: string,
    application: Application,
  ) {
    this.#application = application;
    this.#kernel = kernel;
    this.#files = files;
    this.#limits = limits;
    this.#admission = new Admission(limits);
    this.root = folders?.root ?? null;
    this.backend = kernel.traits.name;
    const listener = listen(kernel, {
      host: options.host ?? DEFAULT_HOST,
      address,
      port: options.port ?? DEFAULT_PORT,
      backlog: limits.backlog,
    });
    this.address = kernel.local(listener);
    this.url = urlOf(this.address);
    this.#reactor = new Reactor(kernel);
    this.#sites =
      folders === null
        ? null
        : new Sites(folders, options.site ?? {}, {
            files,
            limits,
            nowMs: () => this.#reactor.nowMs(),
            wallClockMs: kernel.wallClockMs,
            onError: options.onError ?? logError,
          });
    this.#sessions = makeSessions(
      kernel,
      this.#reactor,
      options,
      limits,
      application.handler ?? handlerOf(this.#sites),
    );
    this.#connectionContext = {
      kernel,
      reactor: this.#reactor,
      stage: new Stage(kernel),
      maxUnsentBytes: limits.maxUnsentBytes,
      maxFileBytesPerTurn: limits.maxFileBytesPerTurn,
      sendTimeoutMs: limits.sendTimeoutMs,
      minSendBytesPerSecond: limits.minSendBytesPerSecond,
      lingerTimeoutMs: limits.lingerTimeoutMs,
      maxLingerBytes: limits.maxLingerBytes,
      onClosed: (connection) => this.#disconnect(connection),
    };
    const { stage } = this.#connectionContext;
    this.#reactor.onServed(() => stage.flush());
    this.#acceptor = this.#startAccepting(listener, limits);
    check(
      'start',
      kernel.start(() => this.#reactor.turn()),
      'the event loop',
    );
    this.#reactor.wake(this.#acceptor);
  }

  stats(): ServerStats {
    const { size } = this.#connections;
    const { refused } = this.#admission;
    return statsOf(this.#kernel, this.#reactor, this.#acceptor, this.#sessions, this.#sites, size, refused);
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
    this.#sessions.stopping = true;
    for (const session of this.#connections.values()) session.stop();
    const deadlineMs = this.#kernel.now() + this.#limits.shutdownTimeoutMs;
    while (this.#connections.size > 0 && !this.#cutOff && this.#kernel.now() < deadlineMs) await pause(CLOSE_POLL_MS);
    for (const connection of this.#connections.keys()) connection.abort('the server is closing');
    // One more turn gives the descriptors back and writes the last log lines.
    this.#reactor.turn();
    this.#files.destroy();
    this.#kernel.destroy();
    await this.#application.close();
  }

  #startAccepting(listener: number, limits: Limits): Acceptor {
    const generation = check('add', this.#kernel.add(listener, Acceptor.INTEREST), 'the listening socket');
    const acceptor = new Acceptor(this.#reactor, listener, generation, {
      maxAcceptsPerTurn: limits.maxAcceptsPerTurn,
      onAccept: (fd, clientGeneration) => this.#connect(fd, clientGeneration),
    });
    this.#reactor.add(acceptor);
    return acceptor;
  }

  #connect(fd: number, generation: number): void {
    const outcome = this.#admission.enter(this.#addressOf(fd));
    if (outcome === CUT_OFF) {
      this.#kernel.reset(fd);
      this.#kernel.close(fd);
      return;
    }
    const connection = new Connection(this.#connectionContext, fd, generation);
    this.#reactor.add(connection);
    const session = new Session(connection, this.#sessions);
    connection.protocol = session;
    this.#connections.set(connection, session);
    if (outcome === ADMITTED) return;
    this.#refused.add(connection);
    session.refuse(503, 'too many connections');
  }

  /** Empty unless somebody counts by it. */
  #addressOf(fd: number): string {
    return this.#admission.asksAddress ? this.#kernel.peer(fd).address : '';
  }

  #disconnect(connection: Sender): void {
    this.#connections.delete(connection);
    const outcome = this.#refused.delete(connection) ? REFUSED : ADMITTED;
    this.#admission.leave(this.#addressOf(connection.fd), outcome);
    this.#acceptor.connectionClosed();
  }
}

/** What answers, and what all conversations share. */
function makeSessions(
  kernel: Kernel,
  reactor: Reactor,
  options: ServeOptions,
  limits: Limits,
  handler: Handler,
): SessionContext {
  return new SessionContext({
    handler,
    limits,
    headWriter: new HeadWriter(new HttpClock(kernel.wallClockMs), options.serverHeader ?? 'epoll-server'),
    observer: makeWatcher(kernel, reactor, options),
    onError: options.onError ?? logError,
    nowMs: () => reactor.nowMs(),
  });
}

function handlerOf(sites: Sites | null): Handler {
  assert(sites !== null, 'a server without a handler has sites');
  return sites.handler;
}

function makeWatcher(kernel: Kernel, reactor: Reactor, options: ServeOptions): Watcher | null {
  const { accessLog, trace, logFormat = 'common' } = options;
  if (accessLog === undefined && trace === undefined) return null;
  const watcher = new Watcher({
    log: accessLog === undefined ? null : { sink: accessLog, format: lineFormatter(logFormat) },
    trace: trace ?? null,
    wallClockMs: kernel.wallClockMs,
  });
  reactor.onTurnEnd(() => watcher.flush());
  return watcher;
}

/** One line: where, and what was thrown. The trace of a defect is worth more than brevity. */
function logError(error: unknown, request: HttpRequest | null): void {
  const where = request === null ? '' : ` ${request.method} ${request.target}`;
  if (error instanceof EpollServerError && error.code === 'ERR_FILE') {
    process.stderr.write(`epoll-server:${where}: ${error.message}\n`);
    return;
  }
  const what =
    error instanceof Error && error.stack !== undefined ? error.stack.replaceAll(/\s*\n\s*/g, ' | ') : messageOf(error);
  process.stderr.write(`epoll-server: handler failed${where}: ${what}\n`);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

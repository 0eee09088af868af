// One server: a kernel, a reactor, a listener, a handler, and everyone who is connected.
// It wires the layers; it decides nothing about bytes.

import { Acceptor } from '../connection/acceptor.ts';
import { ADMITTED, Admission, CUT_OFF, REFUSED } from '../connection/admission.ts';
import { Connection } from '../connection/connection.ts';
import type { ConnectionContext, Sender } from '../connection/sender.ts';
import { Stage } from '../connection/stage.ts';
import { assert } from '../errors.ts';
import { HttpClock } from '../http/date.ts';
import type { Handler } from '../http/handler.ts';
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
import { logError } from './error-log.ts';
import { listen, resolveHost, urlOf } from './listener.ts';
import { checkOptions, type ServeOptions } from './options.ts';
import { type Folders, resolveFolders, Sites } from './sites.ts';
import { type ServerStats, statsOf } from './stats.ts';
import { Watcher } from './watcher.ts';

const DEFAULT_PORT = 8080;
const DEFAULT_HOST = '127.0.0.1';

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
  const files = folders === null ? null : createNativeFiles();
  let kernel: Kernel | null = null;
  try {
    kernel = createNativeKernel(options.backend);
    return new RunningServer(kernel, { options, limits, folders, files, address, application });
  } catch (error) {
    files?.destroy();
    kernel?.destroy();
    await application.close();
    throw error;
  }
}

/**
 * Starts a server with a handler over any kernel, on the address that the kernel has (`host` must be numeric).
 * What it does from here on depends on nothing but the kernel and the handler.
 * @throws EpollServerError as {@link serve} does.
 */
export function serveOn(kernel: Kernel, options: ServeOptions): Server {
  const limits = checkOptions(options);
  const application = { handler: options.handler ?? null, close: async () => {} };
  const address = options.host ?? DEFAULT_HOST;
  return new RunningServer(kernel, { options, limits, folders: null, files: null, address, application });
}

/** Options that were checked, and what they name. */
interface Plan {
  readonly options: ServeOptions;
  readonly limits: Limits;
  /** Null when a handler answers. */
  readonly folders: Folders | null;
  readonly files: Files | null;
  /** To listen on. */
  readonly address: string;
  readonly application: Application;
}

class RunningServer implements Server {
  readonly address: SocketAddress;
  readonly url: string;
  readonly backend: string;
  readonly root: string | null;
  readonly #kernel: Kernel;
  readonly #files: Files | null;
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
  /** Ends the wait of a closing server: everyone left, or it is to be cut off. */
  #release: () => void = () => {};

  constructor(kernel: Kernel, plan: Plan) {
    const { options, limits, folders, files, address, application } = plan;
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
      folders === null || files === null
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
    if (this.#cutOff) this.#release();
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // A handler may be the caller: let its turn end first.
    await this.#reactor.pause(0);
    this.#acceptor.close();
    this.#sessions.stopping = true;
    for (const session of this.#connections.values()) session.stop();
    if (this.#connections.size > 0 && !this.#cutOff) await this.#emptied();
    for (const connection of this.#connections.keys()) connection.abort('the server is closing');
    // One more turn gives the descriptors back and writes the last log lines.
    this.#reactor.turn();
    this.#files?.destroy();
    this.#kernel.destroy();
    await this.#application.close();
  }

  /** Resolves when nobody is connected any more, or their time is over. */
  #emptied(): Promise<void> {
    return new Promise((resolve) => {
      this.#release = resolve;
      void this.#reactor.pause(this.#limits.shutdownTimeoutMs).then(resolve);
    });
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
    if (this.#connections.size === 0) this.#release();
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

// What all clients of a server share, whoever drives them: the handler, the bounds, the log, and the list of who
// is connected. It must not know how clients come or who waits for them.

import type { Connection } from '../connection/connection.ts';
import type { ConnectionContext, Sender } from '../connection/sender.ts';
import { Stage } from '../connection/stage.ts';
import { messageOf } from '../errors.ts';
import { DirectorySource } from '../handlers/file-source.ts';
import { staticFiles } from '../handlers/static-files.ts';
import { HttpClock } from '../http/date.ts';
import type { Handler, HttpRequest } from '../http/handler.ts';
import { HeadWriter } from '../http/response-head.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Limits } from '../limits.ts';
import type { Driver } from '../reactor/driver.ts';
import { SessionContext } from '../session/context.ts';
import { Session } from '../session/session.ts';
import { lineFormatter } from './access-log.ts';
import { type Place, resolveHost } from './listener.ts';
import { checkOptions, resolveRoot, type ServeOptions } from './options.ts';
import { Watcher } from './watcher.ts';

const DEFAULT_PORT = 8080;
const DEFAULT_HOST = '127.0.0.1';

/** Options that were checked, and what they name. */
export interface Plan {
  readonly options: ServeOptions;
  readonly limits: Limits;
  /** The real path of the folder; null when a handler answers. */
  readonly root: string | null;
  readonly place: Place;
}

/** @throws EpollServerError `ERR_OPTION`, `ERR_ROOT`, `ERR_LISTEN` (an unknown host). */
export async function planOf(options: ServeOptions): Promise<Plan> {
  const limits = checkOptions(options);
  const root = options.root === undefined ? null : await resolveRoot(options.root);
  const { host = DEFAULT_HOST, port = DEFAULT_PORT } = options;
  const address = await resolveHost(host);
  return { options, limits, root, place: { host, address, port, backlog: limits.backlog } };
}

export class Site {
  readonly sessions: SessionContext;
  readonly connectionContext: ConnectionContext;
  readonly #connections = new Map<Sender, Session>();
  readonly #onLeave: () => void;

  /** `onLeave` is called when a client has left; `isBlocking`: its descriptors block. */
  constructor(
    plan: Plan,
    kernel: Kernel,
    driver: Driver,
    { onLeave = () => {}, isBlocking = false }: { onLeave?: () => void; isBlocking?: boolean } = {},
  ) {
    this.#onLeave = onLeave;
    this.sessions = makeSessions(plan, kernel, driver);
    const { maxUnsentBytes, sendTimeoutMs, lingerTimeoutMs, maxLingerBytes } = plan.limits;
    const stage = new Stage(kernel);
    driver.onServed(() => stage.flush());
    this.connectionContext = {
      kernel,
      reactor: driver,
      stage,
      maxUnsentBytes,
      sendTimeoutMs,
      lingerTimeoutMs,
      maxLingerBytes,
      isBlocking,
      onClosed: (connection) => this.#leave(connection),
    };
  }

  /** How many clients are connected. */
  get size(): number {
    return this.#connections.size;
  }

  /** A client came: its conversation begins. */
  enter(connection: Connection): void {
    const session = new Session(connection, this.sessions);
    connection.protocol = session;
    this.#connections.set(connection, session);
  }

  /** Idle clients leave now, the others after their answer. */
  stop(): void {
    this.sessions.stopping = true;
    for (const session of this.#connections.values()) session.stop();
  }

  /** Cuts everyone off. */
  abort(reason: string): void {
    for (const connection of this.#connections.keys()) connection.abort(reason);
  }

  #leave(connection: Sender): void {
    this.#connections.delete(connection);
    this.#onLeave();
  }
}

function makeSessions({ options, limits, root }: Plan, kernel: Kernel, driver: Driver): SessionContext {
  return new SessionContext({
    handler: options.handler ?? fileHandler(root ?? '', limits, kernel, driver),
    limits,
    headWriter: new HeadWriter(new HttpClock(kernel.wallClockMs), options.serverHeader ?? 'epoll-server'),
    observer: makeWatcher(kernel, driver, options),
    onError: options.onError ?? logError,
    nowMs: () => driver.nowMs(),
  });
}

function fileHandler(root: string, limits: Limits, kernel: Kernel, driver: Driver): Handler {
  return staticFiles({
    source: new DirectorySource(root),
    maxCacheBytes: limits.maxCacheBytes,
    maxCachedFileBytes: limits.maxCachedFileBytes,
    nowMs: () => driver.nowMs(),
    wallClockMs: kernel.wallClockMs,
  });
}

function makeWatcher(kernel: Kernel, driver: Driver, options: ServeOptions): Watcher | null {
  const { accessLog, trace, logFormat = 'common' } = options;
  if (accessLog === undefined && trace === undefined) return null;
  const watcher = new Watcher({
    log: accessLog === undefined ? null : { sink: accessLog, format: lineFormatter(logFormat) },
    trace: trace ?? null,
    wallClockMs: kernel.wallClockMs,
  });
  driver.onTurnEnd(() => watcher.flush());
  return watcher;
}

/** One line: where, and what was thrown. The trace of a defect is worth more than brevity. */
function logError(error: unknown, request: HttpRequest | null): void {
  const where = request === null ? '' : ` ${request.method} ${request.target}`;
  const what =
    error instanceof Error && error.stack !== undefined ? error.stack.replaceAll(/\s*\n\s*/g, ' | ') : messageOf(error);
  process.stderr.write(`epoll-server: handler failed${where}: ${what}\n`);
}

// What all clients of a server share, whoever drives them: the handler, the bounds, the log, and the list of who
// is connected. It must not know how clients come or who waits for them.

import { ADMITTED, Admission, CUT_OFF, REFUSED } from '../connection/admission.ts';
import type { Connection } from '../connection/connection.ts';
import type { ConnectionContext } from '../connection/context.ts';
import { SendBatch } from '../connection/send-batch.ts';
import { assert } from '../errors.ts';
import { Sites } from '../files/sites.ts';
import type { Handler } from '../http/handler.ts';
import { HttpClock } from '../http/http-clock.ts';
import { HeadWriter } from '../http/response-head.ts';
import { SessionContext } from '../http1/context.ts';
import { Session } from '../http1/session.ts';
import type { Kernel, SocketAddress } from '../kernel/kernel.ts';
import { lineFormatter } from '../log/access-log.ts';
import { logError } from '../log/error-log.ts';
import { Watcher } from '../log/watcher.ts';
import type { Driver } from '../reactor/driver.ts';
import type { ServeOptions } from './options.ts';
import type { Plan, Resources } from './plan.ts';

/** The unspecified addresses of IPv4 and IPv6 (RFC 4291 section 2.5.2). */
const ANY_ADDRESS: ReadonlySet<string> = new Set(['0.0.0.0', '::', '']);

/** Makes what is driven for one client, known to its driver. */
export type Connect = (context: ConnectionContext, fd: number, generation: number) => Connection;

export interface ClienteleOptions {
  /** Called when a client has left. */
  readonly onLeave?: () => void;
  /** What the server listens on; absent: it is handed connections that others accepted. */
  readonly listener?: SocketAddress;
  /** The clients' descriptors block. */
  readonly isBlocking?: boolean;
}

export class Clientele {
  readonly sessions: SessionContext;
  /** Null when a handler answers. */
  readonly sites: Sites | null;
  readonly #kernel: Kernel;
  readonly #context: ConnectionContext;
  readonly #admission: Admission;
  readonly #connections = new Map<Connection, Session>();
  /** Those of the connections that are only being told that there is no room. */
  readonly #refused = new Set<Connection>();
  /** Those that linger, in the order in which they began. */
  readonly #lingering = new Set<Connection>();
  readonly #maxLingering: number;
  readonly #onLeave: () => void;

  constructor(plan: Plan, resources: Resources, kernel: Kernel, driver: Driver, options: ClienteleOptions = {}) {
    const { limits } = plan;
    this.#kernel = kernel;
    this.#onLeave = options.onLeave ?? (() => {});
    this.#admission = new Admission(limits);
    this.#maxLingering = limits.maxLingeringConnections;
    this.sites = makeSites(plan, resources, kernel, driver);
    this.sessions = makeSessions(plan, this.sites?.handler ?? handlerOf(resources), kernel, driver);
    const sendBatch = new SendBatch(kernel);
    driver.onServed(() => sendBatch.flush());
    this.#context = {
      kernel,
      reactor: driver,
      sendBatch,
      maxUnsentBytes: limits.maxUnsentBytes,
      maxFileBytesPerTurn: limits.maxFileBytesPerTurn,
      sendTimeoutMs: limits.sendTimeoutMs,
      minSendBytesPerSecond: limits.minSendBytesPerSecond,
      lingerTimeoutMs: limits.lingerTimeoutMs,
      maxLingerMs: limits.maxLingerMs,
      maxLingerBytes: limits.maxLingerBytes,
      onLingering: (connection) => this.#linger(connection),
      localAddress: localAddressOf(options.listener),
      isBlocking: options.isBlocking ?? false,
      onClosed: (connection) => this.#leave(connection),
    };
  }

  /** How many clients are connected. */
  get size(): number {
    return this.#connections.size;
  }

  /** How many of them linger: their last answer was sent, and what they still send is thrown away. */
  get lingering(): number {
    return this.#lingering.size;
  }

  /** Clients so far for whom there was no room. */
  get refused(): number {
    return this.#admission.refused;
  }

  /**
   * A client came: `connect` makes its connection, and its conversation begins, if only to say that there is no room.
   * Null: there is not even room for that, and it was cut off.
   */
  enter(connect: Connect, fd: number, generation: number): Connection | null {
    const address = this.#admission.asksAddress ? this.#kernel.peer(fd).address : '';
    const outcome = this.#admission.enter(address);
    if (outcome === CUT_OFF) {
      this.#kernel.reset(fd);
      this.#kernel.close(fd);
      return null;
    }
    const connection = connect(this.#context, fd, generation);
    const session = new Session(connection, this.sessions);
    connection.protocol = session;
    this.#connections.set(connection, session);
    if (outcome === REFUSED) {
      this.#refused.add(connection);
      const limit = this.#admission.isFull ? 'maxConnections' : 'maxConnectionsPerAddress';
      session.refuseBeyond(503, 'too many connections', limit);
    }
    return connection;
  }

  /** Every answer ends its connection from now on; idle connections have a short time to ask for one. */
  stop(): void {
    this.sessions.stop();
    for (const session of this.#connections.values()) session.stop();
  }

  /** Ends all connections at once. */
  abort(reason: string): void {
    for (const connection of this.#connections.keys()) connection.end(reason);
  }

  /** Closes the connection that lingers longest, so that its descriptor serves a new client. */
  relieve(): void {
    const [oldest] = this.#lingering;
    oldest?.endLinger();
  }

  /** Its place is free for a new client: a connection that lingers counts as one of those that linger only. */
  #linger(connection: Connection): void {
    if (!this.#refused.has(connection)) this.#giveBack(connection, ADMITTED);
    this.#lingering.add(connection);
    if (this.#lingering.size > this.#maxLingering) this.relieve();
  }

  #leave(connection: Connection): void {
    this.#connections.delete(connection);
    const hasLingered = this.#lingering.delete(connection);
    if (this.#refused.delete(connection)) this.#giveBack(connection, REFUSED);
    else if (!hasLingered) this.#giveBack(connection, ADMITTED);
    this.#onLeave();
  }

  #giveBack(connection: Connection, outcome: number): void {
    this.#admission.leave(this.#admission.asksAddress ? connection.peer.address : '', outcome);
  }
}

/** The address that all clients connect to; null when the listener takes them on any address of this machine. */
function localAddressOf(listener: SocketAddress | undefined): SocketAddress | null {
  if (listener === undefined || ANY_ADDRESS.has(listener.address)) return null;
  return Object.freeze({ ...listener });
}

function makeSites(
  { options, limits, folders }: Plan,
  { files, application }: Resources,
  kernel: Kernel,
  driver: Driver,
): Sites | null {
  if (folders === null || files === null) return null;
  return new Sites(folders, options.site ?? {}, {
    files,
    limits,
    nowMs: () => driver.nowMs(),
    wallClockMs: kernel.wallClockMs,
    onError: options.onError ?? logError,
    successor: application.successor,
  });
}

function handlerOf({ application: { handler } }: Resources): Handler {
  assert(handler !== null, 'a server without files has a handler');
  return handler;
}

/** What answers, and what all conversations share. */
function makeSessions({ options, limits }: Plan, handler: Handler, kernel: Kernel, driver: Driver): SessionContext {
  return new SessionContext({
    handler,
    limits,
    headWriter: new HeadWriter(new HttpClock(kernel.wallClockMs), options.serverHeader ?? 'epoll-server'),
    observer: makeWatcher(kernel, driver, options),
    onError: options.onError ?? logError,
    nowMs: () => driver.nowMs(),
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

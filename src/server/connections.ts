// The table of a server's connections: which clients may connect, which linger, and the end of all.

import { ADMITTED, Admission, CUT_OFF, REFUSED } from '../connection/admission.ts';
import type { ProtocolFactory } from '../connection/channel.ts';
import type { Connection } from '../connection/connection.ts';
import type { ConnectionContext } from '../connection/context.ts';
import { SendBatch } from '../connection/send-batch.ts';
import type { EpollServerError } from '../errors.ts';
import { limitProblem } from '../http/limit-problem.ts';
import type { Kernel, SocketAddress } from '../kernel/kernel.ts';
import type { Limits } from '../limits.ts';
import type { Driver } from '../reactor/driver.ts';

/** The unspecified addresses of IPv4 and IPv6 (RFC 4291 section 2.5.2). */
const ANY_ADDRESS: ReadonlySet<string> = new Set(['0.0.0.0', '::', '']);

/** Makes what is driven for one client, known to its driver. */
export type Connect = (context: ConnectionContext, fd: number, generation: number) => Connection;

export interface ConnectionsOptions {
  readonly kernel: Kernel;
  readonly driver: Driver;
  readonly limits: Limits;
  /** What clients speak from their first byte on. */
  readonly protocol: ProtocolFactory;
  /** Called when a connection has been closed. */
  readonly onClosed?: (() => void) | undefined;
  /** A protocol failed, and its connection is closed. */
  readonly onFault: (error: EpollServerError) => void;
  /** What the server listens on; absent: it is handed connections that others accepted. */
  readonly listener?: SocketAddress | undefined;
  /** The clients' descriptors block. */
  readonly isBlocking?: boolean | undefined;
}

export class Connections {
  readonly #kernel: Kernel;
  readonly #limits: Limits;
  readonly #protocol: ProtocolFactory;
  readonly #context: ConnectionContext;
  readonly #admission: Admission;
  readonly #open = new Set<Connection>();
  /** Those that are only being told that there is no room. */
  readonly #refused = new Set<Connection>();
  /** Those that linger, in the order in which they began. */
  readonly #lingering = new Set<Connection>();
  readonly #onClosed: () => void;

  constructor({ kernel, driver, limits, protocol, onClosed, onFault, listener, isBlocking }: ConnectionsOptions) {
    this.#kernel = kernel;
    this.#limits = limits;
    this.#protocol = protocol;
    this.#onClosed = onClosed ?? (() => {});
    this.#admission = new Admission(limits);
    const sendBatch = new SendBatch(kernel);
    driver.onServed(() => sendBatch.flush());
    this.#context = {
      kernel,
      reactor: driver,
      sendBatch,
      maxUnsentBytes: limits.maxUnsentBytes,
      // An incomplete head: beyond, HTTP/1 refuses it.
      maxUnusedBytes: limits.maxHeaderBytes,
      maxFileBytesPerTurn: limits.maxFileBytesPerTurn,
      sendTimeoutMs: limits.sendTimeoutMs,
      minSendBytesPerSecond: limits.minSendBytesPerSecond,
      lingerTimeoutMs: limits.lingerTimeoutMs,
      maxLingerMs: limits.maxLingerMs,
      maxLingerBytes: limits.maxLingerBytes,
      localAddress: localAddressOf(listener),
      isBlocking: isBlocking ?? false,
      onLingering: (connection) => this.#linger(connection),
      onClosed: (connection) => this.#close(connection),
      onFault,
    };
  }

  /** How many clients are connected. */
  get size(): number {
    return this.#open.size;
  }

  /** How many of them linger: their last response was sent, and what they still send is thrown away. */
  get lingering(): number {
    return this.#lingering.size;
  }

  /** Clients so far for which there was no room. */
  get refused(): number {
    return this.#admission.refused;
  }

  /**
   * A client was accepted: `connect` makes its connection, and the protocol begins, if only to say that there is no
   * room. Null: there is not even room for that, and the client was cut off.
   */
  open(connect: Connect, fd: number, generation: number): Connection | null {
    const address = this.#admission.asksAddress ? this.#kernel.peer(fd).address : '';
    const outcome = this.#admission.enter(address);
    if (outcome === CUT_OFF) {
      this.#kernel.reset(fd);
      this.#kernel.close(fd);
      return null;
    }
    const connection = connect(this.#context, fd, generation);
    this.#open.add(connection);
    if (outcome === REFUSED) this.#refused.add(connection);
    connection.speak(this.#protocol);
    if (outcome === REFUSED && connection.isOpen) {
      const limit = this.#admission.isFull ? 'maxConnections' : 'maxConnectionsPerAddress';
      connection.refuse(503, limitProblem('too many connections', limit, this.#limits[limit]));
    }
    return connection;
  }

  /** Each connection ends as soon as nothing is lost by it. */
  stop(): void {
    for (const connection of this.#open) connection.stop();
  }

  /** Ends all connections at once. */
  abort(reason: string): void {
    for (const connection of this.#open) connection.end(reason);
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
    if (this.#lingering.size > this.#limits.maxLingeringConnections) this.relieve();
  }

  #close(connection: Connection): void {
    this.#open.delete(connection);
    const hasLingered = this.#lingering.delete(connection);
    if (this.#refused.delete(connection)) this.#giveBack(connection, REFUSED);
    else if (!hasLingered) this.#giveBack(connection, ADMITTED);
    this.#onClosed();
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

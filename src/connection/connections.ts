// The table of a server's connections: which clients may connect, which linger, and the end of all.

import { assert, type EpollServerError } from '../errors.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Limits } from '../limits.ts';
import type { Driver } from '../reactor/driver.ts';
import { ADMITTED, Admission, CUT_OFF, REFUSED } from './admission.ts';
import type { ProtocolFactory } from './channel.ts';
import { Connection } from './connection.ts';
import type { ConnectionContext, ListenerContext } from './context.ts';
import { SendBatch } from './send-batch.ts';

/** Makes the connection of one client. */
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
  /** One for each listener of the server. */
  readonly listeners: readonly ListenerContext[];
  /** Default: a {@link Connection}. */
  readonly connect?: Connect | undefined;
  /** Called with each new connection before its protocol begins: events are reported to it from then on. */
  readonly drive?: ((connection: Connection) => void) | undefined;
  /** Why there is no room, for the client. */
  readonly textOfRefusal: (limit: 'maxConnections' | 'maxConnectionsPerAddress') => string;
  /** The clients' descriptors block. */
  readonly isBlocking?: boolean | undefined;
}

export class Connections {
  readonly #options: ConnectionsOptions;
  /** One for each listener. */
  readonly #contexts: readonly ConnectionContext[];
  readonly #admission: Admission;
  readonly #open = new Set<Connection>();
  /** Those that are only being told that there is no room. */
  readonly #refused = new Set<Connection>();
  /** Those that linger, in the order in which they began. */
  readonly #lingering = new Set<Connection>();

  constructor(options: ConnectionsOptions) {
    const { kernel, driver, limits, listeners } = options;
    this.#options = options;
    this.#admission = new Admission(limits);
    const sendBatch = new SendBatch(kernel);
    driver.onServed(() => sendBatch.flush());
    const shared = {
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
      isBlocking: options.isBlocking ?? false,
      onLingering: (connection: Connection) => this.#linger(connection),
      onClosed: (connection: Connection) => this.#close(connection),
      onFault: options.onFault,
    };
    this.#contexts = listeners.map(({ localAddress, listenerOptions }) => ({
      ...shared,
      localAddress,
      listenerOptions,
    }));
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
   * A client was accepted by the listener of that index: its connection is made and the protocol begins, if only to say
   * that there is no room. Null: there is not even room for that, and the client was cut off.
   */
  open(fd: number, generation: number, listener: number): Connection | null {
    const { kernel, connect, drive, protocol, textOfRefusal } = this.#options;
    const context = this.#contexts[listener];
    assert(context !== undefined, 'a connection comes from a listener of its server');
    const outcome = this.#admission.enter(this.#addressOf(fd));
    if (outcome === CUT_OFF) {
      kernel.reset(fd);
      kernel.close(fd);
      return null;
    }
    const connection = connect?.(context, fd, generation) ?? new Connection(context, fd, generation);
    drive?.(connection);
    this.#open.add(connection);
    if (outcome === REFUSED) this.#refused.add(connection);
    connection.speak(protocol);
    if (outcome === REFUSED && connection.isOpen) {
      connection.refuse(503, textOfRefusal(this.#admission.isFull ? 'maxConnections' : 'maxConnectionsPerAddress'));
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
    if (this.#lingering.size > this.#options.limits.maxLingeringConnections) this.relieve();
  }

  #close(connection: Connection): void {
    this.#open.delete(connection);
    const hasLingered = this.#lingering.delete(connection);
    if (this.#refused.delete(connection)) this.#giveBack(connection, REFUSED);
    else if (!hasLingered) this.#giveBack(connection, ADMITTED);
    this.#options.onClosed?.();
  }

  #giveBack(connection: Connection, outcome: number): void {
    // As when it was accepted: the protocol may have replaced the address of the connection since.
    this.#admission.leave(this.#addressOf(connection.fd), outcome);
  }

  /** Empty where no bound asks for it: texts are not made for nothing. */
  #addressOf(fd: number): string {
    return this.#admission.asksAddress ? this.#options.kernel.peer(fd).address : '';
  }
}

// The open connections of a server: admits clients, bounds lingering connections, and closes all at the end.

import { assert, type EpollServerError } from '../errors.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Limits } from '../limits.ts';
import type { Driver } from '../reactor/driver.ts';
import { ADMITTED, Admission, CUT_OFF, REFUSED } from './admission.ts';
import type { ProtocolFactory } from './channel.ts';
import { Connection } from './connection.ts';
import type { ConnectionContext, ListenerContext } from './context.ts';
import { Handshake } from './handshake.ts';
import { SendBatch } from './send-batch.ts';

/** Makes the connection of one client. */
export type Connect = (context: ConnectionContext, fd: number, generation: number) => Connection;

export interface ConnectionsOptions {
  readonly kernel: Kernel;
  readonly driver: Driver;
  readonly limits: Limits;
  /** The first protocol of each connection. */
  readonly protocol: ProtocolFactory;
  /** Called when a connection has been closed. */
  readonly onClosed?: (() => void) | undefined;
  /** A protocol failed, and its connection is closed. */
  readonly onFault: (error: EpollServerError) => void;
  /** One for each listener of the server. */
  readonly listeners: readonly ListenerContext[];
  /** Default: a {@link Connection}. */
  readonly connect?: Connect | undefined;
  /** Called with each new connection before its protocol begins, to register it with the driver. */
  readonly drive?: ((connection: Connection) => void) | undefined;
  /** The text of the refusal for the client. */
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
  /** Refused connections, which only get a response that there is no room. */
  readonly #refused = new Set<Connection>();
  /** Lingering connections, the oldest first. */
  readonly #lingering = new Set<Connection>();
  /** Handshakes in progress, the oldest first. */
  readonly #handshakes = new Set<Handshake>();
  /** The first protocol of an encrypted connection. */
  readonly #beginHandshake: ProtocolFactory;
  #handshakeTimeouts = 0;

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
      // The limit of an incomplete head: HTTP/1 refuses a longer one.
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
    this.#contexts = listeners.map(({ localAddress, listenerOptions, encryption }) => ({
      ...shared,
      localAddress,
      listenerOptions,
      encryption,
    }));
    const owner = {
      handshakeTimeoutMs: limits.handshakeTimeoutMs,
      shutdownGraceMs: limits.shutdownGraceMs,
      protocol: options.protocol,
      onBegun: (handshake: Handshake) => this.#handshakeBegun(handshake),
      onOver: (handshake: Handshake, isTimeout: boolean) => this.#handshakeOver(handshake, isTimeout),
    };
    this.#beginHandshake = (channel) => new Handshake(channel, owner);
  }

  /** How many clients are connected. */
  get size(): number {
    return this.#open.size;
  }

  /** Lingering connections: their last response was sent, and their input is discarded. */
  get lingering(): number {
    return this.#lingering.size;
  }

  /** Handshakes so far that took too long, or were ended to make room for others. */
  get handshakeTimeouts(): number {
    return this.#handshakeTimeouts;
  }

  /** Clients so far for which there was no room. */
  get refused(): number {
    return this.#admission.refused;
  }

  /**
   * Creates the connection of a client that the listener of that index accepted, and starts its protocol. If there is
   * no room, the protocol only sends a refusal. Null: there was no room for that either, and the client was reset.
   */
  open(fd: number, generation: number, listener: number): Connection | null {
    const { kernel, connect, drive, protocol, textOfRefusal } = this.#options;
    const context = this.#contexts[listener];
    assert(context !== undefined, 'a connection comes from a listener of its server');
    const { encryption } = context;
    const isAttached = encryption === null || kernel.attach(fd, encryption.kind) === 0;
    const outcome = this.#admission.admit(this.#addressOf(fd));
    // Without memory for a transport, nothing can be said to the client.
    if (!isAttached && outcome !== CUT_OFF) this.#admission.release(this.#addressOf(fd), outcome);
    if (outcome === CUT_OFF || !isAttached) {
      kernel.reset(fd);
      kernel.close(fd);
      return null;
    }
    const connection = connect?.(context, fd, generation) ?? new Connection(context, fd, generation);
    drive?.(connection);
    this.#open.add(connection);
    if (outcome === REFUSED) this.#refused.add(connection);
    connection.speak(encryption === null ? protocol : this.#beginHandshake);
    if (outcome === REFUSED && connection.isOpen) {
      connection.refuse(503, textOfRefusal(this.#admission.isFull ? 'maxConnections' : 'maxConnectionsPerAddress'));
    }
    return connection;
  }

  /** Ends each connection as soon as its last response has been sent. */
  stop(): void {
    for (const connection of this.#open) connection.stop();
  }

  /** Ends the connections that have no request in progress, and have received none. */
  endIdle(): void {
    for (const connection of this.#open) if (!connection.isBusy && !connection.hasUnusedInput) connection.finish();
  }

  /** Drops all connections that carry requests, as close(2) of their descriptors does. */
  drop(reason: string): void {
    for (const connection of this.#open) if (connection.attachment?.ownsChannel !== true) connection.drop(reason);
  }

  /** Ends all connections at once. */
  abort(reason: string): void {
    for (const connection of this.#open) connection.end(reason);
  }

  /** Closes the connection that lingers longest, so that a new client can use its descriptor. */
  closeOldestLingering(): void {
    const [oldest] = this.#lingering;
    oldest?.endLinger();
  }

  #handshakeBegun(handshake: Handshake): void {
    this.#handshakes.add(handshake);
    if (this.#handshakes.size <= this.#options.limits.maxHandshakes) return;
    const [oldest] = this.#handshakes;
    oldest?.endWait();
  }

  #handshakeOver(handshake: Handshake, isTimeout: boolean): void {
    if (this.#handshakes.delete(handshake) && isTimeout) this.#handshakeTimeouts++;
  }

  /** Counts the connection as lingering only, so that a new client can be admitted. */
  #linger(connection: Connection): void {
    if (!this.#refused.has(connection)) this.#release(connection, ADMITTED);
    this.#lingering.add(connection);
    if (this.#lingering.size > this.#options.limits.maxLingeringConnections) this.closeOldestLingering();
  }

  #close(connection: Connection): void {
    this.#open.delete(connection);
    const hasLingered = this.#lingering.delete(connection);
    if (this.#refused.delete(connection)) this.#release(connection, REFUSED);
    else if (!hasLingered) this.#release(connection, ADMITTED);
    this.#options.onClosed?.();
  }

  #release(connection: Connection, outcome: number): void {
    // The address as at accept(2), because the protocol may have replaced that of the connection.
    this.#admission.release(this.#addressOf(connection.fd), outcome);
  }

  /** The address for the admission; empty where no limit needs it, to save the text. */
  #addressOf(fd: number): string {
    return this.#admission.needsAddress ? this.#options.kernel.peer(fd).address : '';
  }
}

// The open connections of a server: admits clients, bounds lingering connections, and closes all at the end.

import { assert, type EpollServerError } from '../errors.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Limits } from '../limits.ts';
import type { Driver } from '../reactor/driver.ts';
import { ADMITTED, Admission, CUT_OFF, REFUSED } from './admission.ts';
import type { Channel, ProtocolFactory } from './channel.ts';
import { CONNECTION_INTEREST, Connection } from './connection.ts';
import type { ConnectionContext, Encryption, ListenerContext } from './context.ts';
import { Handshake } from './handshake.ts';
import { type OutgoingAddress, OutgoingConnection, type OutgoingProtocol } from './outgoing-connection.ts';
import { SendBatch } from './send-batch.ts';

/** What an outgoing connection may leave unused while it wants more: a line of a response head. */
const MAX_UPSTREAM_LINE_BYTES = 65_536;

/** A time that no connection reaches: 100 days. */
const UNBOUNDED_MS = 8_640_000_000;

/** Makes the connection of one client. */
export type Connect = (context: ConnectionContext, fd: number, generation: number) => Connection;

export interface ConnectionsOptions {
  readonly kernel: Kernel;
  readonly driver: Driver;
  readonly limits: Limits;
  /** The first protocol of each connection. */
  readonly protocol: ProtocolFactory;
  /** The same on listeners with `proxy`. Default: `protocol`. */
  readonly proxied?: ProtocolFactory;
  /** Whether the address is that of a proxy, through which many clients come. Default: none is. */
  readonly isProxy?: (address: string) => boolean;
  /** Called when a connection has been closed. */
  readonly onClosed?: (() => void) | undefined;
  /** A protocol failed, and its connection is closed. */
  readonly onFault: (error: EpollServerError) => void;
  /** A handshake was not finished. `isTimeout`: it took too long. */
  readonly onHandshakeFailed?: ((channel: Channel, reason: string, isTimeout: boolean) => void) | undefined;
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
  /** That of outgoing connections. */
  readonly #outgoing: ConnectionContext;
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
  /** {@link stop} was called: the last clients of the backlog have to end, too. */
  #isStopping = false;
  /** The addresses for which connections are counted, where a limit needs them. */
  readonly #counted = new Map<Connection, string>();

  constructor(options: ConnectionsOptions) {
    const { kernel, driver, limits, listeners } = options;
    this.#options = options;
    this.#admission = new Admission(limits);
    const sendBatch = new SendBatch(kernel, driver);
    driver.onTurnBegin(() => sendBatch.flushJoined());
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
    this.#outgoing = {
      ...shared,
      localAddress: null,
      listenerOptions: { backlog: 0, isEncrypted: false },
      encryption: null,
      maxUnusedBytes: MAX_UPSTREAM_LINE_BYTES,
      // A program may accept late, and read when it likes: the handler bounds the whole time.
      sendTimeoutMs: UNBOUNDED_MS,
      minSendBytesPerSecond: 0,
      isBlocking: false,
      onLingering: () => {},
      onClosed: () => {},
    };
    const owner = {
      handshakeTimeoutMs: limits.handshakeTimeoutMs,
      shutdownGraceMs: limits.shutdownGraceMs,
      protocol: options.protocol,
      onBegun: (handshake: Handshake) => this.#handshakeBegun(handshake),
      onFailed: (channel: Channel, reason: string, isTimeout: boolean) =>
        options.onHandshakeFailed?.(channel, reason, isTimeout),
      onOver: (handshake: Handshake, isTimeout: boolean) => this.#handshakeOver(handshake, isTimeout),
    };
    this.#beginHandshake = (channel) => new Handshake(channel, owner);
  }

  /** How many clients are connected. */
  get size(): number {
    return this.#open.size;
  }

  /** How many connections have a request or a response under way. The time is proportional to {@link size}. */
  countActive(): number {
    let active = 0;
    for (const connection of this.#open) if (connection.isActive) active++;
    return active;
  }

  /** Whether `maxConnections` is reached. */
  get isFull(): boolean {
    return this.#admission.isFull;
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
    const { kernel, connect, drive, protocol, proxied = protocol, textOfRefusal } = this.#options;
    const context = this.#contexts[listener];
    assert(context !== undefined, 'a connection comes from a listener of its server');
    const { encryption } = context;
    const isProxied = context.listenerOptions.proxy === true;
    const address = this.#admission.needsAddress && !isProxied ? this.#clientAt(fd) : '';
    // Behind a proxy, the handshake follows the header of the PROXY protocol.
    const isAttached = encryption === null || isProxied || kernel.attach(fd, encryption.kind) === 0;
    const outcome = this.#admission.admit(address);
    // Without memory for a transport, nothing can be said to the client.
    if (!isAttached && outcome !== CUT_OFF) this.#admission.release(address, outcome);
    if (outcome === CUT_OFF || !isAttached) {
      kernel.reset(fd);
      kernel.close(fd);
      return null;
    }
    const connection = connect?.(context, fd, generation) ?? new Connection(context, fd, generation);
    drive?.(connection);
    this.#open.add(connection);
    if (outcome === REFUSED) this.#refused.add(connection);
    else if (address !== '') this.#counted.set(connection, address);
    connection.speak(isProxied ? proxied : this.#first(encryption));
    if (this.#isStopping) connection.stop();
    if (outcome === REFUSED && connection.isOpen) {
      connection.refuse(503, textOfRefusal(this.#admission.isFull ? 'maxConnections' : 'maxConnectionsPerAddress'));
    }
    return connection;
  }

  /**
   * Connects to another program, and speaks what `make` returns. Returns the connection, which may be in progress, or
   * -errno. It counts against no limit: the caller bounds how many there are.
   */
  connect(address: OutgoingAddress, make: OutgoingProtocol): Channel | number {
    const { kernel, drive } = this.#options;
    const fd = 'path' in address ? kernel.connectUnix(address.path) : kernel.connect(address.host, address.port);
    if (fd < 0) return fd;
    const generation = kernel.add(fd, CONNECTION_INTEREST);
    if (generation < 0) {
      kernel.close(fd);
      return generation;
    }
    const connection = new OutgoingConnection(this.#outgoing, fd, generation);
    drive?.(connection);
    connection.speak(() => make(connection));
    return connection;
  }

  /** Ends each connection as soon as its last response has been sent. */
  stop(): void {
    this.#isStopping = true;
    for (const connection of this.#open) connection.stop();
  }

  /** Ends the connections that have no request in progress, and have received none. */
  endIdle(): void {
    for (const connection of this.#open) if (!connection.isBusy && !connection.hasUnusedInput) connection.finish();
  }

  /** Drops all connections that carry requests, as close(2) of their descriptors does. */
  drop(reason: string): void {
    for (const connection of this.#open) if (connection.attachment?.ownsChannel !== true) connection.drop(reason, true);
  }

  /** Ends all connections at once. Returns the number of those whose request or response was cut off. */
  abort(reason: string): number {
    let cut = 0;
    for (const connection of this.#open) if (connection.end(reason)) cut++;
    return cut;
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
    this.#admission.release(this.#counted.get(connection) ?? '', outcome);
    this.#counted.delete(connection);
  }

  /** The address of a client for the admission; empty: no limit of one address holds for it. */
  #clientAt(fd: number): string {
    const { address } = this.#options.kernel.peer(fd);
    return this.#options.isProxy?.(address) === true ? '' : address;
  }

  /** The first protocol behind the address of the client. */
  #first(encryption: Encryption | null): ProtocolFactory {
    return encryption === null ? this.#options.protocol : this.#beginHandshake;
  }

  /**
   * Begins the protocol of a client whose address is known from the header of a proxy. `rest`: what was received behind
   * it. Returns how many bytes of it were used: a transport takes all, to decode them.
   */
  beginProxied(channel: Channel, rest: Buffer): number {
    assert(channel instanceof Connection, 'a connection of this server begins its protocol');
    const { encryption } = channel;
    if (!channel.encrypt(rest)) {
      channel.abort('there is no memory for its encryption');
      return rest.length;
    }
    channel.speak(this.#first(encryption));
    this.#identify(channel);
    return encryption === null ? 0 : rest.length;
  }

  /** Counts a connection for its client; refuses it if there are too many. */
  #identify(connection: Connection): void {
    const { address } = connection.peer;
    if (!this.#admission.needsAddress || address === '') return;
    if (!this.#open.has(connection) || this.#refused.has(connection) || this.#counted.has(connection)) return;
    if (this.#options.isProxy?.(address) === true) return;
    if (this.#admission.identify(address)) this.#counted.set(connection, address);
    else connection.refuse(503, this.#options.textOfRefusal('maxConnectionsPerAddress'));
  }
}

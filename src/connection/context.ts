// The values that all connections of a server share: its kernel, its loop, its limits and its callbacks.

import type { EpollServerError } from '../errors.ts';
import type { SocketAddress, TransportKind } from '../kernel/kernel.ts';
import type { Connection } from './connection.ts';
import type { LingerLimits } from './linger.ts';
import type { OutputContext } from './output.ts';

/** Options of one listener, which hold for the connections that are accepted there. */
export interface ListenerOptions {
  /** Connections that wait to be accepted, as in listen(2). */
  readonly backlog: number;
  /** Clients speak TLS. */
  readonly isEncrypted: boolean;
  /** Connections begin with a header of the PROXY protocol, before the handshake of TLS. */
  readonly proxy?: boolean;
}

/** The source of the transports that encrypt. */
export interface Encryption {
  /** That of new connections: it changes when certificates are renewed. */
  readonly kind: TransportKind;
}

/** The values that the connections of one listener share. */
export interface ListenerContext {
  /**
   * The address that every client connects to; null: the listener has all addresses, and each connection looks up its
   * own.
   */
  readonly localAddress: SocketAddress | null;
  readonly listenerOptions: ListenerOptions;
  /** Null: the clients speak plaintext. */
  readonly encryption: Encryption | null;
}

/** The values that all connections of a server share, with those of one listener. */
export interface ConnectionContext extends ListenerContext, OutputContext, LingerLimits {
  /** Received bytes that a protocol may leave unused while it wants more. */
  readonly maxUnusedBytes: number;
  /** Descriptors block: a connection receives only after its descriptor was reported readable. */
  readonly isBlocking?: boolean;
  /** Called when a connection begins to linger: its last response was sent, and it serves no more requests. */
  readonly onLingering: (connection: Connection) => void;
  /** Called when the descriptor of a connection is about to be closed. */
  readonly onClosed: (connection: Connection) => void;
  /** Called when a protocol broke its contract or threw; its connection is being closed. */
  readonly onFault: (error: EpollServerError) => void;
}

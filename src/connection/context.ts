// What connections need from the server that has them: its kernel, its loop, and its limits. It must not know what
// they are used for.

import type { Kernel, SocketAddress } from '../kernel/kernel.ts';
import type { Driver } from '../reactor/driver.ts';
import type { Connection } from './connection.ts';
import type { SendBatch } from './send-batch.ts';

/** What all connections of a server share. */
export interface ConnectionContext {
  readonly kernel: Kernel;
  readonly reactor: Driver;
  readonly sendBatch: SendBatch;
  readonly maxUnsentBytes: number;
  readonly sendTimeoutMs: number;
  /** A client that takes its answer more slowly uses `sendTimeoutMs` up; 0 for none. */
  readonly minSendBytesPerSecond: number;
  readonly maxFileBytesPerTurn: number;
  /** Without a byte from a client that is thrown away; beyond: closed. */
  readonly lingerTimeoutMs: number;
  /** Bounds of what is thrown away of one connection. */
  readonly maxLingerMs: number;
  /** 0: any number. */
  readonly maxLingerBytes: number;
  /** The address that every client connects to; null: the listener has all addresses, and each connection is asked. */
  readonly localAddress: SocketAddress | null;
  /** Descriptors block: one is received from only after it was reported readable. */
  readonly isBlocking?: boolean;
  /** Called when a connection begins to linger: its answer was sent, and it serves no request any more. */
  readonly onLingering: (connection: Connection) => void;
  /** Told when the descriptor of a connection is given back. */
  readonly onClosed: (connection: Connection) => void;
}

// The interface of a connection to its protocol: addresses, output, time, and the end.

import type { NegotiatedTls, SocketAddress } from '../kernel/kernel.ts';
import type { FileSendCallback } from './output.ts';
import type { Protocol } from './protocol.ts';

/** Makes the protocol of a connection. */
export type ProtocolFactory = (channel: Channel) => Protocol;

/** What a protocol keeps with a connection from one message to the next. */
export interface ChannelAttachment {
  /** The connection carries no requests any more, but what the application makes of it. */
  readonly ownsChannel: boolean;
  /** The descriptor is about to be closed. Called once, after the protocol's own `closed`. */
  channelClosed(): void;
  /** The connection is lost: the client has reset it, or a time-out of the server has. {@link channelClosed} follows. */
  channelAborted(): void;
}

/** A connection as its protocol sees it. Calls after the connection has closed have no effect. */
export interface Channel {
  /** The client's address. */
  readonly peer: SocketAddress;
  /**
   * Replaces the client's address by one from a proxy. The protocol that reads it calls this before the first request.
   */
  replacePeer(peer: SocketAddress): void;
  /** The address that the client connected to. */
  readonly local: SocketAddress;
  /** The transport encrypts what passes: TLS. */
  readonly isSecure: boolean;
  /** The handshake of TLS is over: {@link tls} is not null. To ask costs less than to read that. */
  readonly isNegotiated: boolean;
  /** The result of the handshake of TLS; null: the connection is not encrypted, or not yet. Read first while it is open. */
  readonly tls: NegotiatedTls | null;
  /** Looks both addresses up while the connection is open. */
  captureAddresses(): void;
  /** Bytes so far: received, sent. */
  readonly transferred: readonly [number, number];

  /** Neither closed nor about to be: input is used, and output is sent. */
  readonly isOpen: boolean;
  /** The client finished sending, and all that it sent has been received. */
  readonly peerEnded: boolean;
  /** The client finished sending or closed the connection; its earlier bytes may still be unread. */
  readonly isEnding: boolean;

  /** Whether output waits to be sent, or a writer waits to write more. */
  readonly hasPendingOutput: boolean;
  /** Bytes that wait to be sent, without those of files. */
  readonly unsentBytes: number;
  /** Whether writers should wait for `Protocol.drained`. */
  readonly isFull: boolean;
  /** Reserves `size` bytes in {@link target} from the returned offset. {@link commit} is called with their end. */
  reserve(size: number): number;
  /** The buffer of the reserved bytes. */
  readonly target: Buffer;
  /** Sends the reserved bytes up to the offset `end` of {@link target}, after earlier output. */
  commit(end: number): void;
  /** Sends `bytes` after earlier output. Large ones are not copied: leave them unchanged. */
  write(bytes: Uint8Array): void;
  /**
   * Calls `callback` once: with true when the system has all bytes that were written so far, at once if it has them
   * already; with false when the connection is closed before.
   */
  whenSent(callback: (isSent: boolean) => void): void;
  /** Sends the output so far at once, as far as the socket takes it. */
  sendNow(): void;
  /** Sends bytes of an open file after earlier output. `callback` is called once; until then writes are not allowed. */
  sendFile(descriptor: number, position: number, length: number, callback: FileSendCallback): void;

  /** Calls `Protocol.expired` after `ms`; 0 cancels that. Without effect once the connection is finishing. */
  setTimeout(ms: number): void;
  /** Schedules another turn. */
  wake(): void;
  /** Schedules another turn if input may wait. */
  resume(): void;

  /**
   * Replaces the protocol by the result of `make`, which gets all unused bytes and starts without a time-out. If
   * {@link Protocol.stop} was called before, it is called for the new protocol too. Without effect once the connection is
   * closed.
   */
  speak(make: ProtocolFactory): void;

  /**
   * Closes when all output has been sent. `unread`: the client may be sending bytes that will not be used, so the
   * connection lingers.
   */
  finish(unread?: boolean): void;
  /** Sends FIN after all output, and goes on receiving. */
  endOutput(): void;
  /** Ends at once, with RST: pending output is lost. */
  abort(reason: string, isTimeout?: boolean): void;
  /**
   * Ends at once, as close(2) does: RST only if input is unread. `sends`: what the socket takes of pending output is
   * sent before. Otherwise pending output is lost.
   */
  drop(reason: string, sends?: boolean): void;

  /** Kept for the protocol; null at first. */
  attachment: ChannelAttachment | null;
}

// What a protocol may ask of its connection: addresses, output, time, and the end.

import type { SocketAddress } from '../kernel/kernel.ts';
import type { FileTaker } from './output.ts';
import type { Protocol } from './protocol.ts';

/** Makes the protocol of a connection. */
export type ProtocolFactory = (channel: Channel) => Protocol;

export interface Channel {
  /** The client's address. */
  readonly peer: SocketAddress;
  /** Another address, named by a proxy: given by the protocol that reads it, in front of the first request. */
  replacePeer(peer: SocketAddress): void;
  /** The address that the client connected to. */
  readonly local: SocketAddress;
  /** Looks both addresses up while the connection is open. */
  captureAddresses(): void;
  /** Bytes that passed so far: received, sent. */
  readonly transferred: readonly [number, number];

  /** Neither closed nor about to be: input is used, and output is sent. */
  readonly isOpen: boolean;
  /** The client finished sending, and all that it sent has been received. */
  readonly peerEnded: boolean;
  /** The client finished sending, or left: bytes that it sent before may still be unread. */
  readonly isEnding: boolean;

  /** Whether output waits to be sent, or a writer waits to write more. */
  readonly hasPendingOutput: boolean;
  /** Whether writers should wait for `Protocol.drained`. */
  readonly isFull: boolean;
  /** Room for `size` bytes in {@link target}, from the offset that is returned; {@link commit} says where they end. */
  reserve(size: number): number;
  /** Where to write what was reserved. */
  readonly target: Buffer;
  commit(end: number): void;
  /** Sends `bytes` after what was written before. Large ones are not copied: leave them unchanged. */
  write(bytes: Uint8Array): void;
  /** Sends bytes of an open file after what was written. `taker` is called once, and until then nothing may be written. */
  sendFile(descriptor: number, position: number, length: number, taker: FileTaker): void;

  /** Calls `Protocol.expired` after `ms`; 0 takes that back. Without effect once the connection is finishing. */
  setTimeout(ms: number): void;
  /** Asks for another turn. */
  wake(): void;
  /** Asks for another turn if input waits to be used. */
  resume(): void;

  /**
   * What `make` returns is the protocol from now on. It gets the bytes that the one before left unused, those of the
   * same segment too. The time-out of the one before is over. Without effect once the connection is closed.
   */
  speak(make: ProtocolFactory): void;

  /**
   * Closes when all output has been sent. `unread`: the client may be sending bytes that will not be used, so the
   * connection lingers.
   */
  finish(unread?: boolean): void;
  /** Ends at once: pending output is lost. */
  abort(reason: string, isTimeout?: boolean): void;
}

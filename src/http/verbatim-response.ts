// The output of an adapter that writes HTTP/1 messages itself, head and framing included: the Node adapter does.

import type { Channel, ProtocolFactory } from '../connection/channel.ts';

export interface VerbatimResponse {
  readonly channel: Channel;
  /** How long the connection waits for its next request. */
  readonly keepAliveTimeoutMs: number;
  /** The response can no longer be sent. */
  readonly gone: boolean;
  /** The client wants the connection to persist, and the server does not end it. */
  readonly keepsAlive: boolean;
  /** Whether the connection persists after a response whose head is written now; the head must say so. */
  persists(): boolean;
  /** Sends an interim response. */
  interimVerbatim(status: number, head: Buffer): void;
  /** The response begins with `head`, which is written next. `closes`: it is the last one of the connection. */
  startVerbatim(status: number, closes: boolean, head: Buffer): void;
  /** Sends bytes of the response, of which `contentBytes` are content. False: the client is slow. */
  writeVerbatim(bytes: Uint8Array, contentBytes: number): boolean;
  /**
   * Sends a head and its content, and returns the bytes of content; {@link endVerbatim} follows. `announced`: no more than
   * these; -1: no such limit. `isAscii`: the head is.
   */
  writeWhole(
    status: number,
    closes: boolean,
    head: string,
    content: string | Uint8Array,
    announced: number,
    isAscii: boolean,
  ): number;
  /** All bytes of the response are written. `complete`: they are as many as its head announced. */
  endVerbatim(complete: boolean): void;
  /** Gives the connection to another protocol, from the byte after this request on. No response is sent. */
  takeOver(make: ProtocolFactory): void;
}

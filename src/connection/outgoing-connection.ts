// A connection that the server made to another program, such as one that runs an application. Unlike that of a client, it
// may have an answer to receive although sending has failed: a program may answer early and close.

import { getSystemErrorName } from 'node:util';
import type { Channel } from './channel.ts';
import { Connection } from './connection.ts';
import type { Protocol } from './protocol.ts';

/** Where a program listens: the path of a Unix domain socket, or a numeric address and a port. */
export type OutgoingAddress = { readonly path: string } | { readonly host: string; readonly port: number };

/** An outgoing connection as its protocol sees it. */
export interface OutgoingChannel extends Channel {
  /** The name of the error of the send that failed; empty: none has. */
  readonly sendError: string;
}

/** Makes the protocol of an outgoing connection. */
export type OutgoingProtocol = (channel: OutgoingChannel) => Protocol;

export class OutgoingConnection extends Connection implements OutgoingChannel {
  sendError = '';

  /** The answer may come before the request was read. */
  protected override get receivesWhileFull(): boolean {
    return true;
  }

  override sendFailed(result: number): void {
    if (this.sendError === '') this.sendError = getSystemErrorName(result);
    this.receiveToEnd();
  }

  protected override receiveFailed(result: number): void {
    // EPIPE says that the connection is lost, and not why.
    const isKnown = this.sendError !== '' && this.sendError !== 'EPIPE';
    this.abort(isKnown ? this.sendError : getSystemErrorName(result));
  }
}

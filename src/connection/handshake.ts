// What a connection speaks while its transport begins: it waits for the first bytes of the client, which come after the
// handshake of TLS. The kernel makes the handshake; this protocol only bounds its time.

import type { Channel, ProtocolFactory } from './channel.ts';
import type { Protocol } from './protocol.ts';

/** RFC 9110 section 15.5.1. */
const BAD_REQUEST = 400;
/** Why a connection is aborted whose client breaks the rules of TLS, or has nothing in common with the server. */
export const TLS_FAILURE = 'TLS failed';
const PLAINTEXT = 'this port speaks HTTPS, and the request came without TLS: use https:// in the address';

export interface HandshakeOwner {
  readonly handshakeTimeoutMs: number;
  /** What remains for a handshake when the server closes. */
  readonly shutdownGraceMs: number;
  /** The protocol that follows. */
  readonly protocol: ProtocolFactory;
  onBegun(handshake: Handshake): void;
  /** It was not finished, and its connection is closed. `isTimeout`: it took too long. */
  onFailed(channel: Channel, reason: string, isTimeout: boolean): void;
  /** `isTimeout`: it took too long. */
  onOver(handshake: Handshake, isTimeout: boolean): void;
}

export class Handshake implements Protocol {
  readonly wantsInput = true;
  readonly paused = false;
  readonly isBusy = false;
  readonly #channel: Channel;
  readonly #owner: HandshakeOwner;
  #refusal: { readonly status: number; readonly why: string } | null = null;

  constructor(channel: Channel, owner: HandshakeOwner) {
    this.#channel = channel;
    this.#owner = owner;
    channel.setTimeout(owner.handshakeTimeoutMs);
    owner.onBegun(this);
  }

  receive(_bytes: Buffer, start: number): number {
    // Bytes pass before a handshake only if they are no TLS.
    if (!this.#channel.isNegotiated) this.#refusal = { status: BAD_REQUEST, why: PLAINTEXT };
    this.#speakNext();
    return start;
  }

  ending(): void {}

  ended(): void {
    this.#reportFailure('the client ended the handshake', false);
    this.#channel.finish();
  }

  drained(): void {}

  /** A client may wait with its first request as long as the next protocol allows. */
  expired(): void {
    this.endWait();
  }

  /** Makes room for another handshake: this one has waited longest. */
  endWait(): void {
    if (this.#channel.isNegotiated) this.#speakNext();
    else this.#channel.abort('the handshake did not finish in time', true);
  }

  stop(): void {
    if (this.#channel.isNegotiated) this.#speakNext();
    // 0 would mean no limit.
    else this.#channel.setTimeout(Math.max(this.#owner.shutdownGraceMs, 1));
  }

  /** The refusal is sent when the client can read it. */
  refuse(status: number, why: string): void {
    this.#refusal = { status, why };
  }

  aborted(reason: string, isTimeout: boolean): void {
    this.#reportFailure(reason, isTimeout);
    this.#owner.onOver(this, isTimeout);
  }

  closed(): void {
    this.#owner.onOver(this, false);
  }

  /** A client may leave after the handshake, too. */
  #reportFailure(reason: string, isTimeout: boolean): void {
    if (!this.#channel.isNegotiated) this.#owner.onFailed(this.#channel, reason, isTimeout);
  }

  #speakNext(): void {
    this.#owner.onOver(this, false);
    this.#channel.speak((channel) => {
      const next = this.#owner.protocol(channel);
      if (this.#refusal !== null) next.refuse(this.#refusal.status, this.#refusal.why);
      return next;
    });
  }
}

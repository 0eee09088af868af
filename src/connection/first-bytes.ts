// The protocol in front of others: looks at the first bytes of a connection, uses none of them, and says which protocol
// they belong to. Plain HTTP/1 needs none: it is chosen when the client is accepted.

import type { Channel, ProtocolFactory } from './channel.ts';
import type { Protocol } from './protocol.ts';

export interface FirstBytesOptions {
  /** What makes the protocol that `bytes[start, end)` begin; null: more of them are needed. */
  readonly choose: (bytes: Buffer, start: number, end: number) => ProtocolFactory | null;
  /** More bytes than this decide, or the connection is closed. */
  readonly maxBytes: number;
  /** For the bytes to arrive. */
  readonly timeoutMs: number;
}

export class FirstBytes implements Protocol {
  readonly wantsInput = true;
  readonly paused = false;
  readonly isBusy = false;
  readonly #channel: Channel;
  readonly #options: FirstBytesOptions;

  constructor(channel: Channel, options: FirstBytesOptions) {
    this.#channel = channel;
    this.#options = options;
    channel.setTimeout(options.timeoutMs);
  }

  receive(bytes: Buffer, start: number, end: number): number {
    const chosen = this.#options.choose(bytes, start, end);
    if (chosen !== null) {
      this.#channel.speak(chosen);
    } else if (end - start >= this.#options.maxBytes) {
      this.#channel.finish(true);
      return end;
    }
    return start;
  }

  ending(): void {}

  ended(): void {
    this.#channel.finish();
  }

  drained(): void {}

  expired(): void {
    this.#channel.finish();
  }

  stop(): void {
    this.#channel.finish();
  }

  refuse(): void {
    this.#channel.finish(true);
  }

  aborted(): void {}

  closed(): void {}
}

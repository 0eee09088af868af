// Selects the protocol of a connection by its first bytes, and uses none of them. Plain HTTP/1 does without it: it is
// selected when the client is accepted.

import type { Channel, ProtocolFactory } from './channel.ts';
import type { Protocol } from './protocol.ts';

export interface FirstBytesOptions {
  /** Returns the factory of the protocol that begins with `bytes[start, end)`; null: more bytes are needed. */
  readonly choose: (bytes: Buffer, start: number, end: number) => ProtocolFactory | null;
  /** If this many bytes do not decide, the connection is closed. */
  readonly maxBytes: number;
  /** The time for these bytes to arrive. */
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

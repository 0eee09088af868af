// The protocol after an upgrade of a simulated connection: returns the received bytes as fast as the client reads them.

import type { Channel } from '../../connection/channel.ts';
import type { Protocol } from '../../connection/protocol.ts';

/** Called with the number of used bytes, and once when the connection is closed. */
export interface EchoOwner {
  used(bytes: number): void;
  closed(): void;
}

export class EchoProtocol implements Protocol {
  readonly paused = false;
  readonly isBusy = false;
  readonly #channel: Channel;
  readonly #owner: EchoOwner;

  constructor(channel: Channel, owner: EchoOwner) {
    this.#channel = channel;
    this.#owner = owner;
  }

  get wantsInput(): boolean {
    return this.#channel.isOpen && !this.#channel.isFull;
  }

  receive(bytes: Buffer, start: number, end: number): number {
    this.#owner.used(end - start);
    this.#channel.write(Buffer.from(bytes.subarray(start, end)));
    return end;
  }

  ending(): void {}

  ended(): void {
    this.#channel.finish();
  }

  drained(): void {}

  expired(): void {}

  stop(): void {
    this.#channel.finish(true);
  }

  refuse(): void {}

  aborted(): void {}

  closed(): void {
    this.#owner.closed();
  }
}

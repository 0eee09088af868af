// Wraps the protocol after an upgrade when requests are traced, and reports the end of the connection.

import type { Channel } from '../connection/channel.ts';
import type { Protocol } from '../connection/protocol.ts';
import type { RequestObserver } from '../exchange/request-observer.ts';

export class TracedProtocol implements Protocol {
  readonly #protocol: Protocol;
  readonly #channel: Channel;
  readonly #observer: RequestObserver;

  constructor(protocol: Protocol, channel: Channel, observer: RequestObserver) {
    this.#protocol = protocol;
    this.#channel = channel;
    this.#observer = observer;
  }

  get wantsInput(): boolean {
    return this.#protocol.wantsInput;
  }

  get paused(): boolean {
    return this.#protocol.paused;
  }

  get isBusy(): boolean {
    return this.#protocol.isBusy;
  }

  receive(bytes: Buffer, start: number, end: number): number {
    return this.#protocol.receive(bytes, start, end);
  }

  ending(): void {
    this.#protocol.ending();
  }

  ended(): void {
    this.#protocol.ended();
  }

  drained(): void {
    this.#protocol.drained();
  }

  expired(): void {
    this.#protocol.expired();
  }

  stop(): void {
    this.#protocol.stop();
  }

  refuse(status: number, why: string): void {
    this.#protocol.refuse(status, why);
  }

  aborted(reason: string, isTimeout: boolean): void {
    this.#protocol.aborted(reason, isTimeout);
  }

  closed(): void {
    const [received, sent] = this.#channel.transferred;
    this.#observer.disconnected(this.#channel.peer, received, sent);
    this.#protocol.closed();
  }
}

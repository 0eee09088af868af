// The protocol in front of another one on a listener with `proxy`: it reads the header of the PROXY protocol, and gives
// the connection the address of its client.

import type { Channel } from './channel.ts';
import type { Protocol } from './protocol.ts';
import { PROXY_INCOMPLETE, PROXY_MALFORMED, parseProxyHeader } from './proxy-header.ts';

export interface ProxiedOptions {
  /** Whether the header of a proxy with this address counts. */
  readonly isTrusted: (address: string) => boolean;
  /** The time for the header to arrive. */
  readonly timeoutMs: number;
  /** What remains of it when the server closes: the header may be on its way, with a request behind it. */
  readonly shutdownGraceMs: number;
  /** Called when a connection is closed for want of a valid header from a trusted proxy. */
  readonly onRefused: () => void;
  /**
   * Called when the address of the client is known, to begin the protocol behind the header. `rest`: what was received
   * behind it. Returns how many bytes of it were used.
   */
  readonly begin: (channel: Channel, rest: Buffer) => number;
}

export class ProxiedProtocol implements Protocol {
  readonly wantsInput = true;
  readonly paused = false;
  readonly isBusy = false;
  readonly #channel: Channel;
  readonly #options: ProxiedOptions;
  /** The beginning of a header that is incomplete; null: no byte arrived. */
  #held: Buffer | null = null;
  #isStopping = false;

  constructor(channel: Channel, options: ProxiedOptions) {
    this.#channel = channel;
    this.#options = options;
    if (options.isTrusted(channel.peer.address)) channel.setTimeout(options.timeoutMs);
    else this.#refuse();
  }

  receive(bytes: Buffer, start: number, end: number): number {
    const held = this.#held?.length ?? 0;
    const arrived = bytes.subarray(start, end);
    const all = this.#held === null ? arrived : Buffer.concat([this.#held, arrived]);
    const header = parseProxyHeader(all);
    if (header === PROXY_INCOMPLETE) {
      // A header is bounded, and so is what is kept of one.
      this.#held = Buffer.from(all);
      return end;
    }
    if (header === PROXY_MALFORMED) {
      this.#refuse();
      return end;
    }
    if (header.client !== null) this.#channel.replacePeer(header.client);
    const at = start + header.length - held;
    return at + this.#options.begin(this.#channel, bytes.subarray(at, end));
  }

  #refuse(): void {
    this.#options.onRefused();
    this.#channel.finish(true);
  }

  ending(): void {}

  ended(): void {
    this.#channel.finish();
  }

  drained(): void {}

  expired(): void {
    if (this.#isStopping) this.#channel.finish();
    else this.#refuse();
  }

  stop(): void {
    this.#isStopping = true;
    // 0 would mean no limit.
    this.#channel.setTimeout(Math.max(this.#options.shutdownGraceMs, 1));
  }

  refuse(): void {
    this.#channel.finish(true);
  }

  aborted(): void {}

  closed(): void {}
}

// How long a connection may linger: FIN was sent, and bytes that the client still sends are thrown away, so that no RST
// destroys the last response on its way (RFC 9112 section 9.6). Time and bytes bound it, as in nginx.

import type { Driver } from '../reactor/driver.ts';

/** Bounds of what is thrown away of one connection. */
export interface LingerLimits {
  /** Without a byte from the client. */
  readonly lingerTimeoutMs: number;
  /** In all. */
  readonly maxLingerMs: number;
  /** 0: any number. */
  readonly maxLingerBytes: number;
}

export class Linger {
  readonly #reactor: Driver;
  readonly #limits: LingerLimits;
  readonly #endTick: number;
  #bytes = 0;

  /** Begins now. */
  constructor(reactor: Driver, limits: LingerLimits) {
    this.#reactor = reactor;
    this.#limits = limits;
    this.#endTick = reactor.tickAfter(limits.maxLingerMs);
  }

  /** The tick at which it is over, if no byte comes until then. */
  get tick(): number {
    return Math.min(this.#reactor.tickAfter(this.#limits.lingerTimeoutMs), this.#endTick);
  }

  /** `count` bytes were thrown away. Returns whether more may come. */
  discard(count: number): boolean {
    const { maxLingerBytes } = this.#limits;
    this.#bytes += count;
    return maxLingerBytes === 0 || this.#bytes <= maxLingerBytes;
  }
}

// Bounds how long a connection may linger. After FIN, further bytes of the client are discarded, so that no RST
// destroys the last response on its way (RFC 9112 section 9.6). Time and bytes bound it, as in nginx.

import type { Driver } from '../reactor/driver.ts';

/** The limits of lingering. */
export interface LingerLimits {
  /** The longest time without a byte from the client. */
  readonly lingerTimeoutMs: number;
  /** The longest time in total. */
  readonly maxLingerMs: number;
  /** The most bytes discarded; 0: no bound. */
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

  /** The tick at which lingering ends, if no byte arrives until then. */
  get tick(): number {
    return Math.min(this.#reactor.tickAfter(this.#limits.lingerTimeoutMs), this.#endTick);
  }

  /** Counts discarded bytes. Returns whether lingering may continue. */
  discard(count: number): boolean {
    const { maxLingerBytes } = this.#limits;
    this.#bytes += count;
    return maxLingerBytes === 0 || this.#bytes <= maxLingerBytes;
  }
}

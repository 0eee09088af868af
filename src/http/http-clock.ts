// The value of the Date field, made once a second.

import { formatHttpDate } from './date.ts';

/** The current date, as text and as bytes, refreshed when the wall clock's second has passed. */
export class HttpClock {
  /** Grows with every new text, so that bytes made of an older one are recognised. */
  version = 0;
  text = '';
  /** {@link text} as bytes, of constant length until the year 10000. */
  bytes: Buffer = Buffer.alloc(0);
  readonly #wallClockMs: () => number;
  /** The monotonic time at which the next second of the wall clock begins. */
  #nextMs = Number.NEGATIVE_INFINITY;

  constructor(wallClockMs: () => number) {
    this.#wallClockMs = wallClockMs;
  }

  /** Brings {@link text} up to date; `nowMs` is monotonic. */
  update(nowMs: number): void {
    if (nowMs < this.#nextMs) return;
    const wallMs = this.#wallClockMs();
    this.#nextMs = nowMs + 1000 - (wallMs % 1000);
    this.text = formatHttpDate(wallMs);
    this.bytes = Buffer.from(this.text, 'latin1');
    this.version++;
  }
}

// The Date field's value (RFC 9110 section 5.6.7), made once a second.

/** `Sun, 06 Nov 1994 08:49:37 GMT`. */
export function formatHttpDate(sinceEpochMs: number): string {
  return new Date(sinceEpochMs).toUTCString();
}

/** The current date as text, refreshed when the wall clock's second has passed. */
export class HttpClock {
  /** Grows with every new text, so that whoever keeps bytes made of it sees that they are old. */
  version = 0;
  text = '';
  readonly #wallClockMs: () => number;
  /** Monotonic time at which the wall clock's next second begins. */
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
    this.version++;
  }
}

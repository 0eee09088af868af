// The kernel's output arena while connections are served: their answers are written here one behind the
// other, and leave together, one send each and one crossing for all. One stage for all connections of a
// thread. It must not know what is written.

import { type Kernel, ORDER_WORDS } from '../kernel/kernel.ts';

/** Whose answer was staged, and who is told what became of it. */
export interface Staging {
  readonly fd: number;
  /** The kernel took none or not all of `arena[start, end)`, which is valid during the call. */
  keepUnsent(result: number, start: number, end: number): void;
  /** Everyone has kept what was unsent: now is the time for consequences. `result`: what send returned. */
  settle(result: number): void;
}

/** With less room in the arena what is staged leaves before another connection is served. */
const MIN_ROOM_BYTES = 16_384;

export class Stage {
  /** The shared arena. */
  readonly arena: Buffer;
  /** Where {@link Sender.reserve} told its caller to write. */
  target: Buffer;
  /** Bytes written so far, from the arena's start. */
  used = 0;
  /** Where the owner's bytes begin. */
  start = 0;
  /** Whose bytes are being written; null between two connections. */
  owner: Staging | null = null;
  readonly #kernel: Kernel;
  readonly #capacity: number;
  readonly #senders: (Staging | null)[];
  #count = 0;
  #settling = false;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.arena = kernel.output;
    this.target = this.arena;
    this.#capacity = kernel.orders.length / ORDER_WORDS;
    this.#senders = new Array<Staging | null>(this.#capacity).fill(null);
  }

  /** What is written from now on is the answer of `owner`. */
  begin(owner: Staging): void {
    if (this.arena.length - this.used < MIN_ROOM_BYTES) this.flush();
    this.owner = owner;
    this.start = this.used;
  }

  /** What the owner wrote will leave with the next {@link flush}. */
  end(): void {
    this.#order();
    this.owner = null;
    if (this.#count === this.#capacity) this.flush();
  }

  /** Sends what the owner wrote so far, and all before it, to make room. */
  flushOwner(): void {
    if (this.#settling) return;
    this.#order();
    this.flush();
  }

  /** Sends what is staged. First everyone keeps what was not taken, then come the consequences. */
  flush(): void {
    const count = this.#count;
    if (count === 0 || this.#settling) return;
    const { orders } = this.#kernel;
    this.#kernel.sendAll(count);
    for (let i = 0; i < count; i++) {
      const start = orders[i * ORDER_WORDS + 1] ?? 0;
      const length = orders[i * ORDER_WORDS + 2] ?? 0;
      const result = orders[i * ORDER_WORDS + 3] ?? 0;
      if (result !== length) this.#senders[i]?.keepUnsent(result, start, start + length);
    }
    this.#count = 0;
    if (this.start === this.used) this.start = this.used = 0;
    this.#settling = true;
    try {
      for (let i = 0; i < count; i++) this.#senders[i]?.settle(orders[i * ORDER_WORDS + 3] ?? 0);
    } finally {
      this.#settling = false;
    }
  }

  #order(): void {
    if (this.owner === null || this.used === this.start) return;
    const { orders } = this.#kernel;
    const at = this.#count * ORDER_WORDS;
    orders[at] = this.owner.fd;
    orders[at + 1] = this.start;
    orders[at + 2] = this.used - this.start;
    this.#senders[this.#count++] = this.owner;
    this.start = this.used;
  }
}

// The kernel's output arena while connections are served: their answers are written here one behind the
// other, and leave together, one send each and one crossing for all; bytes of files, which follow what was
// written, too. One stage for all connections of a thread. It must not know what is written.

import { assert } from '../errors.ts';
import {
  type Kernel,
  ORDER_FD,
  ORDER_FILE,
  ORDER_FILE_COUNT,
  ORDER_LENGTH,
  ORDER_OFFSET,
  ORDER_POSITION_HIGH,
  ORDER_POSITION_LOW,
  ORDER_RESULT,
  ORDER_STATUS,
  ORDER_TAKEN,
  ORDER_WORDS,
} from '../kernel/kernel.ts';

/** Whose answer was staged, and who is told what became of it. */
export interface Staging {
  readonly fd: number;
  /** The kernel took none or not all of `arena[start, end)`, which is valid during the call. */
  keepUnsent(result: number, start: number, end: number): void;
  /** Everyone has kept what was unsent: now is the time for consequences. `result`: what send returned. */
  settle(result: number): void;
  /** The same of bytes of a file: how many were taken, and why they were fewer (0: they were not). */
  settleFile(taken: number, status: number): void;
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

  /**
   * What the owner wrote will leave with the next {@link flush}, and bytes of an open file behind it: nothing may be
   * written before the owner knows what became of them.
   */
  orderFile(file: number, position: number, count: number): void {
    const { orders } = this.#kernel;
    const at = this.#place();
    orders[at + ORDER_FILE_COUNT] = count;
    orders[at + ORDER_FILE] = file;
    orders[at + ORDER_POSITION_LOW] = position;
    orders[at + ORDER_POSITION_HIGH] = Math.floor(position / 2 ** 32);
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
      const start = orders[i * ORDER_WORDS + ORDER_OFFSET] ?? 0;
      const length = orders[i * ORDER_WORDS + ORDER_LENGTH] ?? 0;
      const result = orders[i * ORDER_WORDS + ORDER_RESULT] ?? 0;
      if (result !== length) this.#senders[i]?.keepUnsent(result, start, start + length);
    }
    this.#count = 0;
    if (this.start === this.used) this.start = this.used = 0;
    this.#settling = true;
    try {
      for (let i = 0; i < count; i++) this.#settle(i);
    } finally {
      this.#settling = false;
    }
  }

  #settle(index: number): void {
    const { orders } = this.#kernel;
    const at = index * ORDER_WORDS;
    const sender = this.#senders[index];
    if (orders[at + ORDER_FILE_COUNT] === 0) sender?.settle(orders[at + ORDER_RESULT] ?? 0);
    else sender?.settleFile(orders[at + ORDER_TAKEN] ?? 0, orders[at + ORDER_STATUS] ?? 0);
  }

  #order(): void {
    if (this.owner !== null && this.used > this.start) this.#place();
  }

  /** Makes an order of what the owner wrote; returns where it is. */
  #place(): number {
    assert(this.owner !== null && this.#count < this.#capacity, 'an order has an owner and room');
    const { orders } = this.#kernel;
    const at = this.#count * ORDER_WORDS;
    orders[at + ORDER_FD] = this.owner.fd;
    orders[at + ORDER_OFFSET] = this.start;
    orders[at + ORDER_LENGTH] = this.used - this.start;
    orders[at + ORDER_FILE_COUNT] = 0;
    this.#senders[this.#count++] = this.owner;
    this.start = this.used;
    return at;
  }
}

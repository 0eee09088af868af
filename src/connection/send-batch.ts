// Batches the output of all connections of a thread. It is written consecutively into the kernel's output arena, and
// flushed together: one send for each connection, one crossing for all. File bytes follow the written bytes. Output of
// promises and timers, between two turns, joins the batch too, and the next turn begins with its flush.

import { assert } from '../errors.ts';
import {
  type Kernel,
  SEND_OP_FD,
  SEND_OP_FILE,
  SEND_OP_FILE_COUNT,
  SEND_OP_FILE_SENT,
  SEND_OP_FILE_STATUS,
  SEND_OP_LENGTH,
  SEND_OP_OFFSET,
  SEND_OP_POSITION_HIGH,
  SEND_OP_POSITION_LOW,
  SEND_OP_RESULT,
  SEND_OP_WORDS,
  UNFINISHED,
} from '../kernel/kernel.ts';
import type { Driver } from '../reactor/driver.ts';

/** A connection whose output is batched. */
export interface BatchedSender {
  readonly fd: number;
  /** `arena[start, end)` was not sent, or not all of it. The bytes are valid during the call. */
  onUnsent(result: number, start: number, end: number): void;
  /** The batch was flushed, and {@link onUnsent} was called for all senders. `result`: what send returned. */
  onFlushed(result: number): void;
  /** The same for file bytes: `sent` of them were sent. `status`: why not all, as -errno, or 0. */
  onFileFlushed(sent: number, status: number): void;
}

/** With less room in the arena the batch is flushed before another connection is served. */
const MIN_ROOM_BYTES = 16_384;

export class SendBatch {
  /** The shared arena. */
  readonly arena: Buffer;
  /** The buffer for the caller of {@link Output.reserve}. */
  target: Buffer;
  /** Bytes written so far, from the start of the arena. */
  used = 0;
  /** Where the owner's bytes begin. */
  start = 0;
  /** The connection that writes; null between two connections. */
  owner: BatchedSender | null = null;
  /** Output has joined since the last turn; {@link owner} is the sender of the newest. */
  hasJoined = false;
  readonly #kernel: Kernel;
  readonly #driver: Pick<Driver, 'turning'>;
  readonly #capacity: number;
  readonly #senders: (BatchedSender | null)[];
  #count = 0;
  /** Callbacks are running: nothing is sent meanwhile. */
  #notifying = false;

  /** Without a driver, nothing joins. */
  constructor(kernel: Kernel, driver: Pick<Driver, 'turning'> = { turning: true }) {
    this.#kernel = kernel;
    this.#driver = driver;
    this.arena = kernel.output;
    this.target = this.arena;
    this.#capacity = kernel.sendOps.length / SEND_OP_WORDS;
    this.#senders = new Array<BatchedSender | null>(this.#capacity).fill(null);
  }

  /** Written bytes of `sender` that leave with the next {@link flush}, those of files too. */
  bytesOf(sender: BatchedSender): number {
    const { sendOps } = this.#kernel;
    let bytes = this.owner === sender ? this.used - this.start : 0;
    for (let i = 0; i < this.#count; i++) {
      if (this.#senders[i] !== sender) continue;
      bytes += sendOps[i * SEND_OP_WORDS + SEND_OP_LENGTH] ?? 0;
      bytes += sendOps[i * SEND_OP_WORDS + SEND_OP_FILE_COUNT] ?? 0;
    }
    return bytes;
  }

  /** Bytes written from now on belong to `owner`. */
  begin(owner: BatchedSender): void {
    if (this.arena.length - this.used < MIN_ROOM_BYTES) this.flush();
    this.owner = owner;
    this.start = this.used;
  }

  /** The owner has finished writing; the next {@link flush} sends its bytes. */
  end(): void {
    this.#addWritten();
    this.owner = null;
    if (this.#count === this.#capacity) this.flush();
  }

  /**
   * Between turns, bytes written from now on belong to `sender`, and the next turn begins with {@link flushJoined}.
   * False: within a turn, where the connections that are served own the batch.
   */
  join(sender: BatchedSender): boolean {
    if (this.#driver.turning || this.#notifying) return false;
    if (this.owner !== null) this.end();
    // Bytes of one sender in two sends would change places when the socket refuses the first of them.
    if (this.#hasSendOf(sender)) this.flush();
    this.begin(sender);
    this.hasJoined = true;
    this.#kernel.control[UNFINISHED] = 1;
    return true;
  }

  #hasSendOf(sender: BatchedSender): boolean {
    for (let i = 0; i < this.#count; i++) if (this.#senders[i] === sender) return true;
    return false;
  }

  /** Sends what has joined. */
  flushJoined(): void {
    if (!this.hasJoined) return;
    this.end();
    this.flush();
    this.hasJoined = false;
  }

  /** Takes back what `sender` has joined: it is not sent. */
  removeJoined(sender: BatchedSender): void {
    if (!this.hasJoined) return;
    if (this.owner === sender) this.used = this.start;
    const { sendOps } = this.#kernel;
    let kept = 0;
    for (let i = 0; i < this.#count; i++) {
      const other = this.#senders[i] ?? null;
      if (other === sender) continue;
      sendOps.copyWithin(kept * SEND_OP_WORDS, i * SEND_OP_WORDS, (i + 1) * SEND_OP_WORDS);
      this.#senders[kept++] = other;
    }
    this.#count = kept;
  }

  /**
   * The next {@link flush} sends the owner's bytes, then bytes of an open file. Until {@link
   * BatchedSender.onFileFlushed} the owner must not write.
   */
  addFile(file: number, position: number, count: number): void {
    const { sendOps } = this.#kernel;
    const at = this.#add();
    sendOps[at + SEND_OP_FILE_COUNT] = count;
    sendOps[at + SEND_OP_FILE] = file;
    sendOps[at + SEND_OP_POSITION_LOW] = position;
    sendOps[at + SEND_OP_POSITION_HIGH] = Math.floor(position / 2 ** 32);
  }

  /** Sends the owner's bytes so far, and all before them, to make room. */
  flushOwner(): void {
    if (this.#notifying) return;
    this.#addWritten();
    this.flush();
  }

  /**
   * Sends the batch. All unsent bytes are kept before the first {@link BatchedSender.onFlushed} call, which may write
   * again.
   */
  flush(): void {
    if (this.#notifying) return;
    if (this.hasJoined) this.#addWritten();
    const count = this.#count;
    if (count === 0) return;
    const { sendOps } = this.#kernel;
    this.#kernel.sendBatch(count);
    for (let i = 0; i < count; i++) {
      const start = sendOps[i * SEND_OP_WORDS + SEND_OP_OFFSET] ?? 0;
      const length = sendOps[i * SEND_OP_WORDS + SEND_OP_LENGTH] ?? 0;
      const result = sendOps[i * SEND_OP_WORDS + SEND_OP_RESULT] ?? 0;
      if (result !== length) this.#senders[i]?.onUnsent(result, start, start + length);
    }
    this.#count = 0;
    if (this.start === this.used) this.start = this.used = 0;
    this.#notifying = true;
    try {
      for (let i = 0; i < count; i++) this.#notify(i);
    } finally {
      this.#notifying = false;
    }
  }

  #notify(index: number): void {
    const { sendOps } = this.#kernel;
    const at = index * SEND_OP_WORDS;
    const sender = this.#senders[index];
    if (sendOps[at + SEND_OP_FILE_COUNT] === 0) sender?.onFlushed(sendOps[at + SEND_OP_RESULT] ?? 0);
    else sender?.onFileFlushed(sendOps[at + SEND_OP_FILE_SENT] ?? 0, sendOps[at + SEND_OP_FILE_STATUS] ?? 0);
  }

  #addWritten(): void {
    if (this.owner !== null && this.used > this.start) this.#add();
  }

  /** Adds a send of the owner's bytes; returns the index of the op's first word. */
  #add(): number {
    assert(this.owner !== null && this.#count < this.#capacity, 'a send has an owner and room in the batch');
    const { sendOps } = this.#kernel;
    const at = this.#count * SEND_OP_WORDS;
    sendOps[at + SEND_OP_FD] = this.owner.fd;
    sendOps[at + SEND_OP_OFFSET] = this.start;
    sendOps[at + SEND_OP_LENGTH] = this.used - this.start;
    sendOps[at + SEND_OP_FILE_COUNT] = 0;
    this.#senders[this.#count++] = this.owner;
    this.start = this.used;
    return at;
  }
}

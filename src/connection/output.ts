// What one connection sends: batched with that of other connections, flushed at the end of the turn, and kept in an
// outbox when the kernel does not take it. Write first, wait for WRITABLE only after a short count.

import { EAGAIN, EINTR, EINVAL, EIO, ENODATA, ENOSYS } from '../kernel/errno.ts';
import type { DeadlineOwner } from '../reactor/deadline.ts';
import { GATHER_BYTES, Outbox } from './outbox.ts';
import type { BatchedSender, SendBatch } from './send-batch.ts';
import { WriteProgress, type WriteProgressOptions } from './write-progress.ts';

/** Results of sendfile(2) that speak of the file, not of the socket. */
const FILE_ERRORS = new Set([EINVAL, EIO, ENODATA, ENOSYS]);

/** Who asked for bytes of a file to be sent. */
export interface FileTaker {
  /**
   * They were sent; fewer than asked: {@link Output.isFull} is true until `Protocol.drained`. `-errno` when the file
   * itself is to blame: it ends there (ENODATA), or cannot be sent so.
   */
  taken(count: number): void;
}

/** What an output asks of its connection. */
export interface OutputOwner {
  /** Another turn is needed. */
  wake(): void;
  /** Pending output was sent, wholly or to below `maxUnsentBytes`. */
  onDrained(): void;
  /** The kernel has all output. */
  onSent(): void;
  /** The connection cannot go on. `isTimeout`: because the client did not take its output in time. */
  abort(reason: string, isTimeout?: boolean): void;
  /** Who asked for bytes of a file threw when it was called. */
  fail(error: unknown): void;
}

/** What all outputs of a server share. */
export interface OutputContext extends WriteProgressOptions {
  readonly sendBatch: SendBatch;
  /** With this much pending, writers should wait. */
  readonly maxUnsentBytes: number;
  readonly maxFileBytesPerTurn: number;
}

/** Bytes of a file that leave with this turn's batch, and how much of the turn's budget is spent. */
class FileSend {
  /** Null: none is under way. Until it is called nothing may be written. */
  taker: FileTaker | null = null;
  askedBytes = 0;
  /** Sent in the turn of number {@link turn}. */
  turnBytes = 0;
  turn = -1;
}

export class Output implements BatchedSender, DeadlineOwner {
  readonly fd: number;
  readonly #context: OutputContext;
  readonly #owner: OutputOwner;
  #outbox: Outbox | null = null;
  /** While anything is pending. */
  #progress: WriteProgress | null = null;
  /** Made with the first file. */
  #file: FileSend | null = null;
  /** A file has more to send: writers wait for the socket to have room, or for the next turn. */
  #awaitsRoom = false;
  #isDropped = false;

  constructor(context: OutputContext, fd: number, owner: OutputOwner) {
    this.#context = context;
    this.fd = fd;
    this.#owner = owner;
  }

  /** Whether output waits to be sent, or a writer waits to write more. */
  get isPending(): boolean {
    return this.#outbox !== null || this.#awaitsRoom || this.#hasFile;
  }

  /** Whether writers should wait for `Protocol.drained`. */
  get isFull(): boolean {
    if (this.#awaitsRoom || this.#hasFile) return true;
    return this.#outbox !== null && this.#outbox.bytes >= this.#context.maxUnsentBytes;
  }

  get #hasFile(): boolean {
    return this.#file !== null && this.#file.taker !== null;
  }

  /** The connection is closed: pending output is lost, and what is written from now on too. */
  drop(): void {
    this.#isDropped = true;
    this.#outbox = null;
    this.#awaitsRoom = false;
    this.#endProgress();
  }

  // ---- Writing ----------------------------------------------------------------------------------

  /**
   * Room for `size` bytes: the caller writes them into {@link target} from the offset that is
   * returned, and says with {@link commit} where it ended.
   */
  reserve(size: number): number {
    const { sendBatch } = this.#context;
    if (sendBatch.owner === this && this.#outbox === null) {
      if (sendBatch.used + size > sendBatch.arena.length) sendBatch.flushOwner();
      if (this.#outbox === null && sendBatch.used + size <= sendBatch.arena.length) {
        sendBatch.target = sendBatch.arena;
        return sendBatch.used;
      }
    }
    sendBatch.target = Buffer.allocUnsafe(size);
    return 0;
  }

  /** Where to write what was reserved. */
  get target(): Buffer {
    return this.#context.sendBatch.target;
  }

  /** The reserved bytes are written, up to `end`. */
  commit(end: number): void {
    const { sendBatch } = this.#context;
    if (sendBatch.target === sendBatch.arena) sendBatch.used = end;
    else this.#enqueue(sendBatch.target.subarray(0, end));
  }

  /** Sends `bytes` after what was written before. Large ones are not copied: leave them unchanged. */
  write(bytes: Uint8Array): void {
    const { sendBatch } = this.#context;
    if (bytes.length <= GATHER_BYTES) {
      const at = this.reserve(bytes.length);
      this.target.set(bytes, at);
      this.commit(at + bytes.length);
    } else if (sendBatch.owner === this && this.#outbox === null) {
      this.#writeThrough(bytes);
    } else {
      this.#enqueue(bytes);
    }
  }

  /**
   * Sends bytes of an open file behind what was written, from the system's memory to the socket, when the output of
   * this turn leaves: between two of them the processor would forget this program. `taker` is called once, and until
   * then nothing may be written.
   */
  sendFile(descriptor: number, position: number, length: number, taker: FileTaker): void {
    const { sendBatch } = this.#context;
    this.#file ??= new FileSend();
    const file = this.#file;
    const isOwner = sendBatch.owner === this;
    if (isOwner && this.#outbox !== null) this.#sendOutbox();
    const isBlocked = this.#outbox !== null;
    const allowed = isOwner && !isBlocked ? Math.min(length, this.#fileBudget(file)) : 0;
    if (allowed === 0) {
      if (!isBlocked) this.#owner.wake();
      this.#fileTaken(taker, 0, length);
    } else {
      file.taker = taker;
      file.askedBytes = length;
      sendBatch.addFile(descriptor, position, allowed);
    }
  }

  /** Sends what this connection wrote and `bytes` with one call; the outbox keeps what is unsent. */
  #writeThrough(bytes: Uint8Array): void {
    const { kernel, sendBatch } = this.#context;
    const { start } = sendBatch;
    const batched = sendBatch.used - start;
    const count = kernel.send(this.fd, start, batched, bytes);
    sendBatch.used = start;
    if (this.#hasFailed(count)) return;
    const sent = Math.max(count, 0);
    if (sent < batched) this.#enqueue(Buffer.from(sendBatch.arena.subarray(start + sent, start + batched)), true);
    if (sent < batched + bytes.length) this.#enqueue(bytes.subarray(Math.max(sent - batched, 0)), true);
  }

  /** Keeps `chunk` for later. Unless the kernel refused it just now, the next turn tries first. */
  #enqueue(chunk: Uint8Array, refused = false): void {
    if (this.#isDropped || chunk.length === 0) return;
    if (this.#outbox === null) {
      this.#outbox = new Outbox();
      this.#beginProgress();
      if (!refused) this.#owner.wake();
    }
    this.#outbox.push(chunk);
  }

  /** Bytes of files that may still be sent in this turn: one client must not have all of it. */
  #fileBudget(file: FileSend): number {
    const { reactor, maxFileBytesPerTurn } = this.#context;
    if (file.turn !== reactor.counters.turns) {
      file.turn = reactor.counters.turns;
      file.turnBytes = 0;
    }
    return Math.max(maxFileBytesPerTurn - file.turnBytes, 0);
  }

  // ---- Sending ----------------------------------------------------------------------------------

  /** Unsent bytes of the batch go in front of output that was kept since. */
  onUnsent(result: number, start: number, end: number): void {
    if (this.#isDropped || (result < 0 && result !== EAGAIN && result !== EINTR)) return;
    const rest = Buffer.from(this.#context.sendBatch.arena.subarray(start + Math.max(result, 0), end));
    if (this.#outbox === null) this.#enqueue(rest, true);
    else this.#outbox.unshift(rest);
  }

  onFlushed(result: number): void {
    if (result < 0 && !this.#isDropped) this.#hasFailed(result);
    if (this.#outbox === null) this.#owner.onSent();
  }

  onFileFlushed(sent: number, status: number): void {
    const file = this.#file;
    if (file === null || file.taker === null) return;
    const { taker, askedBytes } = file;
    file.taker = null;
    file.turnBytes += sent;
    const isFault = FILE_ERRORS.has(status);
    if (!isFault) this.#hasFailed(status);
    // The socket may have room: the turn's budget is spent, or the file has no more.
    if (sent < askedBytes && (isFault || status === 0)) this.#owner.wake();
    try {
      if (isFault && sent === 0) taker.taken(status);
      else this.#fileTaken(taker, sent, askedBytes);
    } catch (error) {
      this.#owner.fail(error);
    }
    if (!this.isPending) this.#owner.onSent();
  }

  #fileTaken(taker: FileTaker, taken: number, asked: number): void {
    this.#awaitsRoom = taken < asked && !this.#isDropped;
    if (!this.isPending) this.#endProgress();
    else if (this.#progress === null) this.#beginProgress();
    taker.taken(taken);
  }

  /** Sends what is pending until the kernel refuses: a short count means that WRITABLE will come. */
  flush(): void {
    const wasFull = this.isFull;
    this.#awaitsRoom = false;
    this.#sendOutbox();
    if (!this.#isDropped && (this.#outbox === null || (wasFull && !this.isFull))) this.#owner.onDrained();
    if (!this.isPending) this.#endProgress();
  }

  #sendOutbox(): void {
    const { kernel, sendBatch } = this.#context;
    // The arena is needed: the batch in it leaves first.
    sendBatch.flush();
    while (this.#outbox !== null && !this.#isDropped) {
      const outbox = this.#outbox;
      if (!outbox.isIntact) {
        this.#owner.abort('the memory of its answer was transferred or resized');
        return;
      }
      const large = outbox.large;
      const length = large === null ? outbox.gather(sendBatch.arena) : large.length - outbox.offset;
      const count = large === null ? kernel.send(this.fd, 0, length) : kernel.send(this.fd, 0, 0, large, outbox.offset);
      if (this.#hasFailed(count)) return;
      if (count > 0) {
        outbox.drop(count);
        if (outbox.bytes === 0) this.#outbox = null;
      }
      if (count < length) break;
    }
  }

  /** Whether a send ended the connection; EAGAIN does not, and EINTR is tried again next turn. */
  #hasFailed(result: number): boolean {
    if (result >= 0 || result === EAGAIN) return false;
    if (result === EINTR) {
      this.#owner.wake();
      return false;
    }
    this.#owner.abort('the client is gone');
    return true;
  }

  // ---- Time -------------------------------------------------------------------------------------

  #beginProgress(): void {
    this.#progress = new WriteProgress(this.#context, this.fd, this);
  }

  #endProgress(): void {
    this.#progress?.end();
    this.#progress = null;
  }

  /** WRITABLE comes when a third of the send buffer is free; a slow client may have made room before. */
  expire(): void {
    this.flush();
    if (this.#isDropped) return;
    // Sending here may let requests go on that wait for room, and no event follows.
    if (!this.isFull) this.#owner.wake();
    if (this.#progress?.look() === false) this.#owner.abort('the client did not take its answer in time', true);
  }
}

// The sending half of a connection: output is batched, flushed at the end of its turn, and kept in an outbox when the
// kernel does not take it. Write first, wait for WRITABLE only after a short count. It must not know what it sends.

import { EAGAIN, EINTR, EINVAL, EIO, ENODATA, ENOSYS } from '../kernel/errno.ts';
import { Source } from '../reactor/source.ts';
import type { ConnectionContext } from './context.ts';
import { GATHER_BYTES, Outbox } from './outbox.ts';
import type { BatchedSender } from './send-batch.ts';
import { LOOK_MS, Taking } from './taking.ts';

/** Results of sendfile(2) that speak of the file, not of the socket. */
const FILE_ERRORS = new Set([EINVAL, EIO, ENODATA, ENOSYS]);

/** Who asked for bytes of a file to be sent. */
export interface FileTaker {
  /**
   * They were sent; fewer than asked: {@link Sender.isFull} is true until `Protocol.drained`. `-errno` when the file
   * itself is to blame: it ends there (ENODATA), or cannot be sent so.
   */
  taken(count: number): void;
}

/** open -> finishing (no more input is used) -> lingering (FIN sent, input thrown away) -> closed. */
export const OPEN = 0;
export const FINISHING = 1;
export const LINGERING = 2;
export const CLOSED = 3;

export abstract class Sender extends Source implements BatchedSender {
  state: number = OPEN;
  protected readonly context: ConnectionContext;
  /** The tick at which it is looked whether the client takes what it is owed; 0: nothing is owed. */
  protected sendTick = 0;
  #outbox: Outbox | null = null;
  /** While anything is owed. */
  #taking: Taking | null = null;
  /** Bytes of a file leave with this turn's answers, and nothing may be written before. */
  #taker: FileTaker | null = null;
  #fileAsked = 0;
  /** A file has more to send: writers wait for the socket to have room, or for the next turn. */
  #awaitsRoom = false;
  /** Bytes of files that were sent in the turn of this number. */
  #fileBytes = 0;
  #fileTurn = -1;

  constructor(context: ConnectionContext, fd: number, generation: number) {
    super(fd, generation);
    this.context = context;
  }

  /** Ends the connection at once. */
  abstract abort(reason: string, isTimeout?: boolean): void;

  /** Owed output has gone, wholly or to below the mark. */
  protected abstract drained(): void;

  /** All output of a connection that is finishing is with the kernel. */
  protected abstract outputSent(): void;

  /** `sendTick` changed. */
  protected abstract updateDeadline(): void;

  /** Whether anything is owed, or somebody waits to write more. */
  get owes(): boolean {
    return this.#outbox !== null || this.#awaitsRoom || this.#taker !== null;
  }

  /** Whether writers should wait for `Protocol.drained`. */
  get isFull(): boolean {
    if (this.#awaitsRoom || this.#taker !== null) return true;
    return this.#outbox !== null && this.#outbox.bytes >= this.context.maxUnsentBytes;
  }

  /** Has this connection served in the next turn. */
  wake(): void {
    this.context.reactor.wake(this);
  }

  /** What is owed will never be sent. */
  protected dropOutput(): void {
    this.#outbox = null;
    this.#taking = null;
    this.#awaitsRoom = false;
  }

  /**
   * Room for `size` bytes: the caller writes them into {@link target} from the offset that is
   * returned, and says with {@link commit} where it ended.
   */
  reserve(size: number): number {
    const { sendBatch } = this.context;
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
    return this.context.sendBatch.target;
  }

  /** The reserved bytes are written, up to `end`. */
  commit(end: number): void {
    const { sendBatch } = this.context;
    if (sendBatch.target === sendBatch.arena) sendBatch.used = end;
    else this.#owe(sendBatch.target.subarray(0, end));
  }

  /** Sends `bytes` after what was written before. Large ones are not copied: leave them unchanged. */
  write(bytes: Uint8Array): void {
    const { sendBatch } = this.context;
    if (bytes.length <= GATHER_BYTES) {
      const at = this.reserve(bytes.length);
      this.target.set(bytes, at);
      this.commit(at + bytes.length);
    } else if (sendBatch.owner === this && this.#outbox === null) {
      this.#writeThrough(bytes);
    } else {
      this.#owe(bytes);
    }
  }

  /**
   * Sends bytes of an open file behind what was written, from the system's memory to the socket, when this turn's
   * answers leave: between two of them the processor would forget this program. `taker` is told once, and until then
   * nothing may be written.
   */
  sendFile(file: number, position: number, length: number, taker: FileTaker): void {
    const { sendBatch } = this.context;
    const isOwner = sendBatch.owner === this;
    if (isOwner && this.#outbox !== null) this.#sendOutbox();
    const isBlocked = this.#outbox !== null;
    const allowed = isOwner && !isBlocked ? Math.min(length, this.#fileBudget()) : 0;
    if (allowed === 0) {
      if (!isBlocked) this.wake();
      this.#fileTaken(taker, 0, length);
    } else {
      this.#taker = taker;
      this.#fileAsked = length;
      sendBatch.addFile(file, position, allowed);
    }
  }

  onFileFlushed(sent: number, status: number): void {
    const taker = this.#taker;
    if (taker === null) return;
    this.#taker = null;
    this.#fileBytes += sent;
    const isFault = FILE_ERRORS.has(status);
    if (!isFault) this.#sendFailed(status);
    // The socket may have room: the turn's budget is spent, or the file has no more.
    if (sent < this.#fileAsked && (isFault || status === 0)) this.wake();
    if (isFault && sent === 0) taker.taken(status);
    else this.#fileTaken(taker, sent, this.#fileAsked);
    if (this.state === FINISHING && !this.owes) this.outputSent();
  }

  #fileTaken(taker: FileTaker, taken: number, asked: number): void {
    this.#awaitsRoom = taken < asked && this.state !== CLOSED;
    if (!this.owes) this.#unwatch();
    else if (this.#taking === null) this.#watch();
    taker.taken(taken);
  }

  /** Bytes of files that may still be sent in this turn: one client must not have all of it. */
  #fileBudget(): number {
    const { reactor, maxFileBytesPerTurn } = this.context;
    if (this.#fileTurn !== reactor.counters.turns) {
      this.#fileTurn = reactor.counters.turns;
      this.#fileBytes = 0;
    }
    return Math.max(maxFileBytesPerTurn - this.#fileBytes, 0);
  }

  /** Sends what this connection wrote and `bytes` with one call; the outbox keeps what is unsent. */
  #writeThrough(bytes: Uint8Array): void {
    const { kernel, sendBatch } = this.context;
    const { start } = sendBatch;
    const batched = sendBatch.used - start;
    const count = kernel.send(this.fd, start, batched, bytes);
    sendBatch.used = start;
    if (this.#sendFailed(count)) return;
    const sent = Math.max(count, 0);
    if (sent < batched) this.#owe(Buffer.from(sendBatch.arena.subarray(start + sent, start + batched)), true);
    if (sent < batched + bytes.length) this.#owe(bytes.subarray(Math.max(sent - batched, 0)), true);
  }

  /** Keeps `chunk` for later. Unless the kernel refused it just now, the next turn tries first. */
  #owe(chunk: Uint8Array, refused = false): void {
    if (this.state === CLOSED || chunk.length === 0) return;
    if (this.#outbox === null) {
      this.#outbox = new Outbox();
      this.#watch();
      if (!refused) this.wake();
    }
    this.#outbox.push(chunk);
  }

  /** Unsent bytes of the batch go in front of output that was kept since. */
  onUnsent(result: number, start: number, end: number): void {
    if (this.state === CLOSED || (result < 0 && result !== EAGAIN && result !== EINTR)) return;
    const rest = Buffer.from(this.context.sendBatch.arena.subarray(start + Math.max(result, 0), end));
    if (this.#outbox === null) this.#owe(rest, true);
    else this.#outbox.unshift(rest);
  }

  onFlushed(result: number): void {
    if (result < 0 && this.state !== CLOSED) this.#sendFailed(result);
    if (this.state === FINISHING && this.#outbox === null) this.outputSent();
  }

  /** Sends what is owed until the kernel refuses: a short count means that WRITABLE will come. */
  protected flushOutbox(): void {
    const wasFull = this.isFull;
    this.#awaitsRoom = false;
    this.#sendOutbox();
    if (this.state !== CLOSED && (this.#outbox === null || (wasFull && !this.isFull))) this.drained();
    if (!this.owes) this.#unwatch();
  }

  #sendOutbox(): void {
    const { kernel, sendBatch } = this.context;
    // The arena is needed: the batch in it leaves first.
    sendBatch.flush();
    while (this.#outbox !== null && this.state !== CLOSED) {
      const outbox = this.#outbox;
      if (!outbox.isIntact) {
        this.abort('the memory of its answer was transferred or resized');
        return;
      }
      const large = outbox.large;
      const length = large === null ? outbox.gather(sendBatch.arena) : large.length - outbox.offset;
      const count = large === null ? kernel.send(this.fd, 0, length) : kernel.send(this.fd, 0, 0, large, outbox.offset);
      if (this.#sendFailed(count)) return;
      if (count > 0) {
        outbox.drop(count);
        if (outbox.bytes === 0) this.#outbox = null;
      }
      if (count < length) break;
    }
  }

  /** Whether a send ended the connection; EAGAIN does not, and EINTR is tried again next turn. */
  #sendFailed(result: number): boolean {
    if (result >= 0 || result === EAGAIN) return false;
    if (result === EINTR) {
      this.wake();
      return false;
    }
    this.abort('the client is gone');
    return true;
  }

  /** Something is owed: from now on the client must take it. */
  #watch(): void {
    const { kernel, reactor, sendTimeoutMs, minSendBytesPerSecond } = this.context;
    this.#taking = new Taking(kernel, this.fd, sendTimeoutMs, minSendBytesPerSecond, reactor.nowMs());
    this.#lookAfter(sendTimeoutMs);
  }

  #unwatch(): void {
    if (this.#taking === null) return;
    this.#taking = null;
    this.sendTick = 0;
    this.updateDeadline();
  }

  /** Whether the client takes what it is owed fast enough; if so, it is looked at again later. */
  protected takes(): boolean {
    const leftMs = this.#taking?.look(this.context.reactor.nowMs()) ?? 0;
    if (leftMs > 0) this.#lookAfter(leftMs);
    return leftMs > 0;
  }

  #lookAfter(leftMs: number): void {
    this.sendTick = this.context.reactor.tickAfter(Math.min(leftMs, LOOK_MS));
    this.updateDeadline();
  }
}

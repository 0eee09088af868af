// The sending half of a connection: output is staged, sent at the end of its turn, and owed when the kernel
// does not take it. Write first, wait for WRITABLE only after a short count. It must not know what it sends.

import { EAGAIN, EINTR, EINVAL, EIO, ENODATA, ENOSYS } from '../kernel/errno.ts';
import { Source } from '../reactor/source.ts';
import type { ConnectionContext } from './context.ts';
import { GATHER_BYTES, Outbox } from './outbox.ts';
import type { Staging } from './stage.ts';
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

export abstract class Sender extends Source implements Staging {
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
    const { stage } = this.context;
    if (stage.owner === this && this.#outbox === null) {
      if (stage.used + size > stage.arena.length) stage.flushOwner();
      if (this.#outbox === null && stage.used + size <= stage.arena.length) {
        stage.target = stage.arena;
        return stage.used;
      }
    }
    stage.target = Buffer.allocUnsafe(size);
    return 0;
  }

  /** Where to write what was reserved. */
  get target(): Buffer {
    return this.context.stage.target;
  }

  /** The reserved bytes are written, up to `end`. */
  commit(end: number): void {
    const { stage } = this.context;
    if (stage.target === stage.arena) stage.used = end;
    else this.#owe(stage.target.subarray(0, end));
  }

  /** Sends `bytes` after what was written before. Large ones are not copied: leave them unchanged. */
  write(bytes: Uint8Array): void {
    const { stage } = this.context;
    if (bytes.length <= GATHER_BYTES) {
      const at = this.reserve(bytes.length);
      this.target.set(bytes, at);
      this.commit(at + bytes.length);
    } else if (stage.owner === this && this.#outbox === null) {
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
    const { stage } = this.context;
    const isOwner = stage.owner === this;
    if (isOwner && this.#outbox !== null) this.#sendOutbox();
    const isBlocked = this.#outbox !== null;
    const allowed = isOwner && !isBlocked ? Math.min(length, this.#fileBudget()) : 0;
    if (allowed === 0) {
      if (!isBlocked) this.wake();
      this.#fileTaken(taker, 0, length);
    } else {
      this.#taker = taker;
      this.#fileAsked = length;
      stage.orderFile(file, position, allowed);
    }
  }

  settleFile(taken: number, status: number): void {
    const taker = this.#taker;
    if (taker === null) return;
    this.#taker = null;
    this.#fileBytes += taken;
    const isFault = FILE_ERRORS.has(status);
    if (!isFault) this.#sendFailed(status);
    // Not the socket is full, but this turn, or it is the file that has no more.
    if (taken < this.#fileAsked && (isFault || status === 0)) this.wake();
    if (isFault && taken === 0) taker.taken(status);
    else this.#fileTaken(taker, taken, this.#fileAsked);
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

  /** What is staged and `bytes` leave with one call; what the kernel does not take is owed. */
  #writeThrough(bytes: Uint8Array): void {
    const { kernel, stage } = this.context;
    const { start } = stage;
    const staged = stage.used - start;
    const count = kernel.sendv(this.fd, start, staged, bytes);
    stage.used = start;
    if (this.#sendFailed(count)) return;
    const sent = Math.max(count, 0);
    if (sent < staged) this.#owe(Buffer.from(stage.arena.subarray(start + sent, start + staged)), true);
    if (sent < staged + bytes.length) this.#owe(bytes.subarray(Math.max(sent - staged, 0)), true);
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

  /** What was staged goes in front of whatever was owed since. */
  keepUnsent(result: number, start: number, end: number): void {
    if (this.state === CLOSED || (result < 0 && result !== EAGAIN && result !== EINTR)) return;
    const rest = Buffer.from(this.context.stage.arena.subarray(start + Math.max(result, 0), end));
    if (this.#outbox === null) this.#owe(rest, true);
    else this.#outbox.unshift(rest);
  }

  settle(result: number): void {
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
    const { kernel, stage } = this.context;
    // The arena is needed: what others staged in it leaves first.
    stage.flush();
    while (this.#outbox !== null && this.state !== CLOSED) {
      const outbox = this.#outbox;
      const large = outbox.large;
      const length = large === null ? outbox.gather(stage.arena) : large.length - outbox.offset;
      const count = large === null ? kernel.send(this.fd, 0, length) : kernel.sendFrom(this.fd, large, outbox.offset);
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

// The output of one connection. It is batched with that of other connections, and flushed when all have been served. An
// outbox keeps it while the socket is full. A send is tried first; WRITABLE is awaited only after a short count.

import { EAGAIN, EINTR, EINVAL, EIO, ENODATA, ENOSYS } from '../kernel/errno.ts';
import type { DeadlineOwner } from '../reactor/deadline.ts';
import { GATHER_BYTES, Outbox } from './outbox.ts';
import type { BatchedSender, SendBatch } from './send-batch.ts';
import { WriteProgress, type WriteProgressOptions } from './write-progress.ts';

/** Results of sendfile(2) that concern the file, not the socket. */
const FILE_ERRORS = new Set([EINVAL, EIO, ENODATA, ENOSYS]);

/** Receives the result of {@link Output.sendFile}. */
export interface FileSendCallback {
  /**
   * `count`: the bytes sent. If they are fewer than requested, {@link Output.isFull} is true until `Protocol.drained`.
   * `-errno` for an error of the file: it ends there (ENODATA), or sendfile(2) cannot send it.
   */
  onFileSent(count: number): void;
}

/** A callback that waits until the kernel has the output up to a position. */
interface SentMark {
  /** Of all bytes that the connection sends. */
  readonly position: number;
  readonly callback: (isSent: boolean) => void;
}

/** The calls of an output to its connection. */
export interface OutputOwner {
  /** Another turn is needed. */
  wake(): void;
  /** Pending output was sent, all of it or to below `maxUnsentBytes`. */
  onDrained(): void;
  /** The kernel has all output. */
  onSent(): void;
  /** A send failed with this result. */
  sendFailed(result: number): void;
  /** The connection failed. `isTimeout`: the client did not receive its output in time. */
  abort(reason: string, isTimeout?: boolean): void;
  /** A callback of the protocol threw. */
  fail(error: unknown): void;
}

/** The values that all outputs of a server share. */
export interface OutputContext extends WriteProgressOptions {
  readonly sendBatch: SendBatch;
  /** Bytes pending at which writers should wait. */
  readonly maxUnsentBytes: number;
  readonly maxFileBytesPerTurn: number;
}

/** File bytes that are sent with the batch of this turn, and the used part of the turn's budget. */
class FileSend {
  /** Null: no file is being sent. Writes are not allowed until it has been called. */
  callback: FileSendCallback | null = null;
  requestedBytes = 0;
  /** The descriptor of a file that was requested outside of the connection's turn, for the next turn; -1: none. */
  deferred = -1;
  position = 0;
  /** Sent in the turn of number {@link turn}. */
  turnBytes = 0;
  turn = -1;
}

export class Output implements BatchedSender, DeadlineOwner {
  readonly fd: number;
  readonly #context: OutputContext;
  readonly #owner: OutputOwner;
  #outbox: Outbox | null = null;
  /** Created when output is pending for the first time. */
  #progress: WriteProgress | null = null;
  /** Created with the first file. */
  #file: FileSend | null = null;
  /** A file has more to send: writers wait for the socket to have room, or for the next turn. */
  #awaitsRoom = false;
  #isDropped = false;
  /** In the order of their positions; null: none. */
  #marks: SentMark[] | null = null;

  constructor(context: OutputContext, fd: number, owner: OutputOwner) {
    this.#context = context;
    this.fd = fd;
    this.#owner = owner;
  }

  /** Whether output waits to be sent, or a writer waits to write more. */
  get isPending(): boolean {
    return this.#outbox !== null || this.#awaitsRoom || this.#hasFile;
  }

  /** Bytes that wait to be sent, without those of files. */
  get unsentBytes(): number {
    return (this.#outbox?.bytes ?? 0) + this.#context.sendBatch.bytesOf(this);
  }

  /** Whether writers should wait for `Protocol.drained`. */
  get isFull(): boolean {
    if (this.#awaitsRoom || this.#hasFile) return true;
    return this.#outbox !== null && this.#outbox.bytes >= this.#context.maxUnsentBytes;
  }

  get #hasFile(): boolean {
    return this.#file !== null && this.#file.callback !== null;
  }

  /** The connection is closed: drops pending output, and all that is written from now on. */
  drop(): void {
    this.#isDropped = true;
    this.#context.sendBatch.removeJoined(this);
    this.#outbox = null;
    this.#awaitsRoom = false;
    this.#progress?.drop();
    const marks = this.#marks;
    this.#marks = null;
    if (marks !== null) for (const { callback } of marks) this.#call(() => callback(false));
    if (this.#file !== null && this.#file.deferred >= 0) this.#dropDeferred(this.#file);
  }

  /** Drops pending output, that of this turn too. */
  discard(): void {
    const { sendBatch } = this.#context;
    if (sendBatch.owner === this) sendBatch.used = sendBatch.start;
    this.#outbox = null;
  }

  /** Tries to send all output at once. */
  trySend(): void {
    const { sendBatch } = this.#context;
    if (sendBatch.hasJoined) sendBatch.flush();
    else if (sendBatch.owner !== null) sendBatch.flushOwner();
    if (this.#outbox !== null && !this.#isDropped) this.#sendOutbox();
    if (!this.#isDropped) this.reportSent();
  }

  /** Sends what was written between turns: afterwards {@link isPending} shows what the socket has refused. */
  sendJoined(): void {
    const { sendBatch } = this.#context;
    if (sendBatch.hasJoined) sendBatch.flush();
  }

  /** As {@link Channel.whenSent}. */
  whenSent(callback: (isSent: boolean) => void): void {
    if (this.#isDropped) return callback(false);
    const { kernel } = this.#context;
    const waiting = this.unsentBytes;
    if (waiting === 0) return callback(true);
    const [, sent] = kernel.transferred(this.fd);
    this.#marks ??= [];
    this.#marks.push({ position: sent + waiting, callback });
  }

  /** Calls back for the output that the kernel has. */
  reportSent(): void {
    const marks = this.#marks;
    if (marks === null) return;
    const [, sent] = this.#context.kernel.transferred(this.fd);
    const count = this.#isIdle ? marks.length : marks.filter(({ position }) => position <= sent).length;
    this.#marks = count === marks.length ? null : marks.slice(count);
    for (const { callback } of marks.slice(0, count)) this.#call(() => callback(true));
  }

  /** The kernel has all output, whatever was announced. */
  get #isIdle(): boolean {
    return !this.isPending && this.#context.sendBatch.bytesOf(this) === 0;
  }

  #call(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.#owner.fail(error);
    }
  }

  // ---- Writing ----------------------------------------------------------------------------------

  /**
   * Reserves room for `size` bytes. The caller writes them into {@link target} from the returned offset, then calls
   * {@link commit} with their end.
   */
  reserve(size: number): number {
    const { sendBatch } = this.#context;
    if (this.#outbox === null && (sendBatch.owner === this || this.#joins(sendBatch))) {
      if (sendBatch.used + size > sendBatch.arena.length) sendBatch.flushOwner();
      if (this.#outbox === null && sendBatch.used + size <= sendBatch.arena.length) {
        sendBatch.target = sendBatch.arena;
        return sendBatch.used;
      }
    }
    sendBatch.target = Buffer.allocUnsafe(size);
    return 0;
  }

  /** Whether bytes that are written between turns leave with the batch. */
  #joins(sendBatch: SendBatch): boolean {
    return !this.#isDropped && !this.#hasFile && sendBatch.join(this) && !this.#isDropped;
  }

  /** The buffer of the reserved room. */
  get target(): Buffer {
    return this.#context.sendBatch.target;
  }

  /** The reserved bytes are written, up to `end`. */
  commit(end: number): void {
    const { sendBatch } = this.#context;
    if (sendBatch.target === sendBatch.arena) sendBatch.used = end;
    else this.#enqueue(sendBatch.target.subarray(0, end));
  }

  /** Sends `bytes` after earlier output. Large ones are not copied: leave them unchanged. */
  write(bytes: Uint8Array): void {
    const { sendBatch } = this.#context;
    if (bytes.length <= GATHER_BYTES) {
      const at = this.reserve(bytes.length);
      this.target.set(bytes, at);
      this.commit(at + bytes.length);
    } else if (this.#outbox === null && (sendBatch.owner === this || this.#joins(sendBatch))) {
      this.#writeThrough(bytes);
    } else {
      this.#enqueue(bytes);
    }
  }

  /**
   * Sends bytes of an open file after earlier output, from the system's memory to the socket. They are sent with the
   * batch of this turn: a sendfile(2) between two connections would evict this program from the processor's caches.
   * `callback` is called once; until then writes are not allowed.
   */
  sendFile(descriptor: number, position: number, length: number, callback: FileSendCallback): void {
    const { sendBatch } = this.#context;
    this.#file ??= new FileSend();
    const file = this.#file;
    const isOwner = sendBatch.owner === this && !sendBatch.hasJoined;
    if (isOwner && this.#outbox !== null) this.#sendOutbox();
    const isBlocked = this.#outbox !== null;
    if (!isOwner && !isBlocked && !this.#isDropped) {
      this.#deferFile(file, descriptor, position);
      file.callback = callback;
      file.requestedBytes = length;
      return;
    }
    const allowed = isOwner && !isBlocked ? Math.min(length, this.#fileBudget(file)) : 0;
    if (allowed === 0) {
      if (!isBlocked) this.#owner.wake();
      this.#fileSent(callback, 0, length);
    } else {
      file.callback = callback;
      file.requestedBytes = length;
      sendBatch.addFile(descriptor, position, allowed);
    }
  }

  /** Only the connection whose turn it is can add a file to the batch. */
  #deferFile(file: FileSend, descriptor: number, position: number): void {
    file.deferred = descriptor;
    file.position = position;
    this.#beginProgress();
    this.#owner.wake();
  }

  /** The turn of a file that was requested outside of one. */
  #sendDeferred(file: FileSend): void {
    const { callback, requestedBytes, deferred, position } = file;
    file.callback = null;
    file.deferred = -1;
    if (callback !== null) this.sendFile(deferred, position, requestedBytes, callback);
  }

  /** The connection is closed: nothing of a file that waited for its turn was sent. */
  #dropDeferred(file: FileSend): void {
    const { callback } = file;
    file.callback = null;
    file.deferred = -1;
    if (callback !== null) this.#call(() => callback.onFileSent(0));
  }

  /** Sends the batched bytes of this connection and `bytes` with one call; the outbox keeps the unsent rest. */
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

  /** Keeps `chunk` for later. Unless the socket just refused it, the next turn tries to send it. */
  #enqueue(chunk: Uint8Array, refused = false): void {
    if (this.#isDropped || chunk.length === 0) return;
    if (this.#outbox === null) {
      this.#outbox = new Outbox();
      this.#beginProgress();
      if (!refused) this.#owner.wake();
    }
    this.#outbox.push(chunk);
  }

  /** File bytes that may still be sent in this turn: one client must not use the whole turn. */
  #fileBudget(file: FileSend): number {
    const { reactor, maxFileBytesPerTurn } = this.#context;
    if (file.turn !== reactor.counters.turns) {
      file.turn = reactor.counters.turns;
      file.turnBytes = 0;
    }
    return Math.max(maxFileBytesPerTurn - file.turnBytes, 0);
  }

  // ---- Sending ----------------------------------------------------------------------------------

  /** Puts unsent bytes of the batch in front of output that was kept since. */
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
    if (file === null || file.callback === null) return;
    const { callback, requestedBytes } = file;
    file.callback = null;
    file.turnBytes += sent;
    const isFault = FILE_ERRORS.has(status);
    if (!isFault) this.#hasFailed(status);
    // No WRITABLE event follows here: the budget of the turn is spent, or the file ended.
    if (sent < requestedBytes && (isFault || status === 0)) this.#owner.wake();
    try {
      if (isFault && sent === 0) callback.onFileSent(status);
      else this.#fileSent(callback, sent, requestedBytes);
    } catch (error) {
      this.#owner.fail(error);
    }
    if (!this.isPending) this.#owner.onSent();
  }

  #fileSent(callback: FileSendCallback, sent: number, requested: number): void {
    this.#awaitsRoom = sent < requested && !this.#isDropped;
    if (this.isPending) this.#beginProgress();
    else this.#progress?.end();
    callback.onFileSent(sent);
  }

  /** Sends pending output until the socket is full: a short count means that WRITABLE follows. */
  flush(): void {
    const wasFull = this.isFull;
    const awaitedRoom = this.#awaitsRoom;
    this.#awaitsRoom = false;
    this.#sendOutbox();
    if (!this.#isDropped) this.reportSent();
    if (this.#file !== null && this.#file.deferred >= 0) {
      this.#sendDeferred(this.#file);
      return;
    }
    if (!this.#isDropped && (this.#outbox === null || (wasFull && !this.isFull))) this.#owner.onDrained();
    // The writer of a file may continue after this turn. Until the next check the client's time goes on, since a client
    // that reads nothing would otherwise get the whole time again with each attempt.
    if (!this.isPending && !awaitedRoom) this.#progress?.end();
  }

  #sendOutbox(): void {
    const { kernel, sendBatch } = this.#context;
    // The outbox is gathered in the arena, so the batch there is sent first.
    sendBatch.flush();
    while (this.#outbox !== null && !this.#isDropped) {
      const outbox = this.#outbox;
      if (!outbox.isIntact) {
        this.#owner.abort('the memory of its response was transferred or resized');
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

  /** Whether a send ended the connection. EAGAIN does not; after EINTR the next turn tries again. */
  #hasFailed(result: number): boolean {
    if (result >= 0 || result === EAGAIN) return false;
    if (result === EINTR) {
      this.#owner.wake();
      return false;
    }
    this.#owner.sendFailed(result);
    return true;
  }

  // ---- Time -------------------------------------------------------------------------------------

  #beginProgress(): void {
    this.#progress ??= new WriteProgress(this.#context, this.fd, this);
    this.#progress.begin();
  }

  /** Sends again, because WRITABLE follows only when a third of the send buffer is free. Then checks the progress. */
  expire(): void {
    this.flush();
    if (this.#isDropped) return;
    // Sending here may unblock requests that wait for room, and no event follows, so schedule a turn.
    if (!this.isFull) this.#owner.wake();
    if (this.#progress?.isFastEnough() === false)
      this.#owner.abort('the client did not receive its response in time', true);
  }
}

// One request that a thread of the pool answers: what its handler does there is done here. It must not know the pool.

import type { MessagePort } from 'node:worker_threads';
import { EpollServerError, messageOf } from '../../errors.ts';
import type { HttpRequest, HttpResponse } from '../../http/handler.ts';
import { ownBytes } from '../../own-bytes.ts';
import type { FromWorker, MessageFields, RequestHead, Thrown, ToWorker } from './messages.ts';
import { messageWeight } from './piece.ts';
import { RelayedProtocol } from './relayed-protocol.ts';
import { revived, thrownOf } from './thrown.ts';

/** A handler whose client is gone, or whose answer failed, may compute for ever: its thread is ended after this time. */
const GONE_GRACE_MS = 5_000;

export class OffloadedCall {
  readonly head: RequestHead;
  readonly #request: HttpRequest;
  readonly #response: HttpResponse;
  readonly #port: MessagePort;
  readonly #cancel = new AbortController();
  readonly #timeoutMs: number;
  #isGone = false;
  /** The handler in the thread is done. */
  #isOver = false;
  /** No thread has it: it can be cancelled without ending one. */
  #isQueued = true;
  #grace: NodeJS.Timeout | null = null;
  /** Another answer took the place of this one: what the handler says from then on does not count. */
  #isReplaced = false;
  /** Messages that came from the thread. */
  #messages = 0;
  /** Pieces that the handler waits for the client to take, or to send. */
  #awaitedPieces = 0;
  /** Runs while the thread, whose answer has begun, is silent. */
  #silence: NodeJS.Timeout | null = null;
  /** Of all pieces that were written. */
  #writtenWeight = 0;
  /** The client is slow: it is waited for, and then all that was written counts as taken. */
  #isDraining = false;
  /** How often the thread asked when the answer was sent: its port is closed when it has called its callbacks. */
  #awaitedCalls = 0;
  #settle: { resolve(): void; reject(error: unknown): void } = { resolve: () => {}, reject: () => {} };

  /** `timeoutMs`: the bound `offloadTimeoutMs`. */
  constructor(request: HttpRequest, response: HttpResponse, port: MessagePort, timeoutMs: number) {
    this.#request = request;
    this.#response = response;
    this.#port = port;
    this.#timeoutMs = timeoutMs;
    const { method, target, path, query, host, httpVersion, scheme, remote, local } = request;
    const { length: bodyLength } = request.body;
    const fields = request.rawHeaders();
    this.head = { method, target, path, query, host, httpVersion, scheme, remote, local, bodyLength, fields };
  }

  /** Resolves when the handler in the thread is done; rejects with what it threw, or with what ended the thread. */
  async run(start: (cancel: AbortSignal) => Promise<unknown>): Promise<void> {
    const settled = new Promise<void>((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    const { signal } = this.#request;
    const onLeft = (): void => this.#post({ type: 'left', reason: messageOf(signal.reason) });
    signal.addEventListener('abort', onLeft, { once: true });
    this.#request.whenGone((reason) => this.#gone(reason));
    this.#port.on('message', (message: FromWorker) => this.#receive(message));
    // The end of a task may overtake what it said last, so only its failure counts: the thread is dead.
    start(this.#cancel.signal)
      .catch((error: unknown) => this.#settle.reject(error))
      .finally(() => clearTimeout(this.#grace ?? undefined));
    try {
      await settled;
    } catch (error) {
      if (!this.#isGone && !this.#isReplaced) throw error;
    } finally {
      this.#isOver = true;
      signal.removeEventListener('abort', onLeft);
      clearTimeout(this.#silence ?? undefined);
      if (this.#awaitedCalls === 0) this.#port.close();
    }
  }

  /** A thread has it from now on. */
  given(): void {
    this.#isQueued = false;
  }

  #receive(message: FromWorker): void {
    this.#messages++;
    try {
      this.#perform(message);
    } catch (error) {
      this.#settle.reject(error);
      this.#leave(messageOf(error));
    }
    if (message.type !== 'done' && !this.#isOver) this.#awaitThread();
  }

  /** The thread has time for its next message from now on. Before the answer, the handler's own bound runs. */
  #awaitThread(): void {
    if (this.#timeoutMs === 0 || !this.#response.started) return;
    this.#silence ??= setTimeout(() => this.#hearOut(), this.#timeoutMs).unref();
    this.#silence.refresh();
  }

  /** In a process that was stopped, or busy, messages wait behind the timer: they are received first. */
  #hearOut(): void {
    const heard = this.#messages;
    setImmediate(() => {
      if (this.#awaitedPieces === 0 && this.#messages === heard) this.#replaceThread();
    });
  }

  #replaceThread(): void {
    const text = `offload: a handler was silent for ${this.#timeoutMs} ms (timeouts.offloadMs): its thread is replaced`;
    this.#settle.reject(new EpollServerError('ERR_HANDLER_TIMEOUT', text));
    this.#cancel.abort();
  }

  #perform(message: FromWorker): void {
    const response = this.#response;
    if (message.type === 'send') this.#send(message.status, message.reason, message.fields, message.content);
    else if (message.type === 'start') this.#start(message.status, message.reason, message.fields);
    else if (message.type === 'write') this.#write(message.content);
    else if (message.type === 'stalled') void this.#await(this.#open(message.gate));
    else if (message.type === 'end') response.end(undefined, message.trailers);
    else if (message.type === 'abort') response.abort();
    else if (message.type === 'read') void this.#await(this.#read());
    else if (message.type === 'inform') response.inform(message.status, message.fields);
    else if (message.type === 'whenSent') this.#awaitSent();
    else if (message.type === 'callbackFailed') this.#reportCallback(message.thrown);
    else if (message.type === 'called') this.#sentCalled();
    else if (message.type === 'upgrade') this.#upgrade(message.reason, message.fields, message.port);
    else if (message.thrown !== null) this.#settle.reject(revived(message.thrown));
    else this.#finish();
  }

  #send(status: number, reason: string | undefined, fields: MessageFields, content: string | Uint8Array): void {
    if (reason !== undefined) this.#response.reasonPhrase = reason;
    this.#response.send(status, fields, content);
  }

  #awaitSent(): void {
    this.#awaitedCalls++;
    this.#response.whenSent((error) => {
      this.#post({ type: 'sent', thrown: error === undefined ? null : thrownOf(error) });
    });
  }

  #sentCalled(): void {
    this.#awaitedCalls--;
    if (this.#isOver && this.#awaitedCalls === 0) this.#port.close();
  }

  /** A response reports what a callback throws, and goes on. */
  #reportCallback(thrown: Thrown): void {
    this.#response.whenSent(() => {
      throw revived(thrown);
    });
  }

  /** A client that is gone changes to nothing, which the closed port tells the thread. */
  #upgrade(reason: string | undefined, fields: MessageFields, port: MessagePort): void {
    let isUpgraded = false;
    try {
      if (reason !== undefined) this.#response.reasonPhrase = reason;
      this.#response.upgrade(fields, (channel) => {
        isUpgraded = true;
        return new RelayedProtocol(channel, port);
      });
    } finally {
      if (!isUpgraded) port.close();
    }
  }

  #start(status: number, reason: string | undefined, fields: MessageFields): void {
    if (reason !== undefined) this.#response.reasonPhrase = reason;
    this.#response.start(status, fields);
    if (!this.#response.ended || this.#isGone) return;
    this.#isReplaced = true;
    this.#leave('another answer took the place of this one');
  }

  /** Done, but perhaps not answered: then the handler does that later, or the deadline does. */
  #finish(): void {
    if (this.#response.ended) this.#settle.resolve();
    else
      this.#settle.reject(new EpollServerError('ERR_APPLICATION', 'offload: the application ended without an answer'));
  }

  #write(content: string | Uint8Array): void {
    this.#writtenWeight += messageWeight(content);
    if (this.#response.write(content)) this.#taken();
    else if (!this.#isDraining) void this.#await(this.#drain());
  }

  async #drain(): Promise<void> {
    this.#isDraining = true;
    await this.#response.drained();
    this.#isDraining = false;
    this.#taken();
  }

  #taken(): void {
    this.#post({ type: 'taken', weight: this.#writtenWeight });
  }

  async #open(gate: Int32Array): Promise<void> {
    await this.#response.drained();
    Atomics.store(gate, 0, 1);
    Atomics.notify(gate, 0);
  }

  async #read(): Promise<void> {
    try {
      const piece = await this.#request.body.read();
      const { rawTrailers: trailers } = this.#request.body;
      if (piece === null) {
        this.#post({ type: 'piece', piece, trailers });
        return;
      }
      // Pieces are the reader's own, so the thread gets the memory itself: a copy here would wait for the collector.
      const own = ownBytes(piece);
      this.#post({ type: 'piece', piece: own, trailers: [] }, [own.buffer]);
    } catch (error) {
      this.#post({ type: 'unreadable', thrown: thrownOf(error) });
    }
  }

  /** While the client is waited for, the thread may be silent: the client has bounds of its own. */
  async #await(client: Promise<void>): Promise<void> {
    this.#awaitedPieces++;
    await client;
    this.#awaitedPieces--;
    this.#awaitThread();
  }

  /** The client is gone: a handler that has not begun never does, and no idle thread is ended for that. */
  #gone(reason: unknown): void {
    if (this.#isOver) return;
    this.#isGone = true;
    if (this.#isQueued) this.#cancel.abort();
    else this.#leave(messageOf(reason));
  }

  /** Messages of the handler are useless from now on: it receives the reason, and loses its thread if it goes on. */
  #leave(reason: string): void {
    this.#post({ type: 'gone', reason });
    this.#grace ??= setTimeout(() => this.#cancel.abort(), GONE_GRACE_MS).unref();
  }

  #post(message: ToWorker, transferred: readonly ArrayBuffer[] = []): void {
    this.#port.postMessage(message, transferred);
  }
}

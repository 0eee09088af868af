// One request that a worker thread handles: the loop's end of the message port.

import type { MessagePort } from 'node:worker_threads';
import { EpollServerError, messageOf } from '../../errors.ts';
import type { HttpRequest, HttpResponse } from '../../http/handler.ts';
import { ownBytes } from '../../own-bytes.ts';
import type { FromWorker, MessageFields, RequestHead, Thrown, ToWorker } from './messages.ts';
import { messageWeight } from './piece.ts';
import { RelayedProtocol } from './relayed-protocol.ts';
import { revived, thrownOf } from './thrown.ts';

/**
 * A handler whose client is gone, or whose response failed, might compute for ever. Its thread is ended after this
 * time.
 */
const GONE_GRACE_MS = 5_000;

export class OffloadedCall {
  readonly head: RequestHead;
  readonly #request: HttpRequest;
  readonly #response: HttpResponse;
  readonly #port: MessagePort;
  readonly #cancel = new AbortController();
  readonly #timeoutMs: number;
  #isGone = false;
  /** Whether the handler in the thread is done. */
  #isOver = false;
  /** Whether the request still waits for a thread: then it can be cancelled without ending one. */
  #isQueued = true;
  #grace: NodeJS.Timeout | null = null;
  /** Another response replaced this one: later messages of the handler are ignored. */
  #isReplaced = false;
  /** Messages received from the thread. */
  #messages = 0;
  /** Pieces for which the handler waits: until the client has received them, or has sent them. */
  #awaitedPieces = 0;
  /** Runs while the thread is silent after its response began. */
  #silence: NodeJS.Timeout | null = null;
  /** The weight of all written pieces. */
  #writtenWeight = 0;
  /** The client is slow: once the output has drained, all written pieces count as sent. */
  #isDraining = false;
  /** How many `whenSent` messages are unanswered. The port closes after their callbacks have run. */
  #awaitedCalls = 0;
  #settle: { resolve(): void; reject(error: unknown): void } = { resolve: () => {}, reject: () => {} };

  /** `timeoutMs`: the option `offloadTimeoutMs`. */
  constructor(request: HttpRequest, response: HttpResponse, port: MessagePort, timeoutMs: number) {
    this.#request = request;
    this.#response = response;
    this.#port = port;
    this.#timeoutMs = timeoutMs;
    const { method, target, path, query, host, httpVersion, scheme, tls, remote, local, id = '' } = request;
    const { length: bodyLength } = request.body;
    const fields = request.rawHeaders();
    this.head = { method, target, path, query, host, httpVersion, scheme, tls, remote, local, bodyLength, fields, id };
  }

  /**
   * Resolves when the handler in the thread is done. Rejects with the error that it threw, or that ended the thread.
   */
  async run(start: (cancel: AbortSignal) => Promise<unknown>): Promise<void> {
    const settled = new Promise<void>((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    const { signal } = this.#request;
    const onLeft = (): void => this.#post({ type: 'left', reason: messageOf(signal.reason) });
    signal.addEventListener('abort', onLeft, { once: true });
    this.#request.whenGone((reason) => this.#gone(reason));
    this.#port.on('message', (message: FromWorker) => this.#receive(message));
    // The end of a task may overtake its last messages. So only a failure counts here: then the thread is dead.
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

  /** A thread has started the task. */
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

  /**
   * Starts the silence timer for the next message of the thread. Before the response, the handler's own time-out
   * applies.
   */
  #awaitThread(): void {
    if (this.#timeoutMs === 0 || !this.#response.started) return;
    this.#silence ??= setTimeout(() => this.#receivePending(), this.#timeoutMs).unref();
    this.#silence.refresh();
  }

  /** After the process was stopped or busy, messages wait behind the timer: receive them before judging the thread. */
  #receivePending(): void {
    const received = this.#messages;
    setImmediate(() => {
      if (this.#awaitedPieces === 0 && this.#messages === received) this.#replaceThread();
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

  /** A response reports an error of a callback and continues. */
  #reportCallback(thrown: Thrown): void {
    this.#response.whenSent(() => {
      throw revived(thrown);
    });
  }

  /** After the client is gone there is no upgrade; the closed port reports that to the thread. */
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
    this.#leave('another response replaced this one');
  }

  /**
   * The handler returned. If there is no response yet, the handler sends it later, or the deadline ends the request.
   */
  #finish(): void {
    if (this.#response.ended) this.#settle.resolve();
    else
      this.#settle.reject(new EpollServerError('ERR_APPLICATION', 'offload: the application ended without a response'));
  }

  #write(content: string | Uint8Array): void {
    this.#writtenWeight += messageWeight(content);
    if (this.#response.write(content)) this.#delivered();
    else if (!this.#isDraining) void this.#await(this.#drain());
  }

  async #drain(): Promise<void> {
    this.#isDraining = true;
    await this.#response.drained();
    this.#isDraining = false;
    this.#delivered();
  }

  #delivered(): void {
    this.#post({ type: 'delivered', weight: this.#writtenWeight });
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
      // The reader owns its pieces, so their memory is transferred to the thread. A copy would only load the collector.
      const own = ownBytes(piece);
      this.#post({ type: 'piece', piece: own, trailers: [] }, [own.buffer]);
    } catch (error) {
      this.#post({ type: 'unreadable', thrown: thrownOf(error) });
    }
  }

  /** While the client is waited for, the thread may be silent: the client has time-outs of its own. */
  async #await(client: Promise<void>): Promise<void> {
    this.#awaitedPieces++;
    await client;
    this.#awaitedPieces--;
    this.#awaitThread();
  }

  /** The client is gone. A handler that has not started is never started; no idle thread is ended for it. */
  #gone(reason: unknown): void {
    if (this.#isOver) return;
    this.#isGone = true;
    if (this.#isQueued) this.#cancel.abort();
    else this.#leave(messageOf(reason));
  }

  /**
   * Messages of the handler are ignored from now on. It receives the reason, and its thread is ended if it continues.
   */
  #leave(reason: string): void {
    this.#post({ type: 'gone', reason });
    this.#grace ??= setTimeout(() => this.#cancel.abort(), GONE_GRACE_MS).unref();
  }

  #post(message: ToWorker, transferred: readonly ArrayBuffer[] = []): void {
    this.#port.postMessage(message, transferred);
  }
}

// One request that a thread of the pool answers: what its handler does there is done here. It must not know the pool.

import type { MessagePort } from 'node:worker_threads';
import { EpollServerError } from '../../errors.ts';
import type { HttpRequest, HttpResponse } from '../../http/handler.ts';
import type { FromWorker, RequestHead, ToWorker } from './messages.ts';
import { revived, thrownOf } from './thrown.ts';

/** What a handler whose client is gone may still take before its thread is ended: it may be computing for ever. */
const GONE_GRACE_MS = 5_000;

export class OffloadedCall {
  readonly head: RequestHead;
  readonly #request: HttpRequest;
  readonly #response: HttpResponse;
  readonly #port: MessagePort;
  readonly #cancel = new AbortController();
  #hasBegun = false;
  #grace: NodeJS.Timeout | null = null;
  #settle: { resolve(): void; reject(error: unknown): void } = { resolve: () => {}, reject: () => {} };

  constructor(request: HttpRequest, response: HttpResponse, port: MessagePort) {
    this.#request = request;
    this.#response = response;
    this.#port = port;
    const { method, target, path, query, host, httpVersion, remote, local } = request;
    const { length: bodyLength } = request.body;
    const fields = request.fields();
    this.head = { method, target, path, query, host, httpVersion, remote, local, bodyLength, fields };
  }

  /** Resolves when the handler in the thread is done; rejects with what it threw, or with what ended the thread. */
  async run(start: (cancel: AbortSignal) => Promise<unknown>): Promise<void> {
    const settled = new Promise<void>((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    const { signal } = this.#request;
    const onGone = (): void => this.#gone(signal);
    signal.addEventListener('abort', onGone, { once: true });
    this.#port.on('message', (message: FromWorker) => this.#receive(message));
    // The end of a task may overtake what it said last, so only its failure counts: the thread is dead.
    start(this.#cancel.signal).catch((error: unknown) => this.#settle.reject(error));
    try {
      await settled;
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      signal.removeEventListener('abort', onGone);
      if (this.#grace !== null) clearTimeout(this.#grace);
      this.#port.close();
    }
  }

  #receive(message: FromWorker): void {
    try {
      this.#perform(message);
    } catch (error) {
      this.#settle.reject(error);
    }
  }

  #perform(message: FromWorker): void {
    const response = this.#response;
    if (message.type === 'began') this.#hasBegun = true;
    else if (message.type === 'send') response.send(message.status, message.fields, message.content);
    else if (message.type === 'start') response.start(message.status, message.fields);
    else if (message.type === 'write') this.#write(message.content);
    else if (message.type === 'end') response.end();
    else if (message.type === 'abort') response.abort();
    else if (message.type === 'read') void this.#read();
    else if (message.thrown !== null) this.#settle.reject(revived(message.thrown));
    else this.#finish();
  }

  /** Done, but perhaps not answered: then the handler does that later, or the deadline does. */
  #finish(): void {
    if (this.#response.ended) this.#settle.resolve();
    else
      this.#settle.reject(new EpollServerError('ERR_APPLICATION', 'offload: the application ended without an answer'));
  }

  #write(content: string | Uint8Array): void {
    const taken = (): void => this.#post({ type: 'taken', bytes: content.length });
    if (this.#response.write(content)) taken();
    else void this.#response.drained().then(taken);
  }

  async #read(): Promise<void> {
    try {
      const piece = await this.#request.body.read();
      const { trailers } = this.#request.body;
      this.#post({ type: 'piece', piece, trailers: piece === null ? trailers : [] });
    } catch (error) {
      this.#post({ type: 'unreadable', thrown: thrownOf(error) });
    }
  }

  /** The client is gone: the handler is told, or never called; one that does not hear loses its thread. */
  #gone(signal: AbortSignal): void {
    if (!this.#hasBegun) {
      this.#cancel.abort();
      return;
    }
    const { reason } = signal;
    this.#post({ type: 'gone', reason: reason instanceof Error ? reason.message : String(reason) });
    this.#grace = setTimeout(() => this.#cancel.abort(), GONE_GRACE_MS);
    this.#grace.unref();
  }

  #post(message: ToWorker): void {
    this.#port.postMessage(message);
  }
}

// The request that a handler in a worker thread receives.

import type { MessagePort } from 'node:worker_threads';
import { EpollServerError } from '../../errors.ts';
import { bodyTooLarge } from '../../exchange/misuse.ts';
import { combineFields } from '../../http/combined-fields.ts';
import type { FieldNames } from '../../http/field-names.ts';
import type { Endpoint, HttpRequest, RequestBody, TlsConnection } from '../../http/handler.ts';
import { SlabQueue } from '../../slab-queue.ts';
import type { MessageFields, RequestHead, Thrown, ToWorker } from './messages.ts';
import { revived } from './thrown.ts';

export class RemoteRequest implements HttpRequest {
  readonly method: string;
  readonly target: string;
  readonly path: string;
  readonly query: string;
  readonly host: string;
  readonly id: string;
  readonly httpVersion: '1.0' | '1.1';
  readonly scheme: 'http' | 'https';
  readonly tls: TlsConnection | null;
  readonly remote: Endpoint;
  readonly local: Endpoint;
  readonly body: RemoteBody;
  readonly #fields: MessageFields;
  /** The value of each name, made when a field is first read. */
  #values: ReadonlyMap<string, string> | null = null;
  #abort: AbortController | null = null;
  /** The reason with which `signal` aborts. */
  #left: EpollServerError | null = null;
  /** The reason why the client is gone. */
  #gone: EpollServerError | null = null;
  readonly #goneCallbacks: ((reason: unknown) => void)[] = [];

  constructor(head: RequestHead, port: MessagePort) {
    this.method = head.method;
    this.target = head.target;
    this.path = head.path;
    this.query = head.query;
    this.host = head.host;
    this.id = head.id;
    this.httpVersion = head.httpVersion;
    this.scheme = head.scheme;
    this.tls = head.tls;
    this.remote = head.remote;
    this.local = head.local;
    this.#fields = head.fields;
    this.body = new RemoteBody(head.bodyLength, port);
  }

  header(name: string): string | undefined {
    this.#values ??= combineFields(this.headers());
    return this.#values.get(name.toLowerCase());
  }

  mayHave({ names }: FieldNames): boolean {
    return this.#fields.some(([name]) => names.includes(name.toLowerCase()));
  }

  headers(): (readonly [string, string])[] {
    return this.#fields.map(([name, value]) => [name.toLowerCase(), value]);
  }

  rawHeaders(): (readonly [string, string])[] {
    return [...this.#fields];
  }

  get signal(): AbortSignal {
    if (this.#abort === null) {
      this.#abort = new AbortController();
      if (this.#left !== null) this.#abort.abort(this.#left);
    }
    return this.#abort.signal;
  }

  whenGone(callback: (reason: unknown) => void): void {
    if (this.#gone === null) this.#goneCallbacks.push(callback);
    else callback(this.#gone);
  }

  /** The request is a copy already. */
  retain(): void {}

  receive(message: ToWorker): void {
    if (message.type === 'piece') this.body.receive(message.piece, message.trailers);
    else if (message.type === 'unreadable') this.body.fail(message.thrown);
    else if (message.type === 'left') this.#leave(message.reason);
    else if (message.type === 'gone') this.#lose(message.reason);
  }

  #lose(reason: string): void {
    if (this.#gone !== null) return;
    this.#gone = new EpollServerError('ERR_CLIENT_GONE', reason);
    this.#leave(reason);
    for (const callback of this.#goneCallbacks.splice(0)) callback(this.#gone);
  }

  #leave(reason: string): void {
    if (this.#left !== null) return;
    this.#left = this.#gone ?? new EpollServerError('ERR_CLIENT_GONE', reason);
    this.#abort?.abort(this.#left);
  }
}

interface Waiter {
  resolve(piece: Uint8Array<ArrayBuffer> | null): void;
  reject(error: unknown): void;
}

class RemoteBody implements RequestBody {
  readonly length: number | undefined;
  rawTrailers: MessageFields = [];
  readonly #port: MessagePort;
  #isOver: boolean;
  #waiter: Waiter | null = null;

  constructor(length: number | undefined, port: MessagePort) {
    this.length = length;
    this.#port = port;
    this.#isOver = length === 0;
  }

  get trailers(): MessageFields {
    return this.rawTrailers.map(([name, value]) => [name.toLowerCase(), value]);
  }

  /** Whether it was read to its end. */
  get isRead(): boolean {
    return this.#isOver;
  }

  read(): Promise<Uint8Array<ArrayBuffer> | null> {
    if (this.#isOver) return Promise.resolve(null);
    if (this.#waiter !== null) {
      return Promise.reject(
        new EpollServerError('ERR_BODY_CONSUMED', 'the body cannot be read: another read is waiting'),
      );
    }
    this.#port.postMessage({ type: 'read' });
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
    });
  }

  async bytes(maxBytes: number = Number.POSITIVE_INFINITY): Promise<Buffer> {
    return (await this.#collect(maxBytes)).takeAll();
  }

  async text(maxBytes: number = Number.POSITIVE_INFINITY): Promise<string> {
    return (await this.#collect(maxBytes)).takeText();
  }

  async #collect(maxBytes: number): Promise<SlabQueue> {
    const all = new SlabQueue();
    if (!(await all.adoptAll(this, maxBytes))) throw bodyTooLarge(maxBytes);
    return all;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    for (let piece = await this.read(); piece !== null; piece = await this.read()) yield piece;
  }

  receive(piece: Uint8Array<ArrayBuffer> | null, trailers: MessageFields): void {
    if (piece === null) {
      this.#isOver = true;
      this.rawTrailers = trailers;
    }
    this.#settle()?.resolve(piece);
  }

  fail(thrown: Thrown): void {
    this.#settle()?.reject(revived(thrown));
  }

  #settle(): Waiter | null {
    const waiter = this.#waiter;
    this.#waiter = null;
    return waiter;
  }
}

// One request and its response, between Node's message classes and the server. The response arrives here as the bytes
// that Node's classes make of it; the body of the request goes the other way.

import type { Channel } from '../../connection/channel.ts';
import type { HttpRequest } from '../../http/handler.ts';
import type { VerbatimResponse } from '../../http/verbatim-response.ts';
import { detachSignal, dumpUnread, endWithoutBody } from './light-request.ts';
import {
  ASCII_HEAD,
  aborted,
  emitDrain,
  NodeServerResponse,
  type OutgoingResponse,
  type ServerRequest,
  settleEnd,
} from './messages.ts';
import type { MessageOutput, ServerSocket } from './server-socket.ts';

type WriteCallback = (error?: Error | null) => void;

/** Where the status stands in the bytes of a response: `HTTP/1.1 100`. */
const STATUS_AT = 9;

// Members that Node's types leave out: see messages.ts.
const { _finish: finishOfNode } = NodeServerResponse.prototype as unknown as OutgoingResponse;

export class NodeExchange implements MessageOutput {
  readonly request: ServerRequest;
  readonly response: OutgoingResponse;
  readonly #http: HttpRequest;
  readonly #output: VerbatimResponse;
  readonly #socket: ServerSocket;
  /** Called when the response is sent. */
  readonly #onFinish: ((exchange: NodeExchange) => void) | null;
  readonly #channel: Channel;
  /** The head is being written, or was. */
  hasBegun = false;
  /** Content bytes so far. */
  #contentBytes = 0;
  #isReading = false;
  /** Nothing of the body will follow. */
  #bodyIsOver: boolean;
  /** The application has ended the response. */
  #hasEnded = false;
  /** The server knows that the response has ended. */
  #isOver = false;

  constructor(
    http: HttpRequest,
    output: VerbatimResponse,
    request: ServerRequest,
    response: OutgoingResponse,
    socket: ServerSocket,
    onFinish: ((exchange: NodeExchange) => void) | null,
  ) {
    this.#onFinish = onFinish;
    this.#http = http;
    this.#output = output;
    this.#socket = socket;
    this.#channel = output.channel;
    this.#bodyIsOver = http.body.length === 0;
    this.request = request;
    this.response = response;
    socket._httpMessage = response;
    socket.message = this;
    socket.becomeBusy();
  }

  // ---- The response --------------------------------------------------------------------------------

  write(
    data: string | Uint8Array,
    encoding: BufferEncoding | null | undefined,
    callback?: WriteCallback | null,
  ): boolean {
    const { response } = this;
    const bytes = typeof data === 'string' ? Buffer.from(data, encoding ?? 'utf8') : data;
    const isRoomy = response._header === null ? this.#interim(bytes) : this.#content(bytes, data, encoding);
    if (typeof callback === 'function') this.#whenWritten(callback);
    if (!isRoomy) this.#awaitDrain();
    return isRoomy;
  }

  #interim(bytes: Uint8Array): boolean {
    const head = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#output.interimVerbatim(Number(head.toString('latin1', STATUS_AT, STATUS_AT + 3)), head);
    return true;
  }

  #content(bytes: Uint8Array, data: string | Uint8Array, encoding: BufferEncoding | null | undefined): boolean {
    if (this.hasBegun) return this.#send(bytes, bytes.length);
    this.hasBegun = true;
    const { response } = this;
    const header = response._header ?? '';
    const isUtf8 = typeof data === 'string' && (encoding === 'utf8' || encoding === undefined || encoding === null);
    const headBytes = isUtf8 ? Buffer.byteLength(header) : header.length;
    const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(headBytes, bytes.length));
    this.#output.startVerbatim(response.statusCode, response._last, head);
    return this.#send(bytes, bytes.length - head.length);
  }

  /** Never more content than the head has announced. */
  #send(bytes: Uint8Array, contentBytes: number): boolean {
    const announced = this.#announcedBytes;
    const excess = announced < 0 ? 0 : Math.max(this.#contentBytes + contentBytes - announced, 0);
    const taken = Math.min(excess, contentBytes);
    this.#contentBytes += contentBytes - taken;
    return this.#output.writeVerbatim(
      taken === 0 ? bytes : bytes.subarray(0, bytes.length - taken),
      contentBytes - taken,
    );
  }

  /** The Content-Length of the head; -1: it has none that counts. */
  get #announcedBytes(): number {
    const { response } = this;
    const isCounted = response._hasBody && !response.chunkedEncoding && response._contentLength !== null;
    const announced = isCounted ? Number(response._contentLength) : -1;
    // As node:http, which sends what the application has set.
    return Number.isNaN(announced) ? -1 : announced;
  }

  #whenWritten(callback: WriteCallback): void {
    if (this.#output.gone) {
      this.#notSent(callback);
    } else if (this.#channel.hasPendingOutput) {
      this.#channel.whenSent((isSent) => {
        if (isSent) process.nextTick(callback, null);
        else this.#notSent(callback);
      });
    } else {
      process.nextTick(callback, null);
    }
  }

  /** The client left before it had all of the response. */
  #notSent(callback: WriteCallback): void {
    // Node's response looks at it: it is not finished then.
    this.#socket._hadError = true;
    process.nextTick(callback, aborted());
    if (this.response.finished || this.#hasEnded) process.nextTick(emitClose, this.response);
  }

  #awaitDrain(): void {
    const { response } = this;
    this.#channel.whenSent((isSent) => {
      if (isSent) process.nextTick(emitDrain, response);
    });
  }

  persists(): boolean {
    return this.#output.persists();
  }

  /** The response is its head, which is not sent yet, and this content. */
  endWhole(content: string | Uint8Array | undefined): void {
    const { response } = this;
    this.hasBegun = true;
    const announced = this.#announcedBytes;
    const { statusCode, _last: closes } = response;
    const head = response._header ?? '';
    const isAscii = response[ASCII_HEAD] === true;
    this.#contentBytes = this.#output.writeWhole(statusCode, closes, head, content ?? '', announced, isAscii);
    if (this.#output.gone || this.#channel.hasPendingOutput) this.#whenWritten((error = null) => this.written(error));
    else process.nextTick(written, this);
    this.#ended();
  }

  #ended(): void {
    // The connection is closed: `abort` follows.
    if (this.#output.gone) return;
    this.#hasEnded = true;
    // As in node:http, the body may be read after the response; what is not wanted is dropped then.
    if (this.#bodyIsOver || this.response._last) this.#over();
  }

  /** The system has all of the response, or the client left before. */
  written(error: Error | null): void {
    const { response } = this;
    settleEnd(response, error);
    // Otherwise 'close' follows without 'finish'.
    if (error !== null) return;
    this.#settle();
    // Without listeners there is no order of events to keep, and no tick to wait for.
    const isHeard = response._eventsCount > 0;
    if (isHeard) process.nextTick(emitClose, response);
    response.emit('finish');
    if (!isHeard) emitClose(response);
  }

  /** Node's `_finish`: all of the response is written. */
  end(): void {
    const { response } = this;
    Reflect.apply(finishOfNode, response, []);
    response.prependListener('finish', () => this.finished());
    this.#ended();
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const socket = this.#socket;
    if (socket.message === this) {
      socket.message = null;
      socket._httpMessage = null;
      socket.becomeIdle();
    }
    const announced = this.#announcedBytes;
    this.#output.endVerbatim(announced < 0 || this.#contentBytes >= announced);
  }

  // ---- The body of the request ---------------------------------------------------------------------

  /** The listener has returned. As in node:http, the body is read ahead of the application, or has ended. */
  begin(): void {
    if (this.#bodyIsOver) {
      endWithoutBody(this.request);
    } else if (!this.response._expect_continue || this.response._sent100) {
      this.readBody();
    }
  }

  readBody(): void {
    if (this.#isReading || this.#bodyIsOver || this.#isOver) return;
    this.#isReading = true;
    this.#http.body.read().then(
      (piece) => this.#received(piece),
      () => {},
    );
  }

  #received(piece: Uint8Array | null): void {
    this.#isReading = false;
    if (this.#bodyIsOver) return;
    const { request } = this;
    if (piece !== null) {
      if (request.push(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength))) this.readBody();
      return;
    }
    request.complete = true;
    this.#bodyIsOver = true;
    const trailers = this.#http.body.rawTrailers.flat();
    request._addHeaderLines(trailers, trailers.length);
    request.push(null);
    if (this.#hasEnded) this.#over();
  }

  /** The client has finished sending: node:http takes that for its end. */
  clientEnded(): void {
    if (!this.#isOver) this.#channel.finish(true);
  }

  // ---- The end -------------------------------------------------------------------------------------

  /** The response is sent. As in node:http, its listeners of 'finish' find it without a socket. */
  finished(): void {
    this.#settle();
    process.nextTick(emitClose, this.response);
  }

  #settle(): void {
    const { request, response } = this;
    this.#onFinish?.(this);
    detachSignal(request);
    dumpUnread(request);
    response.socket = null;
  }

  /** The connection was closed, or the server answered in place of the application. */
  abort(): void {
    if (this.#socket.message === this) this.#socket.message = null;
    this.#isOver = true;
    this.#bodyIsOver = true;
    // An ended response closes when it is known whether the system has taken it.
    if (this.#hasEnded) return;
    this.request.destroy(aborted());
    emitClose(this.response);
  }
}

function written(exchange: NodeExchange): void {
  exchange.written(null);
}

/** Ends a response whose connection is gone, or which was sent. */
function emitClose(response: OutgoingResponse): void {
  if (response._closed) return;
  response.destroyed = true;
  response._closed = true;
  response.emit('close');
}

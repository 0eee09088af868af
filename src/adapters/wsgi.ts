// The WSGI-style adapter (PEP 3333): an application is a function of an environ and startResponse that returns its
// body.

import { EpollServerError, messageOf } from '../errors.ts';
import { FieldCache } from '../http/field-cache.ts';
import { type PrecompiledFields, precompileFields } from '../http/fields.ts';
import type { Handler, HttpRequest, HttpResponse } from '../http/handler.ts';
import { withTraits } from '../http/handler-traits.ts';
import { isHopByHop } from '../http/hop-by-hop.ts';
import { SERVED_BY } from '../http/served-by.ts';
import { type Environ, environOf } from './environ.ts';
import { type Piece, type PieceSource, sendPieces } from './pieces.ts';
import { NO_STATUS, type StatusLine, StatusLines } from './status-lines.ts';
import { withAsyncContext } from './with-async-context.ts';

/**
 * The return value of an application: text (sent as UTF-8), bytes, or pieces of either, sync or async (a Node stream is
 * an async iterable). If it has `close()`, that is called once, however the request ends.
 */
export type WsgiBody = Piece | Iterable<Piece> | AsyncIterable<Piece>;

/**
 * Sets status (`'200 OK'`) and fields (pairs), which are sent with the first piece of the body that is not empty. A
 * second call needs `excInfo`, the error that the application caught. It replaces a head that was not sent yet, and
 * throws `excInfo` when it was. Returns `write`, which sends a piece at once.
 * @throws EpollServerError `ERR_APPLICATION`, `ERR_INVALID_FIELD`.
 */
export type StartResponse = (
  status: string,
  headers: readonly (readonly [string, string])[],
  excInfo?: unknown,
) => (piece: Piece) => void;

/**
 * A WSGI-style application (PEP 3333): it gets the environ of a request, calls `startResponse` once before the first
 * piece of its body, and returns the body or a promise for it.
 */
export type WsgiApplication = (environ: Environ, startResponse: StartResponse) => WsgiBody | PromiseLike<WsgiBody>;

/**
 * Returns a handler that runs a WSGI-style application, each request in its own async context. A broken rule of
 * PEP 3333 is `ERR_APPLICATION`, and the client gets 500.
 * @throws EpollServerError `ERR_OPTION`: `application` is not a function.
 */
export function wsgi(application: WsgiApplication): Handler {
  if (typeof application !== 'function') {
    throw new EpollServerError('ERR_OPTION', `a WSGI-style application is a function, not ${typeof application}`);
  }
  return wsgiAt('', application);
}

/** The handler below `mountPath`, which is the application's SCRIPT_NAME. */
function wsgiAt(mountPath: string, application: WsgiApplication): Handler {
  const caches = { fields: new FieldCache(prepareEndToEnd), statusLines: new StatusLines() };
  const handler = withAsyncContext((request, response) => {
    // The application may keep the environ, and read it at any later time.
    request.retain();
    request.servedBy = SERVED_BY.WSGI;
    const call = new Call(request, response, caches);
    const body = application(environOf(request, response, mountPath), call.startResponse);
    return isThenable(body) ? body.then((later) => call.finish(later)) : call.finish(body);
  });
  return withTraits(handler, { mountedAt: (path) => wsgiAt(path, application) });
}

/** PEP 3333 forbids hop-by-hop fields. As with a raw handler, `Connection: close` still closes the connection. */
function prepareEndToEnd(headers: readonly (readonly [string, string])[]): PrecompiledFields {
  const prepared = precompileFields(headers);
  const refused = headers.find(([name]) => isHopByHop(name) && name.toLowerCase() !== 'connection');
  if (refused !== undefined) {
    throw new TypeError(`"${refused[0]}" is a hop-by-hop field, which an application must not set (PEP 3333)`);
  }
  return prepared;
}

/** The caches of a handler, shared by its requests. */
interface Caches {
  readonly fields: FieldCache;
  readonly statusLines: StatusLines;
}

/** One call of an application. */
class Call {
  readonly #request: HttpRequest;
  readonly #response: HttpResponse;
  readonly #caches: Caches;
  #status: StatusLine = NO_STATUS;
  #fields: PrecompiledFields | null = null;
  #isOver = false;

  constructor(request: HttpRequest, response: HttpResponse, caches: Caches) {
    this.#request = request;
    this.#response = response;
    this.#caches = caches;
  }

  readonly startResponse: StartResponse = (status, headers, excInfo) => {
    if (this.#fields !== null) this.#replace(excInfo);
    const statusLine = this.#caches.statusLines.parse(status);
    if (statusLine === undefined) {
      throw broken(`the status must be a string such as '200 OK', not ${JSON.stringify(status)}`);
    }
    if (!Array.isArray(headers)) throw broken('headers must be an array of pairs [name, value]');
    try {
      this.#fields = this.#caches.fields.prepare(headers);
    } catch (error) {
      throw new EpollServerError('ERR_INVALID_FIELD', messageOf(error), { cause: error });
    }
    this.#status = statusLine;
    return this.#write;
  };

  readonly #write = (piece: Piece): void => {
    const checked = checkPiece(piece);
    if (this.#isOver) throw broken('write was called after the body had ended');
    if (checked.length === 0) return;
    this.#begin();
    this.#response.write(checked);
  };

  /** Sends the returned body, synchronously where possible. */
  finish(body: WsgiBody): void | Promise<void> {
    const close = closeOf(body);
    if (close === null && !this.#response.started) {
      if (isPiece(body)) return this.#send(body);
      if (Array.isArray(body)) return this.#send(joined(body));
    }
    return this.#stream(body, close);
  }

  async #stream(body: WsgiBody, close: (() => unknown) | null): Promise<void> {
    try {
      const source = new IteratorSource(isPiece(body) ? [body] : body);
      // The application may call startResponse in the first iteration (PEP 3333).
      await sendPieces(source, this.#request, this.#response, () => this.#begin());
    } finally {
      this.#isOver = true;
      await close?.();
    }
  }

  #send(piece: Piece): void {
    this.#isOver = true;
    const fields = this.#started();
    const { status, reason } = this.#status;
    if (reason !== undefined) this.#response.reasonPhrase = reason;
    this.#response.send(status, fields, piece);
  }

  #begin(): void {
    const fields = this.#started();
    if (this.#response.started || this.#response.ended) return;
    const { status, reason } = this.#status;
    if (reason !== undefined) this.#response.reasonPhrase = reason;
    this.#response.start(status, fields);
  }

  #started(): PrecompiledFields {
    if (this.#fields === null) throw broken('the application returned without calling startResponse');
    return this.#fields;
  }

  #replace(excInfo: unknown): void {
    if (excInfo === undefined || excInfo === null) {
      throw broken('startResponse was called twice without excInfo, the error that the application caught');
    }
    if (this.#response.started) throw excInfo;
  }
}

/** The pieces of an iterable. */
class IteratorSource implements PieceSource {
  readonly #body: Iterable<Piece> | AsyncIterable<Piece>;
  readonly #iterator: Iterator<Piece> | AsyncIterator<Piece>;

  constructor(body: Iterable<Piece> | AsyncIterable<Piece>) {
    if (!isIterable(body)) throw broken('the body must be a string, bytes, or an iterable of them');
    this.#body = body;
    this.#iterator = Symbol.asyncIterator in body ? body[Symbol.asyncIterator]() : body[Symbol.iterator]();
  }

  next(): Piece | null | Promise<Piece | null> {
    const result = this.#iterator.next();
    return isThenable(result) ? result.then((settled) => this.#pieceOf(settled)) : this.#pieceOf(result);
  }

  /** Lets a generator run its `finally`, and a Node stream close its resources, without waiting for a pending piece. */
  cancel(): void {
    try {
      if ('destroy' in this.#body && typeof this.#body.destroy === 'function') this.#body.destroy();
      Promise.resolve(this.#iterator.return?.()).catch(() => {});
    } catch {
      // The request has failed already, and its error was reported.
    }
  }

  #pieceOf(result: IteratorResult<Piece>): Piece | null {
    if (result.done === true) return null;
    if (isPiece(result.value)) return result.value;
    this.cancel();
    return checkPiece(result.value);
  }
}

/** The `close` that an iterable may have (PEP 3333). */
function closeOf(body: unknown): (() => unknown) | null {
  if (typeof body !== 'object' || body === null || !('close' in body) || typeof body.close !== 'function') return null;
  const { close } = body;
  return () => Reflect.apply(close, body, []);
}

function joined(pieces: readonly Piece[]): Piece {
  const [first] = pieces;
  if (pieces.length === 1 && first !== undefined) return checkPiece(first);
  return Buffer.concat(
    pieces.map((piece) => {
      const checked = checkPiece(piece);
      return typeof checked === 'string' ? Buffer.from(checked) : checked;
    }),
  );
}

function checkPiece(piece: unknown): Piece {
  if (isPiece(piece)) return piece;
  throw broken(`a piece of the body must be a string or bytes, not ${piece === null ? 'null' : typeof piece}`);
}

function isPiece(body: unknown): body is Piece {
  return typeof body === 'string' || body instanceof Uint8Array;
}

function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

function isIterable(value: unknown): value is Iterable<Piece> | AsyncIterable<Piece> {
  return typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value);
}

function broken(rule: string): EpollServerError {
  return new EpollServerError('ERR_APPLICATION', `WSGI-style application: ${rule}`);
}

// The WSGI-style door (PEP 3333): an application is a function of an environ and startResponse that
// returns its body. It must not know connections.

import { EpollServerError } from '../errors.ts';
import type { Handler, HttpRequest, HttpResponse, RequestBody } from '../http/handler.ts';
import { isolated } from './isolated.ts';

/** One request, with the keys of PEP 3333; `HTTP_*` for each field. */
export interface Environ {
  readonly REQUEST_METHOD: string;
  /** Where the application is mounted: empty at the root. */
  readonly SCRIPT_NAME: string;
  /** The path, percent-decoded. */
  readonly PATH_INFO: string;
  readonly QUERY_STRING: string;
  readonly CONTENT_TYPE: string;
  readonly CONTENT_LENGTH: string;
  readonly SERVER_NAME: string;
  readonly SERVER_PORT: string;
  readonly SERVER_PROTOCOL: string;
  readonly REMOTE_ADDR: string;
  readonly REMOTE_PORT: string;
  readonly 'wsgi.version': readonly [1, 0];
  readonly 'wsgi.url_scheme': 'http';
  /** The request's content, read as it arrives. */
  readonly 'wsgi.input': RequestBody;
  /** Where an application reports what went wrong. */
  readonly 'wsgi.errors': NodeJS.WritableStream;
  readonly 'wsgi.multithread': boolean;
  readonly 'wsgi.multiprocess': boolean;
  readonly 'wsgi.run_once': boolean;
  readonly [name: string]: unknown;
}

type Piece = string | Uint8Array;

/** What an application may return: text (sent as UTF-8), bytes, or pieces of either, now or later. */
export type WsgiBody = Piece | Iterable<Piece> | AsyncIterable<Piece>;

/**
 * Sets status (`'200 OK'`) and fields (pairs); sent with the first piece of the body. Returns `write`,
 * which sends a piece at once.
 */
export type StartResponse = (status: string, headers: readonly (readonly [string, string])[]) => (piece: Piece) => void;

/** An application: see {@link wsgi}. */
export type WsgiApplication = (environ: Environ, startResponse: StartResponse) => WsgiBody | PromiseLike<WsgiBody>;

/** A handler that runs a WSGI-style application, each request in its own async context. */
export function wsgi(application: WsgiApplication): Handler {
  if (typeof application !== 'function') {
    throw new EpollServerError('ERR_OPTION', `a WSGI-style application is a function, not ${typeof application}`);
  }
  return isolated((request, response) => {
    const call = new Call(response);
    const body = application(environOf(request), call.startResponse);
    return isThenable(body) ? body.then((later) => call.finish(later)) : call.finish(body);
  });
}

/** One call of an application. */
class Call {
  readonly #response: HttpResponse;
  #status = 0;
  #fields: readonly (readonly [string, string])[] = [];

  constructor(response: HttpResponse) {
    this.#response = response;
  }

  readonly startResponse: StartResponse = (status, headers) => {
    if (this.#status !== 0) throw broken('startResponse was called twice');
    if (typeof status !== 'string' || !/^[2-5][0-9]{2}(?: |$)/.test(status)) {
      throw broken(`the status must be a string such as '200 OK', not ${JSON.stringify(status)}`);
    }
    if (!Array.isArray(headers)) throw broken('headers must be an array of pairs [name, value]');
    this.#status = Number(status.slice(0, 3));
    this.#fields = headers;
    return (piece) => {
      const checked = checkPiece(piece);
      this.#begin();
      this.#response.write(checked);
    };
  };

  /** Sends what the application returned: at once when that is possible. */
  finish(body: WsgiBody): void | Promise<void> {
    const isWhole = isPiece(body) || Array.isArray(body);
    if (isWhole && !this.#response.started) {
      this.#assertStatus();
      return this.#response.send(this.#status, this.#fields, isPiece(body) ? body : joined(body));
    }
    // The first iteration may be what calls startResponse (PEP 3333).
    return this.#stream(isPiece(body) ? [body] : body);
  }

  async #stream(body: Iterable<Piece> | AsyncIterable<Piece>): Promise<void> {
    if (!isIterable(body)) throw broken('the body must be a string, bytes, or an iterable of them');
    try {
      for await (const piece of body) {
        if (this.#response.ended && this.#response.started) break;
        const checked = checkPiece(piece);
        this.#begin();
        if (!this.#response.write(checked)) await this.#response.drained();
      }
      this.#begin();
      if (!this.#response.ended) this.#response.end();
    } finally {
      if ('close' in body && typeof body.close === 'function') body.close();
    }
  }

  #assertStatus(): void {
    if (this.#status === 0) throw broken('the application answered without calling startResponse');
  }

  #begin(): void {
    this.#assertStatus();
    if (!this.#response.started && !this.#response.ended) this.#response.start(this.#status, this.#fields);
  }
}

function environOf(request: HttpRequest): Environ {
  const environ: Record<string, unknown> = {};
  for (const [name, value] of request.fields()) {
    // `X_Real_IP` and `X-Real-IP` would become one key: who forges the first must not win (as nginx).
    if (name.includes('_')) continue;
    const key = `HTTP_${name.toUpperCase().replaceAll('-', '_')}`;
    const earlier = environ[key];
    environ[key] = earlier === undefined ? value : `${earlier}${name === 'cookie' ? '; ' : ', '}${value}`;
  }
  const { HTTP_CONTENT_TYPE: contentType = '', HTTP_CONTENT_LENGTH: contentLength = '', ...fields } = environ;
  const { remote, local } = request;
  return {
    ...fields,
    REQUEST_METHOD: request.method,
    SCRIPT_NAME: '',
    PATH_INFO: decodePath(request.path),
    QUERY_STRING: request.query,
    CONTENT_TYPE: String(contentType),
    CONTENT_LENGTH: String(contentLength),
    SERVER_NAME: local.address,
    SERVER_PORT: String(local.port),
    SERVER_PROTOCOL: `HTTP/${request.httpVersion}`,
    REMOTE_ADDR: remote.address,
    REMOTE_PORT: String(remote.port),
    'wsgi.version': [1, 0],
    'wsgi.url_scheme': 'http',
    'wsgi.input': request.body,
    'wsgi.errors': process.stderr,
    'wsgi.multithread': false,
    'wsgi.multiprocess': false,
    'wsgi.run_once': false,
  };
}

/** Percent-decoded as UTF-8; as sent when it is not that. */
function decodePath(path: string): string {
  if (!path.includes('%')) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function joined(pieces: readonly Piece[]): Piece {
  const [first] = pieces;
  if (pieces.length === 1 && first !== undefined) return checkPiece(first);
  return Buffer.concat(pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : checkBytes(piece))));
}

function checkPiece(piece: Piece): Piece {
  return typeof piece === 'string' ? piece : checkBytes(piece);
}

function checkBytes(piece: unknown): Uint8Array {
  if (piece instanceof Uint8Array) return piece;
  throw broken(`a piece of the body must be a string or bytes, not ${piece === null ? 'null' : typeof piece}`);
}

function isPiece(body: unknown): body is Piece {
  return typeof body === 'string' || body instanceof Uint8Array;
}

function isThenable(value: unknown): value is PromiseLike<WsgiBody> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

function isIterable(value: unknown): value is Iterable<Piece> | AsyncIterable<Piece> {
  return typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value);
}

function broken(rule: string): EpollServerError {
  return new EpollServerError('ERR_APPLICATION', `WSGI-style application: ${rule}`);
}

// A middleware that checks a server and a WSGI-style application against PEP 3333, as Python's wsgiref.validate does.

import { EpollServerError } from '../errors.ts';
import type { Environ } from './environ.ts';
import type { Piece } from './pieces.ts';
import type { StartResponse, WsgiApplication, WsgiBody } from './wsgi.ts';

/** Required keys, each a string (PEP 3333, "environ Variables"). */
const STRING_KEYS = [
  'REQUEST_METHOD',
  'SCRIPT_NAME',
  'PATH_INFO',
  'QUERY_STRING',
  'CONTENT_TYPE',
  'CONTENT_LENGTH',
  'SERVER_NAME',
  'SERVER_PORT',
  'SERVER_PROTOCOL',
  'REMOTE_ADDR',
  'REMOTE_PORT',
];

const FLAG_KEYS = ['wsgi.multithread', 'wsgi.multiprocess', 'wsgi.run_once'];

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Fields of the connection, which only the server may set (RFC 2616 section 13.5.1, as PEP 3333 cites it). */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'trailers',
  'transfer-encoding',
  'upgrade',
]);

/**
 * `application` with checks: a broken rule of PEP 3333 is thrown as `ERR_APPLICATION`, and its message begins with the
 * name of the rule. Use it in tests and during development; it costs a few checks per request.
 */
export function wsgiValidator(application: WsgiApplication): WsgiApplication {
  rule('application', typeof application === 'function', 'it must be a function of environ and startResponse');
  return (environ, startResponse, ...rest: readonly unknown[]) => {
    rule('call', rest.length === 0, `a server must pass environ and startResponse, not ${rest.length + 2} values`);
    rule('call', typeof startResponse === 'function', 'startResponse must be a function');
    checkEnviron(environ);
    const call = new CheckedCall(startResponse);
    const body = application(environ, call.startResponse);
    return isThenable(body) ? body.then((later) => call.watched(later)) : call.watched(body);
  };
}

/** Checks what one call of the application does, and in which order. */
class CheckedCall {
  readonly #start: StartResponse;
  #isStarted = false;
  #isOver = false;

  constructor(start: StartResponse) {
    this.#start = start;
  }

  readonly startResponse: StartResponse = (...given) => {
    const [status, headers, excInfo] = given;
    rule('startResponse', given.length === 2 || given.length === 3, `it takes 2 or 3 values, not ${given.length}`);
    const isExplained = excInfo !== undefined && excInfo !== null;
    rule('excInfo', !isExplained || excInfo instanceof Error, 'it must be the Error that was caught');
    rule('startResponse', !this.#isStarted || isExplained, 'a second call needs excInfo, the error that explains it');
    checkStatus(status);
    checkHeaders(headers);
    checkContentType(status, headers);
    const write = isExplained ? this.#start(status, headers, excInfo) : this.#start(status, headers);
    this.#isStarted = true;
    return (piece) => {
      rule('write', !this.#isOver, 'it was called after the body had ended');
      checkPiece('write', piece);
      write(piece);
    };
  };

  watched(body: WsgiBody): WsgiBody {
    if (isPiece(body)) {
      rule('startResponse', this.#isStarted, 'it must be called before the body is returned');
      return body;
    }
    const isIterable = typeof body === 'object' && body !== null;
    const isNow = isIterable && Symbol.iterator in body;
    const isLater = isIterable && Symbol.asyncIterator in body;
    rule('body', isNow || isLater, 'it must be a string, bytes, or an iterable of them');
    return isLater ? this.#laterOf(body) : isNow ? this.#nowOf(body) : body;
  }

  #nowOf(body: Iterable<Piece>): Iterable<Piece> {
    const iterator = body[Symbol.iterator]();
    return this.#closing(body, {
      [Symbol.iterator]: () => ({
        next: () => this.#checked(iterator.next()),
        return: (value) => iterator.return?.(value) ?? { done: true, value },
      }),
    });
  }

  #laterOf(body: AsyncIterable<Piece>): AsyncIterable<Piece> {
    const iterator = body[Symbol.asyncIterator]();
    return this.#closing(body, {
      [Symbol.asyncIterator]: () => ({
        next: async () => this.#checked(await iterator.next()),
        return: async (value) => (await iterator.return?.(value)) ?? { done: true, value },
      }),
    });
  }

  #checked(result: IteratorResult<Piece>): IteratorResult<Piece> {
    rule('iteration', !this.#isOver, 'a server must not go on after close');
    if (result.done === true) return result;
    checkPiece('body', result.value);
    rule('startResponse', this.#isStarted, 'it must be called before the first piece of the body');
    return result;
  }

  /** The server calls `close` once, whether the body has one or not. */
  #closing<T extends object>(body: object, watched: T): T {
    return Object.assign(watched, {
      close: (): unknown => {
        rule('close', !this.#isOver, 'a server must not call it twice');
        this.#isOver = true;
        return 'close' in body && typeof body.close === 'function' ? body.close() : undefined;
      },
    });
  }
}

function checkEnviron(environ: Environ): void {
  rule('environ', typeof environ === 'object' && environ !== null, 'it must be an object');
  for (const key of STRING_KEYS) {
    rule(`environ ${key}`, typeof environ[key] === 'string', `it must be a string, not ${typeof environ[key]}`);
  }
  for (const key of FLAG_KEYS) rule(`environ ${key}`, typeof environ[key] === 'boolean', 'it must be a boolean');
  for (const key of Object.keys(environ)) {
    const isField = key.startsWith('HTTP_');
    rule(`environ ${key}`, !isField || typeof environ[key] === 'string', 'the value of a field must be a string');
  }
  for (const key of ['HTTP_CONTENT_TYPE', 'HTTP_CONTENT_LENGTH']) {
    rule(`environ ${key}`, !(key in environ), 'this field has a key without HTTP_');
  }
  const { SCRIPT_NAME: script, PATH_INFO: path, CONTENT_LENGTH: length, REQUEST_METHOD: method } = environ;
  rule('environ REQUEST_METHOD', TOKEN.test(method), `it must be a token, not ${JSON.stringify(method)}`);
  rule('environ SCRIPT_NAME', script === '' || /^\/./.test(script), 'it must be empty, or begin with "/" and go on');
  rule('environ PATH_INFO', path === '' || path === '*' || path.startsWith('/'), 'it must begin with "/"');
  rule('environ PATH_INFO', path !== '' || script !== '', 'one of SCRIPT_NAME and PATH_INFO must be set');
  rule('environ CONTENT_LENGTH', /^[0-9]*$/.test(length), 'it must be a number of bytes, or empty');
  checkServerObjects(environ);
}

function checkServerObjects(environ: Environ): void {
  const version = environ['wsgi.version'];
  rule('environ wsgi.version', Array.isArray(version) && version.length === 2, 'it must be a pair of numbers');
  rule('environ wsgi.url_scheme', /^https?$/.test(environ['wsgi.url_scheme']), 'it must be http or https');
  rule('environ wsgi.input', typeof environ['wsgi.input']?.read === 'function', 'it must have read()');
  rule('environ wsgi.errors', typeof environ['wsgi.errors']?.write === 'function', 'it must have write()');
}

function checkStatus(status: unknown): void {
  rule('status', typeof status === 'string', `it must be a string such as '200 OK', not ${typeof status}`);
  rule(
    'status',
    /^[1-9][0-9]{2} [\t\x20-\x7e]+$/.test(String(status)),
    `it must be three digits, a space and a reason, not ${JSON.stringify(status)}`,
  );
  rule('status', !String(status).startsWith('1'), '1xx is not a final response: use epoll_server.inform');
}

function checkHeaders(headers: unknown): asserts headers is readonly (readonly [string, string])[] {
  if (!Array.isArray(headers)) throw broken('headers', 'they must be an array of pairs [name, value]');
  for (const pair of headers) {
    rule('headers', Array.isArray(pair) && pair.length === 2, 'each must be a pair [name, value]');
    const [name, value] = pair;
    rule('header name', typeof name === 'string', `it must be a string, not ${typeof name}`);
    rule('header name', TOKEN.test(name), `${JSON.stringify(name)} is not a token (RFC 9110 section 5.1)`);
    rule('header name', !/[-_]$/.test(name), `"${name}" must not end in "-" or "_"`);
    rule('header name', name.toLowerCase() !== 'status', 'the status is the first value of startResponse');
    rule(
      'header name',
      !HOP_BY_HOP.has(name.toLowerCase()),
      `"${name}" belongs to the connection: only the server may set it`,
    );
    rule('header value', typeof value === 'string', `the value of "${name}" must be a string, not ${typeof value}`);
    const isText = /^[\t\x20-\x7e\x80-\xff]*$/.test(value);
    rule('header value', isText, `the value of "${name}" contains a control character, or one beyond Latin-1`);
  }
}

function checkContentType(status: string, headers: readonly (readonly [string, string])[]): void {
  const isThere = headers.some(([name]) => name.toLowerCase() === 'content-type');
  const isEmpty = status.startsWith('204') || status.startsWith('304');
  rule('Content-Type', !(isThere && isEmpty), `a ${status} response has no content, and therefore no Content-Type`);
  rule('Content-Type', isThere || isEmpty, 'a response with content needs one');
}

function checkPiece(where: string, piece: unknown): void {
  const kind = piece === null ? 'null' : typeof piece;
  rule(where, isPiece(piece), `a piece must be a string or bytes, not ${kind}`);
}

function isPiece(value: unknown): value is Piece {
  return typeof value === 'string' || value instanceof Uint8Array;
}

function isThenable(value: WsgiBody | PromiseLike<WsgiBody>): value is PromiseLike<WsgiBody> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

function rule(name: string, isKept: boolean, text: string): void {
  if (!isKept) throw broken(name, text);
}

function broken(name: string, text: string): EpollServerError {
  return new EpollServerError('ERR_APPLICATION', `${name}: ${text}`);
}

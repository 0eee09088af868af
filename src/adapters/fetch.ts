// The fetch adapter: an application is a function from a Request to a Response, as in Bun, Deno, Hono and h3.

import { EpollServerError, messageOf } from '../errors.ts';
import type { Content } from '../fetch/content.ts';
import { installGlobals } from '../fetch/globals.ts';
import { linkClasses, nodeClasses } from '../fetch/native.ts';
import { requestOf } from '../fetch/request.ts';
import { contentOf, fieldsOf, isLightResponse, type Response } from '../fetch/response.ts';
import { FieldCache } from '../http/field-cache.ts';
import { type FieldInput, type PrecompiledFields, precompileFields } from '../http/fields.ts';
import type { Endpoint, Handler, HttpRequest, HttpResponse, TlsConnection } from '../http/handler.ts';
import { withoutHopByHop } from '../http/hop-by-hop.ts';
import { SERVED_BY } from '../http/served-by.ts';
import { FetchedResponse } from './fetched-response.ts';
import { sendStream } from './stream-source.ts';
import { withAsyncContext } from './with-async-context.ts';

/** The return value of an application: a light Response, Node's, or an object with the same members. */
export type AnyResponse = Response | globalThis.Response;

/** Facts of a request that a Request does not have: the addresses of its connection. */
export interface FetchInfo {
  /** The client's address. */
  readonly remote: Endpoint;
  /** The address the client connected to. */
  readonly local: Endpoint;
  /** How the connection is encrypted, and the client's certificate; null: it is not encrypted. */
  readonly tls: TlsConnection | null;
  /** The id of the request, with the option `requestIds`; else empty. */
  readonly requestId: string;
  /** Sends an interim response, such as 103 Early Hints, before the final one: see `HttpResponse.inform`. */
  inform(status: number, fields?: FieldInput): void;
}

/** Returns the Response to a request, or a promise for it, as in Bun, Deno, Hono and h3. */
export type FetchFunction = (request: globalThis.Request, info: FetchInfo) => AnyResponse | PromiseLike<AnyResponse>;
/** A {@link FetchFunction}, or an object with it (`export default { fetch }`). */
export type FetchApplication = FetchFunction | { fetch: FetchFunction };

/** The options of {@link fetchHandler}. */
export interface FetchOptions {
  /** Make the light Headers, Request and Response the globals of this thread. Default: false. */
  readonly overrideGlobals?: boolean;
}

/** The fields of text content without others. */
const TEXT: PrecompiledFields = precompileFields([['content-type', 'text/plain;charset=UTF-8']]);
const NOTHING: PrecompiledFields = precompileFields([]);

/**
 * Returns a handler that runs a fetch application, each request in its own async context. A return value that is not a
 * Response is `ERR_APPLICATION`, and the client gets 500.
 * @throws EpollServerError `ERR_OPTION` when it is neither a function nor an object with one.
 */
export function fetchHandler(application: FetchApplication, options: FetchOptions = {}): Handler {
  const respond = functionOf(application);
  // Loads Node's classes now, so that the first request does not wait for them.
  linkClasses();
  if (options.overrideGlobals === true) installGlobals();
  const cache = new FieldCache(prepareEndToEnd);
  return withAsyncContext((http, response) => {
    // The application may keep the Request, and read it at any later time.
    http.retain();
    http.servedBy = SERVED_BY.FETCH;
    const returned = respond(requestOf(http), new Info(http, response));
    return isThenable(returned)
      ? returned.then((later) => send(later, http, response, cache))
      : send(returned, http, response, cache);
  });
}

function functionOf(application: FetchApplication): FetchFunction {
  if (typeof application === 'function') return application;
  if (typeof application === 'object' && application !== null && typeof application.fetch === 'function') {
    return (request, info) => application.fetch(request, info);
  }
  throw new EpollServerError(
    'ERR_OPTION',
    `a fetch application is a function of a Request, or an object with such a function as "fetch", not ${typeof application}`,
  );
}

class Info implements FetchInfo {
  readonly #request: HttpRequest;
  readonly #response: HttpResponse;

  constructor(request: HttpRequest, response: HttpResponse) {
    this.#request = request;
    this.#response = response;
  }

  get requestId(): string {
    return this.#request.id ?? '';
  }

  get remote(): Endpoint {
    return this.#request.remote;
  }

  get local(): Endpoint {
    return this.#request.local;
  }

  get tls(): TlsConnection | null {
    return this.#request.tls;
  }

  inform(status: number, fields?: FieldInput): void {
    this.#response.inform(status, fields);
  }
}

/** Sends a Response of an application, or an object with the same members, as the response to `http`. */
export function sendResponse(result: unknown, http: HttpRequest, response: HttpResponse): void | Promise<void> {
  return send(result, http, response, new FieldCache(prepareEndToEnd));
}

function prepareEndToEnd(pairs: readonly (readonly [string, string])[]): PrecompiledFields {
  return precompileFields(withoutHopByHop(pairs));
}

function send(result: unknown, http: HttpRequest, response: HttpResponse, cache: FieldCache): void | Promise<void> {
  if (typeof result !== 'object' || result === null) {
    throw broken(`it must return a Response, not ${result === null ? 'null' : typeof result}`);
  }
  if (isLightResponse(result)) return sendLight(result, http, response, cache);
  if (result instanceof nodeClasses().Response || FetchedResponse.isResponseLike(result)) {
    return new FetchedResponse(result).send(http, response);
  }
  throw broken('it must return a Response, not another object');
}

function sendLight(
  result: Response,
  http: HttpRequest,
  response: HttpResponse,
  cache: FieldCache,
): void | Promise<void> {
  const { status, statusText } = result;
  if (status === 0) throw broken('it must return a response that can be sent, not Response.error()');
  const content = contentOf(result);
  const fields = preparedOf(result, content, cache);
  // Most responses have none.
  if (statusText !== '') response.reasonPhrase = statusText;
  if (content === null) return response.send(status, fields);
  const taken = take(content);
  if (typeof taken === 'string' || taken instanceof Uint8Array) return response.send(status, fields, taken);
  const stream = taken instanceof ReadableStream ? taken : content.stream;
  return sendStream({ status, fields, stream }, http, response);
}

function take(content: Content): ReturnType<Content['take']> {
  if (content.unusable) {
    throw broken('the body of the returned Response was read already: return a new Response, or a clone()');
  }
  return content.take();
}

function preparedOf(result: Response, content: Content | null, cache: FieldCache): PrecompiledFields {
  const list = fieldsOf(result);
  if (list === null) {
    const type = content?.type ?? null;
    if (type === null) return NOTHING;
    return type.startsWith('text/plain') ? TEXT : cache.prepare([['content-type', type]]);
  }
  try {
    return cache.prepare(list);
  } catch (error) {
    throw new EpollServerError('ERR_INVALID_FIELD', messageOf(error), { cause: error });
  }
}

function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

function broken(rule: string): EpollServerError {
  return new EpollServerError('ERR_APPLICATION', `fetch application: ${rule}`);
}

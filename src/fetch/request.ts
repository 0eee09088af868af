// A light Request class (Fetch standard, section 5.4): a received request is read when its properties are read. Modes,
// caches and referrers, which mean nothing to a server, are left to Node's class.

import {
  arrayBufferOf,
  blobOf,
  bytesOf,
  Content,
  extract,
  formDataOf,
  type IncomingContent,
  jsonOf,
  textOf,
} from './content.ts';
import { Headers, listOf, parsedHeaders } from './headers.ts';
import { isLinked, linkBehind, linkClasses, nodeClasses, showAs } from './native.ts';
import { methodOf, parseUrl, type RequestInit, restOf } from './request-init.ts';
import { type RequestTarget, requestUrl } from './url.ts';

/** A received request; reading a property may cost time. */
export interface Incoming extends RequestTarget {
  readonly method: string;
  /** Names in lower case. */
  headers(): (readonly [string, string])[];
  readonly body: IncomingContent & { readonly length: number | undefined };
  readonly signal: AbortSignal;
}

const INCOMING: unique symbol = Symbol('incoming');

/** Whether `value` is a light Request. */
export let isLightRequest: (value: object) => value is Request;
/** Node's Request for a light one, made once; both share the body. */
export let nativeOf: (request: Request) => globalThis.Request;
/** The content of a Request; null without a body. */
let carriedBy: (request: Request) => Content | null;

/**
 * Request of the Fetch standard (https://fetch.spec.whatwg.org/#request-class): its members mean what the standard
 * says. Parts of a received request are made when they are read.
 */
export class Request {
  /** Null: this Request was made by its constructor. */
  #incoming: Incoming | null = null;
  #method: string | null = null;
  #url: string | null = null;
  #headers: Headers | null = null;
  /** Undefined: not read yet. */
  #content: Content | null | undefined;
  #signal: AbortSignal | null = null;
  #followed: AbortSignal | null = null;
  /** The members that Node's Request keeps; null: its defaults. */
  #rest: globalThis.Request | null = null;
  #native: globalThis.Request | null = null;

  /** @throws TypeError as the Fetch standard specifies. */
  constructor(input: string | URL | Request | globalThis.Request, init?: RequestInit);
  /** Used by `requestOf`. */
  constructor(input: Incoming, init: typeof INCOMING);
  constructor(input: string | URL | Request | globalThis.Request | Incoming, init?: RequestInit | typeof INCOMING) {
    if (!isLinked) linkClasses();
    if (isIncoming(input, init)) this.#incoming = input;
    else this.#make(input, typeof init === 'symbol' ? {} : (init ?? {}));
  }

  /** The method, such as `GET`. */
  get method(): string {
    this.#method ??= this.#incoming?.method ?? 'GET';
    return this.#method;
  }

  /** The absolute URL, with the requested host. */
  get url(): string {
    if (this.#url === null) this.#url = this.#incoming === null ? '' : requestUrl(this.#incoming);
    return this.#url;
  }

  /** The fields of the request. */
  get headers(): Headers {
    this.#headers ??= this.#incoming === null ? new Headers() : parsedHeaders(this.#incoming.headers());
    return this.#headers;
  }

  /** The content as a stream of Uint8Arrays; null without one. */
  get body(): ReadableStream<Uint8Array> | null {
    return this.#carried()?.stream ?? null;
  }

  /** Whether the content was read: it can be read once. */
  get bodyUsed(): boolean {
    return this.#carried()?.used ?? false;
  }

  /** Aborts when the connection ends before the response does, or when the signal of the init aborts. */
  get signal(): AbortSignal {
    if (this.#signal === null) {
      const followed = this.#followed ?? this.#incoming?.signal;
      this.#signal = this.#incoming !== null && followed !== undefined ? followed : AbortSignal['any'](list(followed));
    }
    return this.#signal;
  }

  /** The request is sent before its response is read. */
  get duplex(): 'half' {
    return 'half';
  }

  /** The next members are those of the init, with the defaults of the standard. The server does not use them. */
  get cache(): globalThis.Request['cache'] {
    return this.#rest?.cache ?? 'default';
  }

  get credentials(): globalThis.Request['credentials'] {
    return this.#rest?.credentials ?? 'same-origin';
  }

  get destination(): globalThis.Request['destination'] {
    return this.#rest?.destination ?? '';
  }

  get integrity(): string {
    return this.#rest?.integrity ?? '';
  }

  get keepalive(): boolean {
    return this.#rest?.keepalive ?? false;
  }

  get mode(): globalThis.Request['mode'] {
    return this.#rest?.mode ?? 'cors';
  }

  get redirect(): globalThis.Request['redirect'] {
    return this.#rest?.redirect ?? 'follow';
  }

  get referrer(): string {
    return this.#rest?.referrer ?? 'about:client';
  }

  get referrerPolicy(): globalThis.Request['referrerPolicy'] {
    return this.#rest?.referrerPolicy ?? '';
  }

  /** The whole content. Like all methods that read, it rejects with a TypeError when the content was read before. */
  arrayBuffer(): Promise<ArrayBuffer> {
    return arrayBufferOf(this.#carried());
  }

  /** The whole content, with the media type of Content-Type. */
  blob(): Promise<Blob> {
    return blobOf(this.#carried(), this.headers.get('content-type'));
  }

  /** The whole content. */
  bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return bytesOf(this.#carried());
  }

  /** The content as a form: `multipart/form-data` or `application/x-www-form-urlencoded`; otherwise a TypeError. */
  formData(): Promise<FormData> {
    return formDataOf(this.#carried(), this.headers.get('content-type'));
  }

  /** The content as JSON; rejects with a SyntaxError when it is malformed. */
  json(): Promise<unknown> {
    return jsonOf(this.#carried());
  }

  /** The content as UTF-8, without a byte order mark. */
  text(): Promise<string> {
    return textOf(this.#carried());
  }

  /** @throws TypeError when the body was read, or is locked by a reader. */
  clone(): Request {
    const content = this.#carried();
    if (content?.unusable === true)
      throw new TypeError('Request.clone: the body was read already, or is locked by a reader');
    const clone = new Request(this.url);
    clone.#method = this.method;
    clone.#headers = new Headers(this.headers);
    clone.#content = content?.clone() ?? null;
    clone.#followed = this.signal;
    clone.#rest = this.#rest;
    return clone;
  }

  get [Symbol.toStringTag](): string {
    return 'Request';
  }

  static {
    isLightRequest = (value) => #incoming in value;
    carriedBy = (request) => request.#carried();
    nativeOf = (request) => Request.#nativeOf(request);
  }

  static #nativeOf(request: Request): globalThis.Request {
    if (request.#native === null) {
      const { method, url, body, signal } = request;
      const headers = [...listOf(request.headers)].map(([name, value]): [string, string] => [name, value]);
      const content = body === null ? {} : { body, duplex: 'half' as const };
      const { Request: NodeRequest } = nodeClasses();
      request.#native = new NodeRequest(request.#rest ?? url, { method, headers, signal, ...content });
    }
    return request.#native;
  }

  /** The constructor's steps. */
  #make(input: unknown, init: RequestInit): void {
    if (typeof init !== 'object' && typeof init !== 'function') throw new TypeError('Request: init must be an object');
    const from = asRequest(input);
    this.#url = from === null ? parseUrl(input) : from.url;
    this.#rest = this.#restOf(from, init);
    this.#method = init.method === undefined ? (from?.method ?? 'GET') : methodOf(init.method);
    this.#followed = followedOf(from, init);
    this.#headers = new Headers(init.headers === undefined ? from?.headers : init.headers);
    if (init.duplex !== undefined && init.duplex !== 'half') throw new TypeError("Request: duplex must be 'half'");
    this.#content = this.#contentOf(from, init);
  }

  #contentOf(from: Request | globalThis.Request | null, init: RequestInit): Content | null {
    const given = init.body ?? null;
    const hasBody = given !== null || (init.body === undefined && from !== null && from.body !== null);
    if (!hasBody) return null;
    if (this.#method === 'GET' || this.#method === 'HEAD') {
      throw new TypeError(`Request: a ${this.#method} request has no body`);
    }
    if (given === null) return inherited(from);
    const content = extract(given);
    if (content.isStream && given instanceof ReadableStream && init.duplex === undefined) {
      throw new TypeError("Request: a body that is a stream needs duplex: 'half'");
    }
    if (content.type !== null && !this.headers.has('content-type')) this.headers.append('content-type', content.type);
    return content;
  }

  /** Leaves modes and the like to Node's checks, if there are any. */
  #restOf(from: Request | globalThis.Request | null, init: RequestInit): globalThis.Request | null {
    const earlier = from === null ? null : isLightRequest(from) ? from.#rest : bare(from);
    // A light Request with default modes, taken as an init, adds nothing.
    if (isLightRequest(init) && init.#rest === null) return earlier;
    return restOf(this.url, earlier, init);
  }

  /** The content; null for GET and HEAD, since such a Request has no body. */
  #carried(): Content | null {
    if (this.#content === undefined) {
      const incoming = this.#incoming;
      const hasBody =
        incoming !== null && incoming.body.length !== 0 && this.method !== 'GET' && this.method !== 'HEAD';
      this.#content = hasBody ? new Content(incoming.body, null) : null;
    }
    return this.#content;
  }
}

linkBehind(Request, 'Request', shareState);
showAs(Request, ({ method, url, headers, bodyUsed }) => ({ method, url, headers, bodyUsed }));

/**
 * The Request for a received request; nothing of it is read yet. Its type is that of the global class, for which
 * applications are written, and of which it is an instance too.
 */
export function requestOf(incoming: Incoming): globalThis.Request {
  const request = new Request(incoming, INCOMING);
  assertNative(request);
  return request;
}

/** True by {@link linkBehind}. The two types differ only in the type of a stream's bytes. */
function assertNative(_request: object): asserts _request is globalThis.Request {}

/** Shares the state, so that Node's fetch accepts a light Request where Node keeps it under symbols (20, 22). */
function shareState(): void {
  const { Request: NodeRequest } = nodeClasses();
  for (const symbol of Object.getOwnPropertySymbols(new NodeRequest('http://localhost'))) {
    Object.defineProperty(Request.prototype, symbol, {
      get(this: Request): unknown {
        return Reflect.get(nativeOf(this), symbol);
      },
    });
  }
}

function isIncoming(_input: unknown, init: unknown): _input is Incoming {
  return init === INCOMING;
}

function list(signal: AbortSignal | undefined | null): AbortSignal[] {
  return signal === undefined || signal === null ? [] : [signal];
}

function asRequest(input: unknown): Request | globalThis.Request | null {
  if (typeof input !== 'object' || input === null) return null;
  if (isLightRequest(input)) return input;
  return input instanceof nodeClasses().Request ? input : null;
}

/** Node's Request without the parts that the light one implements. */
function bare(from: globalThis.Request): globalThis.Request {
  const { cache, credentials, integrity, keepalive, mode, redirect, referrer, referrerPolicy } = from;
  const rest = { cache, credentials, integrity, keepalive, redirect, referrerPolicy };
  const { Request: NodeRequest } = nodeClasses();
  return new NodeRequest(from.url, {
    ...rest,
    ...(mode === 'navigate' ? {} : { mode }),
    ...(referrer === 'about:client' ? {} : { referrer }),
  });
}

function inherited(from: Request | globalThis.Request | null): Content | null {
  if (from === null) return null;
  if (isLightRequest(from)) return carriedBy(from)?.transfer() ?? null;
  if (from.bodyUsed || from.body?.locked === true) throw new TypeError('Request: the body of the input was read');
  return from.body === null ? null : new Content(null, from.body).transfer();
}

function followedOf(from: Request | globalThis.Request | null, init: RequestInit): AbortSignal | null {
  if (init.signal === undefined) return from?.signal ?? null;
  if (init.signal === null || init.signal instanceof AbortSignal) return init.signal;
  throw new TypeError('Request: signal must be an AbortSignal');
}

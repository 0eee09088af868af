// A light Response class (Fetch standard, section 5.5): whole content stays whole until its stream is read.

import {
  arrayBufferOf,
  type BodyInit,
  blobOf,
  bytesOf,
  Content,
  extract,
  formDataOf,
  jsonOf,
  textOf,
} from './content.ts';
import { byteString, frozen, Headers, type HeadersInit, listOf, type Pair } from './headers.ts';
import { isLinked, linkBehind, linkClasses, showAs } from './native.ts';

/** The init of a Response; another Response is one too. */
export interface ResponseInit {
  /** 200 to 599. Default: 200. */
  readonly status?: number;
  /** The reason phrase. Default: empty, which sends the standard one. */
  readonly statusText?: string;
  /** Default: the type of the body, if it has one. */
  readonly headers?: HeadersInit;
}

/** Statuses that forbid a body ("null body status"). */
const NULL_BODY = new Set([101, 103, 204, 205, 304]);
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const REASON = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Whether `value` is a light Response. */
export let isLightResponse: (value: object) => value is Response;
/** The content to be sent; null without a body. */
export let contentOf: (response: Response) => Content | null;
/** The fields to be sent; null when the content's type is the only one. */
export let fieldsOf: (response: Response) => readonly Pair[] | null;

/**
 * Response of the Fetch standard (https://fetch.spec.whatwg.org/#response-class): its members mean what the standard
 * says.
 */
export class Response {
  #status = 200;
  #statusText = '';
  /** Null: only the type of the content. */
  #headers: Headers | null = null;
  #content: Content | null = null;
  #type: 'default' | 'error' = 'default';

  /** @throws TypeError, RangeError as the Fetch standard specifies. */
  constructor(body?: BodyInit | null, init?: ResponseInit) {
    if (!isLinked) linkClasses();
    if (body !== undefined && body !== null) this.#content = extract(body);
    if (init !== undefined && init !== null) this.#initialize(init);
  }

  /** `error` for `Response.error()`. */
  get type(): 'default' | 'error' {
    return this.#type;
  }

  /** Empty: only a fetched Response has one. */
  get url(): string {
    return '';
  }

  /** Always false: only a fetched Response was redirected. */
  get redirected(): boolean {
    return false;
  }

  /** 200 to 599; 0 for `Response.error()`. */
  get status(): number {
    return this.#status;
  }

  /** Whether the status is from 200 to 299. */
  get ok(): boolean {
    return this.#status >= 200 && this.#status <= 299;
  }

  /** The reason phrase; may be empty. */
  get statusText(): string {
    return this.#statusText;
  }

  /** The fields. */
  get headers(): Headers {
    this.#headers ??= this.#ownHeaders();
    return this.#headers;
  }

  /** The content as a stream of Uint8Arrays; null without one. */
  get body(): ReadableStream<Uint8Array> | null {
    return this.#content?.stream ?? null;
  }

  /** Whether the content was read: it can be read once. */
  get bodyUsed(): boolean {
    return this.#content?.used ?? false;
  }

  /** The whole content. Like all methods that read, it rejects with a TypeError when the content was read before. */
  arrayBuffer(): Promise<ArrayBuffer> {
    return arrayBufferOf(this.#content);
  }

  /** The whole content, with the media type of Content-Type. */
  blob(): Promise<Blob> {
    return blobOf(this.#content, this.headers.get('content-type'));
  }

  /** The whole content. */
  bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return bytesOf(this.#content);
  }

  /** The content as a form: `multipart/form-data` or `application/x-www-form-urlencoded`; otherwise a TypeError. */
  formData(): Promise<FormData> {
    return formDataOf(this.#content, this.headers.get('content-type'));
  }

  /** The content as JSON; rejects with a SyntaxError when it is malformed. */
  json(): Promise<unknown> {
    return jsonOf(this.#content);
  }

  /** The content as UTF-8, without a byte order mark. */
  text(): Promise<string> {
    return textOf(this.#content);
  }

  /** @throws TypeError when the body was read, or is locked by a reader. */
  clone(): Response {
    if (this.#content?.unusable === true)
      throw new TypeError('Response.clone: the body was read already, or is locked by a reader');
    const clone = new Response();
    clone.#status = this.#status;
    clone.#statusText = this.#statusText;
    clone.#headers = new Headers(this.headers);
    clone.#content = this.#content?.clone() ?? null;
    clone.#type = this.#type;
    return clone;
  }

  static error(): Response {
    const response = new Response();
    response.#type = 'error';
    response.#status = 0;
    response.#headers = frozen(new Headers());
    return response;
  }

  /** @throws TypeError when `url` is malformed, RangeError when `status` is not that of a redirect. */
  static redirect(url: string | URL, status = 302): Response {
    const { href } = new URL(url);
    if (!REDIRECTS.has(status))
      throw new RangeError(`Response.redirect: the status must be one of a redirect, not ${status}`);
    const response = new Response();
    response.#status = status;
    response.#headers = frozen(new Headers([['location', href]]));
    return response;
  }

  /** @throws TypeError when `data` has no JSON form. */
  static json(data: unknown, init: ResponseInit = {}): Response {
    const text: unknown = JSON.stringify(data);
    if (typeof text !== 'string') throw new TypeError(`Response.json: ${typeof data} has no JSON form`);
    const response = new Response();
    response.#content = new Content(text, null, 'application/json');
    response.#initialize(init);
    return response;
  }

  get [Symbol.toStringTag](): string {
    return 'Response';
  }

  static {
    isLightResponse = (value) => #content in value;
    contentOf = (response) => response.#content;
    fieldsOf = (response) => (response.#headers === null ? null : listOf(response.#headers));
  }

  /** "Initialize a response". */
  #initialize(init: ResponseInit): void {
    if (typeof init !== 'object' && typeof init !== 'function') throw new TypeError('Response: init must be an object');
    const { headers, status, statusText } = init;
    if (status !== undefined) this.#status = statusOf(status);
    if (statusText !== undefined) this.#statusText = reasonOf(statusText);
    if (headers !== undefined) {
      this.#headers = new Headers(headers);
      this.#addType(this.#headers);
    }
    if (this.#content !== null && NULL_BODY.has(this.#status)) {
      throw new TypeError(`Response: a response with status ${this.#status} must not have a body`);
    }
  }

  #ownHeaders(): Headers {
    const headers = new Headers();
    this.#addType(headers);
    return headers;
  }

  #addType(headers: Headers): void {
    const type = this.#content?.type ?? null;
    if (type !== null && !headers.has('content-type')) headers.append('content-type', type);
  }
}

linkBehind(Response, 'Response');
showAs(Response, ({ status, statusText, headers, bodyUsed, ok, type }) => {
  return { status, statusText, headers, bodyUsed, ok, type };
});

/** An `unsigned short`, and 200 to 599. */
function statusOf(given: number): number {
  const status = Math.trunc(Number(given)) & 0xffff;
  if (status < 200 || status > 599)
    throw new RangeError(`Response: the status must be from 200 to 599, not ${String(given)}`);
  return status;
}

function reasonOf(given: string): string {
  const reason = byteString(given, 'Response: statusText');
  if (!REASON.test(reason))
    throw new TypeError('Response: statusText contains a character that a reason phrase must not have');
  return reason;
}

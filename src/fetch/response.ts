// Response by the Fetch standard (section 5.5), light: what is whole stays whole until somebody wants a stream.
// It must not know who sends it.

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
import { isLinked, linkClasses, showAs, standBehind } from './native.ts';

export interface ResponseInit {
  /** 200 to 599. Default: 200. */
  readonly status?: number;
  readonly statusText?: string;
  readonly headers?: HeadersInit;
}

/** Statuses that forbid a body ("null body status"). */
const NULL_BODY = new Set([101, 103, 204, 205, 304]);
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const REASON = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Whether it is one of ours. */
export let isLightResponse: (value: object) => value is Response;
/** For who sends it: null when it carries nothing. */
export let contentOf: (response: Response) => Content | null;
/** For who sends it: the fields, or null when only the content's type is one. */
export let fieldsOf: (response: Response) => readonly Pair[] | null;

export class Response {
  #status = 200;
  #statusText = '';
  /** Null: nothing but what the content says of itself. */
  #headers: Headers | null = null;
  #content: Content | null = null;
  #type: 'default' | 'error' = 'default';

  /** @throws TypeError, RangeError as the standard says. */
  constructor(body?: BodyInit | null, init?: ResponseInit) {
    if (!isLinked) linkClasses();
    if (body !== undefined && body !== null) this.#content = extract(body);
    if (init !== undefined && init !== null) this.#initialize(init);
  }

  get type(): 'default' | 'error' {
    return this.#type;
  }

  /** Empty: only what was fetched has one. */
  get url(): string {
    return '';
  }

  get redirected(): boolean {
    return false;
  }

  get status(): number {
    return this.#status;
  }

  get ok(): boolean {
    return this.#status >= 200 && this.#status <= 299;
  }

  get statusText(): string {
    return this.#statusText;
  }

  get headers(): Headers {
    this.#headers ??= this.#ownHeaders();
    return this.#headers;
  }

  get body(): ReadableStream<Uint8Array> | null {
    return this.#content?.stream ?? null;
  }

  get bodyUsed(): boolean {
    return this.#content?.used ?? false;
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    return arrayBufferOf(this.#content);
  }

  blob(): Promise<Blob> {
    return blobOf(this.#content, this.headers.get('content-type'));
  }

  bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return bytesOf(this.#content);
  }

  formData(): Promise<FormData> {
    return formDataOf(this.#content, this.headers.get('content-type'));
  }

  json(): Promise<unknown> {
    return jsonOf(this.#content);
  }

  text(): Promise<string> {
    return textOf(this.#content);
  }

  /** @throws TypeError when the body was read, or somebody is reading it. */
  clone(): Response {
    if (this.#content?.unusable === true) throw new TypeError('Response.clone: the body was read');
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

  /** @throws TypeError when `url` is none, RangeError when `status` is no redirect. */
  static redirect(url: string | URL, status = 302): Response {
    const { href } = new URL(url);
    if (!REDIRECTS.has(status)) throw new RangeError(`${status} is not the status of a redirect`);
    const response = new Response();
    response.#status = status;
    response.#headers = frozen(new Headers([['location', href]]));
    return response;
  }

  /** @throws TypeError when `data` is nothing that JSON can say. */
  static json(data: unknown, init: ResponseInit = {}): Response {
    const text: unknown = JSON.stringify(data);
    if (typeof text !== 'string') throw new TypeError(`Response.json: JSON cannot say ${typeof data}`);
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
      throw new TypeError(`Response: an answer with status ${this.#status} has no body`);
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

standBehind(Response, 'Response');
showAs(Response, ({ status, statusText, headers, bodyUsed, ok, type }) => {
  return { status, statusText, headers, bodyUsed, ok, type };
});

/** An `unsigned short`, and 200 to 599. */
function statusOf(given: number): number {
  const status = Math.trunc(Number(given)) & 0xffff;
  if (status < 200 || status > 599) throw new RangeError(`Response: a status is 200 to 599, not ${String(given)}`);
  return status;
}

function reasonOf(given: string): string {
  const reason = byteString(given, 'Response: statusText');
  if (!REASON.test(reason)) throw new TypeError('Response: statusText holds what no reason phrase may');
  return reason;
}

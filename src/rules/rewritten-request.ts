// A request for another path than the client sent.

import type { FieldNames } from '../http/field-names.ts';
import type { Endpoint, HttpRequest, RequestBody, TlsConnection } from '../http/handler.ts';
import { SERVED_BY, type ServedBy } from '../http/served-by.ts';

/** The part of an absolute target in front of its path. */
const ABSOLUTE = /^https?:\/\/[^/?]*/i;

export class RewrittenRequest implements HttpRequest {
  readonly #request: HttpRequest;
  readonly path: string;
  readonly query: string;

  /** `path`: percent-encoded. `query`: without its `?`. */
  constructor(request: HttpRequest, path: string, query: string) {
    this.#request = request;
    this.path = path;
    this.query = query;
  }

  get method(): string {
    return this.#request.method;
  }

  /** An absolute target keeps its host, which overrides the field Host (RFC 9112 section 3.2.2). */
  get target(): string {
    const front = ABSOLUTE.exec(this.#request.target)?.[0] ?? '';
    return front + (this.query === '' ? this.path : `${this.path}?${this.query}`);
  }

  get host(): string {
    return this.#request.host;
  }

  get scheme(): 'http' | 'https' {
    return this.#request.scheme;
  }

  get tls(): TlsConnection | null {
    return this.#request.tls;
  }

  get id(): string {
    return this.#request.id ?? '';
  }

  get servedBy(): ServedBy {
    return this.#request.servedBy ?? SERVED_BY.RAW;
  }

  set servedBy(by: ServedBy) {
    this.#request.servedBy = by;
  }

  get httpVersion(): '1.0' | '1.1' {
    return this.#request.httpVersion;
  }

  header(name: string): string | undefined {
    return this.#request.header(name);
  }

  mayHave(names: FieldNames): boolean {
    return this.#request.mayHave?.(names) ?? true;
  }

  headers(): (readonly [string, string])[] {
    return this.#request.headers();
  }

  rawHeaders(): (readonly [string, string])[] {
    return this.#request.rawHeaders();
  }

  get body(): RequestBody {
    return this.#request.body;
  }

  get remote(): Endpoint {
    return this.#request.remote;
  }

  get local(): Endpoint {
    return this.#request.local;
  }

  get signal(): AbortSignal {
    return this.#request.signal;
  }

  whenGone(callback: (reason: unknown) => void): void {
    this.#request.whenGone(callback);
  }

  headText(): string {
    return this.#request.headText?.() ?? '';
  }

  whenClientEnds(callback: () => void): void {
    this.#request.whenClientEnds?.(callback);
  }

  whenLate(callback: () => void): void {
    this.#request.whenLate?.(callback);
  }

  retain(): void {
    this.#request.retain();
  }
}

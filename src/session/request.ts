// A request as handlers see it: read from where its bytes lie while they lie there, from a copy once the
// handler keeps it. It must not know how answers are written.

import { EpollServerError } from '../errors.ts';
import { equalsIgnoringCase } from '../http/characters.ts';
import type { Endpoint, HttpRequest } from '../http/handler.ts';
import { FIELD_WORDS, type HeadParser } from '../http/head-parser.ts';
import type { Connection } from '../connection/connection.ts';
import { Body, NO_BODY } from './body.ts';

const ABSOLUTE_FORM = /^https?:\/\/[^/?]*/i;

export class Request implements HttpRequest {
  readonly #connection: Connection;
  /** The head's bytes begin at `#base`; null once they are gone. */
  #bytes: Buffer | null;
  #base: number;
  #fieldTable: Int32Array;
  readonly #fieldCount: number;
  readonly #methodEnd: number;
  readonly #targetStart: number;
  readonly #targetEnd: number;
  readonly #methodStart: number;
  readonly #headLength: number;
  readonly #minorVersion: number;
  #retained = false;
  #method = '';
  #target = '';
  #abort: AbortController | null = null;
  #gone: EpollServerError | null = null;
  /** The content that follows; null when there is none. */
  readonly incoming: Body | null;

  constructor(connection: Connection, bytes: Buffer, base: number, parser: HeadParser, incoming: Body | null) {
    this.#connection = connection;
    this.#bytes = bytes;
    this.#base = base;
    this.#fieldTable = parser.fieldTable;
    this.#fieldCount = parser.fieldCount;
    this.#methodStart = parser.methodStart;
    this.#methodEnd = parser.methodEnd;
    this.#targetStart = parser.targetStart;
    this.#targetEnd = parser.targetEnd;
    this.#headLength = parser.length;
    this.#minorVersion = parser.minorVersion;
    this.incoming = incoming;
  }

  get method(): string {
    if (this.#method === '') this.#method = methodOf(this.#head(), this.#base + this.#methodStart, this.#base + this.#methodEnd);
    return this.#method;
  }

  get target(): string {
    if (this.#target === '') {
      this.#target = this.#head().toString('latin1', this.#base + this.#targetStart, this.#base + this.#targetEnd);
    }
    return this.#target;
  }

  get path(): string {
    const { target } = this;
    const queryAt = target.indexOf('?');
    const end = queryAt < 0 ? target.length : queryAt;
    if (target.charCodeAt(0) === 0x2f || target === '*') return end === target.length ? target : target.slice(0, end);
    // absolute-form (RFC 9112 section 3.2.2), as proxies and tests send it.
    return target.slice(0, end).replace(ABSOLUTE_FORM, '') || '/';
  }

  get query(): string {
    const queryAt = this.target.indexOf('?');
    return queryAt < 0 ? '' : this.target.slice(queryAt + 1);
  }

  get httpVersion(): '1.0' | '1.1' {
    return this.#minorVersion === 0 ? '1.0' : '1.1';
  }

  field(name: string): string | undefined {
    const bytes = this.#head();
    const lowerCase = name.toLowerCase();
    let value: string | undefined;
    for (let entry = 0; entry < this.#fieldCount * FIELD_WORDS; entry += FIELD_WORDS) {
      const start = this.#base + (this.#fieldTable[entry] ?? 0);
      const end = this.#base + (this.#fieldTable[entry + 1] ?? 0);
      if (end - start !== lowerCase.length || !isName(bytes, start, end, lowerCase)) continue;
      const text = this.#value(bytes, entry);
      value = value === undefined ? text : `${value}${lowerCase === 'cookie' ? '; ' : ', '}${text}`;
    }
    return value;
  }

  fields(): (readonly [string, string])[] {
    const bytes = this.#head();
    const list: (readonly [string, string])[] = [];
    for (let entry = 0; entry < this.#fieldCount * FIELD_WORDS; entry += FIELD_WORDS) {
      const start = this.#base + (this.#fieldTable[entry] ?? 0);
      const end = this.#base + (this.#fieldTable[entry + 1] ?? 0);
      list.push([bytes.toString('latin1', start, end).toLowerCase(), this.#value(bytes, entry)]);
    }
    return list;
  }

  get body(): Body {
    return this.incoming ?? NO_BODY;
  }

  get remote(): Endpoint {
    return this.#connection.peer;
  }

  get local(): Endpoint {
    return this.#connection.local;
  }

  get signal(): AbortSignal {
    if (this.#abort === null) {
      this.#abort = new AbortController();
      if (this.#gone !== null) this.#abort.abort(this.#gone);
    }
    return this.#abort.signal;
  }

  /** The head as it was received, for a trace. */
  headText(): string {
    return this.#head().toString('latin1', this.#base, this.#base + this.#headLength);
  }

  /** The handler keeps this request: its bytes are copied. */
  retain(): void {
    if (this.#retained || this.#bytes === null) return;
    this.#retained = true;
    this.#bytes = Buffer.from(this.#bytes.subarray(this.#base, this.#base + this.#headLength));
    this.#base = 0;
    this.#fieldTable = this.#fieldTable.slice(0, this.#fieldCount * FIELD_WORDS);
  }

  /** The handler is done with this request: its bytes will be used for something else. */
  release(): void {
    if (!this.#retained) this.#bytes = null;
  }

  /** The client is gone: `signal` aborts, readers of the body are told. */
  clientGone(reason: string): void {
    if (this.#gone !== null) return;
    this.#gone = new EpollServerError('ERR_CLIENT_GONE', reason);
    this.incoming?.fail(this.#gone);
    this.#abort?.abort(this.#gone);
  }

  #value(bytes: Buffer, entry: number): string {
    return bytes.toString('latin1', this.#base + (this.#fieldTable[entry + 2] ?? 0), this.#base + (this.#fieldTable[entry + 3] ?? 0));
  }

  #head(): Buffer {
    if (this.#bytes === null) {
      throw new EpollServerError(
        'ERR_REQUEST_OVER',
        'the request was answered and its handler returned: read what is needed later before answering, or return a promise',
      );
    }
    return this.#bytes;
  }
}

/** Names hold letters, digits, `-` and rare symbols; those go the slow way. */
function isName(bytes: Buffer, start: number, end: number, lowerCase: string): boolean {
  return equalsIgnoringCase(bytes, start, end, lowerCase) && bytes.toString('latin1', start, end).toLowerCase() === lowerCase;
}

/** Common methods without making a string. */
function methodOf(bytes: Buffer, start: number, end: number): string {
  const first = bytes[start];
  if (first === 0x47 && end - start === 3 && bytes[start + 1] === 0x45 && bytes[start + 2] === 0x54) return 'GET';
  return bytes.toString('latin1', start, end);
}

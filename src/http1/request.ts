// An HTTP/1 request as handlers see it. It reads the received bytes in place, and a copy once the handler retains it.

import type { Channel } from '../connection/channel.ts';
import { EpollServerError } from '../errors.ts';
import { type Body, NO_BODY } from '../exchange/body.ts';
import { combineFields, separatorOf } from '../http/combined-fields.ts';
import type { FieldNames } from '../http/field-names.ts';
import type { Endpoint, HttpRequest, TlsConnection } from '../http/handler.ts';
import { FIELD_WORDS, type Head } from '../http/head.ts';
import { latin1 } from '../http/latin1.ts';
import type { RequestId } from '../http/request-ids.ts';
import { SERVED_BY, type ServedBy } from '../http/served-by.ts';
import { StringInterner } from '../http/string-interner.ts';
import { authorityEnd, authorityStart } from '../http/target.ts';

/** Paths and hosts: clients of one server send the same again and again. */
const strings = new StringInterner();

/**
 * A block for the heads of retained requests, as in `Head.copy`. Node's own pool costs 800 instructions more for each
 * (Node 20).
 */
const KEPT_BYTES = 16_384;
/** Longer heads get a block of their own, so that little of a block stays unused. */
const MAX_SHARED_BYTES = KEPT_BYTES / 4;

let keptBytes: Buffer = Buffer.alloc(0);
let keptUsed = 0;

/** Copies `length` bytes from `start` on into {@link keptBytes}, and returns where they begin there. */
function keepBytes(bytes: Buffer, start: number, length: number): number {
  if (keptUsed + length > keptBytes.length) {
    keptBytes = Buffer.allocUnsafeSlow(length > MAX_SHARED_BYTES ? length : KEPT_BYTES);
    keptUsed = 0;
  }
  const at = keptUsed;
  keptBytes.set(new Uint8Array(bytes.buffer, bytes.byteOffset + start, length), at);
  keptUsed = at + length;
  return at;
}

const SLASH = 0x2f;
/** A request with more fields than this gets an index of all names, so that n lookups take linear time. */
const MAX_SEARCHED = 64;

const ABSOLUTE_FORM = /^https?:\/\/[^/?]*/i;

export class Http1Request implements HttpRequest {
  readonly #channel: Channel;
  /** Null once the bytes are gone. */
  #head: Head | null;
  /** The bytes of the head begin at `#base`. */
  #bytes: Buffer;
  #base: number;
  #retained = false;
  #method = '';
  /** Empty: not read yet. Rules, files and the log read it, and to find it costs more than to keep it. */
  #path = '';
  /** The value of each name, when there are many. */
  #values: ReadonlyMap<string, string> | null = null;
  #abort: AbortController | null = null;
  /** The reason with which `signal` aborts. */
  #left: EpollServerError | null = null;
  /** The reason for which the connection ended; null while it lasts. */
  #gone: EpollServerError | null = null;
  #goneCallbacks: ((reason: unknown) => void)[] | null = null;
  #endCallback: (() => void) | null = null;
  #lateCallback: (() => void) | null = null;
  /** Null without the option `requestIds`. */
  requestId: RequestId | null = null;
  /** A raw handler sets nothing. */
  servedBy: ServedBy = SERVED_BY.RAW;
  /** The body; null when there is none. */
  readonly incoming: Body | null;

  constructor(channel: Channel, bytes: Buffer, base: number, head: Head, incoming: Body | null) {
    this.#channel = channel;
    this.#bytes = bytes;
    this.#base = base;
    this.#head = head;
    this.incoming = incoming;
  }

  get method(): string {
    if (this.#method === '') {
      const { isGet, methodStart, methodEnd } = this.#valid();
      this.#method = isGet ? 'GET' : this.#text(methodStart, methodEnd);
    }
    return this.#method;
  }

  get target(): string {
    const { targetStart, targetEnd } = this.#valid();
    return this.#text(targetStart, targetEnd);
  }

  get path(): string {
    const { targetStart, queryAt } = this.#valid();
    if (this.#path !== '') return this.#path;
    const first = this.#bytes[this.#base + targetStart];
    if (first === SLASH && queryAt === targetStart + 1) return '/';
    const path = strings.text(this.#bytes, this.#base + targetStart, this.#base + queryAt);
    // absolute-form (RFC 9112 section 3.2.2), as proxies and tests send it.
    this.#path = first === SLASH || path === '*' ? path : path.replace(ABSOLUTE_FORM, '') || '/';
    return this.#path;
  }

  get query(): string {
    const { queryAt, targetEnd } = this.#valid();
    return queryAt + 1 < targetEnd ? this.#text(queryAt + 1, targetEnd) : '';
  }

  get host(): string {
    const { targetStart, targetEnd } = this.#valid();
    const [start, end] = [this.#base + targetStart, this.#base + targetEnd];
    if (this.#bytes[start] === SLASH || authorityStart(this.#bytes, start, end) < 0) return this.#hostField();
    return latin1(this.#bytes, authorityStart(this.#bytes, start, end), authorityEnd(this.#bytes, start, end));
  }

  /** The Host field, of which the parser accepts at most one. Clients of one server send the same again and again. */
  #hostField(): string {
    const head = this.#valid();
    const entry = this.#entryOf(head, 'host', head.fieldsAt);
    if (entry < 0) return '';
    const start = this.#base + (head.fieldTable[entry + 2] ?? 0);
    return strings.text(this.#bytes, start, this.#base + (head.fieldTable[entry + 3] ?? 0));
  }

  get scheme(): 'http' | 'https' {
    return this.#channel.isSecure ? 'https' : 'http';
  }

  get tls(): TlsConnection | null {
    return this.#channel.tls;
  }

  get httpVersion(): '1.0' | '1.1' {
    return this.#valid().minorVersion === 0 ? '1.0' : '1.1';
  }

  get id(): string {
    return this.requestId === null ? '' : this.requestId.text;
  }

  header(name: string): string | undefined {
    const head = this.#valid();
    if ((head.nameLengths & (1 << name.length)) === 0) return undefined;
    return this.#find(head, name.toLowerCase());
  }

  /** The value of the field `lowerCase`, sent in any case. Several lines become a list (RFC 9110 section 5.3). */
  #find(head: Head, lowerCase: string): string | undefined {
    if (head.fieldCount > MAX_SEARCHED) {
      this.#values ??= combineFields(this.headers());
      return this.#values.get(lowerCase);
    }
    let value: string | undefined;
    let entry = this.#entryOf(head, lowerCase, head.fieldsAt);
    while (entry >= 0) {
      const text = this.#value(head, entry);
      value = value === undefined ? text : value + separatorOf(lowerCase) + text;
      entry = this.#entryOf(head, lowerCase, entry + FIELD_WORDS);
    }
    return value;
  }

  /** The words of the first field of that name, from the word `from` on; -1: there is none. */
  #entryOf(head: Head, lowerCase: string, from: number): number {
    const entriesEnd = head.fieldsAt + head.fieldCount * FIELD_WORDS;
    for (let entry = from; entry < entriesEnd; entry += FIELD_WORDS) {
      const start = head.fieldTable[entry] ?? 0;
      const end = head.fieldTable[entry + 1] ?? 0;
      if (end - start === lowerCase.length && isName(this.#bytes, this.#base + start, lowerCase)) return entry;
    }
    return -1;
  }

  mayHave(names: FieldNames): boolean {
    return (this.#valid().nameLengths & names.lengths) !== 0;
  }

  headers(): (readonly [string, string])[] {
    const head = this.#valid();
    const list: (readonly [string, string])[] = [];
    const entriesEnd = head.fieldsAt + head.fieldCount * FIELD_WORDS;
    for (let entry = head.fieldsAt; entry < entriesEnd; entry += FIELD_WORDS) {
      const name = this.#lineText(head, entry);
      list.push([name.toLowerCase(), this.#value(head, entry)]);
    }
    return list;
  }

  rawHeaders(): (readonly [string, string])[] {
    const head = this.#valid();
    const list: (readonly [string, string])[] = [];
    const entriesEnd = head.fieldsAt + head.fieldCount * FIELD_WORDS;
    for (let entry = head.fieldsAt; entry < entriesEnd; entry += FIELD_WORDS) {
      list.push([this.#lineText(head, entry), this.#value(head, entry)]);
    }
    return list;
  }

  get body(): Body {
    return this.incoming ?? NO_BODY;
  }

  get remote(): Endpoint {
    this.#valid();
    return this.#channel.peer;
  }

  get local(): Endpoint {
    this.#valid();
    return this.#channel.local;
  }

  get signal(): AbortSignal {
    if (this.#abort === null) {
      this.#abort = new AbortController();
      if (this.#left !== null) this.#abort.abort(this.#left);
    }
    return this.#abort.signal;
  }

  whenGone(callback: (reason: unknown) => void): void {
    if (this.#gone !== null) {
      callback(this.#gone);
      return;
    }
    this.#goneCallbacks ??= [];
    this.#goneCallbacks.push(callback);
  }

  whenClientEnds(callback: () => void): void {
    this.#endCallback = callback;
  }

  /** The client has finished sending, and all bytes that it sent are used. */
  clientEnded(): void {
    const callback = this.#endCallback;
    this.#endCallback = null;
    callback?.();
  }

  whenLate(callback: () => void): void {
    this.#lateCallback = callback;
  }

  /** The time of the handler is over. */
  handlerLate(): void {
    this.#lateCallback?.();
  }

  /** Whether `signal` has aborted, or will abort when it is created. */
  get hasLeft(): boolean {
    return this.#left !== null;
  }

  /** The head as it was received, for a trace. */
  headText(): string {
    return this.#text(0, this.#valid().length);
  }

  /** Copies the bytes of the head, so that the request stays valid. */
  retain(): void {
    if (this.#retained || this.#head === null) return;
    this.#channel.captureAddresses();
    this.#head = this.#head.copy();
    this.#base = keepBytes(this.#bytes, this.#base, this.#head.length);
    this.#bytes = keptBytes;
    this.#retained = true;
  }

  /** Ends the use of bytes that were not copied: they will be reused. */
  release(): void {
    if (!this.#retained) this.#head = null;
  }

  /** The client is gone: `signal` aborts, readers of the body fail, and further output is dropped. */
  clientGone(reason: string): void {
    if (this.#gone !== null) return;
    const error = new EpollServerError('ERR_CLIENT_GONE', reason);
    this.#gone = error;
    this.incoming?.fail(error);
    this.#leave(error);
    const callbacks = this.#goneCallbacks;
    this.#goneCallbacks = null;
    if (callbacks !== null) for (const callback of callbacks) callback(error);
  }

  /** The client may be gone: only `signal` aborts. */
  clientLeft(reason: string): void {
    if (!this.hasLeft) this.#leave(new EpollServerError('ERR_CLIENT_GONE', reason));
  }

  #leave(error: EpollServerError): void {
    if (this.#left !== null) return;
    this.#left = error;
    this.#abort?.abort(error);
  }

  #value(head: Head, entry: number): string {
    return this.#lineText(head, entry + 2);
  }

  /** The text between two offsets of the table. */
  #lineText(head: Head, at: number): string {
    return this.#text(head.fieldTable[at] ?? 0, head.fieldTable[at + 1] ?? 0);
  }

  #text(start: number, end: number): string {
    return latin1(this.#bytes, this.#base + start, this.#base + end);
  }

  #valid(): Head {
    if (this.#head === null) {
      throw new EpollServerError(
        'ERR_REQUEST_OVER',
        'the request is over, since its handler responded and returned: call request.retain() first, or return a promise',
      );
    }
    return this.#head;
  }
}

/** Whether the name at `bytes[start]`, as long as `lowerCase`, is it in any case. */
function isName(bytes: Buffer, start: number, lowerCase: string): boolean {
  for (let i = 0; i < lowerCase.length; i++) {
    const byte = bytes[start + i] ?? 0;
    const lower = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
    if (lower !== lowerCase.charCodeAt(i)) return false;
  }
  return true;
}

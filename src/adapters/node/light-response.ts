// The response of an application for node:http: a response of Node whose constructor makes nothing that may not be used,
// and whose head and end take one pass where nothing unusual is asked for. Node's own methods understand all its fields.

import { EventEmitter } from 'node:events';
import { STATUS_CODES } from 'node:http';
import type { NodeExchange } from './exchange.ts';
import { LightRequest } from './light-request.ts';
import {
  ASCII_HEAD,
  CAPTURE,
  END_CALLBACKS,
  FLUSH_ERROR,
  HIGH_WATER_MARK_BYTES,
  hiddenKey,
  NEED_DRAIN,
  NodeIncomingMessage,
  NodeServerResponse,
  type OutgoingResponse,
  type ServerRequest,
  SHAPE_MODE,
  UNIQUE_HEADERS,
  WRITABLE_FINISHED,
} from './messages.ts';
import { checkedName, isAsciiValue, type OutHeaders, OutHeadersMap } from './out-headers.ts';
import type { ServerSocket } from './server-socket.ts';

/** The exchange of a response; genuine ones of Node have none. */
export const EXCHANGE: symbol = Symbol('epoll-server.exchange');
/** The fields of a response if all of them are ASCII; null: not known. */
const ASCII_HEADERS: symbol = Symbol('epoll-server.asciiHeaders');

const GENUINE = new NodeServerResponse(Object.create({ method: 'GET', httpVersionMajor: 1, httpVersionMinor: 1 }));
const BYTES_WRITTEN = hiddenKey(GENUINE, 'kBytesWritten');
const CORKED = hiddenKey(GENUINE, 'corked', 'kCorked');
const OUT_HEADERS = hiddenKey(GENUINE, 'kOutHeaders');
const ERRORED = hiddenKey(GENUINE, 'errored', 'kErrored');
const HIGH_WATER_MARK = hiddenKey(GENUINE, 'kHighWaterMark');
const REJECT_BODY = hiddenKey(GENUINE, 'kRejectNonStandardBodyWrites');
const CHUNKED_BUFFER = hiddenKey(GENUINE, 'kChunkedBuffer');
const CHUNKED_LENGTH = hiddenKey(GENUINE, 'kChunkedLength');

/** Up to this length, a loop over characters beats the call into C++ (measured on Node 20). */
const MAX_LOOP_CHARACTERS = 64;

/** ServerResponse without its constructor. */
// Members that Node's types leave out: see messages.ts.
const LazyResponse = function LazyResponse() {} as unknown as new () => {
  _implicitHeader(): void;
  emit(event: string): boolean;
};
LazyResponse.prototype = NodeServerResponse.prototype;

const {
  _storeHeader: storeHeaderOfNode,
  end: endOfNode,
  setHeader: setHeaderOfNode,
  appendHeader: appendHeaderOfNode,
  writeHead: writeHeadOfNode,
  // Members that Node's types leave out: see messages.ts.
} = NodeServerResponse.prototype as unknown as OutgoingResponse;

function nothing(): void {}

export class LightResponse extends LazyResponse {
  /** Node's own keys. */
  [key: symbol]: unknown;
  _events: object | undefined = undefined;
  _eventsCount = 0;
  _maxListeners: number | undefined = undefined;
  outputData: unknown[] = [];
  outputSize = 0;
  writable = true;
  destroyed = false;
  _last = false;
  chunkedEncoding = false;
  shouldKeepAlive: boolean;
  maxRequestsOnConnectionReached = false;
  _defaultKeepAlive = true;
  useChunkedEncodingByDefault = true;
  sendDate = true;
  _removedConnection = false;
  _removedContLen = false;
  _removedTE = false;
  strictContentLength = false;
  _contentLength: number | null = null;
  _hasBody: boolean;
  _trailer = '';
  finished = false;
  _headerSent = false;
  _closed = false;
  /** No field: since Node.js 22 it is an accessor of Node's, behind which Node's methods keep the socket. */
  declare socket: ServerSocket | null;
  _header: string | null = null;
  _keepAliveTimeout: number;
  _maxRequestsPerSocket: number;
  _onPendingData: () => void = nothing;
  req: ServerRequest;
  _sent100 = false;
  _expect_continue = false;
  statusCode = 200;
  statusMessage: string | undefined = undefined;
  /** Own members, since an application may replace the prototype: through them Node's methods reach the exchange. */
  _storeHeader: OutgoingResponse['_storeHeader'] = storeHeader;
  _finish: OutgoingResponse['_finish'] = finish;

  constructor(
    request: ServerRequest,
    socket: ServerSocket,
    given: {
      readonly keepsAlive: boolean;
      readonly keepAliveTimeoutMs: number;
      readonly maxRequests: number;
      readonly rejectsBody: boolean;
    },
  ) {
    super();
    this.shouldKeepAlive = given.keepsAlive;
    this._hasBody = request.method !== 'HEAD';
    this.socket = socket;
    this._keepAliveTimeout = given.keepAliveTimeoutMs;
    this._maxRequestsPerSocket = given.maxRequests;
    this.req = request;
    this[EXCHANGE] = null;
    this[ASCII_HEADERS] = null;
    this[ASCII_HEAD] = false;
    this[SHAPE_MODE] = false;
    this[CAPTURE] = EventEmitter.captureRejections;
    this[BYTES_WRITTEN] = 0;
    this[NEED_DRAIN] = false;
    this[CORKED] = 0;
    this[OUT_HEADERS] = null;
    this[ERRORED] = null;
    this[HIGH_WATER_MARK] = HIGH_WATER_MARK_BYTES;
    this[REJECT_BODY] = given.rejectsBody;
    this[CHUNKED_BUFFER] = [];
    this[CHUNKED_LENGTH] = 0;
    this[WRITABLE_FINISHED] = false;
    this[END_CALLBACKS] = null;
    this[FLUSH_ERROR] = null;
    if (request.httpVersionMinor === 0) {
      this.useChunkedEncodingByDefault = /(?:^|\W)chunked(?:$|\W)/i.test(String(request.headers['te'] ?? ''));
      this.shouldKeepAlive = false;
    }
  }

  setHeader(name: unknown, value: unknown): unknown {
    const key = checkedName(name);
    const isGenuine = this[EXCHANGE] === undefined;
    if (key === '' || !isAsciiValue(value) || !isFresh(this) || isGenuine) {
      this[ASCII_HEADERS] &&= null;
      return Reflect.apply(setHeaderOfNode, this, [name, value]);
    }
    // It is null, or what Node's methods or this one keep there.
    let kept = this[OUT_HEADERS] as OutHeaders | null;
    if (kept === null) this[OUT_HEADERS] = this[ASCII_HEADERS] = kept = new OutHeadersMap();
    // Its type was checked with its characters.
    kept[key] = [name as string, value];
    return this;
  }

  appendHeader(name: unknown, value: unknown): unknown {
    this[ASCII_HEADERS] &&= null;
    return Reflect.apply(appendHeaderOfNode, this, [name, value]);
  }

  writeHead(status: unknown, reason?: unknown, headers?: unknown): unknown {
    const line = typeof status === 'number' ? statusLineOf(status) : '';
    const kept = this[OUT_HEADERS];
    const isAllowed = headers === undefined && (reason === undefined || (kept === null && isObject(reason)));
    const isUsual = line !== '' && isAllowed && isFresh(this) && !this._expect_continue && isStandard(this, status);
    if (!isUsual || this[EXCHANGE] === undefined)
      return Reflect.apply(writeHeadOfNode, this, [status, reason, headers]);
    // Its type was checked with its status line.
    this.statusCode = status as number;
    this.statusMessage = STATUS_CODES[this.statusCode];
    this._storeHeader(line, kept ?? reason);
    return this;
  }

  end(given?: unknown, encoding?: unknown, callback?: unknown): unknown {
    const chunk = given === null ? undefined : given;
    const isPlain = typeof chunk === 'string' || chunk === undefined || chunk instanceof Uint8Array;
    const isCalled = callback !== undefined && callback !== null;
    const isUsual = isPlain && !isCalled && (encoding === undefined || encoding === null || encoding === 'utf8');
    // Members that Node's types leave out: see messages.ts.
    const exchange = this[EXCHANGE] as NodeExchange | null | undefined;
    if (exchange === undefined || exchange === null || !isUsual || !this.#isFresh) {
      return Reflect.apply(endOfNode, this, [given, encoding, callback]);
    }
    if (this._header === null) {
      this._contentLength = lengthOf(chunk);
      this._implicitHeader();
    }
    if (this._header === null || this.chunkedEncoding || this._headerSent) {
      return Reflect.apply(endOfNode, this, [chunk, encoding]);
    }
    this._headerSent = true;
    this.finished = true;
    if (this._eventsCount > 0) this.emit('prefinish');
    exchange.endWhole(this._hasBody ? chunk : undefined);
    return this;
  }

  /** Nothing was sent, and Node's checks of lengths are not asked for. */
  get #isFresh(): boolean {
    return (
      !this.finished && !this.destroyed && !this._headerSent && !this.strictContentLength && this[REJECT_BODY] !== true
    );
  }
}

// Applications look at the name of `response.constructor`.
Object.defineProperty(LightResponse, 'name', { value: 'ServerResponse' });

/** The same with the properties that Express and usual middleware add: see `DeclaredRequest`. */
class DeclaredResponse extends LightResponse {
  locals: unknown = undefined;
  __onFinished: unknown = undefined;
  _startAt: unknown = undefined;
  _startTime: unknown = undefined;
}

/** The class of responses. `replaced`: the application replaces their prototype, and adds properties then. */
export function responseClass(replaced: boolean): typeof LightResponse {
  return replaced ? DeclaredResponse : LightResponse;
}

/**
 * Puts the light methods between the prototypes of an Express application and those of Node. They leave genuine
 * messages of Node to Node. False: `listener` is no such application.
 */
export function adoptPrototypes(listener: unknown): boolean {
  if (typeof listener !== 'function') return false;
  adopt(Reflect.get(listener, 'request'), NodeIncomingMessage.prototype, LightRequest.prototype);
  return adopt(Reflect.get(listener, 'response'), NodeServerResponse.prototype, LightResponse.prototype);
}

/** Puts `light` between `first`, or a prototype of it, and `genuine`. */
function adopt(first: unknown, genuine: object, light: object): boolean {
  let each = first;
  while (typeof each === 'object' && each !== null) {
    const next: unknown = Object.getPrototypeOf(each);
    if (next === light) return true;
    if (next === genuine) return Reflect.setPrototypeOf(each, light);
    each = next;
  }
  return false;
}

function lengthOf(chunk: string | Uint8Array | undefined): number {
  if (chunk === undefined) return 0;
  if (typeof chunk !== 'string') return chunk.byteLength;
  return chunk.length <= MAX_LOOP_CHARACTERS && isAsciiValue(chunk) ? chunk.length : Buffer.byteLength(chunk);
}

/** The head is not written yet. */
function isFresh(response: LightResponse): boolean {
  return response._header === null;
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The reason phrase is that of the status. */
function isStandard({ statusMessage }: LightResponse, status: unknown): boolean {
  return statusMessage === undefined || statusMessage === STATUS_CODES[Number(status)];
}

/** Status lines by status; empty where Node's own method has more to do. */
const statusLines: string[] = [];

function statusLineOf(status: number): string {
  return statusLines[status] ?? makeStatusLine(status);
}

function makeStatusLine(status: number): string {
  const phrase = STATUS_CODES[status];
  const hasContent = status >= 200 && status !== 204 && status !== 304;
  if (!hasContent || phrase === undefined) return '';
  statusLines[status] = `HTTP/1.1 ${status} ${phrase}\r\n`;
  return statusLines[status];
}

/** Connects a response of another class to its exchange. */
export function adoptResponse(response: OutgoingResponse): void {
  response._storeHeader = storeHeader;
  response._finish = finish;
}

/** Node's `_finish`, after an end that Node's own method has sent. */
function finish(this: OutgoingResponse): void {
  exchangeOf(this)?.end();
}

function exchangeOf(response: OutgoingResponse): NodeExchange | null {
  // Nothing else is kept by that key.
  return (response[EXCHANGE] ?? null) as NodeExchange | null;
}

/** Node's `_storeHeader`: makes the head. */
function storeHeader(this: OutgoingResponse, firstLine: string, headers: unknown): void {
  const exchange = exchangeOf(this);
  if (exchange !== null && !exchange.persists()) this.shouldKeepAlive = false;
  const own = this[OUT_HEADERS];
  const isOwn = headers === own || headers === undefined || headers === null;
  const isKnown = isOwn || (own === null && isObject(headers));
  const head =
    isKnown && exchange !== null && isUsual(this) ? headOf(this, firstLine, isOwn ? own : headers, isOwn) : '';
  if (head === '') {
    Reflect.apply(storeHeaderOfNode, this, [firstLine, headers]);
    return;
  }
  this._header = head;
  this[ASCII_HEAD] = this.statusMessage === STATUS_CODES[this.statusCode] && (!isOwn || own === this[ASCII_HEADERS]);
}

/** Nothing was removed or chosen that changes the framing. */
function isUsual(response: OutgoingResponse): boolean {
  return (
    response.shouldKeepAlive &&
    response.sendDate &&
    !response.maxRequestsOnConnectionReached &&
    response._maxRequestsPerSocket <= 0 &&
    response.useChunkedEncodingByDefault &&
    !response._removedConnection &&
    !response._removedContLen &&
    !response._removedTE &&
    !response[UNIQUE_HEADERS] &&
    !response.chunkedEncoding
  );
}

/**
 * The head with these fields; empty when one of them needs Node's own method. `isOwn`: they are {@link OutHeaders}, and
 * not what `writeHead` was given.
 */
function headOf(response: OutgoingResponse, firstLine: string, headers: unknown, isOwn: boolean): string {
  let head = firstLine;
  let hasLength = false;
  let hasDate = false;
  // Each of its values is checked.
  const fields = headers as Readonly<Record<string, unknown>> | null;
  for (const key in fields) {
    const entry = fields[key];
    const lower = isOwn ? key : checkedName(key);
    if (lower === '' || SPECIAL.has(lower)) return '';
    if (!isOwn && !(isAsciiValue(entry) && Object.hasOwn(fields, key))) return '';
    // Own fields have this form.
    const [name, value] = isOwn ? (entry as OutHeaders[string]) : [key, entry];
    if (lower === 'content-length') {
      hasLength = true;
      response._contentLength = Number(value);
    } else if (lower === 'date') {
      hasDate = true;
    }
    if (!Array.isArray(value)) head += `${name}: ${value}\r\n`;
    else for (const each of value) head += `${name}: ${each}\r\n`;
  }
  if (!hasDate) head += dateLine();
  head += keepAliveLines(response);
  if (hasLength || !response._hasBody) return `${head}\r\n`;
  if (typeof response._contentLength === 'number') return `${head}Content-Length: ${response._contentLength}\r\n\r\n`;
  response.chunkedEncoding = true;
  return `${head}Transfer-Encoding: chunked\r\n\r\n`;
}

/** Fields on which the framing depends, or whose values Node changes. */
const SPECIAL: ReadonlySet<string> = new Set([
  'connection',
  'content-disposition',
  'cookie',
  'expect',
  'keep-alive',
  'trailer',
  'transfer-encoding',
]);

let keepAliveMs = -1;
let keepAliveText = '';

function keepAliveLines({ _keepAliveTimeout: ms, _defaultKeepAlive: isDefault }: OutgoingResponse): string {
  if (ms === 0 || !isDefault) return 'Connection: keep-alive\r\n';
  if (ms !== keepAliveMs) {
    keepAliveMs = ms;
    keepAliveText = `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(ms / 1_000)}\r\n`;
  }
  return keepAliveText;
}

let dateText = '';
let dateUntilMs = 0;

/** Made once a second. */
function dateLine(): string {
  const nowMs = Date.now();
  if (nowMs >= dateUntilMs || nowMs < dateUntilMs - 1_000) {
    dateText = `Date: ${new Date(nowMs).toUTCString()}\r\n`;
    dateUntilMs = nowMs - (nowMs % 1_000) + 1_000;
  }
  return dateText;
}

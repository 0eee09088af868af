// The request of an application for node:http: what Node's constructor makes is made when it is first used. An
// application may replace the prototype of a request, so the fields that are made late are those of Node's own prototype.

import { Readable } from 'node:stream';
import { hiddenKey, NodeIncomingMessage, type ServerRequest } from './messages.ts';
import type { ServerSocket } from './server-socket.ts';

const GENUINE = new NodeIncomingMessage(Object.create(null));
const HEADERS = hiddenKey(GENUINE, 'kHeaders');
const HEADERS_COUNT = hiddenKey(GENUINE, 'kHeadersCount');
const TRAILERS = hiddenKey(GENUINE, 'kTrailers');
const TRAILERS_COUNT = hiddenKey(GENUINE, 'kTrailersCount');
const SHAPE_MODE = hiddenKey(GENUINE, 'shapeMode');
const CAPTURE = hiddenKey(GENUINE, 'kCapture');
// Of `request.signal`, since Node.js 24.
const ABORT_CONTROLLER = hiddenKey(GENUINE, 'kAbortController');
const ABORT_SOCKET = hiddenKey(GENUINE, 'kAbortSignalSocket');
const ABORT_LISTENER = hiddenKey(GENUINE, 'kAbortSignalListener');
const ABORT_DETACHED = hiddenKey(GENUINE, 'kAbortSignalDetached');
/** Values of the fields that are made late. */
const LINES: symbol = Symbol('epoll-server.rawHeaders');
const STATE: symbol = Symbol('epoll-server.readableState');
/** The head as it was received; a genuine request of Node has none. */
const HEAD: symbol = Symbol('epoll-server.head');
/** The most fields that are shown, in names and values. */
const MAX_LINES: symbol = Symbol('epoll-server.maxLines');

const HIGH_WATER_MARK_BYTES = 65_536;

/** IncomingMessage without its constructor. */
// Its prototype is that of the class whose constructor is left out.
const LazyMessage = function LazyMessage() {} as unknown as new () => object;
LazyMessage.prototype = NodeIncomingMessage.prototype;

/** What a request is made of. */
export interface RequestParts {
  readonly method: string;
  readonly url: string;
  readonly minorVersion: number;
  /** Request line and fields. */
  readonly head: string;
  /** 0: all. */
  readonly maxHeadersCount: number;
}

export class LightRequest extends LazyMessage {
  /** Node's own keys. */
  [key: symbol]: unknown;
  _events: object | undefined = undefined;
  _eventsCount = 0;
  _maxListeners: number | undefined = undefined;
  socket: ServerSocket;
  httpVersionMajor = 1;
  httpVersionMinor: number;
  httpVersion: string;
  complete = false;
  rawTrailers: string[] = NO_LINES;
  joinDuplicateHeaders = false;
  aborted = false;
  upgrade = false;
  url: string;
  method: string;
  statusCode: null = null;
  statusMessage: null = null;
  client: ServerSocket;
  _consuming = false;
  _dumped = false;

  constructor(socket: ServerSocket, parts: RequestParts) {
    super();
    this.socket = socket;
    this.httpVersionMinor = parts.minorVersion;
    this.httpVersion = parts.minorVersion === 0 ? '1.0' : '1.1';
    this.url = parts.url;
    this.method = parts.method;
    this.client = socket;
    this[HEAD] = parts.head;
    this[MAX_LINES] = parts.maxHeadersCount * 2 || Infinity;
    this[LINES] = undefined;
    this[STATE] = undefined;
    this[SHAPE_MODE] = false;
    this[CAPTURE] = false;
    this[HEADERS] = null;
    this[HEADERS_COUNT] = 0;
    this[TRAILERS] = null;
    this[TRAILERS_COUNT] = 0;
    this[ABORT_CONTROLLER] = null;
    this[ABORT_SOCKET] = null;
    this[ABORT_LISTENER] = null;
    this[ABORT_DETACHED] = false;
  }
}

// Applications look at the name of `request.constructor`.
Object.defineProperty(LightRequest, 'name', { value: 'IncomingMessage' });

/** Node's requests begin with an own array; one that nothing is added to serves all. */
const NO_LINES: string[] = [];

/** Whether the request has become a stream. */
export function isStream(request: ServerRequest): boolean {
  return !hasHead(request) || Reflect.get(request, STATE) !== undefined;
}

/** Ends a request without a body, when its listener has returned. */
export function endWithoutBody(request: ServerRequest): void {
  request.complete = true;
  if (isStream(request)) request.push(null);
}

/** Drops what the application did not read, as node:http does after the response. */
export function dumpUnread(request: ServerRequest): void {
  if (!isStream(request)) request._dumped = true;
  else if (!request._consuming && !request._readableState.resumeScheduled) request._dump();
}

function becomeStream(request: ServerRequest): unknown {
  Reflect.apply(Readable, request, [{ highWaterMark: HIGH_WATER_MARK_BYTES }]);
  const state: unknown = Reflect.get(request, STATE);
  Reflect.set(Object(state), 'readingMore', true);
  if (request.complete) request.push(null);
  if (request._dumped) request.resume();
  return state;
}

function linesOf(request: ServerRequest): string[] {
  const head = String(Reflect.get(request, HEAD));
  const most = Number(Reflect.get(request, MAX_LINES));
  const lines: string[] = [];
  let at = head.indexOf('\r\n', 2) + 2;
  for (let end = head.indexOf('\r\n', at); end > at && lines.length < most; end = head.indexOf('\r\n', at)) {
    const colon = head.indexOf(':', at);
    lines.push(head.slice(at, colon), trimmed(head, colon + 1, end));
    at = end + 2;
  }
  return lines;
}

function trimmed(text: string, from: number, to: number): string {
  let [start, end] = [from, to];
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function hasHead(request: unknown): request is ServerRequest {
  return typeof request === 'object' && request !== null && HEAD in request;
}

/** A field that is made when it is first read. Genuine requests of Node define it themselves, by an assignment. */
function lateField(name: string, key: symbol, make: (request: ServerRequest) => unknown): void {
  Object.defineProperty(NodeIncomingMessage.prototype, name, {
    configurable: true,
    enumerable: false,
    get: function (this: unknown): unknown {
      return hasHead(this) ? (Reflect.get(this, key) ?? make(this)) : undefined;
    },
    set: function (this: object, value: unknown): void {
      // A property that is added after an application has replaced the prototype would cost 10 microseconds (V8 11).
      if (hasHead(this)) Reflect.set(this, key, value);
      else Object.defineProperty(this, name, { value, writable: true, enumerable: true, configurable: true });
    },
  });
}

lateField('_readableState', STATE, becomeStream);
lateField('rawHeaders', LINES, (request) => {
  const lines = linesOf(request);
  Reflect.set(request, LINES, lines);
  Reflect.set(request, HEADERS_COUNT, lines.length);
  return lines;
});

// The request of an application for node:http: what Node's constructor makes is made when it is first used. An
// application may replace the prototype of a request, so the fields that are made late are those of Node's own prototype.

import { EventEmitter } from 'node:events';
import { Readable } from 'node:stream';
import {
  CAPTURE,
  HIGH_WATER_MARK_BYTES,
  hiddenKey,
  NodeIncomingMessage,
  type ServerRequest,
  SHAPE_MODE,
} from './messages.ts';
import { headersOf, trimmed } from './request-headers.ts';
import type { ServerSocket } from './server-socket.ts';

const GENUINE = new NodeIncomingMessage(Object.create(null));
const HEADERS = hiddenKey(GENUINE, 'kHeaders');
const HEADERS_COUNT = hiddenKey(GENUINE, 'kHeadersCount');
const TRAILERS = hiddenKey(GENUINE, 'kTrailers');
const TRAILERS_COUNT = hiddenKey(GENUINE, 'kTrailersCount');
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
    this[CAPTURE] = EventEmitter.captureRejections;
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
  return !hasHead(request) || request[STATE] !== undefined;
}

/** Since Node.js 24: by which a response that was sent detaches `request.signal` from the socket. */
const DETACH_SIGNAL = hiddenKey(NodeIncomingMessage.prototype, 'kDetachAbortSignal');

/** The response is sent: `request.signal` does not abort any more. */
export function detachSignal(request: ServerRequest): void {
  const detach = request[DETACH_SIGNAL];
  if (typeof detach === 'function') Reflect.apply(detach, request, []);
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
  const state = request[STATE];
  Reflect.set(Object(state), 'readingMore', true);
  if (request.complete) request.push(null);
  if (request._dumped) request.resume();
  return state;
}

function linesOf(request: ServerRequest): string[] {
  const head = String(request[HEAD]);
  const most = Number(request[MAX_LINES]);
  const lines: string[] = [];
  // Values have no CR, and V8 finds one character sooner than two.
  let at = head.indexOf('\r', 2) + 2;
  for (let end = head.indexOf('\r', at); end > at && lines.length < most; end = head.indexOf('\r', at)) {
    const colon = head.indexOf(':', at);
    lines.push(head.slice(at, colon), trimmed(head, colon + 1, end));
    at = end + 2;
  }
  return lines;
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
      return hasHead(this) ? (this[key] ?? make(this)) : undefined;
    },
    set: function (this: object, value: unknown): void {
      // A property that is added after an application has replaced the prototype would cost 10 microseconds (V8 11).
      if (hasHead(this)) this[key] = value;
      else Object.defineProperty(this, name, { value, writable: true, enumerable: true, configurable: true });
    },
  });
}

lateField('_readableState', STATE, becomeStream);
lateField('rawHeaders', LINES, (request) => {
  const lines = linesOf(request);
  request[LINES] = lines;
  request[HEADERS_COUNT] = lines.length;
  return lines;
});

/** Node's own accessor makes them of `rawHeaders`. */
const HEADERS_OF_NODE = Object.getOwnPropertyDescriptor(NodeIncomingMessage.prototype, 'headers');

/** Whether no line was made, left out or joined otherwise. */
function isUntouched(request: ServerRequest): boolean {
  return request[LINES] === undefined && request[MAX_LINES] === Infinity && !request.joinDuplicateHeaders;
}

// Node's prototype does not allow another accessor in place of its own.
Object.defineProperty(LightRequest.prototype, 'headers', {
  ...HEADERS_OF_NODE,
  get: function (this: ServerRequest): unknown {
    if (hasHead(this) && this[HEADERS] === null && isUntouched(this)) this[HEADERS] = headersOf(String(this[HEAD]));
    return this[HEADERS] ?? HEADERS_OF_NODE?.get?.call(this);
  },
});

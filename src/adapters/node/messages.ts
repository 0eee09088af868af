// The parts of Node's message classes that are not in its documentation, and which applications and this adapter use.

import type { EventEmitter } from 'node:events';
import http from 'node:http';
import { Stream } from 'node:stream';
import type { ServerSocket } from './server-socket.ts';

/** Node's classes, as they were before a program replaced one of them. */
export const NodeIncomingMessage: typeof http.IncomingMessage = http.IncomingMessage;
export const NodeServerResponse: typeof http.ServerResponse = http.ServerResponse;

/** A request with the members that Node's own methods use. */
export type ServerRequest = Omit<http.IncomingMessage, 'socket' | 'connection'> & {
  /** Node's own keys, and those of the light classes. */
  [key: symbol]: unknown;
  socket: ServerSocket;
  client: ServerSocket;
  upgrade: boolean | null;
  joinDuplicateHeaders: boolean;
  _consuming: boolean;
  _dumped: boolean;
  _dump(): void;
  _addHeaderLines(lines: readonly string[], count: number): void;
  _events: object | undefined;
  readonly _readableState: { readonly resumeScheduled: boolean };
};

/** A response with the members that Node's own methods use. */
export type OutgoingResponse = Omit<http.ServerResponse, 'socket' | 'connection' | 'destroyed'> & {
  /** Node's own keys, and those of the light classes. */
  [key: symbol]: unknown;
  socket: ServerSocket | null;
  destroyed: boolean;
  readonly _eventsCount: number;
  finished: boolean;
  _removedConnection: boolean;
  _removedContLen: boolean;
  _removedTE: boolean;
  _defaultKeepAlive: boolean;
  maxRequestsOnConnectionReached: boolean;
  _header: string | null;
  _headerSent: boolean;
  _hasBody: boolean;
  _contentLength: number | null;
  _last: boolean;
  _closed: boolean;
  _sent100: boolean;
  _expect_continue: boolean;
  _keepAliveTimeout: number;
  _maxRequestsPerSocket: number;
  _finish(): void;
  _storeHeader(firstLine: string, headers: unknown): void;
};

/** Of requests, responses and sockets: the default of Node since version 22. */
export const HIGH_WATER_MARK_BYTES = 65_536;

type WriteCallback = (error: Error | null) => void;

/** The constructors, which an application may replace by classes derived from them. */
export type RequestClass = new (socket: ServerSocket) => ServerRequest;
export type ResponseClass = new (request: ServerRequest, options: object) => OutgoingResponse;

/** The symbol with one of these descriptions by which Node keeps a field of `message`; a new one if it has none. */
export function hiddenKey(message: object, ...names: readonly string[]): symbol {
  const found = Object.getOwnPropertySymbols(message).find(({ description = '' }) => names.includes(description));
  return found ?? Symbol(names[0]);
}

/** Whether the head of a response is ASCII, where that is known. */
export const ASCII_HEAD: symbol = Symbol('epoll-server.asciiHead');

/** By which a server and its responses keep the fields that are sent once. */
export const UNIQUE_HEADERS: symbol = hiddenKey(new http.Server(), 'kUniqueHeaders');

const GENUINE = new http.OutgoingMessage();
/** Node's own keys of all emitters. */
export const SHAPE_MODE: symbol = hiddenKey(GENUINE, 'shapeMode');
export const CAPTURE: symbol = hiddenKey(GENUINE, 'kCapture');
/** Node's own key of "a write returned false". */
export const NEED_DRAIN: symbol = hiddenKey(GENUINE, 'kNeedDrain');
// Since Node.js 24.
export const WRITABLE_FINISHED: symbol = hiddenKey(GENUINE, 'kWritableFinished');
/** The callbacks of `end` that wait for the response to be sent. */
export const END_CALLBACKS: symbol = hiddenKey(GENUINE, 'kEndCallbacks');
/** Why it was not. */
export const FLUSH_ERROR: symbol = hiddenKey(GENUINE, 'kFlushError');

/** A response that was sent by one write is finished, or lost: what Node's own class does when it has written all. */
export function settleEnd(response: OutgoingResponse, error: Error | null): void {
  response[error === null ? WRITABLE_FINISHED : FLUSH_ERROR] = error ?? true;
  // Its class adds functions alone.
  const callbacks = response[END_CALLBACKS] as WriteCallback[] | null;
  if (callbacks === null) return;
  response[END_CALLBACKS] = null;
  for (const callback of callbacks) callback(error);
}

/** Emits 'drain' if a write returned false. */
export function emitDrain(response: OutgoingResponse): void {
  if (!response.writableNeedDrain) return;
  response[NEED_DRAIN] = false;
  response.emit('drain');
}

/** Streams of Node expect an object of listeners, which is made here with the first one. */
function eventNames(this: EventEmitter & { readonly _events?: object }): unknown {
  return this._events === undefined ? [] : Reflect.apply(Stream.prototype.eventNames, this, []);
}

/** For a prototype of emitters whose constructor has not run. */
export function allowNoListeners(prototype: object): void {
  Object.defineProperty(prototype, 'eventNames', { value: eventNames, configurable: true, writable: true });
}

// An application may replace the prototypes in front of those of Node.
allowNoListeners(NodeIncomingMessage.prototype);
allowNoListeners(NodeServerResponse.prototype);

/** The error of Node for misuse and failures, with its code. */
export function nodeError(code: string, message: string, Base: ErrorConstructor = Error): NodeJS.ErrnoException {
  const error: NodeJS.ErrnoException = new Base(message);
  error.code = code;
  // As Node does: the stack begins with the code, the name is that of the class.
  Object.defineProperty(error, 'stack', {
    value: error.stack?.replace(`${error.name}:`, `${error.name} [${code}]:`),
    configurable: true,
    writable: true,
  });
  return error;
}

/** The error of a request whose client has left. */
export function aborted(): NodeJS.ErrnoException {
  const error: NodeJS.ErrnoException = new Error('aborted');
  error.code = 'ECONNRESET';
  return error;
}

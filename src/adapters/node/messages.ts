// The parts of Node's message classes that are not in its documentation, and which applications and this adapter use.

import http from 'node:http';
import type { ServerSocket } from './server-socket.ts';

/** Node's classes, as they were before a program replaced one of them. */
export const NodeIncomingMessage: typeof http.IncomingMessage = http.IncomingMessage;
export const NodeServerResponse: typeof http.ServerResponse = http.ServerResponse;

/** A request with the members that Node's own methods use. */
export type ServerRequest = Omit<http.IncomingMessage, 'socket' | 'connection'> & {
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
  socket: ServerSocket | null;
  destroyed: boolean;
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

/** The constructors, which an application may replace by classes derived from them. */
export type RequestClass = new (socket: ServerSocket) => ServerRequest;
export type ResponseClass = new (request: ServerRequest, options: object) => OutgoingResponse;

/** The symbol with one of these descriptions by which Node keeps a field of `message`; a new one if it has none. */
export function hiddenKey(message: object, ...names: readonly string[]): symbol {
  const found = Object.getOwnPropertySymbols(message).find(({ description = '' }) => names.includes(description));
  return found ?? Symbol(names[0]);
}

/** By which a server and its responses keep the fields that are sent once. */
export const UNIQUE_HEADERS: symbol = hiddenKey(new http.Server(), 'kUniqueHeaders');

/** Node's own key of "a write returned false". */
const NEED_DRAIN = hiddenKey(new http.OutgoingMessage(), 'kNeedDrain');

/** Emits 'drain' if a write returned false. */
export function emitDrain(response: OutgoingResponse): void {
  if (!response.writableNeedDrain) return;
  Reflect.set(response, NEED_DRAIN, false);
  response.emit('drain');
}

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

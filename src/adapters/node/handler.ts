// The Node adapter: an application is what listens to 'request' on a server of node:http, such as Express and Koa.

import { channel as diagnosticsChannel } from 'node:diagnostics_channel';
import { EpollServerError } from '../../errors.ts';
import type { Handler, HttpRequest, HttpResponse } from '../../http/handler.ts';
import { SERVED_BY } from '../../http/served-by.ts';
import type { VerbatimResponse } from '../../http/verbatim-response.ts';
import { DeclaredRequest } from './declared-request.ts';
import { NodeExchange } from './exchange.ts';
import { LightRequest } from './light-request.ts';
import { adoptPrototypes, adoptResponse, EXCHANGE, type LightResponse, responseClass } from './light-response.ts';
import {
  NodeIncomingMessage,
  NodeServerResponse,
  type OutgoingResponse,
  type RequestClass,
  type ResponseClass,
  type ServerRequest,
  UNIQUE_HEADERS,
} from './messages.ts';
import { SecureServerSocket } from './secure-socket.ts';
import { ServerSocket, type SocketServer } from './server-socket.ts';

/** What emits the events of requests: a server of this package, or one that an application has made. */
export interface NodeTarget extends SocketServer {
  listeners(event: string): unknown[];
  readonly maxRequestsPerSocket?: number | null | undefined;
  readonly joinDuplicateHeaders?: boolean | undefined;
  readonly maxHeadersCount?: number | null | undefined;
  readonly httpAllowHalfOpen?: boolean | undefined;
  readonly requireHostHeader?: boolean | undefined;
}

export interface NodeHandlerOptions {
  readonly IncomingMessage?: RequestClass | undefined;
  readonly ServerResponse?: ResponseClass | undefined;
  readonly rejectNonStandardBodyWrites?: boolean | undefined;
  /** What Node makes of the option of its servers. */
  readonly uniqueHeaders?: unknown;
}

const requestStart = diagnosticsChannel('http.server.request.start');
const responseCreated = diagnosticsChannel('http.server.response.created');
const responseFinish = diagnosticsChannel('http.server.response.finish');

const CONTINUE = /(?:^|\W)100-continue(?:$|\W)/i;
const UPGRADE = /(?:^|\W)upgrade(?:$|\W)/i;

// Node's classes have members that their types do not show: see messages.ts.
const DEFAULT_REQUEST = NodeIncomingMessage as unknown as RequestClass;
// With its prototypes it has all members of Node's class.
const DEFAULT_RESPONSE = NodeServerResponse as unknown as ResponseClass;

/** A handler that emits the events of node:http on `target`. */
export function nodeHandler(target: NodeTarget, options: NodeHandlerOptions = {}): Handler {
  const { rejectNonStandardBodyWrites = false, uniqueHeaders } = options;
  const make: MessageFactory =
    options.IncomingMessage === undefined && options.ServerResponse === undefined && !uniqueHeaders
      ? new LightMessages(target, rejectNonStandardBodyWrites)
      : new GivenMessages(target, options);
  return (http, answer) => {
    const output = answer.verbatim;
    if (output === undefined) throw new EpollServerError('ERR_APPLICATION', NOT_VERBATIM);
    http.servedBy = SERVED_BY.NODE;
    const socket = socketOf(output, target);
    // As with node:http, the requests of a connection share an async context.
    socket.context.runInAsyncScope(serve, undefined, http, answer, output, socket, target, make);
  };
}

function serve(
  http: HttpRequest,
  answer: HttpResponse,
  output: VerbatimResponse,
  socket: ServerSocket,
  target: NodeTarget,
  make: MessageFactory,
): void {
  const request = make.request(socket, http);
  if (isUpgrade(request, http, target)) {
    upgrade(request, socket, output, target);
    return;
  }
  const response = make.response(request, socket, output);
  // The application sees the id there, and may replace it.
  if (http.id !== undefined && http.id !== '') response.setHeader('X-Request-Id', http.id);
  const onFinish = responseFinish.hasSubscribers ? publishFinish : null;
  const exchange = new NodeExchange(http, output, request, response, socket, onFinish);
  response[EXCHANGE] = exchange;
  if (responseCreated.hasSubscribers) responseCreated.publish({ request, response });
  if (requestStart.hasSubscribers) requestStart.publish({ request, response, socket, server: target });
  try {
    dispatch(request, http, response, socket, target);
  } catch (error) {
    raise(error);
  }
  exchange.begin();
  if (!answer.ended) watch(http, exchange, socket, target);
}

/** Follows what happens to the connection until the response has ended. */
function watch(http: HttpRequest, exchange: NodeExchange, socket: ServerSocket, target: NodeTarget): void {
  http.whenGone(() => socket.lose());
  http.whenClientEnds?.(() => {
    socket.emitEnd();
    // As in node:http, promises of the application that are resolved already still answer.
    if (target.httpAllowHalfOpen !== true) setImmediate(() => exchange.clientEnded());
  });
}

function publishFinish({ request, response }: NodeExchange): void {
  const { socket } = request;
  responseFinish.publish({ request, response, socket, server: socket.server });
}

/** Makes the messages of one exchange. */
interface MessageFactory {
  request(socket: ServerSocket, http: HttpRequest): ServerRequest;
  response(request: ServerRequest, socket: ServerSocket, output: VerbatimResponse): OutgoingResponse;
}

class LightMessages implements MessageFactory {
  readonly #target: NodeTarget;
  readonly #rejectsBody: boolean;
  readonly #Request: typeof LightRequest;
  readonly #Response: typeof LightResponse;

  constructor(target: NodeTarget, rejectsBody: boolean) {
    this.#target = target;
    this.#rejectsBody = rejectsBody;
    const replacesPrototypes = target.listeners('request').map(adoptPrototypes).includes(true);
    this.#Request = replacesPrototypes ? DeclaredRequest : LightRequest;
    this.#Response = responseClass(replacesPrototypes);
  }

  request(socket: ServerSocket, http: HttpRequest): ServerRequest {
    const target = this.#target;
    // With its prototypes it has all members of Node's class.
    const request = new this.#Request(socket, {
      method: http.method,
      url: http.target,
      minorVersion: http.httpVersion === '1.0' ? 0 : 1,
      head: http.headText?.() ?? '',
      maxHeadersCount: target.maxHeadersCount ?? 0,
      // With its prototypes it has all members of Node's class.
    }) as unknown as ServerRequest;
    if (target.joinDuplicateHeaders === true) request.joinDuplicateHeaders = true;
    // The body is read ahead in any case.
    if (http.body.length !== 0) void request._readableState;
    return request;
  }

  response(request: ServerRequest, socket: ServerSocket, output: VerbatimResponse): OutgoingResponse {
    return new this.#Response(request, socket, {
      keepsAlive: output.keepsAlive,
      keepAliveTimeoutMs: output.keepAliveTimeoutMs,
      maxRequests: this.#target.maxRequestsPerSocket ?? 0,
      rejectsBody: this.#rejectsBody,
      // With its prototypes it has all members of Node's class.
    }) as unknown as OutgoingResponse;
  }
}

/** Messages of classes that the application has derived from those of Node. */
class GivenMessages implements MessageFactory {
  readonly #target: NodeTarget;
  readonly #Request: RequestClass;
  readonly #Response: ResponseClass;
  readonly #options: object;
  readonly #uniqueHeaders: unknown;

  constructor(target: NodeTarget, options: NodeHandlerOptions) {
    this.#target = target;
    this.#Request = options.IncomingMessage ?? DEFAULT_REQUEST;
    this.#Response = options.ServerResponse ?? DEFAULT_RESPONSE;
    this.#uniqueHeaders = options.uniqueHeaders;
    this.#options = { rejectNonStandardBodyWrites: options.rejectNonStandardBodyWrites ?? false };
  }

  request(socket: ServerSocket, http: HttpRequest): ServerRequest {
    const request = new this.#Request(socket);
    fill(request, http, this.#target);
    return request;
  }

  response(request: ServerRequest, socket: ServerSocket, output: VerbatimResponse): OutgoingResponse {
    const response = new this.#Response(request, this.#options);
    response.socket = socket;
    adoptResponse(response);
    prepare(response, output, this.#target);
    response[UNIQUE_HEADERS] = this.#uniqueHeaders;
    return response;
  }
}

const NOT_VERBATIM = 'an application for node:http cannot answer here: this response is not one of HTTP/1';

/** The socket of the connection, the same for all of its requests. */
export function socketOf({ channel }: Pick<VerbatimResponse, 'channel'>, target: NodeTarget): ServerSocket {
  const { attachment } = channel;
  if (attachment instanceof ServerSocket) return attachment;
  return channel.isSecure ? new SecureServerSocket(channel, target) : new ServerSocket(channel, target);
}

function fill(request: ServerRequest, http: HttpRequest, target: NodeTarget): void {
  const all = http.rawHeaders().flat();
  const count = target.maxHeadersCount ?? 0;
  const lines = count > 0 && all.length > 2 * count ? all.slice(0, 2 * count) : all;
  request.method = http.method;
  request.url = http.target;
  request.httpVersion = http.httpVersion;
  request.httpVersionMajor = 1;
  request.httpVersionMinor = http.httpVersion === '1.0' ? 0 : 1;
  if (target.joinDuplicateHeaders === true) request.joinDuplicateHeaders = true;
  request._addHeaderLines(lines, lines.length);
  request.upgrade = false;
}

function prepare(response: OutgoingResponse, output: VerbatimResponse, target: NodeTarget): void {
  response.shouldKeepAlive = output.keepsAlive;
  response._keepAliveTimeout = output.keepAliveTimeoutMs;
  response._maxRequestsPerSocket = target.maxRequestsPerSocket ?? 0;
}

/** Emits the event of this request, in the order of node:http's own checks. */
function dispatch(
  request: ServerRequest,
  http: HttpRequest,
  response: OutgoingResponse,
  socket: ServerSocket,
  target: NodeTarget,
): void {
  socket.requests++;
  if (request.httpVersionMinor === 1) {
    if (target.requireHostHeader === true && http.header('host') === undefined) {
      response.writeHead(400, ['Connection', 'close']);
      response.end();
      return;
    }
    const limit = target.maxRequestsPerSocket ?? 0;
    if (limit > 0) response.maxRequestsOnConnectionReached = limit <= socket.requests;
    if (limit > 0 && limit < socket.requests) {
      target.emit('dropRequest', request, socket);
      response.writeHead(503);
      response.end();
      return;
    }
    const expect = http.header('expect');
    if (expect !== undefined) {
      dispatchExpecting(expect, request, response, target);
      return;
    }
  }
  target.emit('request', request, response);
}

function dispatchExpecting(
  expect: string,
  request: ServerRequest,
  response: OutgoingResponse,
  target: NodeTarget,
): void {
  if (CONTINUE.test(expect)) {
    response._expect_continue = true;
    if (target.emit('checkContinue', request, response)) return;
    response.writeContinue();
    target.emit('request', request, response);
  } else if (!target.emit('checkExpectation', request, response)) {
    response.writeHead(417);
    response.end();
  }
}

function isUpgrade(request: ServerRequest, http: HttpRequest, target: NodeTarget): boolean {
  if (request.method === 'CONNECT') return true;
  if (http.header('upgrade') === undefined) return false;
  return UPGRADE.test(http.header('connection') ?? '') && target.listenerCount('upgrade') > 0;
}

function upgrade(request: ServerRequest, socket: ServerSocket, output: VerbatimResponse, target: NodeTarget): void {
  request.upgrade = true;
  request.complete = true;
  output.takeOver(() => socket.becomeRaw());
  const event = request.method === 'CONNECT' ? 'connect' : 'upgrade';
  // By then the socket has the bytes that arrived behind the head.
  process.nextTick(() => {
    if (!target.emit(event, request, socket, socket.takeHead())) socket.destroy();
  });
}

/** As in node:http, what a listener throws is an uncaught exception, and the client waits. */
export function raise(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}

// The Node adapter: an application is what listens to 'request' on a server of node:http, such as Express and Koa.

import { channel as diagnosticsChannel } from 'node:diagnostics_channel';
import { EpollServerError } from '../../errors.ts';
import type { Handler, HttpRequest } from '../../http/handler.ts';
import type { VerbatimResponse } from '../../http/verbatim-response.ts';
import { withAsyncContext } from '../with-async-context.ts';
import { NodeExchange } from './exchange.ts';
import {
  NodeIncomingMessage,
  NodeServerResponse,
  type RequestClass,
  type Response,
  type ResponseClass,
  type ServerRequest,
} from './messages.ts';
import { ServerSocket, type SocketServer } from './server-socket.ts';

/** What emits the events of requests: a server of this package, or one that an application has made. */
export interface NodeTarget extends SocketServer {
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
}

const requestStart = diagnosticsChannel('http.server.request.start');
const responseCreated = diagnosticsChannel('http.server.response.created');
const responseFinish = diagnosticsChannel('http.server.response.finish');

const CONTINUE = /(?:^|\W)100-continue(?:$|\W)/i;
const UPGRADE = /(?:^|\W)upgrade(?:$|\W)/i;

// Node's classes have members that their types do not show: see messages.ts.
const DEFAULT_REQUEST = NodeIncomingMessage as unknown as RequestClass;
const DEFAULT_RESPONSE = NodeServerResponse as unknown as ResponseClass;

/** A handler that emits the events of node:http on `target`. */
export function nodeHandler(target: NodeTarget, options: NodeHandlerOptions = {}): Handler {
  const Request = options.IncomingMessage ?? DEFAULT_REQUEST;
  const Response = options.ServerResponse ?? DEFAULT_RESPONSE;
  const { rejectNonStandardBodyWrites = false } = options;
  const responseOptions = { rejectNonStandardBodyWrites };
  return withAsyncContext((http, answer) => {
    const output = answer.verbatim;
    if (output === undefined) throw new EpollServerError('ERR_APPLICATION', NOT_VERBATIM);
    const socket = socketOf(output, target);
    const request = new Request(socket);
    fill(request, http, target);
    if (isUpgrade(request, target)) {
      upgrade(request, socket, output, target);
      return;
    }
    const response = new Response(request, responseOptions);
    prepare(response, output, target);
    const exchange = new NodeExchange(http, output, request, response, socket);
    publishStart(request, response, socket, target);
    response.on('finish', () => {
      if (responseFinish.hasSubscribers) responseFinish.publish({ request, response, socket, server: target });
      exchange.finished();
    });
    try {
      dispatch(request, response, socket, target);
    } catch (error) {
      raise(error);
    }
    exchange.begin();
    if (answer.ended) return;
    http.whenGone(() => socket.lose());
    http.whenClientEnds?.(() => {
      // As in node:http, promises of the application that are resolved already still answer.
      if (target.httpAllowHalfOpen !== true) setImmediate(() => exchange.clientEnded());
    });
  });
}

const NOT_VERBATIM = 'an application for node:http cannot answer here: its response may be replaced by another one';

/** The socket of the connection, the same for all of its requests. */
export function socketOf({ channel }: Pick<VerbatimResponse, 'channel'>, target: NodeTarget): ServerSocket {
  const { attachment } = channel;
  return attachment instanceof ServerSocket ? attachment : new ServerSocket(channel, target);
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

function prepare(response: Response, output: VerbatimResponse, target: NodeTarget): void {
  response.shouldKeepAlive = output.keepsAlive;
  response._keepAliveTimeout = output.keepAliveTimeoutMs;
  response._maxRequestsPerSocket = target.maxRequestsPerSocket ?? 0;
}

function publishStart(request: ServerRequest, response: Response, socket: ServerSocket, server: NodeTarget): void {
  if (responseCreated.hasSubscribers) responseCreated.publish({ request, response });
  if (requestStart.hasSubscribers) requestStart.publish({ request, response, socket, server });
}

/** Emits the event of this request, in the order of node:http's own checks. */
function dispatch(request: ServerRequest, response: Response, socket: ServerSocket, target: NodeTarget): void {
  socket.requests++;
  if (request.httpVersionMinor === 1) {
    if (target.requireHostHeader === true && request.headers.host === undefined) {
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
    const { expect } = request.headers;
    if (expect !== undefined) {
      dispatchExpecting(expect, request, response, target);
      return;
    }
  }
  target.emit('request', request, response);
}

function dispatchExpecting(expect: string, request: ServerRequest, response: Response, target: NodeTarget): void {
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

function isUpgrade(request: ServerRequest, target: NodeTarget): boolean {
  if (request.method === 'CONNECT') return true;
  const { upgrade, connection } = request.headers;
  return upgrade !== undefined && UPGRADE.test(connection ?? '') && target.listenerCount('upgrade') > 0;
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

// `http.Server` over this project's event loop: what listens, accepts and reads is ours, and the events are those of
// node:http.

import { lookup } from 'node:dns';
import { EventEmitter } from 'node:events';
import http from 'node:http';
import { isIP } from 'node:net';
import { getSystemErrorMap } from 'node:util';
import { type NodeTarget, nodeHandler, raise, socketOf } from '../adapters/node/handler.ts';
import { nodeError, type RequestClass, type ResponseClass, UNIQUE_HEADERS } from '../adapters/node/messages.ts';
import { familyOf, ServerSocket } from '../adapters/node/server-socket.ts';
import type { Channel } from '../connection/channel.ts';
import type { HeadRules } from '../http/head-rules.ts';
import { WAIT } from '../http1/context.ts';
import { NativeError } from '../kernel/native-error.ts';
import type { ListenAddress } from '../options/listen-address.ts';
import { serverSettingsOf } from '../server/options.ts';
import { type OwnedServer, startOwned } from '../server/server.ts';
import type { ServerTls } from '../tls/server-tls.ts';
import { clientErrorOf, refusalOf } from './client-error.ts';
import { ANY_HOST, type ListenArguments, listenArguments } from './listen-arguments.ts';

/** Node's class, as it was before a program replaced it. */
const NodeServer: typeof http.Server = http.Server;

/** Without the constructor of http.Server, which would open nothing but takes time; its prototype is in the chain. */
// Its members are checked before they are used.
const ServerBase = function ServerBase() {} as unknown as new () => EventEmitter;
ServerBase.prototype = NodeServer.prototype;

/** Of Node's parser. */
const MAX_FIELDS = 2_000;
/** As in node:net. */
const BACKLOG = 511;
/** In the place of bounds that node:http does not have. */
const UNBOUNDED = 2 ** 31 - 1;

/** What Node's parser accepts, and leaves to the application. */
const NODE_RULES: HeadRules = {
  methods: new Set(http.METHODS),
  servesAllMethods: true,
  requiresHost: false,
  acceptsAnyHost: true,
  acceptsAnyExpectation: true,
};

/** A listener of 'request'. */
export type RequestListener = (request: http.IncomingMessage, response: http.ServerResponse) => void;

/** The options that this adapter reads beside those that Node's class keeps. */
interface ServerOptions extends http.ServerOptions {
  readonly IncomingMessage?: never;
  readonly ServerResponse?: never;
}

export class EpollHttpServer extends ServerBase implements NodeTarget {
  timeout = 0;
  maxHeadersCount: number | null = null;
  maxRequestsPerSocket = 0;
  /** Null and undefined: there is no limit. */
  maxConnections: number | null | undefined = undefined;
  httpAllowHalfOpen = false;
  requireHostHeader: boolean;
  joinDuplicateHeaders: boolean | undefined;
  readonly #options: ServerOptions;
  /** Node's own server for what ours cannot serve: sockets that the application brings. */
  readonly #native: http.Server;
  #keepAliveTimeout: number;
  #headersTimeout: number;
  #requestTimeout: number;
  #running: OwnedServer | null = null;
  #path: string | null = null;
  /** Grows with each call of listen and close, so that an earlier look-up has no effect. */
  #attempt = 0;
  #isReferenced = true;

  constructor(given?: http.ServerOptions | RequestListener | null, listener?: RequestListener) {
    super();
    Reflect.apply(EventEmitter, this, []);
    const options = typeof given === 'function' ? {} : (given ?? {});
    // Checks the options, as Node does.
    this.#native = new this.nativeClass(options);
    const { headersTimeout, requestTimeout, keepAliveTimeout } = this.#native;
    this.#headersTimeout = headersTimeout;
    this.#requestTimeout = requestTimeout;
    this.#keepAliveTimeout = keepAliveTimeout;
    this.requireHostHeader = options.requireHostHeader ?? true;
    this.joinDuplicateHeaders = options.joinDuplicateHeaders;
    // Its classes are those of the type of the adapter: an application derives them from Node's.
    this.#options = options as ServerOptions;
    this.on('connection', this.#serveForeign);
    const onRequest = typeof given === 'function' ? given : listener;
    if (onRequest !== undefined && onRequest !== null) this.on('request', onRequest);
  }

  /** Node's class of servers, whose own server takes what ours cannot serve. */
  protected get nativeClass(): typeof http.Server {
    return NodeServer;
  }

  /** The TLS of a server that begins to listen; null: it speaks plaintext. */
  protected makeTls(): ServerTls | null {
    return null;
  }

  // ---- Listening -----------------------------------------------------------------------------------

  listen(...given: readonly unknown[]): this {
    if (this.listening)
      throw nodeError('ERR_SERVER_ALREADY_LISTEN', 'Listen method has been called more than once without closing.');
    const wanted = listenArguments(given);
    if (wanted.callback !== undefined) this.once('listening', wanted.callback);
    if (wanted.signal !== undefined) this.#closeAt(wanted.signal);
    this.#attempt++;
    const { address } = wanted;
    if (address === null) this.#listenNatively(given);
    else if ('host' in address && address.host !== ANY_HOST && isIP(address.host) === 0) this.#lookUp(wanted, address);
    else this.#open(wanted, address);
    return this;
  }

  #lookUp(wanted: ListenArguments, address: { readonly host: string; readonly port: number }): void {
    const attempt = this.#attempt;
    lookup(address.host, (error, ip) => {
      if (attempt !== this.#attempt) return;
      if (error !== null) this.emit('error', error);
      else this.#open(wanted, { host: ip, port: address.port });
    });
  }

  #open(wanted: ListenArguments, address: ListenAddress): void {
    try {
      this.#running = this.#start(wanted, address);
    } catch (error) {
      const failure = listenError(error, address);
      process.nextTick(() => this.emit('error', failure));
      return;
    }
    this.#path = 'path' in address ? address.path : null;
    if (!this.#isReferenced) this.#running.unref();
    process.nextTick(() => {
      if (this.#running !== null) this.emit('listening');
    });
  }

  #start(wanted: ListenArguments, address: ListenAddress): OwnedServer {
    if (!('host' in address) || address.host !== ANY_HOST) return this.#startOn(wanted, address);
    try {
      return this.#startOn(wanted, { host: '::', port: address.port });
    } catch (error) {
      if (!isWithoutIpv6(error)) throw error;
      return this.#startOn(wanted, { host: '0.0.0.0', port: address.port });
    }
  }

  #startOn({ backlog = BACKLOG, isShared }: ListenArguments, address: ListenAddress): OwnedServer {
    const ip = 'host' in address ? address.host : '';
    const settings = serverSettingsOf(this.settings());
    // Its members are checked before they are used.
    const { IncomingMessage, ServerResponse, rejectNonStandardBodyWrites } = this.#options as {
      IncomingMessage?: RequestClass;
      ServerResponse?: ResponseClass;
      rejectNonStandardBodyWrites?: boolean;
    };
    const uniqueHeaders: unknown = Reflect.get(this.#native, UNIQUE_HEADERS);
    const handler = nodeHandler(this, {
      IncomingMessage,
      ServerResponse,
      rejectNonStandardBodyWrites,
      uniqueHeaders,
    });
    const tls = this.makeTls();
    const listeners = [{ address, ip, isShared, options: { backlog, isEncrypted: tls !== null } }];
    const resolved = { settings, listeners, tls };
    const server = startOwned(resolved, handler, {
      events: {
        connected: (channel) => this.#connected(channel),
        refused: (channel, status, problem) => this.#refused(channel, status, problem),
        handshakeFailed: (channel, reason, isTimeout) => this.handshakeFailed(channel, reason, isTimeout),
      },
      rules: NODE_RULES,
      keepsConnections: true,
    });
    this.#setWaits(server);
    return server;
  }

  /** The time-outs may change while the server runs. */
  #setWaits(server: OwnedServer | null): void {
    const { waitsMs } = server?.composition.sessions ?? { waitsMs: [] };
    const given = [this.#headersTimeout, this.#requestTimeout].filter((ms) => ms > 0);
    const headMs = given.length === 0 ? 0 : Math.min(...given);
    waitsMs[WAIT.FIRST_BYTE] = headMs;
    waitsMs[WAIT.HEADER] = headMs;
    waitsMs[WAIT.BODY] = this.#requestTimeout || UNBOUNDED;
    waitsMs[WAIT.KEEP_ALIVE] = this.#keepAliveTimeout;
  }

  /** Options of the server, by name. Node's own bounds hold; what it does not bound is not bounded. */
  protected settings(): Map<string, unknown> {
    const maxHeaderBytes = this.#options.maxHeaderSize ?? http.maxHeaderSize;
    return new Map<string, unknown>([
      ['serverHeader', ''],
      ['maxHeaderBytes', maxHeaderBytes],
      ['maxTargetBytes', maxHeaderBytes],
      ['maxFields', Math.max(this.maxHeadersCount ?? 0, MAX_FIELDS)],
      ['maxBodyBytes', Number.MAX_SAFE_INTEGER],
      ['maxDiscardBytes', Number.MAX_SAFE_INTEGER],
      ['maxConnections', UNBOUNDED],
      ['handlerTimeoutMs', 0],
      ['sendTimeoutMs', UNBOUNDED],
      ['halfClosedTimeoutMs', UNBOUNDED],
      ['halfClosedSignalMs', 0],
      ['minReceiveBytesPerSecond', 0],
      ['minSendBytesPerSecond', 0],
      ['lingerTimeoutMs', 1_000],
      ['shutdownTimeoutMs', UNBOUNDED],
      ['shutdownGraceMs', 1],
    ]);
  }

  /** A handle of libuv: Node's own server listens on it. */
  #listenNatively(given: readonly unknown[]): void {
    const native = this.#forwarding();
    Reflect.apply(
      native.listen,
      native,
      given.filter((each) => typeof each !== 'function'),
    );
  }

  // ---- Connections ---------------------------------------------------------------------------------

  #connected(channel: Channel): void {
    const connections = this.#running?.composition.connections.size ?? 0;
    if (this.maxConnections != null && connections > this.maxConnections) {
      this.#drop(channel);
      return;
    }
    if (this.timeout === 0 && !this.isAwaited) return;
    const socket = socketOf({ channel }, this);
    if (this.timeout > 0) socket.setTimeout(this.timeout);
    this.announce(socket);
  }

  /** Whether a listener of the application waits for new connections. */
  protected get isAwaited(): boolean {
    return this.listeners('connection').some((each) => each !== this.#serveForeign);
  }

  protected announce(socket: ServerSocket): void {
    this.emitSafely('connection', socket);
  }

  /** Servers without TLS have no handshakes. */
  protected handshakeFailed(_channel: Channel, _reason: string, _isTimeout: boolean): void {}

  #drop(channel: Channel): void {
    const { peer, local } = channel;
    this.emitSafely('drop', {
      localAddress: local.address,
      localPort: local.port,
      localFamily: familyOf(local.address),
      remoteAddress: peer.address,
      remotePort: peer.port,
      remoteFamily: familyOf(peer.address),
    });
    channel.drop('maxConnections is reached');
  }

  /** As in node:http: without a listener, the client gets a status line, unless a response has begun. */
  #refused(channel: Channel, status: number, problem: string): boolean {
    const socket = socketOf({ channel }, this);
    const error = clientErrorOf(status, problem);
    if (this.listenerCount('clientError') > 0) {
      this.emitSafely('clientError', error, socket);
      return true;
    }
    if (socket._httpMessage === null || !socket._httpMessage._headerSent) channel.write(refusalOf(error.code));
    socket.fail(error);
    return true;
  }

  protected emitSafely(event: string, ...values: readonly unknown[]): void {
    try {
      this.emit(event, ...values);
    } catch (error) {
      raise(error);
    }
  }

  /** A 'connection' is served by Node's own server if its socket is not ours, or carries raw bytes after CONNECT. */
  readonly #serveForeign = (socket: unknown): void => {
    const isOurs = socket instanceof ServerSocket && !socket.ownsChannel;
    if (!isOurs) this.#forwarding().emit('connection', socket);
  };

  #forwarding(): http.Server {
    const native = this.#native;
    if (native.listenerCount('request') === 0) {
      for (const event of FORWARDED) native.on(event, (...values: unknown[]) => this.emit(event, ...values));
    }
    return native;
  }

  // ---- Ends ----------------------------------------------------------------------------------------

  close(callback?: (error?: Error) => void): this {
    const { listening } = this;
    this.#attempt++;
    if (callback !== undefined) {
      const notRunning = (): void => callback(nodeError('ERR_SERVER_NOT_RUNNING', 'Server is not running.'));
      this.once('close', listening ? callback : notRunning);
    }
    if (listening) this.#close();
    else if (this.#closing === 0) process.nextTick(() => this.emit('close'));
    return this;
  }

  /** Emits 'close' when the last connection has ended. */
  #close(): void {
    const running = this.#running;
    this.closeIdleConnections();
    this.#closing++;
    const closed = (): void => {
      this.#closing--;
      if (this.#closing === 0) this.emit('close');
    };
    if (running === null) {
      this.#native.close(closed);
      return;
    }
    this.#running = null;
    this.#path = null;
    this.#last.add(running);
    // As a handle that closes: 'close' comes although nothing else keeps the process alive.
    running.ref();
    running
      .close()
      .then(() => this.#last.delete(running))
      .then(closed)
      .catch(raise);
  }

  /** Closes when `signal` is aborted, unless 'close' came before. */
  #closeAt(signal: AbortSignal): void {
    const close = (): void => void this.close();
    if (signal.aborted) process.nextTick(close);
    signal.addEventListener('abort', close, { once: true });
    this.once('close', () => signal.removeEventListener('abort', close));
  }

  /** Servers of this project that are closing. */
  readonly #last = new Set<OwnedServer>();
  /** How many servers are closing, Node's own included. */
  #closing = 0;

  get #all(): readonly OwnedServer[] {
    return this.#running === null ? [...this.#last] : [this.#running, ...this.#last];
  }

  closeAllConnections(): void {
    for (const { composition } of this.#all) composition.connections.drop('closeAllConnections() was called');
    this.#native.closeAllConnections();
  }

  closeIdleConnections(): void {
    for (const { composition } of this.#all) composition.connections.endIdle();
    this.#native.closeIdleConnections();
  }

  getConnections(callback: (error: Error | null, count: number) => void): this {
    const count = this.#all.reduce((sum, { composition }) => sum + composition.connections.size, 0);
    process.nextTick(callback, null, count);
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.close((error) => (error === undefined ? resolve() : reject(error)));
    });
  }

  // ---- State ---------------------------------------------------------------------------------------

  get listening(): boolean {
    return this.#running !== null || this.#native.listening;
  }

  /** Libraries look at it to learn whether the server listens. */
  get _handle(): object | null {
    return this.#running === null ? null : this.#running.addresses;
  }

  address(): { address: string; family: string | undefined; port: number } | string | null {
    const [first] = this.#running?.addresses ?? [];
    if (first === undefined) return this.#native.address();
    if (this.#path !== null) return this.#path;
    return { address: first.address, family: familyOf(first.address), port: first.port };
  }

  ref(): this {
    this.#isReferenced = true;
    this.#running?.ref();
    this.#native.ref();
    return this;
  }

  unref(): this {
    this.#isReferenced = false;
    this.#running?.unref();
    this.#native.unref();
    return this;
  }

  get keepAliveTimeout(): number {
    return this.#keepAliveTimeout;
  }

  set keepAliveTimeout(ms: number) {
    this.#keepAliveTimeout = ms;
    this.#setWaits(this.#running);
  }

  get headersTimeout(): number {
    return this.#headersTimeout;
  }

  set headersTimeout(ms: number) {
    this.#headersTimeout = ms;
    this.#setWaits(this.#running);
  }

  get requestTimeout(): number {
    return this.#requestTimeout;
  }

  set requestTimeout(ms: number) {
    this.#requestTimeout = ms;
    this.#setWaits(this.#running);
  }

  setTimeout(ms: number | (() => void), callback?: () => void): this {
    this.timeout = typeof ms === 'number' ? ms : 0;
    if (callback !== undefined) this.on('timeout', callback);
    return this;
  }
}

/** The events of Node's own server that become ours. */
const FORWARDED = [
  'request',
  'upgrade',
  'connect',
  'clientError',
  'checkContinue',
  'checkExpectation',
  'listening',
  'error',
];

function isWithoutIpv6(error: unknown): boolean {
  // Its members are checked before they are used.
  const { cause } = error as { readonly cause?: unknown };
  return cause instanceof NativeError && ['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL'].includes(cause.errnoName);
}

/** The error that node:net makes when it cannot listen. */
function listenError(error: unknown, address: ListenAddress): unknown {
  // Its members are checked before they are used.
  const { cause } = error as { readonly cause?: unknown };
  if (!(cause instanceof NativeError)) return error;
  const host = 'host' in address ? address.host || '::' : undefined;
  const where = 'host' in address ? `${host}:${address.port}` : 'path' in address ? address.path : `fd ${address.fd}`;
  const text = getSystemErrorMap().get(-cause.errno)?.[1] ?? cause.message;
  const failure = nodeError(cause.errnoName, `listen ${cause.errnoName}: ${text} ${where}`);
  return Object.assign(failure, {
    errno: -cause.errno,
    syscall: 'listen',
    address: host ?? where,
    ...('host' in address ? { port: address.port } : {}),
  });
}

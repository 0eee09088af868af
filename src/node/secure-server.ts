// `https.Server` over this project's event loop and its TLS.

import type http from 'node:http';
import https from 'node:https';
import { socketOf } from '../adapters/node/handler.ts';
import { nodeError } from '../adapters/node/messages.ts';
import type { ServerSocket } from '../adapters/node/server-socket.ts';
import type { Channel } from '../connection/channel.ts';
import { TLS_FAILURE } from '../connection/handshake.ts';
import { EpollServerError } from '../errors.ts';
import { ServerTls } from '../tls/server-tls.ts';
import { EpollHttpServer, type RequestListener } from './server.ts';
import { tlsProblem, tlsSettingsFrom } from './tls-options.ts';

/** Node's class, as it was before a program replaced it. */
const NodeSecureServer: typeof https.Server = https.Server;

/** As in node:tls. */
const HANDSHAKE_TIMEOUT_MS = 120_000;

export class EpollHttpsServer extends EpollHttpServer {
  readonly requestCert: boolean;
  readonly rejectUnauthorized: boolean;
  #options: https.ServerOptions;
  /** That of new connections, while the server listens. */
  #tls: ServerTls | null = null;

  /** @throws EpollServerError `ERR_TLS`: these options are for Node's own server. As node:tls for bad certificates. */
  constructor(given: https.ServerOptions, listener?: RequestListener) {
    super(given, listener);
    const problem = tlsProblem(given);
    if (problem !== null) throw new EpollServerError('ERR_TLS', problem);
    this.requestCert = given.requestCert === true;
    this.rejectUnauthorized = given.rejectUnauthorized !== false;
    this.#options = given;
    // Shows mistakes now, as node:https does.
    this.makeTls();
  }

  /** As a server of node:https, whose members for HTTP are those of node:http. */
  protected override get nativeClass(): typeof http.Server {
    // Both have the same members for requests.
    return NodeSecureServer as unknown as typeof http.Server;
  }

  /** Tools replace the method of node:https, which is not the one of node:http that this class inherits. */
  override emit(event: string | symbol, ...values: unknown[]): boolean {
    return Reflect.apply(NodeSecureServer.prototype.emit, this, [event, ...values]);
  }

  protected override makeTls(): ServerTls {
    this.#tls = ServerTls.ofMemory(tlsSettingsFrom(this.#options));
    return this.#tls;
  }

  protected override announce(socket: ServerSocket): void {
    super.announce(socket);
    this.emitSafely('secureConnection', socket);
  }

  protected override get isAwaited(): boolean {
    return super.isAwaited || this.listenerCount('secureConnection') > 0;
  }

  /** As of node:https, which takes such errors for those of clients, too. */
  protected override handshakeFailed(channel: Channel, reason: string, isTimeout: boolean): void {
    if (this.listenerCount('tlsClientError') + this.listenerCount('clientError') === 0) return;
    const socket = socketOf({ channel }, this);
    // It may wait until the client has its alert. An open one is closed next.
    if (!channel.isOpen) socket.destroy();
    const error = handshakeErrorOf(reason, isTimeout);
    process.nextTick(() => {
      this.emit('clientError', error, socket);
      this.emit('tlsClientError', error, socket);
    });
  }

  protected override settings(): Map<string, unknown> {
    return super.settings().set('handshakeTimeoutMs', this.#options.handshakeTimeout ?? HANDSHAKE_TIMEOUT_MS);
  }

  /** Other certificates, from the next handshake on. */
  setSecureContext(options: https.ServerOptions): void {
    const changed = { ...this.#options, ...options };
    const problem = tlsProblem(changed);
    if (problem !== null) throw new EpollServerError('ERR_TLS', problem);
    const settings = tlsSettingsFrom(changed);
    this.#tls?.replace(settings);
    this.#options = changed;
  }

  addContext(): never {
    throw unsupported('addContext', 'pass all certificates to createServer, by whose names they are chosen');
  }

  getTicketKeys(): never {
    throw unsupported('getTicketKeys', 'the server renews its keys itself');
  }

  setTicketKeys(): never {
    throw unsupported('setTicketKeys', 'the server renews its keys itself');
  }
}

/** With the codes of node:tls, whose errors for each reason of OpenSSL are one here. */
function handshakeErrorOf(reason: string, isTimeout: boolean): NodeJS.ErrnoException {
  if (isTimeout) return nodeError('ERR_TLS_HANDSHAKE_TIMEOUT', 'TLS handshake timeout');
  if (reason === TLS_FAILURE) return nodeError('EPROTO', 'the TLS handshake failed');
  return nodeError('ECONNRESET', 'socket hang up');
}

function unsupported(name: string, instead: string): Error {
  return nodeError(
    'ERR_METHOD_NOT_IMPLEMENTED',
    `server.${name}() does not exist here: ${instead} (docs/applications.md)`,
  );
}

function isSecureOptions(given: unknown): given is https.ServerOptions {
  return typeof given === 'object' && given !== null;
}

/** `https.Server`: may be called without `new`. A server that this one cannot be is Node's own. */
export const EpollSecureServerClass: typeof https.Server = new Proxy(EpollHttpsServer, {
  apply: (_Class, _self, values) => makeSecureServer(values),
  construct: (Class, values, target) =>
    target === EpollSecureServerClass ? makeSecureServer(values) : Reflect.construct(Class, values, target),
  get: (Class, name, receiver) => (name === Symbol.hasInstance ? isSecureServer : Reflect.get(Class, name, receiver)),
  // The type of Node is the promise: test/adapters/node compares what both do.
}) as unknown as typeof https.Server;

function isSecureServer(found: unknown): boolean {
  return found instanceof EpollHttpsServer || found instanceof NodeSecureServer;
}

/** Gets the reason why a server of node:https stays Node's. */
let onNative: (problem: string) => void = () => {};

export function reportNativeServers(report: (problem: string) => void): void {
  onNative = report;
}

/** Ours where it can serve with these options, otherwise Node's. */
function makeSecureServer(values: unknown[]): EpollHttpsServer | https.Server {
  const [given] = values;
  const native = (problem: string): https.Server => {
    onNative(problem);
    return Reflect.construct(NodeSecureServer, values);
  };
  if (!isSecureOptions(given)) return native('there is no cert and key');
  const problem = tlsProblem(given);
  if (problem !== null) return native(problem);
  try {
    return Reflect.construct(EpollHttpsServer, values);
  } catch (error) {
    if (error instanceof EpollServerError) return native(error.message);
    throw error;
  }
}

export const createSecureServer: typeof https.createServer = function createServer(...values: unknown[]) {
  // Node's type for both.
  return makeSecureServer(values) as https.Server;
};

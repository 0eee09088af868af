// The socket of a connection, as applications for node:http see it: a Duplex, which becomes one when it is first used as a
// stream. While HTTP is spoken, its input belongs to the requests. After an upgrade it carries the bytes themselves.

import { AsyncResource } from 'node:async_hooks';
import { constants } from 'node:os';
import { Duplex } from 'node:stream';
import type { Channel, ChannelAttachment } from '../../connection/channel.ts';
import type { Protocol } from '../../connection/protocol.ts';
import { aborted, allowNoListeners, HIGH_WATER_MARK_BYTES, type OutgoingResponse } from './messages.ts';

/** What answers the request in progress. */
export interface MessageOutput {
  /** Bytes of the response, head included, or of an interim one. */
  write(
    data: string | Uint8Array,
    encoding: BufferEncoding | null | undefined,
    callback?: WriteCallback | null,
  ): boolean;
  /** Reads the body of the request. */
  readBody(): void;
  /** The connection was closed. */
  abort(): void;
}

type WriteCallback = (error?: Error | null) => void;

/** The server of a socket, as far as the socket needs it. */
export interface SocketServer {
  readonly timeout?: number | undefined;
  /** Clients are asked for a certificate, as in node:tls. */
  readonly requestCert?: boolean | undefined;
  emit(event: string, ...values: unknown[]): boolean;
  listenerCount(event: string): number;
}

/** Duplex without its constructor, which {@link ServerSocket} calls when it is needed. */
// As the types of Duplex say; Node checks no more.
const LazyDuplex = function LazyDuplex() {} as unknown as new () => Duplex;
LazyDuplex.prototype = Duplex.prototype;

const ECONNRESET = -constants.errno.ECONNRESET;
const DESTROYED = 'the application destroyed the socket';

export class ServerSocket extends LazyDuplex implements ChannelAttachment {
  readonly channel: Channel;
  server: SocketServer;
  /** The response in progress, by the name that Node's classes use. */
  _httpMessage: OutgoingResponse | null = null;
  /** The request in progress. */
  message: MessageOutput | null = null;
  parser: null = null;
  _handle: null = null;
  _paused = false;
  /** A response was lost: Node's class emits no 'finish' then. */
  _hadError = false;
  /** The async context of the requests of this connection. */
  readonly context: AsyncResource = new AsyncResource('EPOLL_SERVER_CONNECTION');
  connecting = false;
  pending = false;
  timeout = 0;
  /** Requests so far. */
  requests = 0;
  #isStream = false;
  #isClosed = false;
  /** No request is in progress, after an earlier one. */
  #isIdle = false;
  /** The connection carries raw bytes, to and from this stream. */
  #isRaw = false;
  /** The stream has room for input. */
  #wantsBytes = false;
  #hasEnded = false;
  /** Bytes for the listener of an upgrade; null: they go to the stream. */
  #head: Buffer[] | null = null;
  #loss: Error | null = null;
  #timer: NodeJS.Timeout | null = null;
  #seenBytes = 0;
  #total: readonly [number, number] = [0, 0];

  constructor(channel: Channel, server: SocketServer) {
    super();
    this.channel = channel;
    this.server = server;
    channel.captureAddresses();
    channel.attachment = this;
  }

  // Duplex describes them as properties, so that TypeScript allows no accessors in their place.
  static {
    const asStream = (name: string, otherwise: (socket: ServerSocket) => unknown): PropertyDescriptor => {
      const ofStream = getterOf(Duplex.prototype, name);
      return {
        configurable: true,
        get(this: ServerSocket) {
          return this.#isStream ? ofStream.call(this) : otherwise(this);
        },
        set(this: ServerSocket, value: unknown) {
          this.#become();
          Reflect.set(Duplex.prototype, name, value, this);
        },
      };
    };
    // The listener of the server comes first, as in node:http.
    const listen = (name: 'on' | 'addListener'): PropertyDescriptor => ({
      configurable: true,
      writable: true,
      value(this: ServerSocket, ...given: unknown[]) {
        this.#become();
        return Reflect.apply(Duplex.prototype[name], this, given);
      },
    });
    allowNoListeners(ServerSocket.prototype);
    Object.defineProperties(ServerSocket.prototype, {
      on: listen('on'),
      addListener: listen('addListener'),
      destroyed: asStream('destroyed', (socket) => socket.#isClosed),
      readable: asStream('readable', (socket) => !socket.#isClosed),
      writable: asStream('writable', (socket) => !socket.#isClosed),
      writableLength: asStream('writableLength', () => 0),
      writableHighWaterMark: asStream('writableHighWaterMark', () => HIGH_WATER_MARK_BYTES),
      readableHighWaterMark: asStream('readableHighWaterMark', () => HIGH_WATER_MARK_BYTES),
      writableCorked: asStream('writableCorked', () => 0),
    });
  }

  // ---- The stream, made when it is needed --------------------------------------------------------

  #become(): void {
    if (this.#isStream) return;
    this.#isStream = true;
    Reflect.apply(Duplex, this, [{ highWaterMark: HIGH_WATER_MARK_BYTES, allowHalfOpen: true, emitClose: false }]);
    this.on('error', onHttpError);
    if (this.#isClosed) this.#destroyLost();
  }

  get _readableState(): unknown {
    this.#become();
    return Reflect.getOwnPropertyDescriptor(this, '_readableState')?.value;
  }

  set _readableState(value: unknown) {
    Object.defineProperty(this, '_readableState', { value, writable: true, configurable: true, enumerable: true });
  }

  get _writableState(): unknown {
    this.#become();
    return Reflect.getOwnPropertyDescriptor(this, '_writableState')?.value;
  }

  set _writableState(value: unknown) {
    Object.defineProperty(this, '_writableState', { value, writable: true, configurable: true, enumerable: true });
  }

  /** An 'error' has the listener of the server, although the application emits it itself. */
  override emit(event: string | symbol, ...values: unknown[]): boolean {
    if (event === 'error') this.#become();
    return Reflect.apply(super.emit, this, [event, ...values]);
  }

  override write(chunk: unknown, encoding?: unknown, callback?: unknown): boolean {
    const { message } = this;
    if (message === null || this.#isRaw) return Reflect.apply(super.write, this, [chunk, encoding, callback]);
    // As the types of Duplex say; Node checks no more.
    const done = (typeof encoding === 'function' ? encoding : callback) as WriteCallback | undefined;
    // As the types of Duplex say; Node checks no more.
    const given = typeof encoding === 'string' ? (encoding as BufferEncoding) : null;
    // As the types of Duplex say; Node checks no more.
    return message.write(chunk as string | Uint8Array, given, done);
  }

  /**
   * Node corks the socket until the next tick, while a response goes on. The output is batched in any case. What was
   * written before leaves, so that {@link _destroy} drops the rest alone.
   */
  override cork(): void {
    if (!this.#isRaw && this.writableCorked === 0) this.channel.sendNow();
    super.cork();
  }

  /** Node's requests resume the socket to read their body. */
  override resume(): this {
    if (this.#isRaw) return super.resume();
    this.message?.readBody();
    return this;
  }

  override pause(): this {
    return this.#isRaw ? super.pause() : this;
  }

  override _read(): void {
    this.#wantsBytes = true;
    if (this.#isRaw) this.channel.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: WriteCallback): void {
    this.#send(chunk, callback);
  }

  override _writev(chunks: readonly { chunk: Buffer }[], callback: WriteCallback): void {
    for (const { chunk } of chunks) if (!this.#isClosed) this.channel.write(chunk);
    this.#send(null, callback);
  }

  #send(chunk: Buffer | null, callback: WriteCallback): void {
    if (this.#isClosed) {
      callback(aborted());
      return;
    }
    if (chunk !== null) this.channel.write(chunk);
    if (this.channel.isFull) this.channel.whenSent((isSent) => callback(isSent ? null : aborted()));
    // As a write of node:net that the system takes at once: ws asks for `writableLength` after it.
    else callback();
  }

  override _final(callback: WriteCallback): void {
    if (this.#isClosed || !this.#isRaw) {
      if (!this.#isClosed) this.channel.finish(true);
      process.nextTick(callback);
      return;
    }
    // The client may still send: the stream destroys itself when both directions have ended.
    this.channel.endOutput();
    this.channel.whenSent((isSent) => process.nextTick(callback, isSent ? null : aborted()));
  }

  override _destroy(error: Error | null, callback: WriteCallback): void {
    this.#clearTimer();
    if (!this.#isClosed && this.channel.isOpen)
      this.channel.drop(error?.message ?? DESTROYED, this.writableCorked === 0);
    callback(error);
    // As the close of a handle: after what the next tick does with the error.
    setImmediate(() => this.#emitClose(error !== null));
  }

  #emitClose(hadError: boolean): void {
    this.message?.abort();
    this.emit('close', hadError);
  }

  destroySoon(): void {
    if (this.writable) this.end();
    else if (!this.destroyed) this.destroy();
  }

  resetAndDestroy(): this {
    if (!this.#isClosed) this.channel.abort('the application reset the connection');
    return this.destroy();
  }

  // ---- The connection ----------------------------------------------------------------------------

  channelClosed(): void {
    if (this.#isClosed) return;
    this.#total = this.channel.transferred;
    this.#isClosed = true;
    this.#clearTimer();
    this.lose();
  }

  get ownsChannel(): boolean {
    return this.#isRaw;
  }

  channelAborted(): void {
    if (this.destroyed) return;
    const error: NodeJS.ErrnoException = new Error('read ECONNRESET');
    this.#loss = Object.assign(error, { code: 'ECONNRESET', errno: ECONNRESET, syscall: 'read' });
    if (this.server.listenerCount('clientError') > 0) this.#become();
  }

  /** Destroys the socket. Its connection ends when the output is sent. */
  fail(error: Error): void {
    this.channel.finish(true);
    this.destroy(error);
  }

  /** The connection is closed, or the server has answered in place of the application. */
  lose(): void {
    if (this.#isStream) this.#destroyLost();
    // Events are for the application, whose errors must not end the turn of the loop.
    else process.nextTick(() => (this.#isStream ? this.#destroyLost() : this.message?.abort()));
  }

  /** The client has finished sending. The stream has no bytes while HTTP is spoken, but listeners expect the event. */
  emitEnd(): void {
    if (this.#isStream) process.nextTick(() => this.emit('end'));
  }

  #destroyLost(): void {
    this.destroy(this.#loss ?? undefined);
  }

  get remoteAddress(): string | undefined {
    return this.channel.peer.address || undefined;
  }

  get remotePort(): number | undefined {
    return this.remoteAddress === undefined ? undefined : this.channel.peer.port;
  }

  get remoteFamily(): string | undefined {
    return familyOf(this.remoteAddress);
  }

  get localAddress(): string | undefined {
    return this.channel.local.address || undefined;
  }

  get localPort(): number | undefined {
    return this.localAddress === undefined ? undefined : this.channel.local.port;
  }

  get localFamily(): string | undefined {
    return familyOf(this.localAddress);
  }

  address(): object {
    return this.#isClosed ? {} : { address: this.localAddress, family: this.localFamily, port: this.localPort };
  }

  get bytesRead(): number {
    return this.#transferred[0];
  }

  get bytesWritten(): number {
    return this.#transferred[1] + (this.#isClosed ? 0 : this.channel.unsentBytes);
  }

  get #transferred(): readonly [number, number] {
    return this.#isClosed ? this.#total : this.channel.transferred;
  }

  get readyState(): string {
    if (this.readable && this.writable) return 'open';
    if (this.readable) return 'readOnly';
    return this.writable ? 'writeOnly' : 'closed';
  }

  /** The server sends without delay. */
  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  // ---- Time --------------------------------------------------------------------------------------

  /** Emits 'timeout' when nothing was received or sent for `ms`; 0: never. */
  setTimeout(ms: number, callback?: () => void): this {
    this.timeout = ms;
    this.#clearTimer();
    if (callback !== undefined) {
      if (ms === 0) this.removeListener('timeout', callback);
      else this.once('timeout', callback);
    }
    if (ms > 0 && !this.#isClosed) this.#startTimer(ms);
    return this;
  }

  /** Between two requests the time-out of the server for idle connections holds instead. */
  becomeIdle(): void {
    this.#isIdle = true;
    this.#clearTimer();
  }

  /** A request begins. */
  becomeBusy(): void {
    if (!this.#isIdle) return;
    this.#isIdle = false;
    if (this.timeout !== 0 || (this.server.timeout ?? 0) !== 0) this.setTimeout(this.server.timeout ?? 0);
  }

  #startTimer(ms: number): void {
    const [received, sent] = this.#transferred;
    this.#seenBytes = received + sent;
    this.#timer = setTimeout(() => this.#timerFired(), ms);
    this.#timer.unref();
  }

  #timerFired(): void {
    const [received, sent] = this.#transferred;
    if (received + sent === this.#seenBytes) this.#timedOut();
    if (this.timeout > 0 && !this.#isClosed) this.#startTimer(this.timeout);
  }

  #timedOut(): void {
    if (this.#isRaw || this.listenerCount('timeout') > 0) this.emit('timeout');
    if (this.#isRaw) return;
    const { _httpMessage: response } = this;
    const isHandled = response?.req.complete === false && response.req.emit('timeout', this);
    const isHandledByResponse = response?.emit('timeout', this) === true;
    const isHandledByServer = this.server.emit('timeout', this);
    if (!isHandled && !isHandledByResponse && !isHandledByServer) this.destroy();
  }

  #clearTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  // ---- After an upgrade ---------------------------------------------------------------------------

  /** From now on the connection carries the bytes of this stream. */
  becomeRaw(): Protocol {
    this.#isRaw = true;
    this.#wantsBytes = true;
    this.#head = [];
    this.message = null;
    this.#become();
    this.removeListener('error', onHttpError);
    return new RawProtocol(this);
  }

  /** Whether the stream has room for input. */
  get wantsBytes(): boolean {
    return this.#wantsBytes && !this.#isClosed;
  }

  receiveBytes(bytes: Buffer): void {
    if (this.#head === null) {
      this.#wantsBytes = this.push(bytes);
    } else {
      this.#head.push(bytes);
      this.#wantsBytes = false;
    }
  }

  /** The bytes that arrived before the listener of the upgrade was called; later ones go to the stream. */
  takeHead(): Buffer {
    const head = Buffer.concat(this.#head ?? []);
    this.#head = null;
    // Read ahead, as a socket of Node is, so that the end of the client is noticed without a reader.
    this.#wantsBytes = true;
    this.channel.resume();
    if (this.#hasEnded) this.#pushEnd();
    return head;
  }

  #pushEnd(): void {
    this.push(null);
    // Without content, the stream ends now.
    this.read(0);
  }

  /** The client has finished sending. */
  clientEnded(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    if (this.#head === null) this.#pushEnd();
  }

  clientLost(reason: string): void {
    const error: NodeJS.ErrnoException = new Error(reason);
    error.code = 'ECONNRESET';
    this.destroy(this.listenerCount('error') > 0 ? error : undefined);
  }
}

/** The protocol of a connection that carries the bytes of its socket. */
class RawProtocol implements Protocol {
  readonly paused = false;
  readonly isBusy = true;
  readonly #socket: ServerSocket;

  constructor(socket: ServerSocket) {
    this.#socket = socket;
  }

  get wantsInput(): boolean {
    return this.#socket.wantsBytes;
  }

  receive(bytes: Buffer, start: number, end: number): number {
    this.#socket.receiveBytes(Buffer.from(bytes.subarray(start, end)));
    return end;
  }

  ended(): void {
    this.#socket.clientEnded();
  }

  aborted(reason: string): void {
    this.#socket.clientLost(reason);
  }

  ending(): void {}
  drained(): void {}
  expired(): void {}
  /** The application ends such connections itself, as with node:http. */
  stop(): void {}
  refuse(): void {}
  closed(): void {}
}

/** An error of a socket that speaks HTTP is a 'clientError', and no exception. */
function onHttpError(this: ServerSocket, error: Error): void {
  this.removeListener('error', onHttpError);
  if (this.listenerCount('error') === 0) this.on('error', () => {});
  this.server.emit('clientError', error, this);
}

/** The accessor of that name in `prototype` or behind it. */
function getterOf(prototype: object, name: string): () => unknown {
  let each: object | null = prototype;
  while (each !== null) {
    const found = Object.getOwnPropertyDescriptor(each, name);
    if (found?.get !== undefined) return found.get;
    each = Object.getPrototypeOf(each);
  }
  return () => undefined;
}

/** Of an address as text; undefined: there is none, as with a Unix domain socket. */
export function familyOf(address: string | undefined): string | undefined {
  if (address === undefined || address === '') return undefined;
  return address.includes(':') ? 'IPv6' : 'IPv4';
}

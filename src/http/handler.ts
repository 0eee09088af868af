// The types of the raw handler: every adapter and every server is built on them. http1/ implements them.

import type { ProtocolFactory } from '../connection/channel.ts';
import type { FieldNames } from './field-names.ts';
import type { FieldInput } from './fields.ts';
import type { ServedBy } from './served-by.ts';
import type { VerbatimResponse } from './verbatim-response.ts';

/** An IP address in text and a port; for a Unix domain socket, an empty text and 0. */
export interface Endpoint {
  /** An IPv4 or IPv6 address in text; empty for a Unix domain socket. */
  readonly address: string;
  /** 0 for a Unix domain socket. */
  readonly port: number;
}

/** How a connection is encrypted. Texts are empty where there is nothing. */
export interface TlsConnection {
  /** `TLSv1.3`. */
  readonly protocol: string;
  /** `TLS_AES_128_GCM_SHA256`. */
  readonly cipher: string;
  /** The protocol that ALPN chose. */
  readonly alpnProtocol: string;
  /** The server name that the client asked for (SNI), in lower case. */
  readonly serverName: string;
  /** Whether an earlier session was resumed. */
  readonly isResumed: boolean;
  /** The client's certificate as DER, for `new X509Certificate`; null: it sent none. */
  readonly certificate: Uint8Array | null;
  /** Why that certificate is not accepted; empty: it is, or there is none. */
  readonly authorizationError: string;
}

/**
 * The content of a request, in pieces as they arrive. The server reads from the client only after the first read, and
 * at most 64 KiB ahead of the reader. There is one reader, which owns the pieces.
 */
export interface RequestBody extends AsyncIterable<Uint8Array> {
  /** The declared length in bytes; undefined for a chunked body. */
  readonly length: number | undefined;
  /** Trailer fields of a chunked body, names in lower case; empty until the body was read to its end. */
  readonly trailers: readonly (readonly [string, string])[];
  /** The same, names in the case in which they were sent. */
  readonly rawTrailers: readonly (readonly [string, string])[];
  /** The next piece, or null at the end. Rejects with `ERR_CLIENT_GONE` when the client closes the connection. */
  read(): Promise<Uint8Array | null>;
  /**
   * The whole content. `maxBytes`: by default the server's `maxBodyBytes`. Rejects with `ERR_BODY_TOO_LARGE` beyond it.
   */
  bytes(maxBytes?: number): Promise<Buffer>;
  /** The whole content as UTF-8; bounds and errors as for {@link bytes}. */
  text(maxBytes?: number): Promise<string>;
}

/**
 * A request as it was received. Each property is parsed when it is read, so a handler pays only for what it uses.
 * The object stays valid after `await` if the handler returned a promise, or had not responded when it returned. If a
 * handler responded and returned nothing, a later read throws `ERR_REQUEST_OVER`, unless the handler called {@link
 * HttpRequest.retain} before.
 */
export interface HttpRequest {
  /** The method as sent: case matters. */
  readonly method: string;
  /** The request target as sent. */
  readonly target: string;
  /** The target's path as sent, not decoded; `*` for OPTIONS of the server. */
  readonly path: string;
  /** The query: the part of the target after its first `?`, as sent; empty if there is none. */
  readonly query: string;
  /**
   * The requested host and port, as sent: those of the target if it has them (RFC 9112 section 3.3), else Host. Empty
   * when an HTTP/1.0 request has neither.
   */
  readonly host: string;
  /** `https` over TLS, or where one of `trustedProxies` reports it. */
  readonly scheme: 'http' | 'https';
  /** How the connection is encrypted; null: it is not. */
  readonly tls: TlsConnection | null;
  /** `1.0` or `1.1`. */
  readonly httpVersion: '1.0' | '1.1';
  /**
   * The value of a field, its name in any case; several lines joined by `, ` (RFC 9110 section 5.3). Undefined: not
   * sent.
   */
  header(name: string): string | undefined;
  /**
   * False: none of these fields was sent, which is cheaper to learn here than from each. True: one may have been sent.
   * Absent: a request that wraps another one.
   * @internal
   */
  mayHave?(names: FieldNames): boolean;
  /** Its id, with the option `requestIds`: from X-Request-Id or traceparent, or a new one. Empty without the option. */
  readonly id?: string;
  /**
   * What handled the request, for metrics: adapters set it. Absent: a request that wraps another one.
   * @internal
   */
  servedBy?: ServedBy;
  /** All fields in order, names in lower case, values in Latin-1. */
  headers(): (readonly [string, string])[];
  /** The same, names in the case in which they were sent. */
  rawHeaders(): (readonly [string, string])[];
  /** The content; without one, the first read returns null. */
  readonly body: RequestBody;
  /** The client's address. */
  readonly remote: Endpoint;
  /** The address the client connected to. */
  readonly local: Endpoint;
  /**
   * Aborts when the connection ends before the response does. It also aborts `halfClosedSignalMs` after the client has
   * finished sending, which most clients do only when they leave. A response is still sent then. The signal is created
   * by the first read of this property.
   */
  readonly signal: AbortSignal;
  /**
   * Calls `callback` when the connection ends before the response does, so that no more data reaches the client. If it
   * has ended already, the call is immediate. A client that has only finished sending is not gone.
   */
  whenGone(callback: (reason: unknown) => void): void;
  /**
   * The head as it was received. Absent: as for {@link whenClientEnds}.
   * @internal
   */
  headText?(): string;
  /**
   * Calls `callback` when the client has finished sending and the response is not complete. One callback at most.
   * Absent: a request that does not come from a connection of this thread.
   * @internal
   */
  whenClientEnds?(callback: () => void): void;
  /**
   * Calls `callback` when `timeouts.handlerMs` is over and the response has not begun. It may respond in place of the
   * server's 504. One callback at most. Absent: as for {@link whenClientEnds}.
   * @internal
   */
  whenLate?(callback: () => void): void;
  /**
   * Copies the received head, so that this object can be read for as long as it is held. A second call costs nothing.
   */
  retain(): void;
}

/** Passed to a {@link FileReceipt} when sendfile(2) cannot be used: a client of another thread, a chunked response. */
export const CANNOT_SEND_FILE = -1;

/** The listener for the result of {@link HttpResponse.writeFile}. */
export interface FileReceipt {
  /**
   * `count` bytes were sent. Fewer than requested: the client is slow, wait for {@link HttpResponse.drained}. Negative:
   * these bytes cannot be sent with sendfile(2), or do not exist; read and write them instead.
   */
  onSent(count: number): void;
}

/**
 * The response to one request. Call {@link send} once, or {@link start}, {@link write} and {@link end}.
 * Calls after the client has left have no effect; calls out of order throw `ERR_ALREADY_ANSWERED` or `ERR_NOT_STARTED`.
 * Content beyond a declared length is cut off; content short of it closes the connection.
 */
export interface HttpResponse {
  /** Whether `send` or `start` was called. */
  readonly started: boolean;
  /** Whether the response is complete, or can no longer be sent. */
  readonly ended: boolean;
  /**
   * The reason phrase of the status line; undefined: the standard one. Set it before the response begins.
   * @throws EpollServerError `ERR_INVALID_REASON`, `ERR_ALREADY_ANSWERED`.
   */
  reasonPhrase: string | undefined;
  /**
   * Sends an interim response (RFC 9110 section 15.2) before the final one: 100, 103 Early Hints, or another 1xx except
   * 101. May be called several times. HTTP/1.0 clients do not know interim responses, and get none. After an explicit
   * 100, the server sends none by itself. `timeouts.handlerMs` goes on.
   * @throws EpollServerError `ERR_INVALID_STATUS`, `ERR_INVALID_FIELD`, `ERR_ALREADY_ANSWERED`.
   */
  inform(status: number, fields?: FieldInput): void;
  /**
   * Sends the whole response: a status from 200 to 599, fields, and content (strings become UTF-8). No promise is made.
   * A large byte array is sent without a copy: leave it unchanged.
   * @throws EpollServerError `ERR_INVALID_STATUS`, `ERR_INVALID_FIELD`, `ERR_INVALID_BODY`, `ERR_ALREADY_ANSWERED`.
   */
  send(status: number, fields?: FieldInput, content?: string | Uint8Array): void;
  /**
   * Sends status and fields; content follows. With a Content-Length field, exactly that many bytes are sent. Without
   * one, HTTP/1.1 clients get chunks, and for HTTP/1.0 clients the content ends with the connection.
   */
  start(status: number, fields?: FieldInput): void;
  /** Sends a piece of content. False: the client is slow, wait for {@link drained} before the next piece. */
  write(content: string | Uint8Array): boolean;
  /** Resolves when there is room for more output, or when the client is gone. */
  drained(): Promise<void>;
  /**
   * Sends at once what was written, as far as the socket takes it. Null: the system has all of it. Otherwise a promise
   * that resolves when it has, or when the client is gone. Absent: a client of another thread.
   * @internal
   */
  flush?(): Promise<void> | null;
  /**
   * Sends a range of an open file after what was written, by sendfile(2); the response must have a Content-Length.
   * `onSent` of `receipt` is called once: before this returns, or when the responses of a loop turn were sent. Until
   * then the file must stay open, and writes throw `ERR_FILE_UNDER_WAY`.
   */
  writeFile(descriptor: number, position: number, length: number, receipt: FileReceipt): void;
  /**
   * Ends the content, after one more piece if given. `trailers` are sent after chunked content (RFC 9110 section 6.5).
   * They are dropped if the response has a Content-Length or no content, and for HTTP/1.0; recipients may drop them
   * too. Fields that must precede the content are rejected.
   * @throws EpollServerError `ERR_INVALID_FIELD`.
   */
  end(content?: string | Uint8Array, trailers?: FieldInput): void;
  /**
   * Calls `callback` once: when the kernel has the last byte of the response, or with `ERR_CLIENT_GONE` when it can no
   * longer be sent. A call after the connection has closed gets that error in either case.
   */
  whenSent(callback: (error?: Error) => void): void;
  /**
   * Sends 101 with `fields`, which name the new protocol in Upgrade; Connection is added. From the byte after this
   * request on, the connection uses the protocol that `make` returns. The time-outs of HTTP no longer apply. The request
   * must be HTTP/1.1, ask for that protocol, and have no unread body. CONNECT is not served.
   * @throws EpollServerError `ERR_UPGRADE`, `ERR_INVALID_FIELD`, `ERR_ALREADY_ANSWERED`.
   */
  upgrade(fields: FieldInput, make: ProtocolFactory): void;
  /** Closes the connection, so that the client sees that the response is incomplete. */
  abort(): void;
  /**
   * The same response for an adapter that writes HTTP/1 messages itself. Absent: it is not HTTP/1.
   * @internal
   */
  readonly verbatim?: VerbatimResponse | undefined;
}

/**
 * Responds to requests: before it returns, later, or before the promise that it returns resolves.
 * A handler that throws, rejects, or resolves too early gives its client a 500, and writes one line to the log. If the
 * response had begun, its connection is closed instead. Handlers run in the async context of the loop. Wrap one with
 * `withAsyncContext` before using `AsyncLocalStorage.enterWith` (`run` is always safe).
 */
export type Handler = (request: HttpRequest, response: HttpResponse) => void | PromiseLike<void>;

// The raw handler: the one shape into which every adapter translates and from which everything is built.
// Types only; http1/ implements them.

import type { ProtocolFactory } from '../connection/channel.ts';
import type { FieldNames } from './field-names.ts';
import type { FieldInput } from './fields.ts';

/** An IP address in text and a port; an empty text and 0 for a Unix domain socket. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/**
 * The content of a request, in pieces as they arrive. Nothing is read from the client before somebody
 * asks, and no more than a window (64 KiB) ahead of the reader. One reader; the pieces are its own.
 */
export interface RequestBody extends AsyncIterable<Uint8Array> {
  /** The declared length in bytes; undefined when the client sends chunks. */
  readonly length: number | undefined;
  /** Trailer fields of a chunked body, known once it has been read to its end; names in lower case. */
  readonly trailers: readonly (readonly [string, string])[];
  /** The same, names in the case in which they were sent. */
  readonly rawTrailers: readonly (readonly [string, string])[];
  /** The next piece, or null at the end. Rejects with `ERR_CLIENT_GONE` when the client leaves. */
  read(): Promise<Uint8Array | null>;
  /** All of it; rejects with `ERR_BODY_TOO_LARGE` beyond `maxBytes` (default: the server's maxBodyBytes). */
  bytes(maxBytes?: number): Promise<Buffer>;
  /** All of it, as UTF-8. */
  text(maxBytes?: number): Promise<string>;
}

/**
 * A request as it was received. A handler that answers synchronously pays for nothing it does not ask.
 * The object stays valid after `await` in a handler that returned a promise or has not answered when it
 * returned; when a handler answered synchronously and returned nothing, later access to what it never
 * asked for throws `ERR_REQUEST_OVER`, unless it called {@link HttpRequest.retain}.
 */
export interface HttpRequest {
  /** The method as sent: case matters. */
  readonly method: string;
  /** The request target as sent. */
  readonly target: string;
  /** The target's path as sent, not decoded; `*` for OPTIONS of the server. */
  readonly path: string;
  /** What stands behind the first `?` of the target, as sent; empty if there is none. */
  readonly query: string;
  /**
   * The host and port that the request is for, as sent: the target's own when it has one, which then wins
   * over the Host field (RFC 9112 section 3.3), else Host; empty when HTTP/1.0 says neither.
   */
  readonly host: string;
  /** How the client reached this server: `https` over TLS. What a proxy in front says is in fields. */
  readonly scheme: 'http' | 'https';
  /** `1.0` or `1.1`. */
  readonly httpVersion: '1.0' | '1.1';
  /** The value of a field, several joined by `, ` (RFC 9110 section 5.3), or undefined. Any case. */
  header(name: string): string | undefined;
  /**
   * False: none of these fields came, which this tells sooner than asking for each. True: one may have come. Not there:
   * a request that wraps another one.
   * @internal
   */
  mayHave?(names: FieldNames): boolean;
  /** All fields in order, names in lower case, values in Latin-1. */
  headers(): (readonly [string, string])[];
  /** The same, names in the case in which they were sent. */
  rawHeaders(): (readonly [string, string])[];
  readonly body: RequestBody;
  /** The client's address. */
  readonly remote: Endpoint;
  /** The address the client connected to. */
  readonly local: Endpoint;
  /**
   * Aborts when the client is gone before its answer ended, and `halfClosedSignalMs` after it has finished sending,
   * which most clients do only when they leave. Then an answer is still sent. Costs nothing until asked for.
   */
  readonly signal: AbortSignal;
  /**
   * Calls `callback` when the client is gone before its answer ended, so that nothing more reaches it; at once if it is
   * already. A client that has only finished sending is not gone.
   */
  whenGone(callback: (reason: unknown) => void): void;
  /** Copies what was received, so that it can be read for as long as the object is held. Costs nothing the second time. */
  retain(): void;
}

/** Given to a {@link FileReceipt} where no file can be sent so: another thread's client, an answer in chunks. */
export const CANNOT_SEND_FILE = -1;

/** The caller of {@link HttpResponse.writeFile}. */
export interface FileReceipt {
  /**
   * So many bytes were sent: fewer than asked mean that the client is slow, wait for {@link HttpResponse.drained}.
   * Negative: these bytes cannot be sent so, or are not there; read and write them.
   */
  onSent(count: number): void;
}

/**
 * The answer to one request. Either {@link send} once, or {@link start}, {@link write} and {@link end}.
 * Calls after the client left do nothing; calls out of order throw `ERR_ALREADY_ANSWERED` or
 * `ERR_NOT_STARTED`. Content is cut to a declared length; less than declared closes the connection.
 */
export interface HttpResponse {
  /** Whether `send` or `start` was called. */
  readonly started: boolean;
  /** Whether the answer is complete or can no longer be given. */
  readonly ended: boolean;
  /**
   * The reason phrase of the status line; undefined: the standard one. Set it before the answer begins.
   * @throws EpollServerError `ERR_INVALID_REASON`, `ERR_ALREADY_ANSWERED`.
   */
  reasonPhrase: string | undefined;
  /**
   * Sends an interim response (RFC 9110 section 15.2) in front of the answer: 100 Continue, 103 Early Hints, or another
   * one of 1xx but 101. May be called several times. HTTP/1.0 clients do not know them and are sent none. After a 100
   * none is sent by itself. `timeouts.handlerMs` goes on.
   * @throws EpollServerError `ERR_INVALID_STATUS`, `ERR_INVALID_FIELD`, `ERR_ALREADY_ANSWERED`.
   */
  inform(status: number, fields?: FieldInput): void;
  /**
   * The whole answer: status 200 to 599, fields, content (strings become UTF-8). No promise is made.
   * Large byte arrays are sent from where they lie: leave them unchanged.
   * @throws EpollServerError `ERR_INVALID_STATUS`, `ERR_INVALID_FIELD`, `ERR_INVALID_BODY`.
   */
  send(status: number, fields?: FieldInput, content?: string | Uint8Array): void;
  /**
   * Sends status and fields; content follows. With a Content-Length among the fields exactly that many
   * bytes are sent; without one, HTTP/1.1 clients get chunks and HTTP/1.0 clients read to the end.
   */
  start(status: number, fields?: FieldInput): void;
  /** Sends a piece. False: the client is slow, wait for {@link drained} before the next. */
  write(content: string | Uint8Array): boolean;
  /** Resolves when the client has taken enough, or is gone. */
  drained(): Promise<void>;
  /**
   * Sends bytes of an open file behind what was written, from the system's memory to the client (sendfile(2)); the
   * answer must have a Content-Length. `onSent` of `receipt` is called once, before this returns or when the answers of
   * a turn of the loop were sent; until then the file stays open and nothing is written (`ERR_FILE_UNDER_WAY`).
   */
  writeFile(descriptor: number, position: number, length: number, receipt: FileReceipt): void;
  /**
   * Ends the content, after one more piece if given. `trailers` are fields behind it (RFC 9110 section 6.5), which only
   * content in chunks can have: they are dropped where the answer has a Content-Length or no content, and for HTTP/1.0.
   * Recipients may drop them too. Fields that must stand in front of the content are refused.
   * @throws EpollServerError `ERR_INVALID_FIELD`.
   */
  end(content?: string | Uint8Array, trailers?: FieldInput): void;
  /**
   * Calls `callback` once: when the system has the last byte of the answer, or with `ERR_CLIENT_GONE` when it can no
   * longer be given. Asked for after the connection has closed, it gets that error in either case.
   */
  whenSent(callback: (error?: Error) => void): void;
  /**
   * Answers 101 with `fields`, which name the new protocol in Upgrade; Connection is added. Then the connection speaks
   * the protocol that `make` returns, from the byte behind this request on; the bounds of HTTP in time hold no more.
   * Only where an HTTP/1.1 request asks for that protocol, and its body was read to its end. CONNECT is not served.
   * @throws EpollServerError `ERR_UPGRADE`, `ERR_INVALID_FIELD`, `ERR_ALREADY_ANSWERED`.
   */
  upgrade(fields: FieldInput, make: ProtocolFactory): void;
  /** Cuts the connection, so that the client notices that the answer is incomplete. */
  abort(): void;
}

/**
 * Answers requests. May answer before it returns, later, or from the promise it returns. A throw, a
 * rejection, or a promise that resolves before the answer was begun is this client's 500 (or the end of its connection when the answer had begun) and one line
 * in the log. Runs in the loop's own async context; wrap it with `withAsyncContext` before using
 * `AsyncLocalStorage.enterWith` (`run` is always safe).
 */
export type Handler = (request: HttpRequest, response: HttpResponse) => void | PromiseLike<void>;

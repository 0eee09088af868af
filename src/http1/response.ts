// An HTTP/1 response as handlers see it: whole or in pieces, framed for the version of the client. Invalid arguments
// throw before they can break the framing.

import type { Channel, ProtocolFactory } from '../connection/channel.ts';
import { GATHER_BYTES } from '../connection/outbox.ts';
import type { FileSendCallback } from '../connection/output.ts';
import {
  answeredBefore,
  checked,
  checkedFields,
  checkedInterim,
  checkedReason,
  checkedTrailers,
  endedBefore,
  fileUnderWay,
  invalidBody,
  notSent,
  notStarted,
  tooLong,
  tooShort,
  upgradeRefused,
} from '../exchange/misuse.ts';
import { extendFields, type FieldInput, NO_FIELDS, type PrecompiledFields } from '../http/fields.ts';
import { CANNOT_SEND_FILE, type FileReceipt, type HttpResponse } from '../http/handler.ts';
import type { RequestId } from '../http/request-ids.ts';
import { CHUNKED, CLOSE_DELIMITED, declaredLength, type Framing, LENGTH, NO_LINE } from '../http/response-head.ts';
import { dropsContent, hasNoContent, RESET_CONTENT, reasonPhrase } from '../http/status.ts';
import type { VerbatimResponse } from '../http/verbatim-response.ts';
import { type SessionContext, WAIT } from './context.ts';
import { CHUNK_END, isShort, LAST_CHUNK, MAX_CHUNK_LINE_BYTES, writeAscii, writeChunkLine, writeText } from './text.ts';

const NOT_STARTED = 0;
const STARTED = 1;
const ENDED = 2;

/** Longer texts are converted apart from the head. */
const MAX_TEXT_CHARACTERS = 4_096;
const MAX_UTF8_BYTES = 3;

const SWITCHING_PROTOCOLS = 101;
const CONNECTION_UPGRADE = 'Connection: Upgrade\r\n';

/** As in {@link HttpResponse.whenSent}. */
type SentCallback = (error?: Error) => void;

/** One object for all responses, written and read at once, so that no response allocates one. */
const framing: Framing = { kind: LENGTH, length: 0, close: false, keepAlive: false, line: NO_LINE };
/** The offset of the head that was written last. */
let headStart = 0;

/** The services that an exchange provides to its response. */
export interface ResponseOwner {
  readonly channel: Channel;
  readonly context: SessionContext;
  /** The connection ends after this response, whatever its head says. */
  readonly isLast: boolean;
  /** Whether it would be the last if its head were written now. */
  mayCloseAfter(response: Http1Response): boolean;
  /** Whether this response is the connection's last. */
  closesAfter(response: Http1Response): boolean;
  /** A head was written: `target[start, end)`. */
  headWritten(target: Buffer, start: number, end: number): void;
  /** An interim response is written next: its head is `head`. */
  informed(status: number, head: Buffer): void;
  /** The response is complete. */
  answered(): void;
  /** The response ends before its content does. */
  cutOff(reason: string): void;
  /** Why the connection cannot change to what `fields` name; empty: it can. */
  upgradeProblem(fields: PrecompiledFields): string;
  /** The 101 response was written: the connection changes to the protocol that `make` returns. */
  upgraded(make: ProtocolFactory): void;
}

export class Http1Response implements HttpResponse, VerbatimResponse, FileSendCallback {
  status = 0;
  /** Content bytes handed over so far. */
  contentBytes = 0;
  /** The handler requested that the connection closes. */
  closeAsked = false;
  /** The id that the server adds to the head; null: none. */
  requestId: RequestId | null = null;
  /** The client is gone: further calls have no effect. */
  gone = false;
  readonly isHead: boolean;
  readonly minorVersion: number;
  readonly #owner: ResponseOwner;
  #phase = NOT_STARTED;
  #kind = CLOSE_DELIMITED;
  /** Content bytes that remain of a declared length. */
  #left = 0;
  #muted = false;
  /** Undefined: the standard one. */
  #reason: string | undefined = undefined;
  #waiters: (() => void)[] | null = null;
  /** Called when the whole response was sent, or can no longer be sent. */
  #sentCallbacks: SentCallback[] | null = null;
  #receipt: FileReceipt | null = null;

  constructor(owner: ResponseOwner, isHead: boolean, minorVersion: number) {
    this.#owner = owner;
    this.isHead = isHead;
    this.minorVersion = minorVersion;
  }

  get started(): boolean {
    return this.#phase !== NOT_STARTED;
  }

  /** Whether the response has begun and goes on in pieces. */
  get isStream(): boolean {
    return this.#phase === STARTED;
  }

  get ended(): boolean {
    return this.#phase === ENDED || this.gone;
  }

  get reasonPhrase(): string | undefined {
    return this.#reason;
  }

  set reasonPhrase(text: string | undefined) {
    this.#assertFresh();
    this.#reason = checkedReason(text);
  }

  inform(status: number, fields: FieldInput = NO_FIELDS): void {
    this.#assertFresh();
    const { lines } = checkedInterim(status, fields);
    if (this.gone || this.minorVersion === 0) return;
    const head = Buffer.from(`HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n${lines}\r\n`, 'latin1');
    this.#owner.informed(status, head);
    this.#owner.channel.write(head);
  }

  send(status: number, fields: FieldInput = NO_FIELDS, content: string | Uint8Array = ''): void {
    this.#assertFresh();
    const prepared = checked(status, fields);
    if (typeof content !== 'string' && !(content instanceof Uint8Array)) throw invalidBody(content);
    if (typeof content === 'string' && isShort(content) && this.#sendShort(status, prepared, content)) return;
    const length = typeof content === 'string' && content !== '' ? Buffer.byteLength(content) : content.length;
    const silent = this.isHead || dropsContent(status);
    if (this.gone) return;
    if (!silent && prepared.contentLength >= 0 && prepared.contentLength !== length) {
      this.#sendDeclared(status, prepared, content);
      return;
    }
    this.#phase = ENDED;
    const declared = silent ? declaredLength(status, prepared, length) : length;
    framing.kind = hasNoContent(status) && (status !== 304 || prepared.contentLength < 0) ? CLOSE_DELIMITED : LENGTH;
    framing.length = declared;
    if (silent || length === 0) this.#writeHead(status, prepared, 0);
    else this.#writeWhole(status, prepared, content, length);
    this.#answered();
  }

  /** Content that is not as long as its Content-Length. Excess is cut off; a lack closes the connection. */
  #sendDeclared(status: number, fields: PrecompiledFields, content: string | Uint8Array): void {
    this.start(status, fields);
    this.end(content);
  }

  start(status: number, fields: FieldInput = NO_FIELDS): void {
    this.#assertFresh();
    const prepared = checked(status, fields);
    this.#phase = STARTED;
    if (this.gone) return;
    this.#muted = this.isHead || dropsContent(status);
    this.#left = status === RESET_CONTENT ? 0 : prepared.contentLength;
    if (this.#left >= 0 && status !== 204) this.#kind = LENGTH;
    else if (hasNoContent(status)) this.#kind = CLOSE_DELIMITED;
    else this.#kind = this.minorVersion === 1 ? CHUNKED : CLOSE_DELIMITED;
    // Without a length or chunks, the content ends where the connection ends (RFC 9112 section 6.3).
    if (this.#kind === CLOSE_DELIMITED && !hasNoContent(status)) this.closeAsked = true;
    framing.kind = this.#kind;
    framing.length = this.#left;
    this.#writeHead(status, prepared, 0);
  }

  write(content: string | Uint8Array): boolean {
    this.#assertWritable();
    if (typeof content !== 'string' && !(content instanceof Uint8Array)) throw invalidBody(content);
    if (this.gone) return true;
    if (content.length > 0) this.#writePiece(typeof content === 'string' ? Buffer.from(content) : content);
    return !this.#owner.channel.isFull;
  }

  drained(): Promise<void> {
    if (this.ended || !this.#owner.channel.isFull) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiters ??= [];
      this.#waiters.push(resolve);
    });
  }

  flush(): Promise<void> | null {
    const { channel } = this.#owner;
    if (this.gone) return null;
    channel.sendNow();
    if (this.gone || !channel.hasPendingOutput) return null;
    return new Promise((resolve) => channel.whenSent(() => resolve()));
  }

  writeFile(descriptor: number, position: number, length: number, receipt: FileReceipt): void {
    this.#assertWritable();
    if (this.gone) return receipt.onSent(0);
    if (this.#kind !== LENGTH || this.#muted || length > this.#left) return receipt.onSent(CANNOT_SEND_FILE);
    this.#receipt = receipt;
    this.#owner.channel.sendFile(descriptor, position, length, this);
  }

  /** The connection sent `count` bytes of a file; negative: it cannot send it. */
  onFileSent(count: number): void {
    const receipt = this.#receipt;
    this.#receipt = null;
    this.#left -= Math.max(count, 0);
    this.contentBytes += Math.max(count, 0);
    receipt?.onSent(count);
  }

  end(content?: string | Uint8Array, trailers?: FieldInput): void {
    if (this.#phase === NOT_STARTED) throw notStarted();
    const lines = trailers === undefined ? '' : checkedTrailers(trailers);
    if (content !== undefined) this.write(content);
    else this.#assertWritable();
    if (this.gone) return;
    this.#phase = ENDED;
    if (this.#kind === CHUNKED && !this.#muted) this.#writeLastChunk(lines);
    if (this.#kind === LENGTH && this.#left > 0 && !this.#muted) {
      // The head declared more: closing the connection shows the client that content is missing.
      this.#owner.context.report(tooShort(this.#left), null);
      this.#owner.channel.finish(true);
    }
    this.#answered();
  }

  #writeLastChunk(trailerLines: string): void {
    const { channel } = this.#owner;
    channel.write(trailerLines === '' ? LAST_CHUNK : Buffer.from(`0\r\n${trailerLines}\r\n`, 'latin1'));
  }

  /** The response is complete. */
  #answered(): void {
    if (this.#sentCallbacks !== null) this.#awaitSent(this.#sentCallbacks);
    this.#owner.answered();
  }

  whenSent(callback: SentCallback): void {
    if (this.#phase === ENDED) {
      this.#awaitSent([callback]);
    } else if (this.gone) {
      this.#callSent([callback], notSent());
    } else {
      this.#sentCallbacks ??= [];
      this.#sentCallbacks.push(callback);
    }
  }

  #awaitSent(callbacks: readonly SentCallback[]): void {
    this.#sentCallbacks = null;
    this.#owner.channel.whenSent((isSent) => this.#callSent(callbacks, isSent ? undefined : notSent()));
  }

  /** An error of a callback is the handler's, and must not end the connection. */
  #callSent(callbacks: readonly SentCallback[], error: Error | undefined): void {
    for (const callback of callbacks) {
      try {
        callback(error);
      } catch (thrown) {
        this.#owner.context.report(thrown, null);
      }
    }
  }

  upgrade(fields: FieldInput, make: ProtocolFactory): void {
    this.#assertFresh();
    if (typeof make !== 'function')
      throw upgradeRefused('its second argument must be a function that makes a protocol');
    const prepared = checkedFields(fields);
    if (this.gone) return;
    const owner = this.#owner;
    const problem = owner.upgradeProblem(prepared);
    if (problem !== '') throw upgradeRefused(problem);
    this.#phase = ENDED;
    this.status = SWITCHING_PROTOCOLS;
    this.#writeUpgrade(extendFields(prepared, CONNECTION_UPGRADE, -1));
    if (this.#sentCallbacks !== null) this.#awaitSent(this.#sentCallbacks);
    owner.upgraded(make);
  }

  #writeUpgrade(fields: PrecompiledFields): void {
    const owner = this.#owner;
    const { channel, context } = owner;
    framing.kind = CLOSE_DELIMITED;
    framing.close = false;
    framing.keepAlive = false;
    framing.line = NO_LINE;
    headStart = channel.reserve(
      context.headWriter.prepare(SWITCHING_PROTOCOLS, fields, CLOSE_DELIMITED, context.nowMs(), this.#reason),
    );
    const end = context.headWriter.write(channel.target, headStart, framing);
    owner.headWritten(channel.target, headStart, end);
    channel.commit(end);
  }

  // ---- VerbatimResponse: bytes of an adapter that writes HTTP/1 itself ---------------------------

  get verbatim(): VerbatimResponse {
    return this;
  }

  get channel(): Channel {
    return this.#owner.channel;
  }

  get keepAliveTimeoutMs(): number {
    return this.#owner.context.waitsMs[WAIT.KEEP_ALIVE] ?? 0;
  }

  persists(): boolean {
    return !this.#owner.mayCloseAfter(this);
  }

  get keepsAlive(): boolean {
    return !this.#owner.isLast;
  }

  interimVerbatim(status: number, head: Buffer): void {
    if (this.gone) return;
    this.#owner.informed(status, head);
    this.#owner.channel.write(head);
  }

  startVerbatim(status: number, closes: boolean, head: Buffer): void {
    this.#assertFresh();
    this.#phase = STARTED;
    this.status = status;
    this.closeAsked ||= closes;
    if (this.gone) return;
    this.#owner.closesAfter(this);
    this.#owner.headWritten(head, 0, head.length);
  }

  writeVerbatim(bytes: Uint8Array, contentBytes: number): boolean {
    if (this.gone) return true;
    const { channel } = this.#owner;
    this.contentBytes += contentBytes;
    if (bytes.length > 0) channel.write(bytes);
    return !channel.isFull;
  }

  writeWhole(
    status: number,
    closes: boolean,
    head: string,
    content: string | Uint8Array,
    announced: number,
    isAscii: boolean,
  ): number {
    const isText = typeof content === 'string' && content.length <= MAX_TEXT_CHARACTERS;
    if (!isText || this.gone) return this.#writeParts(status, closes, head, content, announced);
    this.#assertFresh();
    this.#phase = STARTED;
    this.status = status;
    this.closeAsked ||= closes;
    const owner = this.#owner;
    const { channel } = owner;
    owner.closesAfter(this);
    const start = channel.reserve((head.length + content.length) * MAX_UTF8_BYTES);
    const { target } = channel;
    const contentAt = start + target.write(head, start, isAscii ? 'latin1' : 'utf8');
    const end = contentAt + writeText(target, contentAt, content);
    const last = announced < 0 ? end : Math.min(end, contentAt + announced);
    owner.headWritten(target, start, contentAt);
    channel.commit(last);
    this.contentBytes = last - contentAt;
    return this.contentBytes;
  }

  #writeParts(status: number, closes: boolean, head: string, content: string | Uint8Array, announced: number): number {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    const headBytes = Buffer.from(head, typeof content === 'string' ? 'utf8' : 'latin1');
    this.startVerbatim(status, closes, headBytes);
    this.writeVerbatim(headBytes, 0);
    const sent = announced >= 0 && bytes.length > announced ? bytes.subarray(0, announced) : bytes;
    this.writeVerbatim(sent, sent.length);
    return sent.length;
  }

  endVerbatim(complete: boolean): void {
    if (this.gone) return;
    this.#phase = ENDED;
    // Closing the connection shows the client that content is missing.
    if (!complete) this.#owner.channel.finish(true);
    this.#answered();
  }

  takeOver(make: ProtocolFactory): void {
    this.#assertFresh();
    if (this.gone) return;
    this.#phase = ENDED;
    this.status = SWITCHING_PROTOCOLS;
    this.#owner.upgraded(make);
  }

  /** Closes by FIN if the framing shows that content is missing, so that earlier responses arrive. Otherwise by RST. */
  abort(reason = 'the handler aborted the response'): void {
    if (this.ended) return;
    const isMissed = !this.#muted && (this.#kind === CHUNKED || (this.#kind === LENGTH && this.#left > 0));
    if (this.started && isMissed) this.#owner.cutOff(reason);
    else this.#owner.channel.abort(reason);
  }

  /** The client is gone, or the connection is closing: resolves all pending waits. */
  lose(): void {
    this.gone = true;
    this.settleWaiters();
    const callbacks = this.#sentCallbacks;
    this.#sentCallbacks = null;
    if (callbacks !== null) this.#callSent(callbacks, notSent());
  }

  /** The connection has room again. */
  settleWaiters(): void {
    const waiters = this.#waiters;
    this.#waiters = null;
    if (waiters !== null) for (const resolve of waiters) resolve();
  }

  /**
   * Sends the most common response in one pass: a short text, taken for ASCII until a character is not.
   * Returns false, without any effect, when the response is another one.
   */
  #sendShort(status: number, fields: PrecompiledFields, text: string): boolean {
    if (this.isHead || this.gone || dropsContent(status) || fields.contentLength >= 0) return false;
    const owner = this.#owner;
    const { channel } = owner;
    framing.kind = LENGTH;
    framing.length = text.length;
    const end = this.#putHead(status, fields, text.length);
    if (!writeAscii(channel.target, end, text)) return false;
    owner.headWritten(channel.target, headStart, end);
    channel.commit(end + text.length);
    this.contentBytes = text.length;
    this.#phase = ENDED;
    this.#answered();
    return true;
  }

  /** Puts head and content into one buffer where they fit, so that one send(2) is enough. */
  #writeWhole(status: number, fields: PrecompiledFields, content: string | Uint8Array, length: number): void {
    const { channel } = this.#owner;
    this.contentBytes = length;
    if (length > GATHER_BYTES) {
      this.#writeHead(status, fields, 0);
      channel.write(typeof content === 'string' ? Buffer.from(content) : content);
      return;
    }
    const at = this.#writeHead(status, fields, length);
    const { target } = channel;
    if (typeof content !== 'string') target.set(content, at);
    else target.write(content, at, 'utf8');
    channel.commit(at + length);
  }

  /** Writes the head. With `extra`, reserves that many bytes more and leaves the commit to the caller. */
  #writeHead(status: number, fields: PrecompiledFields, extra: number): number {
    const { channel } = this.#owner;
    const end = this.#putHead(status, fields, extra);
    this.#owner.headWritten(channel.target, headStart, end);
    if (extra === 0) channel.commit(end);
    return end;
  }

  /** Writes the head at {@link headStart} and returns where it ends. It is neither committed nor traced yet. */
  #putHead(status: number, fields: PrecompiledFields, extra: number): number {
    const { channel, context } = this.#owner;
    this.#prepareHead(status, fields, extra);
    return context.headWriter.write(channel.target, headStart, framing);
  }

  #prepareHead(status: number, fields: PrecompiledFields, extra: number): void {
    const { channel, context } = this.#owner;
    this.status = status;
    this.closeAsked ||= fields.close;
    framing.close = this.#owner.closesAfter(this);
    framing.keepAlive = this.minorVersion === 0;
    framing.line = this.requestId === null || fields.hasRequestId ? NO_LINE : this.requestId.line;
    const size = context.headWriter.prepare(status, fields, framing.kind, context.nowMs(), this.#reason);
    headStart = channel.reserve(size + extra + framing.line.length);
  }

  #writePiece(content: Uint8Array): void {
    const { channel } = this.#owner;
    if (this.#muted) return;
    let piece = content;
    if (this.#kind === LENGTH) {
      if (piece.length > this.#left) {
        this.#owner.context.report(tooLong(piece.length - this.#left), null);
        piece = piece.subarray(0, this.#left);
      }
      this.#left -= piece.length;
    }
    if (piece.length === 0) return;
    this.contentBytes += piece.length;
    if (this.#kind !== CHUNKED) {
      channel.write(piece);
      return;
    }
    const at = channel.reserve(MAX_CHUNK_LINE_BYTES);
    channel.commit(writeChunkLine(channel.target, at, piece.length));
    channel.write(piece);
    channel.write(CHUNK_END);
  }

  #assertFresh(): void {
    if (this.#phase !== NOT_STARTED) throw answeredBefore();
  }

  #assertWritable(): void {
    if (this.#phase === NOT_STARTED) throw notStarted();
    if (this.#phase === ENDED && !this.gone) throw endedBefore();
    if (this.#receipt !== null && !this.gone) throw fileUnderWay();
  }
}

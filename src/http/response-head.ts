// Writes response heads. Status line, Server, Date and precompiled fields are joined once for each combination in use.
// Then a head is one copy and the digits of its length.

import { NO_FIELDS, type PrecompiledFields } from './fields.ts';
import { HeadBlock } from './head-block.ts';
import type { HttpClock } from './http-clock.ts';
import { RESET_CONTENT, reasonPhrase } from './status.ts';

/** The content has a Content-Length. */
export const LENGTH = 0;
export const CHUNKED = 1;
/** The content ends with the connection (RFC 9112 section 6.3), or there is none. */
export const CLOSE_DELIMITED = 2;

/** The bytes that may follow the block: 16 digits, a Connection field, CRLFs. */
const TAIL_BYTES = 48;

const CONNECTION_CLOSE = Buffer.from('Connection: close\r\n', 'latin1');
const CONNECTION_KEEP_ALIVE = Buffer.from('Connection: keep-alive\r\n', 'latin1');
const DATE = 'Date: ';
const BLOCK_ENDS = ['Content-Length: ', 'Transfer-Encoding: chunked\r\n', ''];

export const NO_LINE: Uint8Array = new Uint8Array(0);

/** The parts of a head beside status and fields. */
export interface Framing {
  /** LENGTH, CHUNKED or CLOSE_DELIMITED. */
  kind: number;
  /** The Content-Length when `kind` is LENGTH. */
  length: number;
  /** Send `Connection: close`. */
  close: boolean;
  /** Send `Connection: keep-alive`, which HTTP/1.0 clients need. */
  keepAlive: boolean;
  /** Another field line with CRLF, such as that of X-Request-Id; {@link NO_LINE}: none. */
  line: Uint8Array;
}

export class HeadWriter {
  readonly #clock: HttpClock;
  readonly #serverLine: string;
  #block: HeadBlock;

  /** `server`: the Server field's value; empty for none. */
  constructor(clock: HttpClock, server: string) {
    this.#clock = clock;
    this.#serverLine = server === '' ? '' : `Server: ${server}\r\n`;
    this.#block = this.#makeBlock(200, NO_FIELDS, CLOSE_DELIMITED, undefined);
  }

  /**
   * Prepares {@link write}; returns the largest number of bytes of the head. `reason`: undefined for the standard
   * phrase.
   */
  prepare(status: number, fields: PrecompiledFields, kind: number, nowMs: number, reason?: string): number {
    this.#clock.update(nowMs);
    this.#block = this.#blockOf(status, fields, kind, reason);
    return this.#block.bytes.length + TAIL_BYTES;
  }

  /** Writes the head that was prepared into `target` at `at`; returns where it ends. */
  write(target: Buffer, at: number, framing: Framing): number {
    let end = append(target, at, this.#block.bytes);
    if (framing.kind === LENGTH) {
      end = writeDecimal(target, end, framing.length);
      target[end] = 0x0d;
      target[end + 1] = 0x0a;
      end += 2;
    }
    if (framing.close) end = append(target, end, CONNECTION_CLOSE);
    else if (framing.keepAlive) end = append(target, end, CONNECTION_KEEP_ALIVE);
    if (framing.line !== NO_LINE) end = append(target, end, framing.line);
    target[end] = 0x0d;
    target[end + 1] = 0x0a;
    return end + 2;
  }

  #blockOf(status: number, fields: PrecompiledFields, kind: number, reason: string | undefined): HeadBlock {
    const { cached } = fields;
    const isCached = cached !== null && cached.kind === kind && cached.status === status;
    if (isCached && cached.owner === this && cached.reason === reason) {
      cached.updateDate(this.#clock.version, this.#clock.bytes);
      return cached;
    }
    const block = this.#makeBlock(status, fields, kind, reason);
    fields.cached = block;
    return block;
  }

  #makeBlock(status: number, fields: PrecompiledFields, kind: number, reason: string | undefined): HeadBlock {
    const { version, text } = this.#clock;
    const start = `HTTP/1.1 ${status} ${reason ?? reasonPhrase(status)}\r\n${fields.hasServer ? '' : this.#serverLine}`;
    const date = fields.hasDate ? '' : `${DATE}${text}\r\n`;
    const bytes = Buffer.from(`${start}${date}${fields.lines}${BLOCK_ENDS[kind] ?? ''}`, 'latin1');
    const dateAt = fields.hasDate ? -1 : start.length + DATE.length;
    return new HeadBlock({ owner: this, status, reason, kind, bytes, version, dateAt });
  }
}

function append(target: Buffer, at: number, bytes: Uint8Array): number {
  target.set(bytes, at);
  return at + bytes.length;
}

/** Below this, integer division is exact and cheap. */
const INT32_LIMIT = 0x7fffffff;

/** Writes a whole number in decimal digits; returns where it ends. */
export function writeDecimal(target: Buffer, at: number, value: number): number {
  if (value > INT32_LIMIT) {
    const tail = value % 1_000_000;
    const end = writeDecimal(target, at, (value - tail) / 1_000_000);
    return writeDigits(target, end, tail, 6);
  }
  let digits = 1;
  for (let power = 10; power <= value; power *= 10) digits++;
  return writeDigits(target, at, value, digits);
}

function writeDigits(target: Buffer, at: number, value: number, digits: number): number {
  let rest = value | 0;
  for (let i = at + digits - 1; i >= at; i--) {
    const tenth = (rest / 10) | 0;
    target[i] = 0x30 + rest - tenth * 10;
    rest = tenth;
  }
  return at + digits;
}

/** The Content-Length of a response without content, such as one to HEAD. */
export function declaredLength(status: number, fields: PrecompiledFields, length: number): number {
  if (status === RESET_CONTENT) return 0;
  return fields.contentLength >= 0 ? fields.contentLength : length;
}

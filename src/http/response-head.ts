// Response heads, from values to bytes. Status line, Server and Date are put together once a second for
// each status that is used. It must not know connections.

import type { HttpClock } from './date.ts';
import type { PreparedFields } from './fields.ts';
import { reasonPhrase } from './status.ts';

/** How the end of the content is told to the client. */
export const LENGTH = 0;
export const CHUNKED = 1;
/** The connection's end, or no content at all. */
export const UNTOLD = 2;

/** Everything but prefix and fields: Content-Length of 16 digits, or chunked, Connection, and the empty line. */
const TAIL_BYTES = 96;

const TRANSFER_ENCODING = Buffer.from('Transfer-Encoding: chunked\r\n', 'latin1');
const CONNECTION_CLOSE = Buffer.from('Connection: close\r\n', 'latin1');
const CONNECTION_KEEP_ALIVE = Buffer.from('Connection: keep-alive\r\n', 'latin1');
const CONTENT_LENGTH = Buffer.from('Content-Length: ', 'latin1');

/** What a head says beside status and fields. */
export interface Framing {
  /** LENGTH, CHUNKED or UNTOLD. */
  kind: number;
  /** The Content-Length when `kind` is LENGTH. */
  length: number;
  /** Say `Connection: close`. */
  close: boolean;
  /** Say `Connection: keep-alive`, which HTTP/1.0 clients need to hear. */
  keepAlive: boolean;
}

export class HeadWriter {
  readonly #clock: HttpClock;
  readonly #serverLine: string;
  readonly #prefixes: Buffer[] = [];
  #version = -1;

  /** `server`: the Server field's value; empty for none. */
  constructor(clock: HttpClock, server: string) {
    this.#clock = clock;
    this.#serverLine = server === '' ? '' : `Server: ${server}\r\n`;
  }

  /** At least the bytes that {@link write} will need. */
  size(status: number, fields: PreparedFields, nowMs: number): number {
    return this.#prefix(status, fields, nowMs).length + fields.bytes.length + TAIL_BYTES;
  }

  /** Writes a whole head into `target` at `at`; returns where it ends. Call {@link size} first. */
  write(target: Buffer, at: number, status: number, fields: PreparedFields, framing: Framing, nowMs: number): number {
    const prefix = this.#prefix(status, fields, nowMs);
    target.set(prefix, at);
    let end = at + prefix.length;
    if (fields.bytes.length > 0) {
      target.set(fields.bytes, end);
      end += fields.bytes.length;
    }
    if (framing.kind === LENGTH) end = writeLength(target, end, framing.length);
    else if (framing.kind === CHUNKED) end = append(target, end, TRANSFER_ENCODING);
    if (framing.close) end = append(target, end, CONNECTION_CLOSE);
    else if (framing.keepAlive) end = append(target, end, CONNECTION_KEEP_ALIVE);
    target[end] = 0x0d;
    target[end + 1] = 0x0a;
    return end + 2;
  }

  /** Status line, Server and Date, but for what the fields bring themselves. */
  #prefix(status: number, fields: PreparedFields, nowMs: number): Buffer {
    this.#clock.update(nowMs);
    if (fields.hasDate || fields.hasServer) {
      return this.#makePrefix(status, !fields.hasServer, !fields.hasDate);
    }
    if (this.#version !== this.#clock.version) {
      this.#prefixes.length = 0;
      this.#version = this.#clock.version;
    }
    // Sparse on purpose: a handful of statuses are used in any second.
    return (this.#prefixes[status - 100] ??= this.#makePrefix(status, true, true));
  }

  #makePrefix(status: number, withServer: boolean, withDate: boolean): Buffer {
    const server = withServer ? this.#serverLine : '';
    const date = withDate ? `Date: ${this.#clock.text}\r\n` : '';
    return Buffer.from(`HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n${server}${date}`, 'latin1');
  }
}

function append(target: Buffer, at: number, bytes: Buffer): number {
  target.set(bytes, at);
  return at + bytes.length;
}

function writeLength(target: Buffer, at: number, length: number): number {
  for (let i = 0; i < CONTENT_LENGTH.length; i++) target[at + i] = CONTENT_LENGTH[i] ?? 0;
  const end = writeDecimal(target, at + CONTENT_LENGTH.length, length);
  target[end] = 0x0d;
  target[end + 1] = 0x0a;
  return end + 2;
}

/** Writes a whole number in decimal digits; returns where it ends. */
export function writeDecimal(target: Buffer, at: number, value: number): number {
  let digits = 1;
  for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) digits++;
  let rest = value;
  for (let i = at + digits - 1; i >= at; i--) {
    const tenth = Math.floor(rest / 10);
    target[i] = 0x30 + rest - tenth * 10;
    rest = tenth;
  }
  return at + digits;
}

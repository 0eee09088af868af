// Parses the head of a response from another program, line by line: strict, since what it lets pass reaches a client. Each
// byte is looked at once, however the head was cut.

import { trimBlanks } from './blanks.ts';
import { LF } from './characters.ts';
import { latin1 } from './latin1.ts';

const CR_TEXT = '\r';

/** RFC 9112 section 4. The space in front of an empty reason phrase is often left out. */
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?$/;

const LENGTH = /^[0-9]{1,15}$/;

/** Bounds of one head. */
export interface ResponseHeadLimits {
  readonly maxHeadBytes: number;
  readonly maxFields: number;
}

/** The framing of the content that follows a head (RFC 9112 section 6.3). */
export type ContentFraming = 'none' | 'length' | 'chunked' | 'close';

export class ResponseParser {
  status = 0;
  minorVersion = 1;
  reason = '';
  /** Names as they were sent, values in Latin-1. */
  fields: (readonly [string, string])[] = [];
  /** Why the head is malformed; empty: it is not. */
  problem = '';
  /** The head is complete. */
  isDone = false;
  /** The declared length of the content; -1: none. */
  contentLength = -1;
  #isChunked = false;
  readonly #limits: ResponseHeadLimits;
  #headBytes = 0;
  /** Bytes of the current line that were searched for its end. */
  #searched = 0;

  constructor(limits: ResponseHeadLimits) {
    this.#limits = limits;
  }

  /** Prepares for another head, behind an interim response. The bytes of all heads count together. */
  next(): void {
    this.status = 0;
    this.fields = [];
    this.isDone = false;
    this.contentLength = -1;
    this.#isChunked = false;
  }

  /**
   * Parses `bytes[start, end)` until the head {@link isDone}, or has a {@link problem}. Returns the offset of the first
   * unused byte. The bytes of an incomplete line are unused: pass them again, with more behind them.
   */
  parse(bytes: Buffer, start: number, end: number): number {
    let at = start;
    while (!this.isDone && this.problem === '') {
      const found = bytes.subarray(at + this.#searched, end).indexOf(LF);
      const lineEnd = found < 0 ? end : at + this.#searched + found + 1;
      if (this.#headBytes + lineEnd - at > this.#limits.maxHeadBytes) {
        this.problem = `its head has more than ${this.#limits.maxHeadBytes} bytes`;
      } else if (found < 0) {
        this.#searched = end - at;
        break;
      } else {
        this.#searched = 0;
        this.#headBytes += lineEnd - at;
        this.#line(latin1(bytes, at, lineEnd - 1));
        at = lineEnd;
      }
    }
    return at;
  }

  /** How the content of this response to a request, of HEAD or not, is framed. */
  framing(isHead: boolean): ContentFraming {
    const { status } = this;
    if (isHead || status < 200 || status === 204 || status === 304) return 'none';
    if (this.#isChunked) return 'chunked';
    return this.contentLength >= 0 ? 'length' : 'close';
  }

  #line(line: string): void {
    if (!line.endsWith(CR_TEXT)) {
      this.problem = 'a line of its head does not end with CRLF';
      return;
    }
    const text = line.slice(0, -1);
    if (this.status === 0) this.#statusLine(text);
    else if (text === '') this.#lastLine();
    else this.#fieldLine(text);
  }

  #statusLine(text: string): void {
    const [, version, status, reason = ''] = STATUS_LINE.exec(text) ?? [];
    if (version === undefined || status === undefined) {
      this.problem = 'it does not begin with a status line of HTTP/1';
      return;
    }
    this.minorVersion = Number(version);
    this.status = Number(status);
    this.reason = reason;
  }

  /** Names and values are checked when the fields are made ready to be sent. */
  #fieldLine(text: string): void {
    const colon = text.indexOf(':');
    if (colon < 1) {
      this.problem = 'a field line has no name';
      return;
    }
    if (this.fields.length === this.#limits.maxFields) {
      this.problem = `it has more than ${this.#limits.maxFields} fields`;
      return;
    }
    const name = text.slice(0, colon);
    const value = trimBlanks(text.slice(colon + 1));
    this.fields.push([name, value]);
    if (name.length === 14 && name.toLowerCase() === 'content-length') this.#contentLength(value);
    else if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') this.#transferEncoding(value);
  }

  #contentLength(value: string): void {
    if (this.contentLength >= 0 || !LENGTH.test(value)) this.problem = 'its Content-Length is not one number';
    else this.contentLength = Number(value);
  }

  #transferEncoding(value: string): void {
    if (this.#isChunked || value.toLowerCase() !== 'chunked') this.problem = 'its transfer coding is not chunked';
    this.#isChunked = true;
  }

  #lastLine(): void {
    this.isDone = true;
    if (!this.#isChunked) return;
    if (this.contentLength >= 0) this.problem = 'it has both Transfer-Encoding and Content-Length';
    else if (this.minorVersion === 0) this.problem = 'HTTP/1.0 has no Transfer-Encoding';
  }
}

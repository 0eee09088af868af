// A strict and slow parser of HTTP/1.1 responses according to RFC 9112, without any of the server's own code.

type Fields = ReadonlyMap<string, string>;

/** Receives the parts of responses as they arrive. */
export interface ResponseSink {
  /** Whether the next response belongs to a HEAD request. */
  isHead(): boolean;
  /** Called for an interim response (1xx). */
  interim(status: number, fields: Fields): void;
  /** Called when a final response begins. */
  head(status: number, fields: Fields, reason: string): void;
  /** Called with a part of its content. */
  content(bytes: Buffer): void;
  /** Called with trailer fields, before {@link complete}. */
  trailers(fields: Fields): void;
  /** Called when the response is complete. */
  complete(): void;
  /** Called with bytes of the protocol after an upgrade. */
  foreign(bytes: Buffer): void;
}

const STATUS_LINE = /^HTTP\/1\.1 ([1-5][0-9]{2}) ([\t\x20-\x7e]*)$/;
const FIELD_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([\x20-\x7e\t]*)$/;
const CHUNK_LINE = /^([0-9a-f]{1,8})$/i;

/** The server never sends a larger head. */
const MAX_HEAD_BYTES = 65_536;

type Phase = 'head' | 'length' | 'chunk line' | 'chunk' | 'chunk end' | 'trailers' | 'until end' | 'foreign';

export class ResponseReader {
  readonly #sink: ResponseSink;
  #bytes: Buffer = Buffer.alloc(0);
  #phase: Phase = 'head';
  /** Remaining content bytes of this phase. */
  #left = 0;
  readonly #trailers = new Map<string, string>();

  constructor(sink: ResponseSink) {
    this.#sink = sink;
  }

  /** Whether the bytes so far end between two responses. */
  get isBetween(): boolean {
    return this.#phase === 'foreign' || (this.#phase === 'head' && this.#bytes.length === 0);
  }

  /** @throws Error that names the rule which the bytes break. */
  feed(bytes: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes]);
    while (this.#bytes.length > 0 && this.#step());
  }

  /** Handles the end of the connection. Returns whether it is a valid end of the last response. */
  end(): boolean {
    if (this.#phase !== 'until end') return this.isBetween;
    this.#finish();
    return true;
  }

  /** Parses one element. Returns false if more bytes are needed. */
  #step(): boolean {
    switch (this.#phase) {
      case 'head':
        return this.#readHead();
      case 'chunk line':
        return this.#readChunkLine();
      case 'chunk end':
        return this.#expectLine('') && this.#goOn('chunk line');
      case 'trailers':
        return this.#readTrailer();
      case 'foreign':
        this.#sink.foreign(this.#bytes);
        this.#bytes = Buffer.alloc(0);
        return false;
      default:
        return this.#readContent();
    }
  }

  #readHead(): boolean {
    const end = this.#bytes.indexOf('\r\n\r\n');
    if (end < 0) {
      if (this.#bytes.length > MAX_HEAD_BYTES) throw new Error('a head without end');
      return false;
    }
    const [first = '', ...lines] = this.#bytes.toString('latin1', 0, end).split('\r\n');
    const [, digits, reason = ''] = STATUS_LINE.exec(first) ?? fail(`status line ${JSON.stringify(first)}`);
    const status = Number(digits);
    const fields = new Map<string, string>();
    for (const line of lines) addField(fields, line);
    this.#bytes = this.#bytes.subarray(end + 4);
    if (status === 101) this.#upgrade(fields, reason);
    else if (status < 200) this.#sink.interim(status, fields);
    else this.#begin(status, fields, reason);
    return true;
  }

  #upgrade(fields: Fields, reason: string): void {
    if (fields.get('connection') !== 'Upgrade' || !fields.has('upgrade')) fail('101 that names no protocol');
    if (fields.has('content-length') || fields.has('transfer-encoding')) fail('101 with a length');
    this.#sink.head(101, fields, reason);
    this.#sink.complete();
    this.#phase = 'foreign';
  }

  /** Parses a trailer field, or the empty line behind the last one. */
  #readTrailer(): boolean {
    const line = this.#takeLine();
    if (line === null) return false;
    if (line !== '') {
      addField(this.#trailers, line);
      return true;
    }
    this.#sink.trailers(this.#trailers);
    this.#trailers.clear();
    this.#finish();
    return true;
  }

  #begin(status: number, fields: Fields, reason: string): void {
    const [length, coding] = [fields.get('content-length'), fields.get('transfer-encoding')];
    if (length !== undefined && coding !== undefined) fail('Content-Length and Transfer-Encoding');
    if (length !== undefined && !/^(?:0|[1-9][0-9]{0,14})$/.test(length)) fail(`Content-Length ${length}`);
    if (coding !== undefined && coding !== 'chunked') fail(`Transfer-Encoding ${coding}`);
    if (!fields.has('date')) fail('no Date');
    if (status === 204 && (length !== undefined || coding !== undefined)) fail('204 with a length');
    this.#sink.head(status, fields, reason);
    const isSilent = this.#sink.isHead() || status === 204 || status === 304;
    if (isSilent || length === '0') {
      this.#finish();
    } else if (coding !== undefined) {
      this.#phase = 'chunk line';
    } else if (length !== undefined) {
      this.#left = Number(length);
      this.#phase = 'length';
    } else {
      if (fields.get('connection') !== 'close') fail('content without length on a connection that goes on');
      this.#phase = 'until end';
    }
  }

  #readChunkLine(): boolean {
    const line = this.#takeLine();
    if (line === null) return false;
    this.#left = Number.parseInt(CHUNK_LINE.exec(line)?.[1] ?? fail(`chunk line ${JSON.stringify(line)}`), 16);
    return this.#goOn(this.#left === 0 ? 'trailers' : 'chunk');
  }

  #readContent(): boolean {
    const count = this.#phase === 'until end' ? this.#bytes.length : Math.min(this.#left, this.#bytes.length);
    const piece = this.#bytes.subarray(0, count);
    this.#bytes = this.#bytes.subarray(count);
    this.#left -= count;
    this.#sink.content(piece);
    if (this.#phase === 'until end' || this.#left > 0) return true;
    if (this.#phase === 'chunk') this.#phase = 'chunk end';
    else this.#finish();
    return true;
  }

  #finish(): void {
    this.#phase = 'head';
    this.#sink.complete();
  }

  #goOn(phase: Phase): true {
    this.#phase = phase;
    return true;
  }

  #expectLine(expected: string): boolean {
    const line = this.#takeLine();
    if (line !== null && line !== expected) fail(`${JSON.stringify(line)} where a line end belongs`);
    return line !== null;
  }

  /** The next line without its CRLF; null: it is incomplete. */
  #takeLine(): string | null {
    const end = this.#bytes.indexOf('\r\n');
    if (end < 0) {
      if (this.#bytes.length > MAX_HEAD_BYTES) fail('a line without end');
      return null;
    }
    const line = this.#bytes.toString('latin1', 0, end);
    this.#bytes = this.#bytes.subarray(end + 2);
    return line;
  }
}

function addField(fields: Map<string, string>, line: string): void {
  const [, name = '', value = ''] = FIELD_LINE.exec(line) ?? fail(`field line ${JSON.stringify(line)}`);
  if (fields.has(name.toLowerCase())) fail(`two fields ${name}`);
  fields.set(name.toLowerCase(), value.trim());
}

function fail(what: string): never {
  throw new Error(what);
}

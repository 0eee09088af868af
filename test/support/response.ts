// Parses an HTTP response by RFC 9112, without any code of the server.

/** One response as it was received. */
export interface Answer {
  readonly version: string;
  readonly status: number;
  readonly reason: string;
  /** In order, names as sent. */
  readonly fields: readonly (readonly [string, string])[];
  readonly content: Buffer;
  readonly text: string;
  /** How the end of the content is determined (RFC 9112 section 6.3). */
  readonly framing: 'none' | 'length' | 'chunked' | 'close';
  /** Sizes of the chunks. */
  readonly chunks: readonly number[];
  /** Trailer fields, in order, names as sent. */
  readonly trailers: readonly (readonly [string, string])[];
  /** The value of a field that occurs once, or undefined. */
  field(name: string): string | undefined;
}

/** A response and its length in bytes. */
export interface Parsed {
  readonly answer: Answer;
  readonly length: number;
}

interface Content {
  readonly content: Buffer;
  readonly framing: Answer['framing'];
  readonly chunks: readonly number[];
  readonly trailers: readonly (readonly [string, string])[];
  readonly end: number;
}

/** Chunk sizes and trailers of a response that is not chunked. */
const UNCHUNKED = { chunks: [], trailers: [] } as const;

/**
 * The first response in `bytes`, or undefined while it is incomplete. `isOver`: no more bytes follow. `isHead`: it is the
 * response to a HEAD request.
 */
export function parseResponse(bytes: Buffer, isHead: boolean, isOver: boolean): Parsed | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n');
  const match = /^HTTP\/(\d\.\d) (\d{3}) ([^\r\n]*)$/.exec(statusLine);
  if (match === null) throw new Error(`not a status line: ${JSON.stringify(statusLine)}`);
  const [, version = '', status = '', reason = ''] = match;
  const fields = lines.map(parseField);
  const field = (name: string): string | undefined => {
    const values = fields.filter(([each]) => each.toLowerCase() === name.toLowerCase());
    if (values.length > 1) throw new Error(`the field ${name} came ${values.length} times`);
    return values[0]?.[1];
  };
  const content = parseContent(bytes, headEnd + 4, isHead || hasNoContent(Number(status)), isOver, field);
  if (content === undefined) return undefined;
  const text = content.content.toString('utf8');
  return { answer: { version, status: Number(status), reason, fields, field, text, ...content }, length: content.end };
}

function hasNoContent(status: number): boolean {
  return status < 200 || status === 204 || status === 304;
}

function parseField(line: string): readonly [string, string] {
  const match = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+): ([^\r\n\0]*)$/.exec(line);
  if (match === null) throw new Error(`not a field line: ${JSON.stringify(line)}`);
  return [match[1] ?? '', match[2] ?? ''];
}

function parseContent(
  bytes: Buffer,
  start: number,
  isEmpty: boolean,
  isOver: boolean,
  field: (name: string) => string | undefined,
): Content | undefined {
  if (isEmpty) return { content: Buffer.alloc(0), framing: 'none', ...UNCHUNKED, end: start };
  const length = field('content-length');
  if (field('transfer-encoding') !== undefined) {
    if (length !== undefined) throw new Error('Content-Length beside Transfer-Encoding');
    return parseChunks(bytes, start);
  }
  if (length === undefined) {
    return isOver ? { content: bytes.subarray(start), framing: 'close', ...UNCHUNKED, end: bytes.length } : undefined;
  }
  if (!/^\d+$/.test(length)) throw new Error(`not a length: ${length}`);
  const end = start + Number(length);
  if (bytes.length < end) return undefined;
  return { content: bytes.subarray(start, end), framing: 'length', ...UNCHUNKED, end };
}

function parseChunks(bytes: Buffer, start: number): Content | undefined {
  const pieces: Buffer[] = [];
  const chunks: number[] = [];
  for (let at = start; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const line = bytes.toString('latin1', at, lineEnd);
    if (!/^[0-9a-f]+$/i.test(line)) throw new Error(`not a chunk size: ${JSON.stringify(line)}`);
    const size = Number.parseInt(line, 16);
    if (size === 0) {
      const last = parseTrailers(bytes, lineEnd + 2);
      return last && { content: Buffer.concat(pieces), framing: 'chunked', chunks, ...last };
    }
    const end = lineEnd + 2 + size + 2;
    if (bytes.length < end) return undefined;
    if (bytes.toString('latin1', end - 2, end) !== '\r\n') throw new Error('a chunk without CRLF behind it');
    pieces.push(bytes.subarray(lineEnd + 2, end - 2));
    chunks.push(size);
    at = end;
  }
}

function parseTrailers(bytes: Buffer, start: number): Pick<Content, 'trailers' | 'end'> | undefined {
  const trailers: (readonly [string, string])[] = [];
  for (let at = start; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    if (lineEnd === at) return { trailers, end: at + 2 };
    trailers.push(parseField(bytes.toString('latin1', at, lineEnd)));
    at = lineEnd + 2;
  }
}

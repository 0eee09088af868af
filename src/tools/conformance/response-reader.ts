// Reads the responses of a server from its bytes, strictly by RFC 9112, and records every rule that they break. It
// shares no code with the server.

/** One final response. */
export interface ReceivedResponse {
  readonly status: number;
  /** In their order, values trimmed. */
  readonly fields: readonly (readonly [string, string])[];
  readonly content: Buffer;
}

/** The requests that the responses belong to: they determine the framing. */
export interface SentRequests {
  readonly methods: readonly string[];
  /** The indexes of the HTTP/1.0 requests. */
  readonly http10: readonly number[];
}

const STATUS_LINE = /^HTTP\/1\.[01] ([1-5][0-9]{2}) [\t\x20-\x7e\x80-\xff]*$/;
const FIELD_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([\t\x20-\x7e\x80-\xff]*)$/;
const IMF_DATE =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT$/;
const CHUNK_LINE = /^([0-9A-Fa-f]{1,12})(?:[\t ]*;.*)?$/;
const MAX_HEAD_BYTES = 65_536;

/** The rules for every response, in addition to those of its case. */
export const RESPONSE_RULES = {
  statusLine: ['a status line of the right form', '9112 4'],
  fieldLine: ['field lines of the right form', '9112 5'],
  twoFramings: ['not Content-Length beside Transfer-Encoding', '9112 6.2'],
  twoLengths: ['one Content-Length at most', '9110 8.6'],
  framedInterim: ['no length in 1xx and 204', '9110 8.6'],
  oldChunks: ['no chunks to HTTP/1.0', '9112 6.1'],
  date: ['Date in 2xx, 3xx and 4xx', '9110 6.6.1'],
  dateForm: ['Date in its one form', '9110 5.6.7'],
} as const;

export type ResponseRule = keyof typeof RESPONSE_RULES;

export function fieldOf(response: ReceivedResponse, name: string): string | undefined {
  const values = response.fields.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value);
  return values.length === 0 ? undefined : values.join(', ');
}

/** `chunk`: within a chunk, its CRLF included; `chunks`: at the line in front of the next chunk. */
type Framing =
  | { kind: 'length'; left: number }
  | { kind: 'chunks' }
  | { kind: 'chunk'; left: number }
  | { kind: 'trailers' }
  | { kind: 'end' };

export class StrictResponseReader {
  readonly responses: ReceivedResponse[] = [];
  /** Interim statuses, each with the number of final responses before it. */
  readonly interim: (readonly [number, number])[] = [];
  readonly broken: Set<ResponseRule> = new Set();
  /** Why the bytes are not valid responses; empty while they are. */
  problem = '';
  readonly #sent: SentRequests;
  readonly #unread = new Unread();
  #head: Omit<ReceivedResponse, 'content'> | null = null;
  #framing: Framing = { kind: 'end' };
  #content: Buffer[] = [];

  constructor(sent: SentRequests) {
    this.#sent = sent;
  }

  /** Whether a response has begun and not ended. */
  get isWithin(): boolean {
    return this.#head !== null || this.#unread.length > 0;
  }

  receive(bytes: Buffer): void {
    this.#unread.append(bytes);
    while (this.problem === '' && (this.#head === null ? this.#readHead() : this.#readContent()));
  }

  /** The connection has ended. */
  end(): void {
    if (this.#head !== null && this.#framing.kind === 'end') this.#finish();
    else if (this.isWithin && this.problem === '') this.problem = `truncated: ${this.#excerpt()}`;
  }

  /** Returns whether to continue parsing. */
  #readHead(): boolean {
    const end = this.#unread.find('\r\n\r\n');
    if (end < 0) {
      const isHttp = 'HTTP/'.startsWith(this.#unread.text(5));
      if (!isHttp || this.#unread.length > MAX_HEAD_BYTES) this.problem = `not HTTP: ${this.#excerpt()}`;
      return false;
    }
    const [first = '', ...lines] = this.#unread.text(end).split('\r\n');
    this.#unread.take(end + 4);
    const status = Number(STATUS_LINE.exec(first)?.[1] ?? this.#looseStatus(first));
    if (Number.isNaN(status)) {
      this.problem = `invalid status line: ${JSON.stringify(first.slice(0, 60))}`;
      return false;
    }
    const fields = lines.flatMap((line) => this.#field(line));
    if (status < 200 && status !== 101) return this.#readInterim(status, fields);
    this.#head = { status, fields };
    this.#frame(status, fields);
    return true;
  }

  /** A status line without the space behind the status is wrong but readable. */
  #looseStatus(line: string): string {
    this.broken.add('statusLine');
    return /^HTTP\/1\.[01] ([1-5][0-9]{2})(?: .*)?$/s.exec(line)?.[1] ?? 'none';
  }

  #field(line: string): (readonly [string, string])[] {
    const match = FIELD_LINE.exec(line);
    if (match === null) this.broken.add('fieldLine');
    return match === null ? [] : [[match[1] ?? '', trimmed(match[2] ?? '')]];
  }

  #readInterim(status: number, fields: ReceivedResponse['fields']): boolean {
    if (fields.some(([name]) => /^(?:content-length|transfer-encoding)$/i.test(name))) this.broken.add('framedInterim');
    this.interim.push([status, this.responses.length]);
    return true;
  }

  #frame(status: number, fields: ReceivedResponse['fields']): void {
    const values = (name: string): string[] =>
      fields.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value);
    const lengths = values('content-length');
    const codings = values('transfer-encoding');
    const index = this.responses.length;
    this.#checkRules(status, lengths, codings, values('date'), index);
    const [length] = lengths;
    const isSilent = this.#sent.methods[index] === 'HEAD' || status === 204 || status === 304 || status === 101;
    if (isSilent) this.#framing = { kind: 'length', left: 0 };
    else if (codings.length > 0) this.#framing = { kind: 'chunks' };
    else if (length !== undefined) this.#framing = { kind: 'length', left: Number(length) };
    else this.#framing = { kind: 'end' };
    if (!isSilent && codings.length > 0 && codings.at(-1)?.toLowerCase() !== 'chunked')
      this.problem = 'unknown transfer coding';
    if (!isSilent && length !== undefined && !/^[0-9]{1,15}$/.test(length))
      this.problem = `invalid Content-Length ${length}`;
  }

  #checkRules(status: number, lengths: string[], codings: string[], dates: string[], index: number): void {
    if (lengths.length > 0 && codings.length > 0) this.broken.add('twoFramings');
    if (lengths.length > 1) this.broken.add('twoLengths');
    if (status === 204 && lengths.length + codings.length > 0) this.broken.add('framedInterim');
    if (codings.length > 0 && this.#sent.http10.includes(index)) this.broken.add('oldChunks');
    if (status < 500 && dates.length === 0) this.broken.add('date');
    if (dates.some((date) => !IMF_DATE.test(date))) this.broken.add('dateForm');
  }

  #readContent(): boolean {
    const framing = this.#framing;
    if (framing.kind === 'chunks') return this.#readChunkLine();
    if (framing.kind === 'trailers') return this.#readTrailers();
    if (framing.kind === 'chunk' && framing.left === 0) return this.#readChunkEnd();
    const count = framing.kind === 'end' ? this.#unread.length : Math.min(framing.left, this.#unread.length);
    if (count > 0) this.#content.push(this.#unread.take(count));
    if (framing.kind === 'end') return false;
    framing.left -= count;
    if (framing.kind === 'length' && framing.left === 0) this.#finish();
    return framing.left === 0 && this.#unread.length > 0;
  }

  #readChunkLine(): boolean {
    const lineEnd = this.#find('\r\n', 'chunk size');
    if (lineEnd < 0) return false;
    const line = this.#unread.text(lineEnd);
    const size = CHUNK_LINE.exec(line)?.[1];
    if (size === undefined) {
      this.problem = `invalid chunk size ${JSON.stringify(line.slice(0, 40))}`;
      return false;
    }
    const left = Number.parseInt(size, 16);
    // Without trailers, the CRLF of this line also begins the empty line that ends them.
    this.#unread.take(left === 0 ? lineEnd : lineEnd + 2);
    this.#framing = left === 0 ? { kind: 'trailers' } : { kind: 'chunk', left };
    return true;
  }

  #readChunkEnd(): boolean {
    if (this.#unread.length < 2) return false;
    if (this.#unread.text(2) !== '\r\n') {
      this.problem = 'chunk without CRLF behind it';
      return false;
    }
    this.#unread.take(2);
    this.#framing = { kind: 'chunks' };
    return true;
  }

  #readTrailers(): boolean {
    const end = this.#find('\r\n\r\n', 'trailers');
    if (end < 0) return false;
    this.#unread.take(end + 4);
    this.#finish();
    return this.#unread.length > 0;
  }

  /** The index of `mark`; -1 if it has not arrived, which is a problem when `what` is too long. */
  #find(mark: string, what: string): number {
    const at = this.#unread.find(mark);
    if (at < 0 && this.#unread.length > MAX_HEAD_BYTES) this.problem = `${what} too long: ${this.#excerpt()}`;
    return at;
  }

  #finish(): void {
    if (this.#head !== null) this.responses.push({ ...this.#head, content: Buffer.concat(this.#content) });
    this.#head = null;
    this.#content = [];
  }

  #excerpt(): string {
    return JSON.stringify(this.#unread.text(60));
  }
}

/** Received bytes that are not parsed yet. Also bytes that arrive one by one are copied and searched in linear time. */
class Unread {
  #buffer: Buffer = Buffer.alloc(0);
  #start = 0;
  #end = 0;
  /** `mark` does not begin before this index. */
  #searched = 0;

  get length(): number {
    return this.#end - this.#start;
  }

  append(bytes: Buffer): void {
    if (this.#end + bytes.length > this.#buffer.length) {
      // The parsed bytes at the front stay in the old buffer.
      const larger = Buffer.alloc(2 * (this.length + bytes.length));
      this.#buffer.copy(larger, 0, this.#start, this.#end);
      this.#searched -= this.#start;
      this.#end -= this.#start;
      this.#start = 0;
      this.#buffer = larger;
    }
    bytes.copy(this.#buffer, this.#end);
    this.#end += bytes.length;
  }

  /** The index of `mark`; -1 if it has not arrived. */
  find(mark: string): number {
    const from = Math.max(this.#start, this.#searched - mark.length + 1);
    const at = this.#buffer.subarray(from, this.#end).indexOf(mark);
    this.#searched = at < 0 ? this.#end : this.#start;
    return at < 0 ? -1 : from + at - this.#start;
  }

  /** The first `count` bytes, in Latin-1. */
  text(count: number): string {
    return this.#buffer.toString('latin1', this.#start, Math.min(this.#start + count, this.#end));
  }

  /** Removes and returns the first `count` bytes. */
  take(count: number): Buffer {
    const taken = this.#buffer.subarray(this.#start, this.#start + count);
    this.#start += count;
    this.#searched = this.#start;
    return taken;
  }
}

/** Trims spaces and tabs: a regular expression for this takes quadratic time. */
function trimmed(value: string): string {
  const isBlank = (at: number): boolean => value[at] === ' ' || value[at] === '\t';
  let [start, end] = [0, value.length];
  while (start < end && isBlank(start)) start++;
  while (end > start && isBlank(end - 1)) end--;
  return value.slice(start, end);
}

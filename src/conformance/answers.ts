// Reads the answers of a server from its bytes, strictly by RFC 9112, and remembers every rule that they break.
// It shares no code with the server.

/** One answer as it came. */
export interface Answer {
  readonly status: number;
  /** In order, values trimmed. */
  readonly fields: readonly (readonly [string, string])[];
  readonly content: Buffer;
}

/** What is known of the requests, by which answers are read. */
export interface Asked {
  readonly methods: readonly string[];
  /** Which of them are of HTTP/1.0. */
  readonly old: readonly number[];
}

const STATUS_LINE = /^HTTP\/1\.[01] ([1-5][0-9]{2}) [\t\x20-\x7e\x80-\xff]*$/;
const FIELD_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[\t ]*([\t\x20-\x7e\x80-\xff]*)$/;
const IMF_DATE =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT$/;
const CHUNK_LINE = /^([0-9A-Fa-f]{1,12})(?:[\t ]*;.*)?$/;
const MAX_HEAD_BYTES = 65_536;

/** The rules that every answer is held to, beside those of its case. */
export const ANSWER_RULES = {
  statusLine: ['a status line of the right form', '9112 4'],
  fieldLine: ['field lines of the right form', '9112 5'],
  twoFramings: ['not Content-Length beside Transfer-Encoding', '9112 6.2'],
  twoLengths: ['one Content-Length at most', '9110 8.6'],
  framedInterim: ['no length in 1xx and 204', '9110 8.6'],
  oldChunks: ['no chunks to HTTP/1.0', '9112 6.1'],
  date: ['Date in 2xx, 3xx and 4xx', '9110 6.6.1'],
  dateForm: ['Date in its one form', '9110 5.6.7'],
} as const;

export type AnswerRule = keyof typeof ANSWER_RULES;

export function fieldOf(answer: Answer, name: string): string | undefined {
  const values = answer.fields.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value);
  return values.length === 0 ? undefined : values.join(', ');
}

type Framing = { kind: 'length'; left: number } | { kind: 'chunks' } | { kind: 'end' };

export class AnswerReader {
  readonly answers: Answer[] = [];
  /** Interim statuses, with the number of final answers in front of each. */
  readonly interim: (readonly [number, number])[] = [];
  readonly broken: Set<AnswerRule> = new Set();
  /** Why the bytes are no answers; empty while they are. */
  problem = '';
  readonly #asked: Asked;
  #bytes: Buffer = Buffer.alloc(0);
  #head: Omit<Answer, 'content'> | null = null;
  #framing: Framing = { kind: 'end' };
  #content: Buffer[] = [];

  constructor(asked: Asked) {
    this.#asked = asked;
  }

  /** Whether an answer has begun and not ended. */
  get isWithin(): boolean {
    return this.#head !== null || this.#bytes.length > 0;
  }

  receive(bytes: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes]);
    while (this.problem === '' && (this.#head === null ? this.#readHead() : this.#readContent()));
  }

  /** Nothing more will come. */
  end(): void {
    if (this.#head !== null && this.#framing.kind === 'end') this.#finish();
    else if (this.isWithin && this.problem === '') this.problem = `cut off: ${this.#excerpt()}`;
  }

  /** True: go on. */
  #readHead(): boolean {
    const end = this.#bytes.indexOf('\r\n\r\n');
    if (end < 0) {
      const start = this.#bytes.toString('latin1', 0, 5);
      if (!'HTTP/'.startsWith(start) || this.#bytes.length > MAX_HEAD_BYTES)
        this.problem = `no HTTP: ${this.#excerpt()}`;
      return false;
    }
    const [first = '', ...lines] = this.#bytes.toString('latin1', 0, end).split('\r\n');
    this.#bytes = this.#bytes.subarray(end + 4);
    const status = Number(STATUS_LINE.exec(first)?.[1] ?? this.#looseStatus(first));
    if (Number.isNaN(status)) {
      this.problem = `no status line: ${JSON.stringify(first.slice(0, 60))}`;
      return false;
    }
    const fields = lines.flatMap((line) => this.#field(line));
    if (status < 200 && status !== 101) return this.#readInterim(status, fields);
    this.#head = { status, fields };
    this.#frame(status, fields);
    return true;
  }

  /** Without the space behind the status: wrong, and readable. */
  #looseStatus(line: string): string {
    this.broken.add('statusLine');
    return /^HTTP\/1\.[01] ([1-5][0-9]{2})(?: .*)?$/s.exec(line)?.[1] ?? 'none';
  }

  #field(line: string): (readonly [string, string])[] {
    const match = FIELD_LINE.exec(line);
    if (match === null) this.broken.add('fieldLine');
    return match === null ? [] : [[match[1] ?? '', (match[2] ?? '').replace(/[\t ]+$/, '')]];
  }

  #readInterim(status: number, fields: Answer['fields']): boolean {
    if (fields.some(([name]) => /^(?:content-length|transfer-encoding)$/i.test(name))) this.broken.add('framedInterim');
    this.interim.push([status, this.answers.length]);
    return true;
  }

  #frame(status: number, fields: Answer['fields']): void {
    const values = (name: string): string[] =>
      fields.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value);
    const lengths = values('content-length');
    const codings = values('transfer-encoding');
    const index = this.answers.length;
    this.#checkRules(status, lengths, codings, values('date'), index);
    const [length] = lengths;
    const isSilent = this.#asked.methods[index] === 'HEAD' || status === 204 || status === 304 || status === 101;
    if (isSilent) this.#framing = { kind: 'length', left: 0 };
    else if (codings.length > 0) this.#framing = { kind: 'chunks' };
    else if (length !== undefined) this.#framing = { kind: 'length', left: Number(length) };
    else this.#framing = { kind: 'end' };
    if (!isSilent && codings.length > 0 && codings.at(-1)?.toLowerCase() !== 'chunked')
      this.problem = 'an unknown coding';
    if (!isSilent && length !== undefined && !/^[0-9]{1,15}$/.test(length)) this.problem = `the length ${length}`;
  }

  #checkRules(status: number, lengths: string[], codings: string[], dates: string[], index: number): void {
    if (lengths.length > 0 && codings.length > 0) this.broken.add('twoFramings');
    if (lengths.length > 1) this.broken.add('twoLengths');
    if (status === 204 && lengths.length + codings.length > 0) this.broken.add('framedInterim');
    if (codings.length > 0 && this.#asked.old.includes(index)) this.broken.add('oldChunks');
    if (status < 500 && dates.length === 0) this.broken.add('date');
    if (dates.some((date) => !IMF_DATE.test(date))) this.broken.add('dateForm');
  }

  #readContent(): boolean {
    const framing = this.#framing;
    if (framing.kind === 'chunks') return this.#readChunk();
    const count = framing.kind === 'end' ? this.#bytes.length : Math.min(framing.left, this.#bytes.length);
    this.#take(count);
    if (framing.kind === 'end') return false;
    framing.left -= count;
    if (framing.left > 0) return false;
    this.#finish();
    return this.#bytes.length > 0;
  }

  /** A whole chunk at a time; the last one with its trailers. */
  #readChunk(): boolean {
    const lineEnd = this.#bytes.indexOf('\r\n');
    if (lineEnd < 0) return false;
    const line = this.#bytes.toString('latin1', 0, lineEnd);
    const size = CHUNK_LINE.exec(line)?.[1];
    if (size === undefined) {
      this.problem = `the chunk size ${JSON.stringify(line.slice(0, 40))}`;
      return false;
    }
    const length = Number.parseInt(size, 16);
    if (length === 0) return this.#readLastChunk(lineEnd);
    const start = lineEnd + 2;
    if (this.#bytes.length < start + length + 2) return false;
    if (this.#bytes.toString('latin1', start + length, start + length + 2) !== '\r\n') {
      this.problem = 'a chunk without CRLF behind it';
      return false;
    }
    this.#bytes = this.#bytes.subarray(start);
    this.#take(length);
    this.#bytes = this.#bytes.subarray(2);
    return true;
  }

  #readLastChunk(lineEnd: number): boolean {
    const end = this.#bytes.indexOf('\r\n\r\n', lineEnd);
    if (end < 0) return false;
    this.#bytes = this.#bytes.subarray(end + 4);
    this.#finish();
    return this.#bytes.length > 0;
  }

  #take(count: number): void {
    if (count > 0) this.#content.push(this.#bytes.subarray(0, count));
    this.#bytes = this.#bytes.subarray(count);
  }

  #finish(): void {
    if (this.#head !== null) this.answers.push({ ...this.#head, content: Buffer.concat(this.#content) });
    this.#head = null;
    this.#content = [];
  }

  #excerpt(): string {
    return JSON.stringify(this.#bytes.toString('latin1', 0, 60));
  }
}

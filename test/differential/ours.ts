// Reads a stream of requests with this project's parsers, as a session does: a head, its content, the next head.

import { ChunkedDecoder } from '../../src/http/chunked-decoder.ts';
import { FIELD_WORDS } from '../../src/http/head.ts';
import { HeadParser, INCOMPLETE, WRONG } from '../../src/http/head-parser.ts';
import type { Message, Reading } from './reading.ts';

const LIMITS = { maxHeaderBytes: 65_536, maxTargetBytes: 32_768, maxFields: 1_000, maxBodyBytes: 2 ** 52 };

class Reader {
  readonly messages: Message[] = [];
  end: Reading['end'] = 'open';
  problem = '';
  readonly #bytes: Buffer;
  readonly #parser = new HeadParser(LIMITS);
  #at = 0;
  /** The message whose content is being read. */
  #message: Omit<Message, 'content' | 'trailers'> | null = null;
  #left = 0;
  #decoder: ChunkedDecoder | null = null;
  #content = '';
  #isFinal = false;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Parses the bytes up to `end` as far as possible. */
  advance(end: number): void {
    while (this.end === 'open') {
      const before = [this.#at, this.#message] as const;
      if (this.#message === null) this.#readHead(end);
      else this.#readContent(end);
      if (this.#at === before[0] && this.#message === before[1]) return;
    }
  }

  #readHead(end: number): void {
    const parser = this.#parser;
    const outcome = parser.parse(this.#bytes, this.#at, end);
    if (outcome === INCOMPLETE) return;
    if (outcome === WRONG) return this.#fail(parser.problem);
    const { head } = parser;
    const text = (from: number, to: number): string => this.#bytes.toString('latin1', this.#at + from, this.#at + to);
    const fields: (readonly [string, string])[] = [];
    for (let entry = 0; entry < head.fieldCount * FIELD_WORDS; entry += FIELD_WORDS) {
      const [a = 0, b = 0, c = 0, d = 0] = head.fieldTable.subarray(entry, entry + FIELD_WORDS);
      fields.push([text(a, b).toLowerCase(), text(c, d)]);
    }
    this.#message = {
      method: text(head.methodStart, head.methodEnd),
      target: text(head.targetStart, head.targetEnd),
      version: `1.${head.minorVersion}`,
      fields,
    };
    this.#isFinal = !head.keepAlive;
    this.#decoder = head.chunked ? new ChunkedDecoder(LIMITS) : null;
    this.#left = Math.max(head.contentLength, 0);
    this.#content = '';
    this.#at += head.length;
    parser.reset();
  }

  #readContent(end: number): void {
    const take = (from: number, to: number): void => {
      this.#content += this.#bytes.toString('latin1', from, to);
    };
    if (this.#decoder === null) {
      const stop = Math.min(end, this.#at + this.#left);
      take(this.#at, stop);
      this.#left -= stop - this.#at;
      this.#at = stop;
      if (this.#left === 0) this.#finish([]);
      return;
    }
    this.#at = this.#decoder.decode(this.#bytes, this.#at, end, take);
    if (this.#decoder.status !== 0) this.#fail(this.#decoder.problem);
    else if (this.#decoder.ended) {
      this.#finish(this.#decoder.trailers.map(([name, value]) => [name.toLowerCase(), value]));
    }
  }

  #finish(trailers: Message['trailers']): void {
    if (this.#message !== null) this.messages.push({ ...this.#message, content: this.#content, trailers });
    this.#message = null;
    if (this.#isFinal) this.end = 'closed';
  }

  #fail(problem: string): void {
    this.end = 'wrong';
    this.problem = problem;
  }
}

/** `cuts`: where the bytes are split in transit, ascending. */
export function readOurs(bytes: Buffer, cuts: readonly number[]): Reading {
  const reader = new Reader(bytes);
  for (const cut of [...cuts, bytes.length]) reader.advance(cut);
  const { messages, end, problem } = reader;
  return { messages, end, problem };
}

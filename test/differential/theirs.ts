// Reads a stream of requests with the parser of node:http, through a server without a network.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Duplex } from 'node:stream';
import type { Message, Reading } from './reading.ts';

/** The methods of a socket that node:http needs besides those of a stream. */
class Wire extends Duplex {
  constructor() {
    super({ allowHalfOpen: true });
  }
  override _read(): void {}
  override _write(_bytes: unknown, _encoding: string, done: () => void): void {
    done();
  }
  setTimeout(): this {
    return this;
  }
  setNoDelay(): void {}
  setKeepAlive(): void {}
  ref(): void {}
  unref(): void {}
}

function pairs(raw: readonly string[]): (readonly [string, string])[] {
  return Array.from({ length: raw.length / 2 }, (_, i) => [(raw[2 * i] ?? '').toLowerCase(), raw[2 * i + 1] ?? '']);
}

export class TheirReader {
  readonly #server: Server;
  #messages: Message[] = [];
  #end: Reading['end'] = 'open';
  #problem = '';

  constructor() {
    this.#server = createServer({ keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0, maxHeaderSize: 65_536 });
    this.#server.maxHeadersCount = 0;
    this.#server.on('request', (request, response) => this.#take(request, response));
    this.#server.on('checkContinue', (request, response) => this.#take(request, response));
    this.#server.on('checkExpectation', (request, response) => this.#take(request, response));
    this.#server.on('clientError', (error: NodeJS.ErrnoException) => this.#fail(error.code ?? error.message));
    this.#server.on('connect', () => this.#fail('CONNECT'));
  }

  async read(bytes: Buffer, cuts: readonly number[]): Promise<Reading> {
    this.#messages = [];
    this.#end = 'open';
    this.#problem = '';
    const wire = new Wire();
    wire.on('error', () => {});
    this.#server.emit('connection', wire);
    let from = 0;
    for (const cut of [...cuts, bytes.length]) {
      if (wire.destroyed || this.#end !== 'open') break;
      if (cut > from) wire.push(bytes.subarray(from, cut));
      from = cut;
      await new Promise((resolve) => setImmediate(resolve));
    }
    const reading = { messages: this.#messages, end: this.#end, problem: this.#problem };
    wire.destroy();
    return reading;
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const messages = this.#messages;
    let content = '';
    request.on('data', (piece: Buffer) => {
      content += piece.toString('latin1');
    });
    request.on('error', () => {});
    request.on('end', () => {
      const { method = '', url: target = '', httpVersion: version, rawHeaders, rawTrailers } = request;
      const isOver = this.#messages !== messages || this.#end === 'closed';
      if (!request.complete || isOver) return;
      messages.push({ method, target, version, fields: pairs(rawHeaders), content, trailers: pairs(rawTrailers) });
      if (!response.shouldKeepAlive) this.#end = 'closed';
      response.end();
    });
  }

  #fail(problem: string): void {
    if (this.#end !== 'open') return;
    this.#end = 'wrong';
    this.#problem = problem;
  }
}

// Tests an exchange without a session, a connection or a kernel around it.

import { beforeEach, expect, test } from 'vitest';
import type { Channel } from '../../src/connection/channel.ts';
import type { Handler } from '../../src/http/handler.ts';
import { DONE, HeadParser } from '../../src/http/head-parser.ts';
import { HttpClock } from '../../src/http/http-clock.ts';
import { HeadWriter } from '../../src/http/response-head.ts';
import { SessionContext, WAIT } from '../../src/http1/context.ts';
import { Exchange } from '../../src/http1/exchange.ts';
import { resolveLimits } from '../../src/options/resolve-limits.ts';
import { FakeKernel } from '../support/fake-kernel.ts';

/** Records writes and calls as text. */
class FakeChannel implements Channel {
  readonly peer = { address: '192.0.2.1', port: 1 };
  readonly local = { address: '192.0.2.2', port: 2 };
  readonly transferred = [0, 0] as const;
  readonly isSecure = false;
  readonly isNegotiated = false;
  readonly tls = null;
  readonly isOpen = true;
  readonly hasPendingOutput = false;
  readonly unsentBytes = 0;
  readonly isFull = false;
  peerEnded = false;
  isEnding = false;
  attachment = null;
  target: Buffer = Buffer.alloc(0);
  readonly log: string[];

  constructor(log: string[]) {
    this.log = log;
  }

  get written(): string {
    return this.log.filter((each) => each.startsWith('HTTP/')).join('');
  }

  captureAddresses(): void {}
  replacePeer(): void {}

  reserve(size: number): number {
    this.target = Buffer.alloc(size);
    return 0;
  }

  commit(end: number): void {
    this.log.push(this.target.toString('latin1', 0, end));
  }

  write(bytes: Uint8Array): void {
    this.log.push(Buffer.from(bytes).toString('latin1'));
  }

  whenSent(): void {}
  sendFile(): void {}
  sendNow(): void {}
  setTimeout(): void {}
  wake(): void {}
  resume(): void {}
  speak(): void {}

  finish(unread = false): void {
    this.log.push(`finish${unread ? ' unread' : ''}`);
  }

  endOutput(): void {}

  drop(reason: string): void {
    this.log.push(`drop: ${reason}`);
  }

  abort(reason: string): void {
    this.log.push(`abort: ${reason}`);
  }
}

let log: string[];
let channel: FakeChannel;
let isOver: boolean;
let waits: number[];
let errors: unknown[];

beforeEach(() => {
  log = [];
  channel = new FakeChannel(log);
  isOver = false;
  waits = [];
  errors = [];
});

function exchangeFor(head: string, handler: Handler): Exchange {
  const limits = resolveLimits({});
  const context = new SessionContext({
    memory: new FakeKernel(),
    handler,
    limits,
    headWriter: new HeadWriter(new HttpClock(() => 0), 'test'),
    observer: null,
    onError: (error) => errors.push(error),
    nowMs: () => 0,
  });
  const parser = new HeadParser(limits);
  const bytes = Buffer.from(head, 'latin1');
  expect(parser.parse(bytes, 0, bytes.length)).toBe(DONE);
  const owner = {
    channel,
    context,
    await: (what: number): void => {
      waits.push(what);
    },
    exchangeOver: (): void => {
      isOver = true;
    },
  };
  return new Exchange(owner, parser.head, bytes, 0);
}

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const POST = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n';

test('a handler that responds at once ends the exchange', () => {
  exchangeFor(GET, (_request, response) => response.send(200, {}, 'done')).begin();
  expect(channel.written).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\ndone$/);
  expect([isOver, waits, log.filter((each) => each.startsWith('finish'))]).toEqual([true, [], []]);
});

test('the exchange waits for a handler that responds later', async () => {
  let answer = (): void => {};
  exchangeFor(GET, (_request, response) => {
    answer = () => response.send(204);
  }).begin();
  expect([isOver, waits]).toEqual([false, [WAIT.HANDLER]]);
  answer();
  expect([isOver, waits]).toEqual([true, [WAIT.HANDLER, WAIT.KEEP_ALIVE]]);
});

test('a handler that throws gives one 500 and one report', () => {
  exchangeFor(GET, () => {
    throw new Error('on purpose');
  }).begin();
  expect(channel.written).toMatch(/^HTTP\/1\.1 500 /);
  expect([isOver, errors]).toEqual([true, [new Error('on purpose')]]);
});

test('the body of the request is awaited while it is read, and the rest is discarded', async () => {
  const pieces: string[] = [];
  const exchange = exchangeFor(POST, async (request, response) => {
    pieces.push(`${await request.body.read()}`);
    response.send(200, {}, 'enough');
  });
  exchange.begin();
  expect(waits).toContain(WAIT.BODY);
  expect(exchange.receive(Buffer.from('ab'), 0, 2)).toBe(2);
  await new Promise(setImmediate);
  expect([pieces.length, isOver]).toEqual([1, false]);
  expect(exchange.receive(Buffer.from('cd'), 0, 2)).toBe(2);
  expect(isOver).toBe(true);
});

test('a handler that is too slow causes 504, and its later response has no effect', () => {
  let answer = (): void => {};
  const exchange = exchangeFor(GET, (_request, response) => {
    answer = () => response.send(200, {}, 'late');
  });
  exchange.begin();
  exchange.expired(WAIT.HANDLER);
  expect(channel.written).toMatch(/^HTTP\/1\.1 504 [\s\S]*Connection: close/);
  expect([isOver, log.at(-1)]).toEqual([true, 'finish unread']);
  answer();
  expect(channel.written).not.toContain('late');
});

test('a client that disconnects aborts the signal of its request', () => {
  let signal: AbortSignal | null = null;
  const exchange = exchangeFor(GET, (request) => {
    signal = request.signal;
  });
  exchange.begin();
  exchange.aborted('the client is gone');
  expect(signal).toMatchObject({ aborted: true });
  expect(isOver).toBe(true);
});

test('a response from a whenGone callback does not resume the connection', () => {
  const exchange = exchangeFor(GET, (request, response) => {
    request.whenGone(() => response.send(200, {}, 'late'));
  });
  exchange.begin();
  exchange.aborted('the client is gone');
  expect([isOver, waits]).toEqual([true, [WAIT.HANDLER]]);
});

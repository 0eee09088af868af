// Clients of the simulated machine that leave an application of node:http at any point, with invariants on its events.

import type { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream';
import { expect, test } from 'vitest';
import { type NodeApplication, nodeApplication } from '../../../src/adapters/node/application.ts';
import { Random } from '../../../src/testing/random.ts';
import type { SimulatedClient } from '../../../src/testing/simulated-client.ts';
import { type SimulatedServer, simulate } from '../../../src/testing/simulated-server.ts';

type Listener = (request: IncomingMessage, response: ServerResponse) => void;
type OnFinished = (message: object, callback: () => void) => void;

// Express has no types here.
const {
  makeExpress,
  onFinished,
}: { makeExpress: (watch: Listener, answer: Listener) => object; onFinished: OnFinished } = await import(
  new URL('../applications/express-watched.mjs', import.meta.url).href
);

const SEEDS = 30;
const CLIENTS = 12;
const STREAMED = 'x'.repeat(20_000);

/** The events of one message, and what they have to obey. */
class Watched {
  readonly events: string[] = [];
  readonly #name: string;
  readonly #isRequest: boolean;

  constructor(name: string, message: EventEmitter, isRequest: boolean) {
    this.#name = name;
    this.#isRequest = isRequest;
    for (const event of ['end', 'finish', 'aborted', 'close']) message.on(event, () => this.events.push(event));
  }

  /** What its events break; empty: nothing. */
  get problem(): string {
    const { events } = this;
    // As on node:http, a body of which a part never came does not end when the response has.
    const isClosed = events.at(-1) === 'close' || (this.#isRequest && events.length === 0);
    return isClosed && new Set(events).size === events.length ? '' : `${this.#name}: ${events.join()}`;
  }
}

/** What the applications of one run do with their requests. */
class Ledger {
  readonly #watched: Watched[] = [];
  readonly #sockets = new Set<EventEmitter>();
  /** Callbacks of on-finished and pipeline that have to be called. */
  #awaited = 0;

  watch(request: IncomingMessage, response: ServerResponse): void {
    const name = `${request.method} ${request.url}`;
    this.#watched.push(new Watched(`request ${name}`, request, true), new Watched(`response ${name}`, response, false));
    request.on('error', () => {});
    response.on('error', () => {});
    const { socket } = request;
    this.#sockets.add(socket);
    onFinished(response, this.awaited());
  }

  /** A callback that has to be called once. */
  awaited(): () => void {
    this.#awaited++;
    return () => {
      this.#awaited--;
    };
  }

  get requests(): number {
    return this.#watched.length / 2;
  }

  get problems(): readonly string[] {
    const broken = this.#watched.map(({ problem }) => problem).filter((problem) => problem !== '');
    const left = [...this.#sockets].map(listenersOf).filter((listeners) => /[^,]/.test(listeners.replace(OWN, '')));
    const waiting = this.#awaited === 0 ? [] : [`${this.#awaited} callbacks`];
    return [...broken, ...left, ...waiting];
  }
}

/** The listener of the server itself, which ignores errors after the first one. */
const OWN = /error 1/;

function listenersOf(socket: EventEmitter): string {
  return socket
    .eventNames()
    .map((name) => `${String(name)} ${socket.listenerCount(name)}`)
    .sort()
    .join();
}

function answer(request: IncomingMessage, response: ServerResponse, ledger: Ledger): void {
  if (request.url === '/now') {
    response.end('now');
  } else if (request.url === '/later') {
    setImmediate(() => response.end('later'));
  } else if (request.url === '/echo') {
    pipeline(request, response, ledger.awaited());
  } else if (request.url === '/head') {
    response.writeHead(200, { 'Content-Length': 5 }).flushHeaders();
    process.nextTick(() => response.end('later'));
  } else {
    stream(response, 6);
  }
}

function stream(response: ServerResponse, left: number): void {
  if (left === 0 || response.destroyed) response.end('last');
  else if (response.write(STREAMED)) setImmediate(() => stream(response, left - 1));
  else response.once('drain', () => stream(response, left - 1));
}

function bareApplication(ledger: Ledger): NodeApplication {
  return (request: IncomingMessage, response: ServerResponse) => {
    ledger.watch(request, response);
    answer(request, response, ledger);
  };
}

function expressApplication(ledger: Ledger): NodeApplication {
  return makeExpress(
    (request, response) => ledger.watch(request, response),
    (request, response) => answer(request, response, ledger),
  );
}

const GETS = ['/now', '/later', '/stream', '/head'].map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
const BODY = 'y'.repeat(5_000);
const POSTS = ['/echo', '/now', '/later'].map(
  (path) => `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
);
const CHUNKED = 'POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n';
const REQUESTS = [...GETS, ...POSTS, CHUNKED];

/** Sends some requests up to some byte, waits for a while, and leaves. */
async function visit(site: SimulatedServer, random: Random): Promise<void> {
  const client: SimulatedClient = site.connect();
  if (random.below(3) === 0) client.readRate = { bytes: 1 + random.below(3_000), everyMs: 1 };
  const count = 1 + random.below(3);
  const text = Array.from({ length: count }, () => REQUESTS[random.below(REQUESTS.length)]).join('');
  const isWhole = random.below(2) === 0;
  const cut = isWhole ? text.length : random.below(text.length);
  const pause = random.below(cut + 1);
  client.send(text.slice(0, pause));
  await site.runFor(random.below(3));
  client.send(text.slice(pause, cut));
  await site.runFor(random.below(4));
  if (random.below(3) === 0) client.finish();
  await site.runFor(random.below(2));
  client.reset();
}

test.each([
  ['a bare listener', bareApplication],
  ['Express', expressApplication],
])('%s: each message closes once, and no listener stays on a socket', async (_name, makeApplication) => {
  let requests = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = new Random(seed);
    const ledger = new Ledger();
    const site = simulate({
      seed,
      faults: { shortSend: 'frequent', partialReceive: 'frequent', reset: 'rare' },
      handler: await nodeApplication(makeApplication(ledger)),
    });
    for (let i = 0; i < CLIENTS; i++) await visit(site, random);
    await site.runFor(60_000);
    expect(ledger.problems, `seed ${seed}`).toEqual([]);
    requests += ledger.requests;
    const closed = site.server.close();
    await site.runFor(60_000);
    await closed;
  }
  expect(requests).toBeGreaterThan(SEEDS * CLIENTS * 0.5);
});

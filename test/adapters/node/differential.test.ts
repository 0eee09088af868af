// Runs the same applications on node:http and on this adapter, and compares bytes, the order of events and error codes.

import { AsyncLocalStorage } from 'node:async_hooks';
import { channel } from 'node:diagnostics_channel';
import { EventEmitter, once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createEpollServer } from '../../../src/node/create-server.ts';

type Listener = (request: IncomingMessage, response: ServerResponse, log: Log) => void;
type Log = (...values: readonly unknown[]) => void;

/** What a client of one server saw, and what its application logged. */
interface Seen {
  readonly bytes: string;
  readonly log: readonly string[];
}

interface Case {
  readonly listener?: Listener;
  readonly options?: http.ServerOptions;
  readonly prepare?: (server: http.Server, log: Log) => void;
  /** What the client sends, each text when the response to the one before has begun. */
  readonly sent: readonly string[];
  /** The client half-closes after its last text. */
  readonly finishes?: boolean;
  /** The client resets the connection when this has arrived. */
  readonly leavesAt?: RegExp;
  /** Which of its writes share a chunk depends on the version of Node.js. */
  readonly joinsChunks?: boolean;
  /** The test ends when this was logged; otherwise when the server closes the connection. */
  readonly until?: string;
}

function get(path: string, ...fields: readonly string[]): string {
  return `GET ${path} HTTP/1.1\r\nHost: a\r\n${fields.map((each) => `${each}\r\n`).join('')}\r\n`;
}

function post(path: string, body: string, ...fields: readonly string[]): string {
  return get(path, `Content-Length: ${body.length}`, ...fields).replace('GET', 'POST') + body;
}

async function run(create: typeof http.createServer, given: Case): Promise<Seen> {
  const lines: string[] = [];
  let logged = (): void => {};
  const log: Log = (...values) => {
    lines.push(values.map(String).join(' '));
    logged();
  };
  const server = create(given.options ?? {}, (request, response) => given.listener?.(request, response, log));
  given.prepare?.(server, log);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect(addressOf(server).port, '127.0.0.1');
  onTestFinished(() => {
    socket.destroy();
    server.close();
    server.closeAllConnections();
  });
  const bytes = await talk(socket, given);
  const isDone = (): boolean => given.until === undefined || lines.some((line) => line.startsWith(given.until ?? ''));
  if (!isDone())
    await new Promise<void>((resolve) => {
      logged = () => isDone() && resolve();
    });
  const text = bytes.replaceAll(/Date: [^\r]*/g, 'Date: *');
  return { bytes: given.joinsChunks === true ? joinedChunks(text) : text, log: lines };
}

/** As if each chunked content, which has no CR, were one chunk. */
function joinedChunks(text: string): string {
  return text.replaceAll(/(?:[\da-f]+\r\n[^\r]+\r\n)+0\r\n/g, (chunks) => {
    const content = chunks
      .split('\r\n')
      .filter((_, index) => index % 2 === 1)
      .join('');
    return `${content.length.toString(16)}\r\n${content}\r\n0\r\n`;
  });
}

async function talk(socket: Socket, { sent, finishes = false, leavesAt }: Case): Promise<string> {
  let received = '';
  const waiting = [...sent];
  const sendNext = (): void => {
    const text = waiting.shift();
    if (text !== undefined) socket.write(text, 'latin1');
    if (waiting.length === 0 && finishes) socket.end();
  };
  socket.on('data', (data) => {
    received += data.toString('latin1');
    if (leavesAt?.test(received) === true) socket.resetAndDestroy();
    else if (waiting.length > 0) sendNext();
  });
  socket.on('error', () => {});
  socket.on('connect', sendNext);
  await once(socket, 'close');
  return received;
}

/** Two streams, each of which reads what is written to the other (node:stream has it since Node.js 22.6). */
function duplexPair(): readonly [Duplex, Duplex] {
  const make = (other: () => Duplex): Duplex =>
    new Duplex({
      read() {},
      write: (chunk, _encoding, done) => {
        other().push(chunk);
        done();
      },
      final: (done) => {
        other().push(null);
        done();
      },
    });
  const near: Duplex = make(() => far);
  const far: Duplex = make(() => near);
  return [near, far];
}

function addressOf(server: Pick<http.Server, 'address'>): AddressInfo {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server listens on no port');
  return address;
}

function watch(log: Log, name: string, emitter: NodeJS.EventEmitter, events: readonly string[]): void {
  for (const event of events) {
    emitter.on(event, (error: unknown) => log(name, event, error instanceof Error ? Reflect.get(error, 'code') : ''));
  }
}

/** Logs the code of what `action` throws. */
function attempt(log: Log, name: string, action: () => unknown): void {
  try {
    action();
    log(name, 'passes');
  } catch (error) {
    log(name, Reflect.get(Object(error), 'code'), Object(error).name);
  }
}

/** What has to arrive of a response, and what must not, when its connection is destroyed: by name. */
const ENDS: Readonly<Record<string, (response: ServerResponse) => void>> = {
  'write, then destroy the response': (response) => {
    response.write('a');
    response.destroy();
  },
  'write, then destroy the socket': (response) => {
    response.write('a');
    response.socket?.destroy();
  },
  'write, then destroy the request': (response) => {
    response.write('a');
    response.req.destroy();
  },
  'head, write, then destroy': (response) => {
    response.flushHeaders();
    response.write('a');
    response.destroy();
  },
  'early hints, write, then destroy': (response) => {
    response.writeEarlyHints({ link: '</a.css>; rel=preload' });
    response.write('a');
    response.destroy();
  },
  'write, then destroy in the next tick': (response) => {
    response.write('a');
    process.nextTick(() => response.destroy());
  },
  'write and destroy in a later turn': (response) => {
    response.write('a');
    setImmediate(() => {
      response.write('b');
      response.destroy();
    });
  },
  'write in a later turn, then destroy in the next tick': (response) => {
    setImmediate(() => {
      response.write('a');
      process.nextTick(() => response.destroy());
    });
  },
  'write and end, then destroy the socket': (response) => {
    const { socket } = response;
    response.write('a');
    response.end('b');
    socket?.destroy();
  },
  'end, then destroy the socket with an error': (response) => {
    const { socket } = response;
    response.end('a');
    socket?.destroy(new Error('broken'));
  },
  'end in a later turn, then destroy the socket': (response) => {
    setImmediate(() => {
      const { socket } = response;
      response.end('a');
      socket?.destroy();
    });
  },
  'end, then destroy the socket': (response) => {
    const { socket } = response;
    response.end('a');
    socket?.destroy();
  },
};

const DESTROYED: Readonly<Record<string, Case>> = Object.fromEntries(
  Object.entries(ENDS).map(([name, end]) => [
    name,
    {
      listener: (request: IncomingMessage, response: ServerResponse, log: Log) => {
        watch(log, 'request', request, ['end', 'close', 'aborted', 'error']);
        watch(log, 'response', response, ['finish', 'close', 'error']);
        end(response);
      },
      sent: [get('/')],
      until: 'request close',
    },
  ]),
);

const CASES: Readonly<Record<string, Case>> = {
  'a short response, kept alive, then closed': {
    listener: (request, response) => response.end(`${request.url}`),
    sent: [get('/1'), get('/2', 'Connection: close')],
  },
  'fields: case, lists, joining rules': {
    listener: (request, response) => {
      response.setHeader('X-MiXed', 'a');
      response.setHeader('Set-Cookie', ['a=1', 'b=2']);
      response.appendHeader('X-MiXed', 'b');
      response.end(JSON.stringify([request.headers, request.rawHeaders, request.headersDistinct]));
    },
    sent: [
      get('/', 'Accept: a', 'accept: b', 'Cookie: x=1', 'cookie: y=2', 'Referer: 1', 'Referer: 2', 'Connection: close'),
    ],
  },
  'HEAD, 204, 304 and writeHead with fields': {
    listener: (request, response) => {
      if (request.url === '/204' || request.url === '/304') response.writeHead(Number(request.url.slice(1)));
      else response.writeHead(200, 'Fine', { 'Content-Type': 'text/plain', 'X-List': ['a', 'b'] });
      response.end('content');
    },
    sent: [get('/h').replace('GET', 'HEAD'), get('/204'), get('/304'), get('/', 'Connection: close')],
  },
  'writeHead with an object, whatever its fields': {
    listener: (request, response, log) => {
      const own = Object.assign(Object.create({ inherited: '1' }), { 'Content-Length': 4, 'X-A': 'a', 'x-a': 'b' });
      const heads: readonly (readonly unknown[])[] = [
        [200, own],
        [200, { 'Content-Type': 'text/plain' }],
        [201, 'Made', { 'X-Reason': 'given' }],
        [200, { 'Transfer-Encoding': 'chunked' }],
        [200, { 'X-Latin': 'é' }],
        [200, { Date: 'now', Connection: 'close' }],
      ];
      const number = Number(request.url?.slice(1));
      attempt(log, 'name', () => response.writeHead(200, { 'a b': '1' }));
      attempt(log, 'value', () => response.writeHead(200, { a: 'b\r\nc: d' }));
      attempt(log, 'undefined', () => response.writeHead(200, { a: undefined }));
      Reflect.apply(response.writeHead, response, heads[number] ?? []);
      log(response.headersSent, response.statusMessage, response.getHeader('x-a'));
      response.end('text');
    },
    sent: Array.from({ length: 6 }, (_, i) => get(`/${i}`)),
  },
  'fields that are set, read, replaced and removed': {
    listener: (request, response, log) => {
      response.setHeader('X-First', 1);
      response.setHeader('x-FIRST', 'two');
      response.setHeader('__proto__', 'p');
      response.setHeader('constructor', 'c');
      response.setHeader('X-Gone', 'gone');
      response.removeHeader('x-gone');
      response.setHeader('X-Long', 'l'.repeat(200));
      log(response.hasHeader('x-first'), response.getHeader('X-FIRST'), response.getHeaderNames());
      log(JSON.stringify(response.getHeaders()), Object.getPrototypeOf(response.getHeaders()));
      if (request.url === '/latin') response.setHeader('X-Latin', 'é');
      if (request.url === '/append') response.appendHeader('X-First', 'é');
      if (request.url === '/head') response.writeHead(200, { 'X-Late': 'late', 'X-First': 'three' });
      response.end('é');
    },
    sent: [get('/'), get('/latin'), get('/append'), get('/head', 'Connection: close')],
  },
  'a text in another language, and end with null': {
    listener: (request, response) => {
      response.statusMessage = request.url === '/own' ? 'Grüße' : 'OK';
      Reflect.apply(response.end, response, [request.url === '/none' ? null : 'späť', null, null]);
    },
    sent: [get('/'), get('/none'), get('/own', 'Connection: close')],
  },
  'fields of requests that repeat': {
    listener: (request, response) => {
      Object.assign(request.headers, { added: 'a' });
      response.end(JSON.stringify([request.headers, Object.getPrototypeOf(request.headers) === Object.prototype]));
    },
    sent: [
      get('/1', 'X-A:\t 1 ', 'Set-Cookie: a', 'set-cookie: b'),
      get('/2', 'X-A: 1', 'x-a: 2', 'constructor: c', 'Age: 1', 'age: 2', 'Cookie: a', 'COOKIE: b', 'Empty:'),
      get('/3', 'X-A: 1', 'x-a: 2', 'constructor: c', 'Age: 1', 'age: 2', 'Cookie: a', 'COOKIE: b', 'Empty:'),
      get('/4', '__proto__: p', 'X-A: 1', 'toString: t'),
      get('/5', 'X-A: 1', 'Connection: close'),
    ],
  },
  'listeners that are added after the end': {
    listener: (_request, response, log) => {
      response.end('x');
      watch(log, 'response', response, ['finish', 'close']);
      process.nextTick(() => log('tick', response.writableFinished));
    },
    sent: [get('/', 'Connection: close')],
    until: 'response close',
  },
  'responses that promises send, to requests in one packet': {
    listener: (request, response, log) => {
      void Promise.resolve().then(async () => {
        response.setHeader('X-Url', `${request.url}`);
        response.write('a');
        await null;
        response.end(request.url === '/large' ? 'b'.repeat(100_000) : 'b');
        response.on('close', () => log('close', request.url));
      });
    },
    sent: [get('/1') + get('/large') + get('/3', 'Connection: close')],
    // Node.js 26 joins the chunks of one tick, but not those of a response that waits for another.
    joinsChunks: true,
    until: 'close /3',
  },
  'chunks and trailers': {
    listener: (_request, response) => {
      response.writeHead(200, { Trailer: 'X-Sum' });
      response.write('one');
      response.write(Buffer.from('two'));
      response.addTrailers({ 'X-Sum': '6' });
      response.end();
    },
    sent: [get('/', 'Connection: close')],
  },
  'interim responses': {
    listener: (_request, response) => {
      response.writeContinue();
      response.writeProcessing();
      response.writeEarlyHints({ link: '</a.css>; rel=preload', 'x-more': '1' });
      response.end('done');
    },
    sent: [get('/', 'Connection: close')],
  },
  'HTTP/1.0, with and without a length': {
    listener: (_request, response) => {
      response.write('no length');
      response.end();
    },
    sent: ['GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n'],
  },
  'names of events, before and after a listener': {
    listener: (request, response) => {
      // Node's response has listeners of its own.
      const names = (): unknown => [request.eventNames(), response.eventNames().filter((name) => name !== 'finish')];
      const before = [names(), request.socket.listenerCount('x'), request.socket.eventNames().includes('x')];
      for (const each of [request, response, request.socket]) each.on('x', () => {});
      response.end(JSON.stringify([before, names(), request.socket.eventNames().includes('x')]));
    },
    sent: [get('/', 'Connection: close')],
  },
  'a body that is echoed': {
    listener: (request, response) => void request.pipe(response),
    sent: [post('/', 'x'.repeat(1_000), 'Connection: close')],
  },
  'a chunked body with trailers': {
    listener: (request, response, log) => {
      request.on('data', (data) => log('data', data));
      request.on('end', () => {
        log(request.complete, JSON.stringify(request.trailers), JSON.stringify(request.rawTrailers));
        response.end();
      });
    },
    sent: [
      get('/', 'Transfer-Encoding: chunked', 'Connection: close').replace('GET', 'POST') +
        '3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n',
    ],
  },
  'a body that nothing reads, then another request': {
    listener: (request, response) => response.end(`${request.method}`),
    sent: [post('/', 'x'.repeat(1_000)), get('/', 'Connection: close')],
  },
  'Expect: 100-continue, answered by the server': {
    listener: (request, response) => void request.resume().on('end', () => response.end('read')),
    sent: [
      get('/', 'Expect: 100-continue', 'Content-Length: 3').replace('GET', 'POST'),
      'abc',
      get('/', 'Connection: close'),
    ],
  },
  "'checkContinue' and 'checkExpectation'": {
    prepare: (server, log) => {
      server.on('checkContinue', (_request, response) => {
        log('checkContinue');
        response.writeHead(413, { Connection: 'close' }).end();
      });
      server.on('checkExpectation', (_request, response) => {
        log('checkExpectation');
        response.end();
      });
    },
    sent: [get('/', 'Expect: other'), get('/', 'Expect: 100-continue', 'Content-Length: 3').replace('GET', 'POST')],
  },
  'the order of events': {
    listener: (request, response, log) => {
      watch(log, 'request', request, ['end', 'close', 'aborted', 'error']);
      watch(log, 'response', response, ['prefinish', 'finish', 'close', 'error']);
      request.resume();
      response.end('x', () => log('callback of end'));
      log('returned', response.writableEnded, response.writableFinished, response.socket !== null);
    },
    sent: [get('/', 'Connection: close')],
    until: 'request close',
  },
  'a client that leaves': {
    listener: (request, response, log) => {
      watch(log, 'request', request, ['end', 'close', 'aborted', 'error']);
      watch(log, 'response', response, ['finish', 'close', 'error']);
      response.write('begun');
    },
    sent: [get('/')],
    leavesAt: /begun/,
    until: 'request close',
  },
  'a Content-Length that is no number': {
    listener: (request, response) => {
      if (request.url === '/list') response.setHeader('Content-Length', ['2', '1']);
      else response.writeHead(200, { 'Content-Length': 'several' });
      if (request.url === '/later') response.write('la');
      response.end('late');
    },
    sent: [get('/list'), get('/text'), get('/later', 'Connection: close')],
  },
  'bytes and corks of the socket': {
    listener: ({ socket }, response, log) => {
      response.cork();
      response.cork();
      log(response.writableCorked, socket.writableCorked);
      response.writeHead(200);
      response.uncork();
      log(response.writableCorked, socket.writableCorked);
      response.uncork();
      log(socket.writableCorked, socket.bytesWritten);
      response.write('first');
      log(socket.bytesWritten > 'first'.length);
      response.end();
    },
    sent: [get('/', 'Connection: close')],
  },
  "an application that emits 'error' of the socket": {
    prepare: (server, log) => {
      server.on('clientError', (error, socket) => {
        log(error.message);
        socket.destroy();
      });
    },
    listener: (_request, response) => {
      response.write('begun', () => response.socket?.emit('error', new Error('broken')));
    },
    sent: [get('/')],
    until: 'broken',
  },
  'requests through a tunnel to the server itself': {
    prepare: (server, log) => {
      server.on('connect', (_request, socket) => {
        socket.write('HTTP/1.1 200 Connected\r\n\r\n');
        log(server.emit('connection', socket));
      });
    },
    listener: (request, response) => response.end(`through ${request.url}`),
    sent: ['CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n', get('/x', 'Connection: close')],
  },
  'a client that sends nothing': {
    options: { headersTimeout: 20, connectionsCheckingInterval: 20 },
    prepare: (server, log) => {
      server.on('clientError', (error, socket) => {
        log(Reflect.get(error, 'code'));
        socket.end('HTTP/1.1 408 Mine\r\n\r\n');
      });
    },
    sent: [''],
  },
  ...DESTROYED,
  'errors of misuse': {
    listener: (_request, response, log) => {
      attempt(log, 'name', () => response.setHeader('a b', '1'));
      attempt(log, 'value', () => response.setHeader('a', 'b\n'));
      attempt(log, 'undefined', () => Reflect.apply(response.setHeader, response, ['a', undefined]));
      attempt(log, 'status', () => response.writeHead(99));
      attempt(log, 'reason', () => response.writeHead(200, 'a\n'));
      response.statusMessage = 'Fine';
      response.write('x');
      attempt(log, 'late field', () => response.setHeader('a', 'b'));
      attempt(log, 'late head', () => response.writeHead(200));
      attempt(log, 'null', () => response.write(null));
      response.on('error', (error) => log('error', Reflect.get(error, 'code')));
      response.end();
      response.write('after');
    },
    sent: [get('/', 'Connection: close')],
    until: 'error',
  },
  'a replaced prototype, as of Express': {
    listener: (request, response) => {
      Object.setPrototypeOf(request, Object.create(http.IncomingMessage.prototype, { own: { value: 'q' } }));
      Object.setPrototypeOf(response, Object.create(http.ServerResponse.prototype, { own: { value: 'r' } }));
      const chunks: unknown[] = [];
      request.on('data', (data) => chunks.push(data));
      request.on('end', () => {
        response.setHeader('X-Own', `${Reflect.get(request, 'own')}${Reflect.get(response, 'own')}`);
        response.end(JSON.stringify([request.headers, chunks.join('')]));
      });
    },
    sent: [post('/', 'body'), post('/', 'more', 'Connection: close')],
  },
  'an upgrade': {
    prepare: (server, log) => {
      server.on('upgrade', (request, socket, head) => {
        log(Reflect.get(request, 'upgrade'), request.headers.upgrade, head);
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
        socket.on('data', (data: Buffer) => socket.end(`echo ${data}`));
      });
    },
    sent: [`${get('/', 'Connection: Upgrade', 'Upgrade: echo')}first`, 'more'],
  },
  CONNECT: {
    prepare: (server, log) => {
      server.on('connect', (request, socket) => {
        log(request.method, request.url);
        socket.write('HTTP/1.1 200 Connected\r\n\r\n');
        socket.on('data', (data: Buffer) => socket.end(data));
      });
    },
    sent: ['CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n', 'through'],
  },
  "'clientError'": {
    prepare: (server, log) => {
      server.on('clientError', (error, socket) => {
        log(Reflect.get(error, 'code'));
        socket.end('HTTP/1.1 400 Mine\r\nConnection: close\r\n\r\n');
      });
    },
    sent: ['GET / HTTP/1.1\r\nContent-Length: x\r\nHost: a\r\n\r\n'],
  },
  'a malformed request, an unknown method, no Host': {
    listener: (_request, response) => response.end(),
    sent: ['BREW / HTTP/1.1\r\nHost: a\r\n\r\n'],
  },
  'more requests than maxRequestsPerSocket': {
    prepare: (server, log) => {
      server.maxRequestsPerSocket = 1;
      server.on('dropRequest', () => log('dropRequest'));
    },
    listener: (_request, response) => response.end('x'),
    sent: [get('/'), get('/')],
    finishes: true,
  },
  'a client that ends after its request': {
    listener: (_request, response) => void Promise.resolve().then(() => response.end('soon')),
    sent: [get('/')],
    finishes: true,
  },
};

/** What Node.js 20 and 22 do, and this adapter on each version, where later ones do something else. In any order. */
const UNTIL_NODE_24: Readonly<Record<string, readonly string[]>> = {
  // The kernel has the response. Later versions drop the callback of that write, so that 'finish' is missing.
  'end, then destroy the socket with an error': [
    'request close ',
    'request end ',
    'response close ',
    'response finish ',
  ],
};

describe('the same on node:http and here', () => {
  test.each(Object.entries(CASES))('%s', async (name, given) => {
    const [theirs, ours] = [await run(http.createServer, given), await run(createEpollServer, given)];
    const log = Number.parseInt(process.versions.node, 10) < 24 ? undefined : UNTIL_NODE_24[name];
    if (log === undefined) expect(ours).toEqual(theirs);
    else expect({ ...ours, log: [...ours.log].sort() }).toEqual({ ...theirs, log });
    expect(theirs.bytes + theirs.log.join('')).not.toBe('');
  });

  // On node:http both requests of the client are in the application by then, so that the second response waits.
  test('what was ended before a destroyed response arrives', async () => {
    const { bytes } = await run(createEpollServer, {
      listener: ({ url }, response) => {
        if (url === '/1') response.end('ended');
        else {
          response.write('partial');
          response.destroy();
        }
      },
      sent: [get('/1') + get('/2')],
    });
    expect(bytes).toMatch(/^HTTP\/1.1 200 OK\r\n[\s\S]*\r\n\r\nended$/);
  });

  test('more connections than maxConnections are dropped', async () => {
    const logs = [http.createServer, createEpollServer].map(async (create) => {
      const log: unknown[] = [];
      const server = create((_request, response) => response.end('served'));
      onTestFinished(() => void server.close());
      server.maxConnections = 1;
      server.on('connection', () => log.push('connection'));
      server.on('drop', (dropped) => log.push(Object.keys(dropped ?? {}).sort(), dropped?.localAddress));
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const clients = [];
      for (let i = 0; i < 2; i++) {
        const client = connect(addressOf(server).port, '127.0.0.1').on('error', () => {});
        onTestFinished(() => void client.destroy());
        clients.push(once(client, 'close').then(() => 'closed'));
        await once(client, 'connect');
      }
      log.push(await clients[1]);
      return log;
    });
    const [theirs, ours] = await Promise.all(logs);
    expect(ours).toEqual(theirs);
  });

  test('a time-out of requests that is set while the server listens counts for bodies', async () => {
    const given: Case = {
      options: { connectionsCheckingInterval: 50 },
      prepare: (server) => {
        server.on('listening', () => Object.assign(server, { requestTimeout: 300, headersTimeout: 200 }));
      },
      listener: (request, _response, log) => {
        request.on('error', ({ code }: NodeJS.ErrnoException) => log(code)).resume();
      },
      sent: [get('/', 'Content-Length: 2').replace('GET', 'POST')],
    };
    expect(await run(createEpollServer, given)).toEqual(await run(http.createServer, given));
  });

  test('what a listener rejects with destroys its response', async () => {
    const { captureRejections } = EventEmitter;
    EventEmitter.captureRejections = true;
    onTestFinished(() => {
      EventEmitter.captureRejections = captureRejections;
    });
    const rejecting: Case = {
      listener: (_request, response, log) => {
        watch(log, 'response', response, ['error', 'close']);
        response.on('later', async () => {
          throw new Error('broken');
        });
        response.emit('later');
      },
      sent: [get('/')],
      until: 'response close',
    };
    expect(await run(createEpollServer, rejecting)).toEqual(await run(http.createServer, rejecting));
  });

  test("a stream of another kind becomes a connection by emit('connection')", async () => {
    const logs = [http.createServer, createEpollServer].map(async (create) => {
      const log: unknown[] = [];
      const server = create((request, response) => response.end(`served ${request.url}`));
      server.on('connection', (each) => log.push(each === far));
      const [near, far] = duplexPair();
      server.emit('connection', far);
      near.end(get('/x', 'Connection: close'));
      let received = '';
      for await (const data of near) received += data;
      return [...log, received.replace(/Date: [^\r]*/, 'Date: *')];
    });
    const [theirs, ours] = await Promise.all(logs);
    expect(ours).toEqual(theirs);
    expect(ours?.at(-1)).toContain('served');
  });

  test('listen: addresses, errors and their codes', async () => {
    const codes = await Promise.all(
      [http.createServer, createEpollServer].map(async (create) => {
        const server = create();
        const other = create();
        onTestFinished(() => void server.close());
        server.listen(0);
        const log: unknown[] = [server.address() !== null, server.listening];
        await once(server, 'listening');
        const { port, family, address } = addressOf(server);
        attempt(
          (...values) => log.push(values),
          'twice',
          () => server.listen(0),
        );
        attempt(
          (...values) => log.push(values),
          'port',
          () => other.listen(70_000),
        );
        attempt(
          (...values) => log.push(values),
          'nothing',
          () => other.listen({}),
        );
        const failed = once(other, 'error');
        other.listen(port);
        const [error] = await failed;
        log.push(family, address, error.code, error.syscall, error.port === port);
        const closed = new Promise((resolve) => other.close(resolve));
        log.push(Reflect.get(Object(await closed), 'code'));
        return log;
      }),
    );
    expect(codes[1]).toEqual(codes[0]);
  });

  /** What `use` logs of a server of each kind. */
  async function logsOf(use: (server: http.Server, log: unknown[]) => Promise<void>): Promise<readonly unknown[]> {
    return Promise.all(
      [http.createServer, createEpollServer].map(async (create) => {
        const log: unknown[] = [];
        const server = create((_request, response) => response.end('served'));
        onTestFinished(() => {
          server.close();
          server.closeAllConnections();
        });
        for (const event of ['listening', 'close']) server.on(event, () => log.push(event));
        await use(server, log);
        return log;
      }),
    );
  }

  test('a signal closes its own listen() alone, also when it was aborted before', async () => {
    const [theirs, ours] = await logsOf(async (server, log) => {
      server.listen({ port: 0, signal: AbortSignal.abort() });
      await once(server, 'close');
      const controller = new AbortController();
      server.listen({ port: 0, signal: controller.signal });
      await once(server, 'listening');
      server.close();
      await once(server, 'close');
      server.listen(0);
      await once(server, 'listening');
      controller.abort();
      log.push(server.listening);
    });
    expect(ours).toEqual(theirs);
  });

  test("'close' comes behind the last response, however often close() is called", async () => {
    const [theirs, ours] = await logsOf(async (server, log) => {
      let answer = (): void => {};
      server.removeAllListeners('request');
      server.on('request', (_request, response) => {
        answer = () => response.setHeader('Connection', 'close').end('late');
      });
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const client = connect(addressOf(server).port, '127.0.0.1');
      client.write(get('/'));
      await once(server, 'request');
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.close((error) => log.push(Reflect.get(Object(error), 'code')));
      await new Promise((resolve) => setImmediate(resolve));
      log.push('waits');
      answer();
      await Promise.all([once(client.resume(), 'close'), closed]);
    });
    expect(ours).toEqual(theirs);
  });

  test('without maxConnections, or with null, no connection is dropped', async () => {
    const [theirs, ours] = await logsOf(async (server, log) => {
      Object.assign(server, { maxConnections: null });
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const client = connect(addressOf(server).port, '127.0.0.1').on('error', () => {});
      client.end(get('/', 'Connection: close'));
      log.push(String(await once(client, 'data')).startsWith('HTTP/1.1 200'));
    });
    expect(ours).toEqual(theirs);
  });

  test('a server that listens on the handle of another one closes', async () => {
    const [theirs, ours] = await logsOf(async (server, log) => {
      const other = createServer().listen(0, '127.0.0.1');
      onTestFinished(() => void other.close());
      await once(other, 'listening');
      server.listen(other);
      await once(server, 'listening');
      log.push(server.listening, addressOf(server).port === addressOf(other).port);
      log.push(await new Promise((resolve) => server.close(resolve)), server.listening, server.address());
    });
    expect(ours).toEqual(theirs);
  });
});

test('the three diagnostics channels are published', async () => {
  const seen: string[] = [];
  for (const name of ['http.server.request.start', 'http.server.response.created', 'http.server.response.finish']) {
    const listen = (): void => void seen.push(name);
    channel(name).subscribe(listen);
    onTestFinished(() => void channel(name).unsubscribe(listen));
  }
  await run(createEpollServer, {
    listener: (_request, response, log) => void response.on('close', () => log('closed')).end(),
    sent: [get('/', 'Connection: close')],
    until: 'closed',
  });
  expect(seen.sort()).toEqual([
    'http.server.request.start',
    'http.server.response.created',
    'http.server.response.finish',
  ]);
});

test('requests of different connections do not share an async context', async () => {
  const storage = new AsyncLocalStorage<string>();
  const given: Case = {
    listener: (request, response) => {
      const before = storage.getStore();
      storage.enterWith(String(request.url));
      response.end(`${before}`);
    },
    sent: [get('/1', 'Connection: close')],
  };
  for (let i = 0; i < 2; i++) expect((await run(createEpollServer, given)).bytes).toMatch(/undefined$/);
});

test('the server passes for one of node:http', async () => {
  const server = createEpollServer();
  expect(server).toBeInstanceOf(http.Server);
  const closed = once(server, 'close');
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  await server[Symbol.asyncDispose]();
  await closed;
  expect(server.address()).toBe(null);
});

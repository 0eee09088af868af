// Tests the WSGI-style adapter: the environ of PEP 3333, every kind of body, every broken rule.

import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, test } from 'vitest';
import { type Environ, type StartResponse, type WsgiApplication, withAsyncContext } from '../../src/index.ts';
import { wsgi } from '../../src/wsgi.ts';
import { ask, get, post } from '../support/client.ts';
import { type Site, startHandler } from '../support/serving.ts';
import { pause, until } from '../support/until.ts';

function startApp(application: WsgiApplication): Promise<Site> {
  return startHandler(wsgi(application));
}

/** An application that starts a plain 200 and returns `body`. */
function answering(body: (environ: Environ, start: StartResponse) => ReturnType<WsgiApplication>): WsgiApplication {
  return (environ, start) => {
    start('200 OK', [['Content-Type', 'text/plain']]);
    return body(environ, start);
  };
}

test('environ has the keys of PEP 3333 with the values of the request', async () => {
  const seen: Environ[] = [];
  const { connect, port } = await startApp((environ, start) => {
    seen.push(environ);
    start('200 OK', []);
    return '';
  });
  const client = await connect();
  const fields = [
    'Content-Type: text/x',
    'X-Real-IP: 1',
    'x-real-ip: 2',
    'Cookie: a=b',
    'Cookie: c=d',
    'X_Real_IP: forged',
  ];
  await client.send(post('/a%20b/%C3%A4?c=%20d', 'hello', ...fields)).readResponse();
  const { 'wsgi.input': input, 'wsgi.errors': errors, ...more } = seen[0] ?? {};
  const { 'epoll_server.signal': signal, 'epoll_server.inform': inform, ...rest }: Record<string, unknown> = more;
  expect(inform).toBeTypeOf('function');
  expect(rest).toEqual({
    REQUEST_METHOD: 'POST',
    SCRIPT_NAME: '',
    PATH_INFO: '/a b/ä',
    QUERY_STRING: 'c=%20d',
    CONTENT_TYPE: 'text/x',
    CONTENT_LENGTH: '5',
    SERVER_NAME: '127.0.0.1',
    SERVER_PORT: String(port),
    SERVER_PROTOCOL: 'HTTP/1.1',
    REMOTE_ADDR: '127.0.0.1',
    REMOTE_PORT: String(client.localPort),
    HTTP_HOST: 'a',
    HTTP_X_REAL_IP: '1, 2',
    HTTP_COOKIE: 'a=b; c=d',
    'wsgi.version': [1, 0],
    'wsgi.url_scheme': 'http',
    'wsgi.multithread': false,
    'wsgi.multiprocess': false,
    'wsgi.run_once': false,
    'epoll_server.tls': null,
    'epoll_server.request_id': '',
  });
  expect(input).toHaveProperty('read');
  expect(errors).toBe(process.stderr);
  expect(signal).toBeInstanceOf(AbortSignal);
});

test('a path that is not UTF-8 is passed on as sent', async () => {
  const { port } = await startApp(answering((environ) => environ.PATH_INFO));
  expect((await ask(port, get('/%ff%20'))).text).toBe('/%ff%20');
  expect((await ask(port, get('/%zz'))).text).toBe('/%zz');
});

test('wsgi.input reads the content of the request', async () => {
  const { connect } = await startApp(answering(async (environ) => `got ${await environ['wsgi.input'].text()}`));
  const client = await connect();
  for (const body of ['one', 'two'])
    expect((await client.send(post('/', body)).readResponse()).text).toBe(`got ${body}`);
});

async function* later(): AsyncGenerator<string | Uint8Array> {
  yield 'äb';
  await pause(1);
  yield Buffer.from('cd');
}

function* now(): Generator<string> {
  yield 'äb';
  yield 'cd';
}

/** Every kind of body, and its framing. */
const BODIES: readonly (readonly [string, () => ReturnType<WsgiApplication>, string])[] = [
  ['text', () => 'äbcd', 'length'],
  ['bytes', () => Buffer.from('äbcd'), 'length'],
  ['an array', () => ['äb', Buffer.from('c'), 'd'], 'length'],
  ['an array of one', () => ['äbcd'], 'length'],
  ['a set', () => new Set(['äb', 'cd']), 'chunked'],
  ['a generator', now, 'chunked'],
  ['an async generator', later, 'chunked'],
  ['a promise of text', async () => 'äbcd', 'length'],
  ['a promise of an array', async () => ['äb', 'cd'], 'length'],
  ['a promise of a generator', async () => now(), 'chunked'],
];

test.each(BODIES)('a body that is %s', async (_what, body, framing) => {
  const { connect } = await startApp(answering(body));
  const client = await connect();
  for (let i = 0; i < 2; i++) {
    const answer = await client.send(get('/')).readResponse();
    expect(answer).toMatchObject({ status: 200, text: 'äbcd', framing });
    expect(answer.field('content-type')).toBe('text/plain');
  }
});

test('an empty body is a response of length 0', async () => {
  const { port } = await startApp((_, start) => {
    start('404 Not Found', []);
    return [];
  });
  expect(await ask(port, get('/'))).toMatchObject({ status: 404, reason: 'Not Found', text: '', framing: 'length' });
});

test('an application that is a generator may call startResponse when its first piece is read', async () => {
  const { port } = await startApp(function* (_environ, start) {
    start('201 Created', [['X', 'y']]);
    yield 'lazy';
  });
  expect(await ask(port, get('/'))).toMatchObject({ status: 201, text: 'lazy' });
});

test('write sends a piece at once, before the body', async () => {
  const { connect } = await startApp((_, start) => {
    const write = start('200 OK', []);
    write('one ');
    write(Buffer.from('two '));
    return pause(5).then(() => ['three']);
  });
  const client = await connect();
  expect(await client.send(get('/')).readUntil('two ')).toContain('one ');
  expect(await client.readUntil('0\r\n\r\n')).toContain('three');
});

test('HEAD runs the application and sends no content', async () => {
  const { connect } = await startApp(answering(() => 'abcd'));
  const client = await connect();
  const answer = await client.send('HEAD / HTTP/1.1\r\nHost: a\r\n\r\n').readResponse({ head: true });
  expect(answer.field('content-length')).toBe('4');
  expect((await client.send(get('/')).readResponse()).text).toBe('abcd');
});

const boom = (): never => {
  throw new Error('boom');
};

/** An application that calls startResponse with arguments that its types would not allow. */
function starting(...values: readonly unknown[]): WsgiApplication {
  return (_environ, start) => {
    Reflect.apply(start, undefined, values);
    return 'x';
  };
}

/** An application with a return value that its types would not allow. */
type AnyApplication = (environ: Environ, start: StartResponse) => unknown;

const returning =
  (body: unknown): AnyApplication =>
  (_environ, start) => {
    start('200 OK', []);
    return body;
  };

const BROKEN: readonly (readonly [string, AnyApplication])[] = [
  ['throws', boom],
  ['rejects', async () => boom()],
  ['throws after startResponse', answering(boom)],
  ['never calls startResponse', () => 'x'],
  ['calls startResponse twice', answering((_, start) => String(start('200 OK', [])))],
  ['gives a number as status', starting(200, [])],
  ['gives a status without number', starting('OK', [])],
  ['gives 1xx as status', starting('101 Switching Protocols', [])],
  ['gives a record as headers', starting('200 OK', { A: 'b' })],
  ['gives headers that are no pairs', starting('200 OK', ['A: b'])],
  ['splits the response', starting('200 OK', [['A', 'b\r\nEvil: c']])],
  ['sets Transfer-Encoding', starting('200 OK', [['Transfer-Encoding', 'chunked']])],
  ['sets Keep-Alive', starting('200 OK', [['keep-alive', 'timeout=5']])],
  ['sets Upgrade', starting('200 OK', [['Upgrade', 'websocket']])],
  ['returns undefined', returning(undefined)],
  ['returns null', returning(null)],
  ['returns a number', returning(7)],
  ['returns an object', returning({})],
  ['returns an array with a number', returning([7])],
  [
    'returns a generator that throws at once',
    answering(function* () {
      boom();
      yield '';
    }),
  ],
  ['returns an iterable of numbers', returning(new Set([7]))],
];

test.each(BROKEN)('an application that %s: 500 and one report', async (_what, application) => {
  const { connect, errors } = await startHandler(Reflect.apply(wsgi, undefined, [application]));
  const client = await connect();
  const answer = await client.send(get('/')).readResponse();
  expect(answer.status).toBe(500);
  expect(answer.fields.some(([name]) => name === 'Evil')).toBe(false);
  expect(errors.splice(0)).toHaveLength(1);
});

test('a broken rule of the adapter is ERR_APPLICATION, and the message names the rule', async () => {
  const { port, errors } = await startApp(() => 'x');
  await ask(port, get('/'));
  expect(errors.splice(0)).toEqual([
    expect.objectContaining({ code: 'ERR_APPLICATION', message: expect.stringContaining('startResponse') }),
  ]);
});

test('a value that is not a function is rejected at once', () => {
  expect(() => Reflect.apply(wsgi, undefined, ['x'])).toThrow(expect.objectContaining({ code: 'ERR_OPTION' }));
});

describe('close() of a body is called once', () => {
  const closing = (
    pieces: () => Iterable<string>,
  ): { body: Iterable<string> & { close(): void }; calls: () => number } => {
    let calls = 0;
    return {
      body: { [Symbol.iterator]: () => pieces()[Symbol.iterator](), close: () => void calls++ },
      calls: () => calls,
    };
  };

  test('after its last piece', async () => {
    const { body, calls } = closing(now);
    const { port } = await startApp(answering(() => body));
    expect((await ask(port, get('/'))).text).toBe('äbcd');
    await until(() => calls() > 0, 'the body was closed');
    expect(calls()).toBe(1);
  });

  test('when it throws in the middle', async () => {
    const { body, calls } = closing(function* () {
      yield 'a';
      boom();
    });
    const { connect, errors } = await startApp(answering(() => body));
    const client = await connect();
    await client.send(get('/')).closed();
    expect(calls()).toBe(1);
    expect(errors.splice(0)).toHaveLength(1);
  });

  test('when the client disconnects', async () => {
    const { body, calls } = closing(function* () {
      for (;;) yield 'x'.repeat(10_000);
    });
    const { connect } = await startApp(answering(() => body));
    const client = await connect();
    await client.send(get('/')).readUntil('\r\n\r\n');
    client.reset();
    await until(() => calls() > 0, 'the body was closed');
    expect(calls()).toBe(1);
  });
});

test('a value that one request stores in an AsyncLocalStorage is not visible to the next', async () => {
  const storage = new AsyncLocalStorage<string>();
  const { connect } = await startApp(
    answering(async (environ) => {
      const before = String(storage.getStore());
      storage.enterWith(environ.PATH_INFO);
      await pause(1);
      return `${before} ${storage.getStore()}`;
    }),
  );
  const clients = await Promise.all(Array.from({ length: 10 }, connect));
  for (const [i, client] of clients.entries()) client.send(get(`/${i}`) + get(`/${i}b`));
  for (const [i, client] of clients.entries()) {
    expect((await client.readResponse()).text).toBe(`undefined /${i}`);
    expect((await client.readResponse()).text).toBe(`undefined /${i}b`);
  }
});

test('withAsyncContext does the same for a raw handler', async () => {
  const storage = new AsyncLocalStorage<string>();
  const { connect } = await startHandler(
    withAsyncContext((request, response) => {
      response.send(200, {}, String(storage.getStore()));
      storage.enterWith(request.target);
    }),
  );
  const client = await connect();
  client.send(get('/1').repeat(5));
  for (let i = 0; i < 5; i++) expect((await client.readResponse()).text).toBe('undefined');
});

// Tests that the validator does not change a correct application, and names each broken rule.

import { describe, expect, test } from 'vitest';
import type { Environ, StartResponse, WsgiApplication } from '../../src/index.ts';
import { wsgi, wsgiValidator } from '../../src/wsgi.ts';
import { ask, get, post } from '../support/client.ts';
import { startHandler } from '../support/serving.ts';

const TEXT = [['Content-Type', 'text/plain']] as const;

/** Correct applications, each with its response. */
const RIGHT: readonly (readonly [string, WsgiApplication, object])[] = [
  ['text', answering('abc'), { status: 200, text: 'abc' }],
  ['bytes', answering(Buffer.from('abc')), { status: 200, text: 'abc' }],
  ['pieces', answering(['a', Buffer.from('bc')]), { status: 200, text: 'abc' }],
  ['no content', (_, start) => String(start('204 No Content', []) && ''), { status: 204, text: '' }],
  ['a promise', async (environ, start) => answering('abc')(environ, start), { status: 200, text: 'abc' }],
  [
    'a generator',
    function* (_environ, start) {
      start('200 OK', TEXT);
      yield 'a';
      yield 'bc';
    },
    { status: 200, text: 'abc' },
  ],
  [
    'an async generator',
    async function* (environ, start) {
      const body = await environ['wsgi.input'].text();
      start('200 OK', TEXT);
      yield body;
      yield 'abc';
    },
    { status: 200, text: 'abc' },
  ],
  [
    'write',
    (_, start) => {
      start('200 OK', TEXT)('a');
      return ['bc'];
    },
    { status: 200, text: 'abc' },
  ],
  [
    'excInfo',
    (_, start) => {
      start('200 OK', TEXT);
      start('500 Oops', TEXT, new Error('x'));
      return 'abc';
    },
    { status: 500, text: 'abc' },
  ],
];

function answering(body: ReturnType<WsgiApplication>): WsgiApplication {
  return (_, start) => {
    start('200 OK', TEXT);
    return body;
  };
}

describe('a correct application passes, and so does this server', () => {
  test.each(RIGHT)('%s', async (_what, application, answer) => {
    const { connect } = await startHandler(wsgi(wsgiValidator(application)));
    const client = await connect();
    for (let i = 0; i < 2; i++) expect(await client.send(get('/a?b', 'X-Y: z')).readResponse()).toMatchObject(answer);
  });

  test('with methods, targets and bodies of every kind', async () => {
    const { port } = await startHandler(wsgi(wsgiValidator(answering('ok'))));
    for (const request of [
      post('/', 'body', 'Content-Type: a/b'),
      'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n',
      'GET http://a/b HTTP/1.1\r\nHost: a\r\n\r\n',
      'GET / HTTP/1.0\r\n\r\n',
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ]) {
      expect(await ask(port, request)).toMatchObject({ status: 200, text: 'ok' });
    }
  });
});

/** startResponse with arguments that its types would not allow. */
const starting =
  (...values: readonly unknown[]) =>
  (_environ: Environ, start: StartResponse): unknown => {
    Reflect.apply(start, undefined, values);
    return 'x';
  };

/** The fault, an application with it, and the beginning of the message. */
const WRONG: readonly (readonly [string, (environ: Environ, start: StartResponse) => unknown, string])[] = [
  ['one value', starting('200 OK'), 'startResponse: it takes 2 or 3 values, not 1'],
  ['no startResponse before text', () => 'x', 'startResponse: it must be called before the body is returned'],
  ['no startResponse before pieces', () => ['x'], 'startResponse: it must be called before the first piece'],
  [
    'two calls',
    (_, start) => {
      start('200 OK', TEXT);
      start('200 OK', TEXT);
    },
    'startResponse: a second call needs excInfo',
  ],
  ['excInfo that is no Error', starting('200 OK', TEXT, 'boom'), 'excInfo: '],
  ['a number as status', starting(200, TEXT), 'status: it must be a string'],
  ['a status without reason', starting('200', TEXT), 'status: it must be three digits'],
  ['1xx', starting('100 Continue', TEXT), 'status: 1xx'],
  ['headers that are a record', starting('200 OK', { A: 'b' }), 'headers: they must be an array'],
  ['headers that are no pairs', starting('200 OK', ['A: b']), 'headers: each must be a pair'],
  ['a name that is no token', starting('200 OK', [['A b', 'c']]), 'header name: "A b" is not a token'],
  ['a name with a newline', starting('200 OK', [['A\r\nB', 'c']]), 'header name: '],
  ['a name that ends in -', starting('200 OK', [['A-', 'c']]), 'header name: "A-" must not end'],
  ['a Status field', starting('200 OK', [['Status', '200']]), 'header name: the status'],
  ['Connection', starting('200 OK', [['Connection', 'close']]), 'header name: "Connection" belongs'],
  ['a number as value', starting('200 OK', [['A', 7]]), 'header value: the value of "A" must be a string'],
  ['CR LF in a value', starting('200 OK', [['A', 'b\r\nC: d']]), 'header value: the value of "A" contains'],
  ['no Content-Type', starting('200 OK', []), 'Content-Type: a response with content'],
  ['Content-Type of 204', starting('204 No Content', TEXT), 'Content-Type: a 204'],
  ['null as body', (_, start) => start('200 OK', TEXT) && null, 'body: it must be'],
  ['a number as body', (_, start) => start('200 OK', TEXT) && 7, 'body: it must be'],
  ['a number as piece', (_, start) => start('200 OK', TEXT) && [7], 'body: a piece must be'],
  ['a number for write', (_, start) => Reflect.apply(start('200 OK', TEXT), null, [7]), 'write: a piece must be'],
];

test.each(WRONG)('%s is named', async (_what, application, message) => {
  const { port, errors } = await startHandler(wsgi(Reflect.apply(wsgiValidator, undefined, [application])));
  expect((await ask(port, get('/'))).status).toBe(500);
  expect(errors.splice(0)).toEqual([
    expect.objectContaining({ code: 'ERR_APPLICATION', message: expect.stringContaining(message) }),
  ]);
});

describe('a server is checked too', () => {
  const right = {
    REQUEST_METHOD: 'GET',
    SCRIPT_NAME: '',
    PATH_INFO: '/',
    QUERY_STRING: '',
    CONTENT_TYPE: '',
    CONTENT_LENGTH: '',
    SERVER_NAME: 'a',
    SERVER_PORT: '80',
    SERVER_PROTOCOL: 'HTTP/1.1',
    REMOTE_ADDR: '1.2.3.4',
    REMOTE_PORT: '5',
    'wsgi.version': [1, 0],
    'wsgi.url_scheme': 'http',
    'wsgi.input': { read: () => null },
    'wsgi.errors': { write: () => true },
    'wsgi.multithread': false,
    'wsgi.multiprocess': false,
    'wsgi.run_once': false,
  };
  const call = (...given: readonly unknown[]): unknown =>
    Reflect.apply(wsgiValidator(answering(['x', 'y'])), undefined, given);
  const start = (): (() => void) => () => {};

  test('a correct one passes', () => {
    expect(call(right, start)).toBeTypeOf('object');
  });

  test.each(Object.keys(right).map((key) => [key]))('an environ without %s', (key) => {
    expect(() => call({ ...right, [key]: undefined }, start)).toThrow(key);
  });

  test.each([
    ['SCRIPT_NAME', '/'],
    ['PATH_INFO', 'a'],
    ['PATH_INFO', ''],
    ['CONTENT_LENGTH', '1 2'],
    ['REQUEST_METHOD', 'a b'],
    ['HTTP_CONTENT_TYPE', 'a/b'],
    ['HTTP_X', 7],
    ['wsgi.url_scheme', 'ftp'],
  ])('an environ whose %s is %j', (key, value) => {
    expect(() => call({ ...right, [key]: value }, start)).toThrow(`environ ${key}`);
  });

  test('a call with other arguments, iteration after close, and close twice', () => {
    expect(() => call(right)).toThrow('call: ');
    const body = Object(call(right, start));
    body.close();
    expect(() => body[Symbol.iterator]().next()).toThrow('iteration: ');
    expect(() => body.close()).toThrow('close: ');
  });
});

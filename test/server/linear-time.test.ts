// Tests over real connections that the server reads, echoes and logs the bytes of a client in linear time.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, test, vi } from 'vitest';
import { nodeApplication } from '../../src/adapters/node/application.ts';
import { fetchHandler, Headers, Response } from '../../src/fetch.ts';
import { DenyList } from '../../src/files/deny-list.ts';
import type { Handler, StaticOptions } from '../../src/index.ts';
import { logError } from '../../src/log/error-log.ts';
import { wsgi, wsgiValidator } from '../../src/wsgi.ts';
import { ask, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { givenRequest } from '../support/given-request.ts';
import { expectLinear } from '../support/growth.ts';
import { start, startHandler } from '../support/serving.ts';

const LIMITS = { limits: { maxHeaderBytes: 1_048_576, maxTargetBytes: 1_048_576, maxFields: 10_000 } };

const repeated = (text: string, size: number): string => text.repeat(Math.ceil(size / text.length)).slice(0, size);

/** Expects that requests of these sizes get `status` in linear time. */
async function expectAnswered(port: number, status: number, request: (size: number) => string, size: number) {
  await expectLinear((each) => {
    const text = request(each);
    return async () => expect((await ask(port, text)).status).toBe(status);
  }, size);
}

describe('files', () => {
  const serveFiles = async (site: Partial<StaticOptions> = {}) => {
    const root = await folder({ 'a.txt': 'x'.repeat(2_000), 'b/c.txt': '' });
    return start({ static: { root, ...site }, ...LIMITS });
  };

  test.each([
    ['blanks', (size: number) => `bytes=0-1${' '.repeat(size)}x`, 200],
    ['blanks around each', (size: number) => `bytes=${repeated('0-1  ,  ', size)}`, 200],
    ['digits', (size: number) => `bytes=${'0'.repeat(size)}-1`, 206],
  ])('a Range with %s', async (_what, range, status) => {
    const { port } = await serveFiles();
    await expectAnswered(port, status, (size) => get('/a.txt', `Range: ${range(size)}`), 2_000);
  });

  test.each([
    ['Accept-Encoding', (size: number) => repeated('gzip;q=0 , ', size), '/a.txt'],
    ['If-None-Match', (size: number) => repeated('"a" , ', size), '/a.txt'],
    ['If-Modified-Since', (size: number) => `Sun, ${' '.repeat(size)}06`, '/a.txt'],
    ['Accept', (size: number) => `${repeated('application/json ', size)};q=0`, '/b/'],
    ['Accept', (size: number) => `application/json;${' '.repeat(size)}q=0`, '/b/'],
    ['Accept', (size: number) => repeated('application/json;q=0 ; ', size), '/b/'],
  ])('%s', async (name, value, target) => {
    const { port } = await serveFiles({ listing: true });
    await expectAnswered(port, 200, (size) => get(target, `${name}: ${value(size)}`), 64_000);
  });

  test('a Host of many labels, where a wildcard host is served', async () => {
    const { port } = await serveFiles({ hosts: { '*.example.org': await folder({ 'a.txt': '' }) } });
    const request = (size: number): string => `GET /a.txt HTTP/1.1\r\nHost: ${repeated('a.', size)}\r\n\r\n`;
    await expectAnswered(port, 200, request, 16_000);
  });
});

describe('a path of combining marks, which Unicode normalization sorts', () => {
  const marks = (size: number): string => `/a${repeated('%CC%81%CC%96', size * 6)}`;

  test('where a rule protects another path', async () => {
    const root = await folder({ 'a.txt': '' });
    const { port } = await start({ static: { root }, rules: { deny: '/\u00e9/** all' }, ...LIMITS });
    await expectAnswered(port, 403, (size) => get(marks(size)), 1_000);
    expect((await ask(port, get(marks(30)))).status).toBe(404);
  });

  test('where a file of the folder is not served', async () => {
    const root = await folder({ 'a.txt': '', secret: '' });
    const hidden = new DenyList([`${root}/secret`], [{ named: root, real: root }]);
    await expectLinear((size) => {
      const path = `${root}${decodeURIComponent(marks(size))}`;
      return () => expect(hidden.hides(path)).toBe(true);
    }, 1_000);
    expect(hidden.hides(`${root}${decodeURIComponent(marks(30))}`)).toBe(false);
  });
});

test('a folder is listed as JSON if Accept prefers JSON by name', async () => {
  const { port } = await start({ static: { root: await folder({ a: '' }), listing: true } });
  const typeFor = async (accept: string) => (await ask(port, get('/', `Accept: ${accept}`))).field('content-type');
  for (const accept of ['application/json', 'Application/JSON;q=0.5', 'text/plain, application/json ; charset=utf-8']) {
    expect(await typeFor(accept), accept).toBe('application/json; charset=utf-8');
  }
  for (const accept of [
    '*/*',
    'application/json;q=0',
    'application/json; q=0.000',
    'application/json, text/html;q=0.1',
    'application/jsonlines',
  ]) {
    expect(await typeFor(accept), accept).toBe('text/html; charset=utf-8');
  }
});

/** Applications that echo the value of a field, through each adapter. */
const ECHOES: Readonly<Record<string, Handler>> = {
  raw: (request, response) => response.send(200, { 'X-Echo': request.header('x') ?? '' }, 'echo'),
  pairs: (request, response) => response.send(200, [['X-Echo', ` ${request.header('x')} `]], 'echo'),
  streamed: (request, response) => {
    response.start(200, { 'X-Echo': request.header('x') ?? '' });
    response.end('echo');
  },
  wsgi: wsgi((environ, begin) => {
    begin('200 OK', [['X-Echo', String(environ['HTTP_X'])]]);
    return 'echo';
  }),
  validated: wsgi(
    wsgiValidator((environ, begin) => {
      const fields = Object.keys(environ).map((key): [string, string] => ['X-Seen', key]);
      begin('200 OK', [['Content-Type', 'text/plain'], ['X-Echo', String(environ['HTTP_X'])], ...fields]);
      return 'echo';
    }),
  ),
  node: await nodeApplication((request: IncomingMessage, response: ServerResponse) => {
    response.setHeader('X-Echo', String(request.headers['x']));
    for (const [name, value] of Object.entries(request.headersDistinct)) response.setHeader(`x-${name}`, value ?? '');
    response.end('echo');
  }),
  fetch: fetchHandler(
    (request) => new Response('echo', { headers: { 'X-Echo': request.headers.get('x') ?? '', 'X-Url': request.url } }),
    { overrideGlobals: false },
  ),
  headers: fetchHandler(
    (request) => {
      const headers = new Headers();
      for (const [name, value] of request.headers) headers.set(`x-${name}`, value);
      for (const name of request.headers.keys()) headers.append('x-seen', name);
      return new Response('echo', { headers });
    },
    { overrideGlobals: false },
  ),
};

describe.each(Object.keys(ECHOES))('an application that echoes: %s', (name) => {
  const { [name]: handler = ECHOES['raw'] } = ECHOES;

  test.each([
    ['blanks', (size: number) => [`X: a${' '.repeat(size)}b`]],
    ['many fields', (size: number) => ['X: a', ...Array.from({ length: size / 16 }, (_, i) => `x-${i}: v`)]],
    ['many lines of one field', (size: number) => Array.from({ length: size / 16 }, () => 'X: v')],
    ['cookies', (size: number) => ['X: a', ...Array.from({ length: size / 16 }, () => 'Cookie: a=b')]],
  ])('%s', async (_what, lines) => {
    const { port } = await startHandler(handler ?? (() => {}), LIMITS);
    await expectAnswered(port, 200, (size) => get('/', ...lines(size)), 4_000);
  });
});

test('a raw handler that reads each field by its name', async () => {
  const handler: Handler = (request, response) => {
    const values = request.headers().map(([name]) => request.header(name)?.length ?? 0);
    response.send(200, {}, String(values.length));
  };
  const { port } = await startHandler(handler, LIMITS);
  const lines = (size: number): string[] => Array.from({ length: size }, (_, i) => `x-${i + 1_000}: v`);
  await expectAnswered(port, 200, (size) => get('/', ...lines(size)), 1_000);
});

test('every way to read many fields gives the same values, in any case', async () => {
  const handler: Handler = (request, response) => {
    response.send(200, {}, JSON.stringify(['X-A', 'cookie', 'none'].map((name) => request.header(name) ?? null)));
  };
  const { port } = await startHandler(handler, LIMITS);
  const lines = ['X-A: 1', 'Cookie: a=b', 'x-a: 2', 'cookie: c=d'];
  const more = Array.from({ length: 100 }, (_, i) => `x-${i}: v`);
  const expected = JSON.stringify(['1, 2', 'a=b; c=d', null]);
  expect((await ask(port, get('/', ...lines))).text).toBe(expected);
  expect((await ask(port, get('/', ...more, ...lines))).text).toBe(expected);
});

test.each([
  ['blanks', (size: number) => `a: b${' '.repeat(size)}c\r\n`],
  ['many lines', (size: number) => 'a:\r\n'.repeat(size / 4)],
])('trailers with %s', async (_what, trailers) => {
  const handler: Handler = async (request, response) => {
    await request.body.bytes();
    response.send(200, {}, String(request.body.trailers.length));
  };
  const { port } = await startHandler(handler, LIMITS);
  const request = (size: number): string =>
    `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${trailers(size)}\r\n`;
  await expectAnswered(port, 200, request, 2_000);
});

test('more trailers than maxFields are rejected', async () => {
  const handler: Handler = async (request, response) => {
    await request.body.bytes();
    response.send(200, {}, String(request.body.trailers.length));
  };
  const { port } = await startHandler(handler, { limits: { maxFields: 3 } });
  const request = (count: number): string =>
    `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${'a:\r\n'.repeat(count)}\r\n`;
  expect((await ask(port, request(3))).text).toBe('3');
  expect((await ask(port, request(4))).status).toBe(431);
});

test.each(['common', 'combined', 'json'] as const)('the access log (%s) and the trace', async (logFormat) => {
  const logged: number[] = [];
  const sink = (text: string): void => {
    logged.push(text.length);
  };
  const { port } = await startHandler((_request, response) => response.send(200), {
    ...LIMITS,
    log: { access: sink, trace: sink, format: logFormat },
  });
  const request = (size: number): string =>
    get(`/${repeated('"\\', size)}`, `User-Agent: ${repeated('"\xa0', size)}`, `Referer: a${' '.repeat(size)}b`);
  await expectAnswered(port, 200, request, 4_000);
  expect(logged.length).toBeGreaterThan(0);
});

test.each([
  ['blanks', (size: number) => `a${' '.repeat(size)}b`],
  ['newlines and blanks', (size: number) => repeated('\n \t', size)],
  ['newlines', (size: number) => `a${'\n'.repeat(size)}`],
])('the error log of a message with %s', async (_what, text) => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  try {
    await expectLinear((size) => {
      const error = new Error(text(size));
      return () => logError(error, givenRequest('/'));
    }, 4_096);
    expect(write.mock.calls.every(([line]) => String(line).indexOf('\n') === String(line).length - 1)).toBe(true);
  } finally {
    write.mockRestore();
  }
});

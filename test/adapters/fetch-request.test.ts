// Tests that a Request has all parts of the received request.

import { describe, expect, onTestFinished, test } from 'vitest';
import { type FetchApplication, fetchHandler, Request, Response } from '../../src/fetch.ts';
import { ask, get, post } from '../support/client.ts';
import { type Site, startHandler } from '../support/serving.ts';

function startApp(application: FetchApplication): Promise<Site> {
  return startHandler(fetchHandler(application, { overrideGlobals: false }));
}

/** Runs an application on one request, and returns its result. */
async function seen<T>(bytes: string, look: (request: globalThis.Request) => T): Promise<T> {
  const found: T[] = [];
  const { port } = await startApp(async (request) => {
    found.push(await look(request));
    return new Response();
  });
  await ask(port, bytes);
  const [first] = found;
  if (first === undefined) throw new Error('the application was not called');
  return first;
}

/**
 * Whether Node's own classes accept a light Request: where they keep state under symbols (20, 22), not in private
 * fields.
 */
const isAcceptedByNode = Object.getOwnPropertySymbols(new globalThis.Request('http://a/')).length > 0;

describe('a Request', () => {
  test.each([
    ['/a/b?c=d&e', 'http://a/a/b?c=d&e'],
    ['/', 'http://a/'],
    ['//x/y', 'http://a//x/y'],
    ['/a%20b/%2F', 'http://a/a%20b/%2F'],
    ['/a/../b', 'http://a/b'],
    ['/a/%2e%2E/b', 'http://a/b'],
    ["/a'b?c'd", "http://a/a'b?c%27d"],
    // The URL standard encodes ^ since 2024, so the expected value depends on the running Node.js.
    ['/{x}"|^', new URL('http://a/{x}"|^').href],
    ['/a\\b', 'http://a/a/b'],
    ['http://Other:80/x', 'http://other/x'],
    ['http://other:81', 'http://other:81/'],
  ])('for %s has the URL %s', async (target, url) => {
    const { Host: _, ...expected } = { Host: '', url };
    const seenUrl = await seen(get(target), (request) => request.url).catch(() => 'refused');
    // Targets that the server's own parser rejects never reach the adapter.
    expect([expected.url, 'refused']).toContain(seenUrl);
  });

  test.each([
    ['Example.COM:8080', 'http://example.com:8080/'],
    ['example.com:80', 'http://example.com/'],
    ['[::1]:9', 'http://[::1]:9/'],
    ['127.1', 'http://127.0.0.1/'],
  ])('for the host %s has the URL %s', async (host, url) => {
    expect(await seen(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`, (request) => request.url)).toBe(url);
  });

  test.each([
    ['https://bank/x', 'http://bank/x'],
    ['HTTPS://Bank:443/x', 'http://bank:443/x'],
    ['hTTps://bank:80/x?y', 'http://bank/x?y'],
    ['https://bank:8443', 'http://bank:8443/'],
    ['HTTP://bank', 'http://bank/'],
  ])('for %s, over a connection without TLS, has the URL %s', async (target, url) => {
    const look = (request: globalThis.Request): unknown => [request.url, new Request(request).url, request.clone().url];
    expect(await seen(get(target), look)).toEqual([url, url, url]);
  });

  test('without a host has the address of its connection as host', async () => {
    expect(await seen('GET /x HTTP/1.0\r\n\r\n', (request) => request.url)).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/x$/);
  });

  test('has the method, the headers and an empty body when none was sent', async () => {
    const look = (request: globalThis.Request): unknown => [
      request.method,
      request.headers.get('x-y'),
      [...request.headers.keys()],
      request.body,
      request.bodyUsed,
      request instanceof Request,
      request instanceof globalThis.Request,
    ];
    const found = await seen(get('/', 'X-Y: 1', 'x-y: 2', 'Cookie: a=b'), look);
    expect(found).toEqual(['GET', '1, 2', ['cookie', 'host', 'x-y'], null, false, true, true]);
    const empty = await seen('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n', ({ body }) => [body]);
    expect(empty).toEqual([null]);
  });

  test.each([
    ['text', 'äbc'],
    ['json', [1]],
    ['arrayBuffer', 'äbc'],
    ['bytes', 'äbc'],
    ['blob', 'äbc'],
  ])('is read by %s, once', async (method, expected) => {
    const body = Buffer.from(method === 'json' ? '\ufeff[1]' : '\ufeffäbc').toString('latin1');
    const found = await seen(post('/', body), async (request) => {
      const read = (): unknown => Reflect.apply(Reflect.get(request, method), request, []);
      const first: unknown = await read();
      expect(request.bodyUsed).toBe(true);
      await expect(read()).rejects.toThrow(TypeError);
      if (typeof first === 'string' || Array.isArray(first)) return first;
      return Buffer.from(first instanceof Blob ? await first.arrayBuffer() : Object(first))
        .toString()
        .slice(1);
    });
    expect(found).toEqual(expected);
  });

  test('parses a form', async () => {
    const fields = 'Content-Type: application/x-www-form-urlencoded';
    expect(await seen(post('/', 'a=b&c=d', fields), async (request) => [...(await request.formData())])).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
  });

  test('is streamed, at the reader’s pace, in chunks too', async () => {
    const chunked = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n';
    for (const bytes of [post('/', 'abc'), chunked]) {
      const text = await seen(bytes, async (request) => {
        let all = '';
        for await (const piece of request.body ?? []) all += Buffer.from(piece).toString();
        return all;
      });
      expect(text).toBe('abc');
    }
  });

  test('stays valid after the response, read or not', async () => {
    const kept: globalThis.Request[] = [];
    const { connect } = await startApp((request) => {
      kept.push(request);
      return new Response('x');
    });
    const client = await connect();
    for (let i = 0; i < 3; i++) await client.send(get(`/${i}`, `X-Number: ${i}`)).readResponse();
    expect(kept.map((request) => [request.method, request.url, request.headers.get('x-number')])).toEqual([
      ['GET', 'http://a/0', '0'],
      ['GET', 'http://a/1', '1'],
      ['GET', 'http://a/2', '2'],
    ]);
  });

  test('can be cloned, wrapped, and given to Node’s own', async () => {
    const Native: typeof globalThis.Request = Reflect.get(globalThis, 'Request');
    const look = async (request: globalThis.Request): Promise<unknown> => {
      const clone = request.clone();
      const wrapped = new Request('http://b/', clone);
      const { url, method, headers, body } = wrapped;
      const content = { method, headers: [...headers], body, duplex: 'half' };
      const native = isAcceptedByNode ? new Native(Object(wrapped)) : new Native(url, Object(content));
      return [await request.text(), native.url, native.method, native.headers.get('x-y'), await native.text()];
    };
    expect(await seen(post('/', 'abc', 'X-Y: z'), look)).toEqual(['abc', 'http://b/', 'POST', 'z', 'abc']);
  });

  test('can be forwarded to another server by fetch', async () => {
    const behind = await startApp(async (request) => new Response(`${request.method} ${await request.text()}`));
    // Where Node's own fetch does not accept a light Request, the global fetch does.
    const names = ['Headers', 'Request', 'Response', 'fetch'];
    const before = names.map((name): [string, PropertyDescriptor] => [
      name,
      Object(Object.getOwnPropertyDescriptor(globalThis, name)),
    ]);
    onTestFinished(() => {
      for (const [name, descriptor] of before) Object.defineProperty(globalThis, name, descriptor);
    });
    const front = await startHandler(
      fetchHandler((request) => fetch(new Request(`http://127.0.0.1:${behind.port}/`, request)), {
        overrideGlobals: !isAcceptedByNode,
      }),
    );
    const answer = await ask(front.port, post('/', 'abc'));
    expect(answer).toMatchObject({ status: 200, text: 'POST abc' });
  });

  test('comes with the addresses', async () => {
    const { connect } = await startApp((_, info) => Response.json([info.remote, info.local]));
    const client = await connect();
    const { text } = await client.send(get('/')).readResponse();
    expect(JSON.parse(text)).toMatchObject([
      { address: '127.0.0.1', port: client.localPort },
      { address: '127.0.0.1' },
    ]);
  });
});

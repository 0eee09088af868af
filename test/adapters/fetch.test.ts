// Tests the fetch adapter: every kind of Response, every invalid return value.

import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, test } from 'vitest';
import { fetchHandler, Headers, Request, Response } from '../../src/fetch.ts';
import type { FetchApplication } from '../../src/index.ts';
import { ask, get } from '../support/client.ts';
import { type Site, startHandler } from '../support/serving.ts';
import { pause } from '../support/until.ts';

const NodeResponse: typeof globalThis.Response = Reflect.get(globalThis, 'Response');

function startApp(application: FetchApplication): Promise<Site> {
  return startHandler(fetchHandler(application, { overrideGlobals: false }));
}

const bytes = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text));

function stream(...pieces: unknown[]): ReadableStream {
  return new ReadableStream({
    pull: (controller) => {
      const piece = pieces.shift();
      if (piece === undefined) controller.close();
      else controller.enqueue(piece);
    },
  });
}

/** Every kind of Response, and its framing. */
const RESPONSES: readonly (readonly [string, FetchApplication, string])[] = [
  ['text', () => new Response('äbc'), 'length'],
  ['bytes', () => new Response(Buffer.from('äbc')), 'length'],
  ['a promise', async () => new Response('äbc'), 'length'],
  ['an object with fetch', { fetch: () => new Response('äbc') }, 'length'],
  ['a stream', () => new Response(stream(bytes('ä'), bytes('bc'))), 'chunked'],
  ['a Blob', () => new Response(new Blob(['äbc'])), 'either'],
  ['text whose stream was read from body', () => asked(new Response('äbc')), 'length'],
  ['a stream that has all of it', () => new Response(stream(bytes('äbc'))), 'length'],
  ['Node’s text', () => new NodeResponse('äbc'), 'length'],
  ['Node’s bytes', async () => new NodeResponse(bytes('äbc')), 'length'],
  ['Node’s stream', () => new NodeResponse(stream(bytes('ä'), bytes('bc'))), 'chunked'],
];

function asked(response: Response): Response {
  return response.body === null ? response : response;
}

test.each(RESPONSES)('a Response that is %s', async (_what, application, framing) => {
  const { connect } = await startApp(application);
  const client = await connect();
  for (let i = 0; i < 2; i++) {
    const answer = await client.send(get('/')).readResponse();
    expect(answer).toMatchObject({ status: 200, text: 'äbc' });
    // Whether the stream of a Blob ends early enough depends on Node.
    expect(framing === 'either' ? ['length', 'chunked'] : [framing]).toContain(answer.framing);
  }
  const head = await client.send('HEAD / HTTP/1.1\r\nHost: a\r\n\r\n').readResponse({ head: true });
  expect(head).toMatchObject({ status: 200, text: '' });
  expect((await client.send(get('/')).readResponse()).text).toBe('äbc');
});

test('status, headers and cookies are sent unchanged, with the type of the content', async () => {
  const headers: [string, string][] = [
    ['X-A', '1'],
    ['Set-Cookie', 'a=b'],
    ['Set-Cookie', 'c=d'],
  ];
  for (const Class of [Response, NodeResponse]) {
    const { port } = await startApp(() => new Class('x', { status: 404, headers }));
    const answer = await ask(port, get('/'));
    const fields = answer.fields.map(([name, value]) => [name.toLowerCase(), value]);
    expect(answer.status).toBe(404);
    expect(fields).toEqual(
      expect.arrayContaining([
        ['x-a', '1'],
        ['set-cookie', 'a=b'],
        ['set-cookie', 'c=d'],
        ['content-type', 'text/plain;charset=UTF-8'],
      ]),
    );
  }
});

test('a response without a body is sent without content', async () => {
  const answers = [
    () => new Response(null, { status: 204 }),
    () => new NodeResponse(null, { status: 304 }),
    () => Response.redirect('http://a/b'),
    () => new NodeResponse(null),
  ];
  let turn = 0;
  const { connect } = await startApp(() => answers[turn++]?.() ?? new Response('over'));
  const client = await connect();
  const read = async (): Promise<unknown> => {
    const { status, text, framing } = await client.send(get('/')).readResponse();
    return [status, text, framing];
  };
  expect([await read(), await read(), await read(), await read(), await read()]).toEqual([
    [204, '', 'none'],
    [304, '', 'none'],
    [302, '', 'length'],
    [200, '', 'length'],
    [200, 'over', 'length'],
  ]);
});

describe('an invalid Response is a 500 and one report', () => {
  const used = new Response('x');
  const read = used.text();
  const boom = (): never => {
    throw new Error('boom');
  };
  const CASES: readonly (readonly [string, () => unknown, string])[] = [
    ['undefined', () => undefined, 'must return a Response, not undefined'],
    ['null', () => null, 'must return a Response, not null'],
    ['text', () => 'x', 'must return a Response, not string'],
    ['an object', () => ({}), 'not another object'],
    ['a Response that was read', () => used, 'was read already'],
    ['Response.error()', () => Response.error(), 'Response.error()'],
    ['Node’s Response.error()', () => NodeResponse.error(), 'must not be 0'],
    ['a control character in a field', () => new Response('', { headers: { a: '\x01' } }), 'field "a"'],
    ['CR LF in a field', () => new Response('', { headers: { a: 'b\r\nc: d' } }), 'header value'],
    ['a throw', boom, 'boom'],
    ['a stream of text', () => new Response(stream('x')), 'Uint8Arrays'],
    ['a stream that fails at once', () => new Response(new ReadableStream({ pull: boom })), 'boom'],
    ['Node’s stream that fails at once', () => new NodeResponse(new ReadableStream({ pull: boom })), 'boom'],
  ];
  test.each(CASES)('%s', async (_what, make, message) => {
    await read;
    const { connect, errors } = await startApp(Reflect.get({ make }, String('make')));
    const client = await connect();
    expect((await client.send(get('/')).readResponse()).status).toBe(500);
    expect(errors.splice(0)).toEqual([expect.objectContaining({ message: expect.stringContaining(message) })]);
    expect((await client.send(get('/')).readResponse()).status).toBe(500);
    expect(errors.splice(0)).toHaveLength(1);
  });

  test('a throw that is not in a promise', async () => {
    const { port, errors } = await startApp(() => boom());
    expect((await ask(port, get('/'))).status).toBe(500);
    expect(errors.splice(0)).toHaveLength(1);
  });

  test('a value that is not an application is rejected at once', () => {
    for (const application of [undefined, null, 7, 'x', {}, { fetch: 7 }]) {
      expect(() => Reflect.apply(fetchHandler, undefined, [application])).toThrow(
        expect.objectContaining({ code: 'ERR_OPTION' }),
      );
    }
  });
});

test('a value that one request stores in an AsyncLocalStorage is not visible to the next', async () => {
  const storage = new AsyncLocalStorage<string>();
  const { connect } = await startApp(async (request) => {
    const before = String(storage.getStore());
    storage.enterWith(request.url);
    await pause(1);
    return new Response(`${before} ${storage.getStore()}`);
  });
  const client = await connect();
  client.send(get('/1') + get('/2'));
  expect((await client.readResponse()).text).toBe('undefined http://a/1');
  expect((await client.readResponse()).text).toBe('undefined http://a/2');
});

test('the light classes become the globals with overrideGlobals', async () => {
  const names = ['Headers', 'Request', 'Response', 'fetch'] as const;
  const before = names.map((name) => Object.getOwnPropertyDescriptor(globalThis, name));
  try {
    fetchHandler(() => new Response());
    expect(Reflect.get(globalThis, 'Response')).toBe(NodeResponse);
    fetchHandler(() => new Response(), { overrideGlobals: true });
    expect(names.slice(0, 3).map((name) => Reflect.get(globalThis, name))).toEqual([Headers, Request, Response]);
    const { port } = await startApp(async (request) => new Response(`${request.method} ${await request.text()}`));
    const url = `http://127.0.0.1:${port}/`;
    const fetched = await fetch(Object(new Request(url, { method: 'PUT', body: 'abc' })));
    expect(fetched instanceof Response).toBe(true);
    expect(await fetched.text()).toBe('PUT abc');
    expect(await (await fetch(url)).text()).toBe('GET ');
  } finally {
    for (const [i, name] of names.entries()) Object.defineProperty(globalThis, name, before[i] ?? {});
  }
});

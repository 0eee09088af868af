// Tests how the option `error` responds to a failing application, through every adapter, and how `signal` closes a server.

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fetchHandler, Response } from '../../src/fetch.ts';
import { type Handler, type ServeOptions, serve } from '../../src/index.ts';
import { wsgi } from '../../src/wsgi.ts';
import { ask, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { echo, type Site, type StartOptions, start } from '../support/serving.ts';
import { gate, until } from '../support/until.ts';

const NodeResponse = globalThis.Response;

const throws = (): never => {
  throw new TypeError('on purpose');
};

const rejects = async (): Promise<never> => throws();

const MODULE = 'export const application = async () => { throw new TypeError("on purpose"); };';

const PLACES: readonly (readonly [string, () => Promise<StartOptions>])[] = [
  ['a raw handler that throws', async () => ({ handler: throws })],
  ['a raw handler that rejects', async () => ({ handler: rejects })],
  ['wsgi', async () => ({ handler: wsgi(throws) })],
  ['wsgi that rejects', async () => ({ wsgi: rejects })],
  ['fetch', async () => ({ fetch: throws })],
  ['fetch that rejects', async () => ({ handler: fetchHandler(rejects) })],
  ['behind files', async () => ({ static: await folder({ 'index.html': 'home' }), handler: rejects })],
  ['in the pool', async () => ({ app: join(await folder({ 'a.mjs': MODULE }), 'a.mjs'), adapter: 'wsgi', offload: 1 })],
];

async function textOf({ port }: Site, path = '/x'): Promise<string> {
  const { status, text, fields } = await ask(port, get(path));
  const own = fields.find(([name]) => name.toLowerCase() === 'x-a')?.[1] ?? '';
  return `${status} ${own} ${text}`;
}

const TYPED = expect.objectContaining({ name: 'TypeError', message: 'on purpose' });

test.each(PLACES)('%s', async (_place, make) => {
  const seen: unknown[] = [];
  const site = await start({
    ...(await make()),
    error: (error, request) => {
      seen.push(error, request.path);
      return { status: 503, fields: { 'X-A': 'b' }, content: 'mine' };
    },
  });
  expect(await textOf(site)).toBe('503 b mine');
  expect(seen).toEqual([TYPED, '/x']);
  expect(site.errors.splice(0), 'it is reported all the same').toEqual([TYPED]);
});

const STANDARD = '500  Internal Server Error\n';
const headers = { 'X-A': 'b' };

const ANSWERS: readonly (readonly [string, NonNullable<ServeOptions['error']>, string])[] = [
  ['a status alone', () => ({ status: 418 }), '418  '],
  ['bytes, later', async () => ({ status: 500, content: Buffer.from('later') }), '500  later'],
  ['a Response', () => new Response('ours', { status: 502, headers }), '502 b ours'],
  ["Node's Response, later", async () => new NodeResponse('theirs', { status: 502, headers }), '502 b theirs'],
  ['a Response that streams', () => new NodeResponse(new Blob(['a', 'b']).stream(), { status: 500 }), '500  ab'],
  ['nothing', () => undefined, STANDARD],
  ['nothing, later', async () => undefined, STANDARD],
];

test.each(ANSWERS)('the response may be %s', async (_what, error, text) => {
  const site = await start({ handler: throws, error });
  expect(await textOf(site)).toBe(text);
  expect(site.errors.splice(0)).toEqual([TYPED]);
});

const WRONG: readonly (readonly [string, NonNullable<ServeOptions['error']>, unknown])[] = [
  ['throws', () => throws(), TYPED],
  ['rejects', () => rejects(), TYPED],
  ['gives a status that is none', () => ({ status: 99 }), expect.objectContaining({ code: 'ERR_INVALID_STATUS' })],
  ['returns no response', () => JSON.parse('7'), expect.objectContaining({ code: 'ERR_INVALID_STATUS' })],
  ['gives Response.error()', () => Response.error(), expect.objectContaining({ code: 'ERR_APPLICATION' })],
];

test.each(WRONG)('where it %s, the standard page is sent and both are reported', async (_what, error, thrown) => {
  const site = await start({ handler: throws, error });
  expect(await textOf(site)).toBe(STANDARD);
  expect(site.errors.splice(0)).toEqual([TYPED, thrown]);
});

test('a response that cannot be sent leaves no reason phrase behind', async () => {
  const broken = new NodeResponse(
    new ReadableStream({ start: (stream) => stream.error(new TypeError('on purpose')) }),
    {
      statusText: 'Odd Text',
    },
  );
  const site = await start({ handler: throws, error: () => broken });
  expect(await ask(site.port, get('/'))).toMatchObject({ status: 500, reason: 'Internal Server Error' });
  expect(site.errors.splice(0)).toEqual([TYPED, TYPED]);
});

test('error is not called after a response has begun, nor for errors of the client', async () => {
  const asked: unknown[] = [];
  const handler: Handler = async (request, response) => {
    if (request.path === '/begun') response.start(200, { 'Content-Length': '4' });
    if (request.path === '/large') await request.body.bytes(0);
    throws();
  };
  const site = await start({ handler, error: (error) => void asked.push(error) });
  const client = await site.connect();
  await client.send(get('/begun')).closed();
  const large = await site.connect();
  large.send('POST /large HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx');
  expect((await large.readResponse()).status).toBe(413);
  expect(asked).toEqual([]);
  expect(site.errors.splice(0)).toEqual([TYPED]);
});

test('a response that error never makes times out like that of a handler', async () => {
  const site = await start({ handler: throws, error: () => new Promise(() => {}), timeouts: { handlerMs: 100 } });
  expect((await ask(site.port, get('/'))).status).toBe(504);
  expect(site.errors.splice(0)).toEqual([TYPED, expect.objectContaining({ code: 'ERR_HANDLER_TIMEOUT' })]);
});

test('when the signal aborts, the server closes in order', async () => {
  const controller = new AbortController();
  const opened = gate();
  const handler: Handler = async (_request, response) => {
    await opened.opened;
    response.send(200, {}, 'done');
  };
  const site = await start({ handler, signal: controller.signal });
  const client = await site.connect();
  client.send(get('/'));
  await until(() => site.server.stats().requests.handled === 1, 'the request was handled');
  controller.abort();
  opened.open();
  expect((await client.readResponse()).text).toBe('done');
  await site.server.close();
  await expect(site.connect()).rejects.toThrow('ECONNREFUSED');
});

test('with an aborted signal, the server does not start, and the error is its reason', async () => {
  const reason = new Error('not any more');
  await expect(serve({ port: 0, handler: echo, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  const controller = new AbortController();
  const starting = serve({ port: 0, handler: echo, signal: controller.signal });
  controller.abort(reason);
  await expect(starting).rejects.toBe(reason);
});

test.each<readonly [Readonly<Record<string, unknown>>, RegExp]>([
  [{ error: 'x' }, /^error must be a function, not "x"$/],
  [{ signal: 'x' }, /^signal must be an AbortSignal, not "x"$/],
])('%j is rejected', async (options, text) => {
  const given = { port: 0, handler: echo, ...options };
  const thrown = await Reflect.apply(serve, undefined, [given]).catch((error: unknown) => error);
  expect(thrown).toMatchObject({ code: 'ERR_OPTION', message: expect.stringMatching(text) });
});

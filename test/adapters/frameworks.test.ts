// Tests that streams of frameworks reach the client, in this thread and in the pool, and that they end when the client
// leaves.

import { createServer } from 'node:http';
import { Hono } from 'hono';
import { stream, streamSSE, streamText } from 'hono/streaming';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Response } from '../../src/fetch.ts';
import { get } from '../support/client.ts';
import { type StartOptions, start } from '../support/serving.ts';
import { gate } from '../support/until.ts';

const MODULE = new URL('applications/streaming.mjs', import.meta.url).pathname;

const WAYS: readonly (readonly [string, StartOptions])[] = [
  ['in this thread', { overrideGlobals: false }],
  ['with the light classes as globals, in the pool', { offload: 1, overrideGlobals: true }],
];

describe.each(WAYS)('%s', (_way, options) => {
  test.each([
    ['hono', '/sse', 'data: a\n\ndata: b\n\n'],
    ['hono', '/text', 'ab'],
    ['hono', '/bytes', 'AB'],
    ['h3', '/sse', 'data: a\n\ndata: b\n\n'],
  ])('%s responds to %s', async (name, path, text) => {
    const { connect } = await start({ app: `${MODULE}:${name}`, ...options });
    const client = await connect();
    for (let i = 0; i < 2; i++) {
      const answer = await client.send(get(path)).readResponse();
      expect(answer).toMatchObject({ status: 200, text });
      expect(answer.field('connection')).toBeUndefined();
    }
  });

  test.each([
    ['Transfer-Encoding=chunked', {}],
    ['Transfer-Encoding=gzip,chunked&Content-Length=99', {}],
    ['Keep-Alive=timeout%3D600&Proxy-Connection=keep-alive', {}],
    ['TE=trailers&Trailer=x&Upgrade=h2c&Connection=upgrade', {}],
    ['Connection=keep-alive&X-A=1', { 'x-a': '1' }],
    ['connection=Close', { connection: 'close' }],
  ])('a Response with %s is sent without them', async (query, left) => {
    const { connect } = await start({ app: `${MODULE}:fetch`, serverHeader: '', ...options });
    const answer = await (await connect()).send(get(`/?${query}`)).readResponse();
    const fields = Object.fromEntries(answer.fields.map(([name, value]) => [name.toLowerCase(), value]));
    expect(answer).toMatchObject({ status: 200, text: 'äbc' });
    expect(fields).toEqual({
      'content-type': 'text/plain;charset=UTF-8',
      'content-length': '4',
      date: fields['date'],
      ...left,
    });
  });
});

test('Connection: close of a Response ends the connection after it', async () => {
  const { connect } = await start({
    fetch: () => new Response('bye', { headers: { Connection: 'close' } }),
    overrideGlobals: false,
  });
  const client = await connect();
  expect((await client.send(get('/')).readResponse()).text).toBe('bye');
  expect(await client.closed()).toBe('fin');
});

test('a fetched Response loses the fields that its Connection field names', async () => {
  const behind = createServer((_request, response) => {
    response.writeHead(200, { Connection: 'close, X-Hop', 'X-Hop': '1', 'X-End': '2' }).end('x');
  });
  onTestFinished(() => void behind.close());
  await new Promise<void>((resolve) => behind.listen(0, '127.0.0.1', resolve));
  const address = behind.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const { connect } = await start({ overrideGlobals: false, fetch: () => fetch(`http://127.0.0.1:${port}/`) });
  const answer = await (await connect()).send(get('/')).readResponse();
  const fields = ['x-hop', 'x-end', 'connection'].map((name) => answer.field(name));
  expect(fields).toEqual([undefined, '2', undefined]);
});

describe('a client that disconnects in mid-stream ends the stream of', () => {
  test.each([['streamSSE'], ['streamText'], ['stream']])('%s', async (name) => {
    const aborted = gate();
    const app = new Hono();
    const waiting = async (out: { write(text: string): Promise<unknown>; onAbort(callback: () => void): void }) => {
      out.onAbort(() => aborted.open());
      await out.write('first');
      await aborted.opened;
    };
    app.get('/streamSSE', (context) => streamSSE(context, waiting));
    app.get('/streamText', (context) => streamText(context, waiting));
    app.get('/stream', (context) => stream(context, waiting));
    const { connect, server } = await start({ fetch: app.fetch, overrideGlobals: false });
    const client = await connect();
    await client.send(get(`/${name}`)).readUntil('first');
    client.reset();
    await aborted.opened;
    expect(server.stats().requests.failed).toBe(0);
  });
});

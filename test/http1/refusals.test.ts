// Tests the response to a request that cannot be served: one right status, then the end of the connection.

import { describe, expect, test } from 'vitest';
import type { ServeOptions } from '../../src/index.ts';
import { ask, get, post } from '../support/client.ts';
import { echo, startHandler } from '../support/serving.ts';

const HOST = 'Host: a\r\n';

/** The fault, the request, the status, and the options that lead to it. */
const REFUSED: readonly (readonly [string, string, number, ServeOptions])[] = [
  ['no HTTP', 'hello\r\n\r\n', 400, {}],
  ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400, {}],
  [
    'two framings',
    `POST / HTTP/1.1\r\n${HOST}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
    {},
  ],
  ['a body that is too large', post('/', 'x'.repeat(11)), 413, { limits: { maxBodyBytes: 10 } }],
  ['a target that is too long', get(`/${'x'.repeat(20)}`), 414, { limits: { maxTargetBytes: 20 } }],
  ['an unknown expectation', get('/', 'Expect: miracles'), 417, {}],
  ['a head that is too large', get('/', `X: ${'y'.repeat(300)}`), 431, { limits: { maxHeaderBytes: 256 } }],
  ['too many fields', get('/', 'A: b', 'C: d'), 431, { limits: { maxFields: 2 } }],
  ['a method that is too long', `${'X'.repeat(40)} / HTTP/1.1\r\n${HOST}\r\n`, 501, {}],
  ['an unknown transfer coding', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip\r\n\r\n`, 501, {}],
  ['another major version', `GET / HTTP/3.0\r\n${HOST}\r\n`, 505, {}],
];

describe('rejected with one response and the end', () => {
  test.each(REFUSED)('%s', async (_what, request, status, options) => {
    const { connect, server } = await startHandler(echo, options);
    const client = await connect();
    const answer = await client.send(request).readResponse();
    expect(answer.status).toBe(status);
    expect(answer.field('connection')).toBe('close');
    expect(answer.field('content-type')).toBe('text/plain; charset=utf-8');
    expect(answer.field('date')).toMatch(/ GMT$/);
    expect(answer.text).toMatch(new RegExp(`^${status} ${answer.reason}: .+\n$`));
    expect(await client.readAll()).toHaveLength(0);
    expect(server.stats()).toMatchObject({ requests: { handled: 0, refused: 1 } });
  });

  test.each(REFUSED)('%s, also if it is pipelined twice', async (_what, request, status, options) => {
    const { connect } = await startHandler(echo, options);
    const client = await connect();
    client.send(request + request);
    expect((await client.readResponse()).status).toBe(status);
    expect(await client.readAll()).toHaveLength(0);
  });
});

test('a body of exactly maxBodyBytes is accepted', async () => {
  const { port } = await startHandler(async (request, response) => response.send(200, {}, await request.body.text()), {
    limits: { maxBodyBytes: 10 },
  });
  expect((await ask(port, post('/', '0123456789'))).text).toBe('0123456789');
});

test('a chunked body beyond maxBodyBytes gets 413, and the read of its handler rejects', async () => {
  const { connect } = await startHandler(
    async (request, response) => {
      await expect(request.body.bytes()).rejects.toMatchObject({ code: 'ERR_CLIENT_GONE' });
      expect(response.ended).toBe(true);
    },
    { limits: { maxBodyBytes: 10 } },
  );
  const client = await connect();
  client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n');
  expect((await client.readResponse()).status).toBe(413);
  expect(await client.closed()).toBe('fin');
});

test('a malformed chunk gets 400 before the response has begun', async () => {
  const { connect } = await startHandler(async (request) => {
    await expect(request.body.bytes()).rejects.toMatchObject({ code: 'ERR_CLIENT_GONE' });
  });
  const client = await connect();
  client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcX');
  expect((await client.readResponse()).status).toBe(400);
  expect(await client.closed()).toBe('fin');
});

test('a malformed chunk after the response has begun ends the connection without a second response', async () => {
  const { connect } = await startHandler(async (request, response) => {
    response.start(200);
    response.write('begun');
    await expect(request.body.bytes()).rejects.toMatchObject({ code: 'ERR_CLIENT_GONE' });
  });
  const client = await connect();
  client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcX');
  const all = (await client.readAll()).toString('latin1');
  expect(all.match(/HTTP\/1\.1/g)).toHaveLength(1);
  expect(all).not.toContain('\r\n0\r\n');
});

test('an error response arrives completely at a client that keeps sending a megabyte', async () => {
  const { connect } = await startHandler(echo, { limits: { maxBodyBytes: 10 } });
  const client = await connect();
  client.send(post('/', 'x'.repeat(1_000_000)));
  expect((await client.readResponse()).status).toBe(413);
  expect(await client.closed()).toBe('fin');
});

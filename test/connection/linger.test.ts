// Tests that a client gets the response that ends its connection, even if it keeps sending. Lingering connections
// are bounded in time and number, and do not count against maxConnections.

import { request as nodeRequest } from 'node:http';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { Response } from '../../src/fetch.ts';
import type { Handler, ServeOptions } from '../../src/index.ts';
import { limitOptionsOf } from '../../src/options/resolve-limits.ts';
import { simulate } from '../../src/testing/simulated-server.ts';
import { wsgi } from '../../src/wsgi.ts';
import { ask, connect, get, post } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { echo, start, startHandler } from '../support/serving.ts';
import { pause, until } from '../support/until.ts';

/** Far more than the socket buffers of both ends hold, and than a bound of 1 MiB allows. */
const UPLOAD_BYTES = 24_000_000;
const UPLOAD = Buffer.alloc(UPLOAD_BYTES, 'x');

function* pieces(): Generator<Buffer> {
  for (let at = 0; at < UPLOAD_BYTES; at += 65_536) yield UPLOAD.subarray(at, at + 65_536);
}

const HEAD = `POST / HTTP/1.1\r\nHost: a\r\n`;
const LENGTH = `${HEAD}Content-Length: ${UPLOAD_BYTES}\r\n\r\n`;

const later: Handler = async (_request, response) => {
  await pause(1);
  response.send(401, {}, 'refused');
};

/** Responses that are sent before the body is read: what sends them, the status, and the options. */
const EARLY: readonly (readonly [string, number, () => Promise<ServeOptions>])[] = [
  ['a folder of files', 405, async () => ({ static: await folder({ 'index.html': 'home' }) })],
  ['a raw handler', 200, async () => ({ handler: echo })],
  ['a raw handler that responds later', 401, async () => ({ handler: later })],
  [
    'a WSGI application',
    403,
    async () => ({
      handler: wsgi((_environ, startResponse) => {
        startResponse('403 Forbidden', []);
        return 'no';
      }),
    }),
  ],
  [
    'a fetch application',
    401,
    async () => ({ fetch: () => new Response('no', { status: 401 }), overrideGlobals: false }),
  ],
  ['maxBodyBytes', 413, async () => ({ handler: echo, limits: { maxBodyBytes: 1_000 } })],
];

test.each(EARLY)(
  '%s: a client that reads only after sending everything gets its %i',
  async (_what, status, options) => {
    const { connect } = await start(await options());
    const client = await connect();
    client.socket.pause();
    await client.send(LENGTH).send(UPLOAD).flushed();
    client.socket.resume();
    const answer = await client.readResponse();
    expect([answer.status, answer.field('connection')]).toEqual([status, 'close']);
    expect(await client.closed()).toBe('fin');
  },
);

test.each(EARLY)('%s: a client of node:http gets its %i', async (_what, status, options) => {
  const { port } = await start(await options());
  const got = await new Promise((resolve, reject) => {
    const request = nodeRequest({ port, method: 'POST', headers: { 'Content-Length': UPLOAD_BYTES } }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode));
    });
    request.on('error', reject);
    Readable.from(pieces()).pipe(request);
  });
  expect(got).toBe(status);
});

/** Requests whose response ends the connection while bytes still arrive. */
const REFUSED: readonly (readonly [string, string, number, ServeOptions])[] = [
  ['bytes that are not HTTP', 'hello\r\n\r\n', 400, {}],
  ['an unknown expectation', `${HEAD}Expect: miracles\r\nContent-Length: ${UPLOAD_BYTES}\r\n\r\n`, 417, {}],
  [
    'a target that is too long',
    `POST /${'x'.repeat(99)} HTTP/1.1\r\nHost: a\r\n\r\n`,
    414,
    { limits: { maxTargetBytes: 20 } },
  ],
  ['too many fields', `${HEAD}A: b\r\nC: d\r\n\r\n`, 431, { limits: { maxFields: 2 } }],
  [
    'a body that does not wait for 100 Continue',
    `${HEAD}Expect: 100-continue\r\nContent-Length: ${UPLOAD_BYTES}\r\n\r\n`,
    200,
    {},
  ],
  ['chunks without end', `${HEAD}Transfer-Encoding: chunked\r\n\r\nfffffff\r\n`, 200, {}],
  ['HTTP/1.0', `POST / HTTP/1.0\r\nContent-Length: ${UPLOAD_BYTES}\r\n\r\n`, 200, {}],
  ['no room for the client', LENGTH, 503, { limits: { maxConnections: 1 } }],
];

test.each(REFUSED)('the response is not lost by the bytes that follow: %s', async (_what, request, status, options) => {
  const { connect } = await startHandler(echo, options);
  const inside = status === 503 ? await connect() : null;
  await inside?.send(get('/')).readResponse();
  const client = await connect();
  client.socket.pause();
  await client.send(request).send(UPLOAD).flushed();
  client.socket.resume();
  expect((await client.readResponse()).status).toBe(status);
  expect(await client.closed()).toBe('fin');
});

test('a response too large for the socket reaches a client that reads only after sending everything', async () => {
  const { connect } = await startHandler((_, response) => response.send(200, {}, UPLOAD));
  const client = await connect();
  client.socket.pause();
  await client.send(LENGTH).send(UPLOAD).flushed();
  client.socket.resume();
  expect((await client.readResponse()).content.length).toBe(UPLOAD_BYTES);
});

test('the rest of a small body is discarded, and the connection continues', async () => {
  const { connect } = await startHandler(echo, { limits: { maxDiscardBytes: 1_000 } });
  const client = await connect();
  const answer = await client.send(post('/', 'x'.repeat(1_000))).readResponse();
  expect(answer.field('connection')).toBeUndefined();
  expect((await client.send(get('/next')).readResponse()).text).toBe('GET /next');
  const tooMuch = await connect();
  const head = post('/', 'x'.repeat(1_001)).slice(0, -1_001);
  expect((await tooMuch.send(head).readResponse()).field('connection')).toBe('close');
});

const CHUNK = `40000\r\n${'x'.repeat(0x40000)}\r\n`;

/** Responses whose head is sent before the rest of the body is known, so that it does not end the connection. */
const EARLY_HEADS: readonly (readonly [string, string, readonly string[], Handler])[] = [
  ['chunks', `${HEAD}Transfer-Encoding: chunked\r\n\r\n`, [CHUNK, CHUNK, CHUNK, '0\r\n\r\n'], echo],
  [
    'a streamed response',
    `${HEAD}Content-Length: 600000\r\n\r\n`,
    ['x'.repeat(300_000), 'x'.repeat(300_000)],
    (request, response) => {
      response.start(200, { 'Content-Length': 5 + request.path.length });
      response.end(`${request.method.padEnd(5)}${request.path}`);
    },
  ],
];

test.each(EARLY_HEADS)(
  'the next request gets its response after an unread body: %s',
  async (_what, head, body, handler) => {
    const { connect } = await startHandler(handler, { limits: { maxDiscardBytes: 1_000 } });
    const client = await connect();
    const answer = await client.send(head).readResponse();
    expect(answer.field('connection')).toBeUndefined();
    for (const piece of body) await client.send(piece).flushed();
    expect((await client.send(get('/next')).readResponse()).text).toContain('/next');
  },
);

test('a connection lingers while bytes arrive: at most lingerTimeoutMs without any, and maxLingerMs in all', async () => {
  const site = simulate({
    handler: echo,
    limits: { maxBodyBytes: 10 },
    timeouts: { lingerMs: 5_000, maxLingerMs: 30_000 },
  });
  const [silent, steady] = [site.connect(), site.connect()];
  // A simulated client stops sending when it sees FIN; this one has not received it yet.
  for (const client of [silent, steady]) client.send(LENGTH).pauseReading();
  await site.runFor(4_000);
  expect(site.server.stats().connections.lingering).toBe(2);
  for (let passedMs = 4_000; passedMs < 28_000; passedMs += 4_000) {
    steady.send('x'.repeat(100_000));
    await site.runFor(4_000);
    expect([silent.socket.isClosed, steady.socket.isClosed]).toEqual([true, false]);
  }
  steady.send('x');
  await site.runFor(2_500);
  expect(steady.socket.isClosed).toBe(true);
});

test('lingering connections do not count against maxConnections, and the oldest is closed first', async () => {
  const { port, server } = await startHandler(echo, {
    limits: { maxBodyBytes: 10, maxConnections: 1, maxLingeringConnections: 2 },
    timeouts: { lingerMs: 60_000 },
  });
  const clients = [];
  for (let lingering = 1; lingering <= 3; lingering++) {
    const client = await connect(port);
    expect((await client.send(LENGTH).readResponse()).status).toBe(413);
    await until(() => server.stats().connections.open === Math.min(lingering, 2), 'the connection lingers');
    clients.push(client);
  }
  expect(server.stats().connections.lingering).toBe(2);
  // The oldest one is closed, and the kernel sends RST to its client.
  const [oldest] = clients;
  await until(() => {
    if (oldest?.socket.destroyed === false) oldest.send('x');
    return oldest?.socket.destroyed === true;
  }, 'the oldest one is closed');
  expect((await ask(port, get('/'))).status).toBe(200);
});

test.each([
  [413, 'maxBodyBytes', 1_000, LENGTH],
  [413, 'maxBodyBytes', 1_000, `${HEAD}Transfer-Encoding: chunked\r\n\r\nfffff\r\nx`],
  [414, 'maxTargetBytes', 16, get(`/${'x'.repeat(20)}`)],
  [431, 'maxFields', 2, get('/', 'A: b', 'C: d')],
  [431, 'maxHeaderBytes', 256, get('/', `A: ${'b'.repeat(256)}`)],
  [408, 'headerTimeoutMs', 100, 'GET / HT'],
  [408, 'bodyTimeoutMs', 100, `${HEAD}Content-Length: 2\r\n\r\nx`],
  [504, 'handlerTimeoutMs', 100, get('/never')],
] as const)('%i names its limit %s and the flag that raises it', async (status, limit, value, request) => {
  const { connect, errors } = await startHandler(
    async (given, response) => {
      if (given.path === '/never') await new Promise(() => {});
      response.send(200, {}, await given.body.bytes());
    },
    limitOptionsOf({ [limit]: value }),
  );
  const client = await connect();
  const answer = await client.send(request).readResponse();
  expect(answer.status).toBe(status);
  const flag = limit.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const option = limit.endsWith('TimeoutMs') ? `timeouts.${limit.replace('TimeoutMs', 'Ms')}` : limit;
  expect(answer.text).toContain(`${option} is ${value} (raise it with --${flag})`);
  errors.splice(0);
});

test('503 names maxConnections, or maxConnectionsPerAddress', async () => {
  for (const limit of ['maxConnections', 'maxConnectionsPerAddress']) {
    const { port } = await startHandler(echo, limitOptionsOf({ [limit]: 1 }));
    const inside = await connect(port);
    await inside.send(get('/')).readResponse();
    expect((await ask(port, get('/'))).text).toContain(`${limit} is 1 `);
  }
});

test('a body larger than its handler allows is 413, not an error of the handler', async () => {
  const { port, server } = await startHandler(async (request, response) => {
    response.send(200, {}, await request.body.bytes(5));
  });
  const answer = await ask(port, post('/', '123456'));
  expect([answer.status, answer.text]).toEqual([413, '413 Content Too Large: the body has more than 5 bytes\n']);
  expect(server.stats().requests.failed).toBe(0);
});

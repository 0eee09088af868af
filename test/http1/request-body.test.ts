// Tests how a handler reads the content of a request, and how unread content is handled.

import { describe, expect, test } from 'vitest';
import type { Handler, HttpRequest } from '../../src/index.ts';
import { ask, get, post } from '../support/client.ts';
import { startHandler } from '../support/serving.ts';
import { pause, until } from '../support/until.ts';

const CHUNKED_HEAD = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';

/** Reads the body in one of the possible ways. */
const READERS: Readonly<Record<string, (request: HttpRequest) => Promise<string>>> = {
  'text()': (request) => request.body.text(),
  'bytes()': async (request) => (await request.body.bytes()).toString('utf8'),
  'read()': async (request) => {
    const pieces: Uint8Array[] = [];
    for (let piece = await request.body.read(); piece !== null; piece = await request.body.read()) pieces.push(piece);
    expect(await request.body.read(), 'the end stays the end').toBeNull();
    return Buffer.concat(pieces).toString('utf8');
  },
  'for await': async (request) => {
    const pieces: Uint8Array[] = [];
    for await (const piece of request.body) pieces.push(piece);
    return Buffer.concat(pieces).toString('utf8');
  },
};

describe.each(Object.entries(READERS))('%s', (_name, read) => {
  const handler: Handler = async (request, response) =>
    response.send(200, {}, `${request.body.length}:${await read(request)}`);

  test('reads a body of known length, and the connection continues', async () => {
    const { connect } = await startHandler(handler);
    const client = await connect();
    for (const body of ['hello', 'w\xc3\xb6rld', 'x']) {
      const text = Buffer.from(body, 'latin1').toString('utf8');
      expect((await client.send(post('/', body)).readResponse()).text).toBe(`${body.length}:${text}`);
    }
  });

  test('reads a chunked body, and the connection continues', async () => {
    const { connect } = await startHandler(handler);
    const client = await connect();
    for (let i = 0; i < 3; i++) {
      const answer = await client.send(`${CHUNKED_HEAD}4\r\nwiki\r\n5;x=y\r\npedia\r\n0\r\n\r\n`).readResponse();
      expect(answer.text).toBe('undefined:wikipedia');
    }
  });

  test('reads nothing when there is no body', async () => {
    const { port } = await startHandler(handler);
    expect((await ask(port, get('/'))).text).toBe('0:');
    expect((await ask(port, post('/', ''))).text).toBe('0:');
  });

  test('reads a large body that arrives in many pieces', async () => {
    const { connect } = await startHandler(handler);
    const client = await connect();
    const body = 'abcdefghij'.repeat(60_000);
    client.send(post('/', body));
    expect((await client.readResponse()).text).toBe(`600000:${body}`);
    client.send(CHUNKED_HEAD);
    for (let at = 0; at < body.length; at += 50_000) client.send(`c350\r\n${body.slice(at, at + 50_000)}\r\n`);
    expect((await client.send('0\r\n\r\n').readResponse()).text).toBe(`undefined:${body}`);
  });
});

test('a piece is available before the rest of the body', async () => {
  const { connect } = await startHandler(async (request, response) => {
    const first = await request.body.read();
    response.start(200, { 'Content-Length': 10 });
    response.write(first ?? '');
    for await (const piece of request.body) response.write(piece);
    response.end();
  });
  const client = await connect();
  client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nfirst');
  expect(await client.readUntil('first')).toContain('Content-Length: 10');
  client.send('later');
  expect(await client.readUntil('later')).toBe('later');
});

test('pieces do not change while later ones arrive', async () => {
  const { connect } = await startHandler(async (request, response) => {
    const pieces: Uint8Array[] = [];
    for await (const piece of request.body) pieces.push(piece);
    response.send(200, {}, Buffer.concat(pieces));
  });
  const client = await connect();
  client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 26\r\n\r\n`);
  for (const letter of 'abcdefghijklmnopqrstuvwxyz') {
    await client.send(letter).flushed();
    await pause(0);
  }
  expect((await client.readResponse()).text).toBe('abcdefghijklmnopqrstuvwxyz');
});

test('bytes and text reject with ERR_BODY_TOO_LARGE beyond the limit of the handler', async () => {
  const { port } = await startHandler(async (request, response) => {
    const read = request.target === '/text' ? request.body.text(4) : request.body.bytes(4);
    response.send(
      200,
      {},
      await read.then(
        () => 'taken',
        (error: { code: string }) => error.code,
      ),
    );
  });
  for (const target of ['/text', '/bytes']) {
    expect((await ask(port, post(target, 'four'))).text).toBe('taken');
    expect((await ask(port, post(target, 'fives'))).text).toBe('ERR_BODY_TOO_LARGE');
  }
});

test('trailers are available at the end of a chunked body, and not before', async () => {
  const { port } = await startHandler(async (request, response) => {
    const before = [...request.body.trailers];
    await request.body.bytes();
    response.send(200, {}, JSON.stringify([before, request.body.trailers]));
  });
  const answer = await ask(port, `${CHUNKED_HEAD}1\r\nx\r\n0\r\nX-Sum: 7\r\nx-sum: 8\r\n\r\n`);
  expect(JSON.parse(answer.text)).toEqual([
    [],
    [
      ['x-sum', '7'],
      ['x-sum', '8'],
    ],
  ]);
});

describe.each([
  ['of known length', post('/unread', 'x'.repeat(5_000))],
  ['in chunks', `${CHUNKED_HEAD}3e8\r\n${'x'.repeat(1_000)}\r\n0\r\n\r\n`],
])('an unread body %s', (_name, request) => {
  test('is discarded, and the connection continues', async () => {
    const { connect } = await startHandler((_, response) => response.send(200, {}, 'unread'));
    const client = await connect();
    for (let i = 0; i < 3; i++) {
      client.send(request + get('/next'));
      expect((await client.readResponse()).text).toBe('unread');
      expect((await client.readResponse()).text).toBe('unread');
    }
  });

  test('is discarded when it arrives after the response', async () => {
    const { connect } = await startHandler((_, response) => response.send(200, {}, 'unread'));
    const client = await connect();
    const headEnd = request.indexOf('\r\n\r\n') + 4;
    client.send(request.slice(0, headEnd));
    expect((await client.readResponse()).text).toBe('unread');
    client.send(request.slice(headEnd) + get('/next'));
    expect((await client.readResponse()).text).toBe('unread');
  });
});

test('an unread body beyond maxDiscardBytes ends the connection after the response', async () => {
  const { connect } = await startHandler((_, response) => response.send(200, {}, 'whole'), {
    limits: { maxDiscardBytes: 100 },
  });
  const client = await connect();
  client.send(post('/', 'x'.repeat(101)) + get('/next'));
  expect((await client.readResponse()).text).toBe('whole');
  expect(await client.readAll()).toHaveLength(0);
});

test('a read after the response rejects with ERR_BODY_CONSUMED', async () => {
  const codes: string[] = [];
  const { connect } = await startHandler(async (request, response) => {
    response.send(200, {}, 'early');
    await request.body.read().catch((error: { code: string }) => codes.push(error.code));
  });
  const client = await connect();
  client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n');
  await client.readResponse();
  await until(() => codes.length > 0, 'the read rejected');
  expect(codes).toEqual(['ERR_BODY_CONSUMED']);
});

test('a second read while one waits rejects with ERR_BODY_CONSUMED, and the first continues', async () => {
  const { connect } = await startHandler(async (request, response) => {
    const first = request.body.read();
    await expect(request.body.read()).rejects.toMatchObject({ code: 'ERR_BODY_CONSUMED' });
    response.send(200, {}, (await first) ?? '');
  });
  const client = await connect();
  client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n');
  await pause(5);
  expect((await client.send('hello').readResponse()).text).toBe('hello');
});

test.each([
  ['resets', (client: { reset(): void; finish(): void }) => client.reset()],
  ['sends FIN', (client: { reset(): void; finish(): void }) => client.finish()],
])('a read rejects with ERR_CLIENT_GONE when the client %s in the middle of the body', async (_how, leave) => {
  const codes: string[] = [];
  const { connect, server } = await startHandler(async (request, response) => {
    await request.body.text().catch((error: { code: string }) => codes.push(error.code));
    response.send(400, {}, 'incomplete');
  });
  const client = await connect();
  await client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe').flushed();
  await until(() => server.stats().requests.handled === 1, 'the request was handled');
  leave(client);
  await until(() => codes.length > 0, 'the read rejected');
  expect(codes).toEqual(['ERR_CLIENT_GONE']);
});

test('a reader that pauses stops the client: no more than a window is read ahead', async () => {
  const total = 8_000_000;
  const { connect, server } = await startHandler(async (request, response) => {
    const first = await request.body.read();
    await pause(50);
    const ahead = server.stats().bytes.received;
    const rest = await request.body.bytes(total);
    response.send(200, {}, JSON.stringify([ahead, (first?.length ?? 0) + rest.length]));
  });
  const client = await connect();
  client.send(post('/', 'x'.repeat(total)));
  const [ahead, received]: number[] = JSON.parse((await client.readResponse()).text);
  expect(received).toBe(total);
  // A window of 64 KiB and one receive of 64 KiB beyond it.
  expect(ahead).toBeLessThanOrEqual(4 * 65_536);
});

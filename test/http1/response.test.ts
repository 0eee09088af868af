// Tests that a response is framed for the version of its client, and that no handler can break the framing.

import { describe, expect, test } from 'vitest';
import type { Handler } from '../../src/index.ts';
import { ask, get } from '../support/client.ts';
import { startHandler } from '../support/serving.ts';

const HEAD_REQUEST = 'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n';
const OLD = 'GET / HTTP/1.0\r\n\r\n';

/** Three pieces, with a pause between them. */
const pieces: Handler = async (_, response) => {
  response.start(200, { 'Content-Type': 'text/plain' });
  response.write('one ');
  await new Promise((resolve) => setTimeout(resolve, 2));
  response.write(Buffer.from('two '));
  response.end('three');
};

test('content is a string in UTF-8 or bytes, and gets a Content-Length', async () => {
  const contents = [
    '',
    'x',
    'ä€😀',
    'y'.repeat(64),
    'y'.repeat(65),
    `${'y'.repeat(63)}ä`,
    Buffer.from([0, 255, 10]),
    new Uint8Array(70_000).fill(7),
  ];
  const { connect } = await startHandler((request, response) => {
    response.send(200, {}, contents[Number(request.path.slice(1))] ?? '');
  });
  const client = await connect();
  for (const [i, content] of contents.entries()) {
    const answer = await client.send(get(`/${i}`)).readResponse();
    expect(answer.content.equals(Buffer.from(content)), `content ${i}`).toBe(true);
    expect(answer.framing).toBe('length');
  }
});

test('fields are sent unchanged, in order, after Server and Date', async () => {
  const { port } = await startHandler((_, response) =>
    response.send(
      201,
      [
        ['B', '1'],
        ['a', 'x'],
        ['B', '2'],
      ],
      'x',
    ),
  );
  const { fields, status, reason } = await ask(port, get('/'));
  expect([status, reason]).toEqual([201, 'Created']);
  expect(fields.map(([name]) => name)).toEqual(['Server', 'Date', 'B', 'a', 'B', 'Content-Length']);
});

test('HEAD gets the fields of GET and no content', async () => {
  for (const handler of [
    pieces,
    (_request, response) => response.send(200, {}, 'sixteen letters.'),
  ] satisfies Handler[]) {
    const { connect } = await startHandler(handler);
    const client = await connect();
    const full = await client.send(get('/')).readResponse();
    const head = await client.send(HEAD_REQUEST).readResponse({ head: true });
    const names = (fields: readonly (readonly [string, string])[]): string[] => fields.map(([name]) => name);
    expect(names(head.fields)).toEqual(names(full.fields));
    expect(head.field('content-length')).toBe(full.field('content-length'));
    expect((await client.send(get('/')).readResponse()).text, 'nothing was left in between').toBe(full.text);
  }
});

describe.each([204, 304])('status %i', (status) => {
  test.each([
    ['sent', ((_, response) => response.send(status, {}, 'never seen')) satisfies Handler],
    [
      'started',
      ((_, response) => {
        response.start(status);
        response.end('never seen');
      }) satisfies Handler,
    ],
  ])('%s has neither content nor framing, and the connection goes on', async (_how, handler) => {
    const { connect } = await startHandler(handler);
    const client = await connect();
    for (let i = 0; i < 2; i++) {
      const answer = await client.send(get('/')).readResponse();
      expect(answer.status).toBe(status);
      expect(answer.field('content-length')).toBeUndefined();
      expect(answer.field('transfer-encoding')).toBeUndefined();
      expect(answer.field('connection')).toBeUndefined();
    }
  });
});

test('a response in pieces is chunked for HTTP/1.1, and the connection continues', async () => {
  const { connect } = await startHandler(pieces);
  const client = await connect();
  for (let i = 0; i < 3; i++) {
    const answer = await client.send(get('/')).readResponse();
    expect(answer).toMatchObject({ framing: 'chunked', text: 'one two three', chunks: [4, 4, 5] });
  }
});

test('a response in pieces ends with the connection for HTTP/1.0', async () => {
  const { connect } = await startHandler(pieces);
  const client = await connect();
  const answer = await client.send(OLD).readResponse();
  expect(answer).toMatchObject({ framing: 'close', text: 'one two three' });
  expect(answer.field('connection')).toBe('close');
  expect(answer.field('transfer-encoding')).toBeUndefined();
});

test('an empty write sends no chunk, which would be the last one', async () => {
  const { port } = await startHandler((_, response) => {
    response.start(200);
    response.write('');
    response.write('a');
    response.write(new Uint8Array());
    response.end('');
  });
  expect(await ask(port, get('/'))).toMatchObject({ text: 'a', chunks: [1] });
});

test('pieces of every size arrive whole, in chunks and with a length', async () => {
  const sizes = [1, 15, 16, 17, 255, 256, 4_095, 16_383, 16_384, 16_385, 131_072, 200_000];
  const content = (): string => sizes.map((size, i) => String.fromCharCode(97 + i).repeat(size)).join('');
  const { port } = await startHandler(async (request, response) => {
    response.start(200, request.target === '/length' ? { 'Content-Length': content().length } : {});
    for (const [i, size] of sizes.entries()) {
      if (!response.write(String.fromCharCode(97 + i).repeat(size))) await response.drained();
    }
    response.end();
  });
  const chunked = await ask(port, get('/chunked'));
  expect(chunked.chunks).toEqual(sizes);
  expect(chunked.text === content()).toBe(true);
  const declared = await ask(port, get('/length'));
  expect(declared.framing).toBe('length');
  expect(declared.text === content()).toBe(true);
});

test('more content than the declared length is cut off and reported', async () => {
  const { connect, errors } = await startHandler((_, response) => {
    response.start(200, { 'Content-Length': 5 });
    response.write('hel');
    response.write('lo and much more');
    response.end('and more');
  });
  const client = await connect();
  expect((await client.send(get('/')).readResponse()).text).toBe('hello');
  await client.send(get('/')).readResponse();
  expect(client.received).toHaveLength(0);
  expect(errors.splice(0)[0]).toMatchObject({ code: 'ERR_BODY_LENGTH' });
});

test('less content than the declared length closes the connection and is reported', async () => {
  const { connect, errors } = await startHandler((_, response) => {
    response.start(200, { 'Content-Length': 50 });
    response.end('short');
  });
  const client = await connect();
  client.send(get('/') + get('/next'));
  await client.closed();
  const all = client.received.toString('latin1');
  expect(all.endsWith('\r\n\r\nshort')).toBe(true);
  expect(all.match(/HTTP\/1\.1/g)).toHaveLength(1);
  expect(errors.splice(0)).toEqual([expect.objectContaining({ code: 'ERR_BODY_LENGTH' })]);
});

test('send with a Content-Length below that of its content cuts the excess off', async () => {
  const { connect, errors } = await startHandler((_, response) => response.send(200, { 'Content-Length': 3 }, 'five!'));
  const client = await connect();
  expect((await client.send(get('/')).readResponse()).text).toBe('fiv');
  expect((await client.send(get('/')).readResponse()).text).toBe('fiv');
  expect(errors.splice(0).map(String)).toEqual([expect.stringContaining('2 bytes cut off'), expect.anything()]);
});

test('send with a Content-Length above that of its content closes the connection', async () => {
  const { connect, errors } = await startHandler((_, response) => response.send(200, { 'Content-Length': 7 }, 'five!'));
  const client = await connect();
  client.send(get('/') + get('/next'));
  expect((await client.readAll()).toString('latin1')).toMatch(/Content-Length: 7\r\n\r\nfive!$/);
  expect(errors.splice(0)).toEqual([expect.objectContaining({ code: 'ERR_BODY_LENGTH' })]);
});

test('205 has no content and a Content-Length of 0 (RFC 9110 section 15.3.6)', async () => {
  const { connect } = await startHandler((request, response) => {
    if (request.target === '/send') return response.send(205, {}, 'dropped');
    response.start(205, { 'Content-Length': 7 });
    response.end('dropped');
  });
  const client = await connect();
  for (const target of ['/send', '/start']) {
    const answer = await client.send(get(target)).readResponse();
    expect(answer).toMatchObject({ status: 205, text: '' });
    expect(answer.field('content-length')).toBe('0');
  }
});

test('HEAD may declare a length without content', async () => {
  const { port } = await startHandler((_, response) => response.send(200, { 'Content-Length': 1_234 }));
  expect((await ask(port, HEAD_REQUEST, { head: true })).field('content-length')).toBe('1234');
});

test('drained resolves at once while there is room', async () => {
  const { port } = await startHandler(async (_, response) => {
    response.start(200);
    expect(response.write('x')).toBe(true);
    await response.drained();
    response.end();
  });
  expect((await ask(port, get('/'))).text).toBe('x');
});

// Tests trailer fields in both directions (RFC 9110 section 6.5), and the raw fields of a request.

import { expect, test } from 'vitest';
import type { FieldInput, Handler } from '../../src/index.ts';
import { ask, get } from '../support/client.ts';
import { startHandler } from '../support/serving.ts';

const TRAILERS = [
  ['X-Checksum', 'abc'],
  ['Server-Timing', 'db;dur=1'],
  ['X-Checksum', 'def'],
] as const;

/** Two pieces, and trailers. */
const streams =
  (trailers: FieldInput = TRAILERS, fields: FieldInput = {}): Handler =>
  (_, response) => {
    response.start(200, fields);
    response.write('one ');
    response.end('two', trailers);
  };

test('they follow the last chunk, in order and case, and the connection continues', async () => {
  const { connect } = await startHandler(streams());
  const client = await connect();
  for (let i = 0; i < 2; i++) {
    const answer = await client.send(get('/')).readResponse();
    expect([answer.text, answer.trailers]).toEqual(['one two', TRAILERS]);
  }
});

test.each([
  ['a Content-Length', get('/'), { 'Content-Length': 7 }, 'one two'],
  ['HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n', {}, 'one two'],
  ['HEAD', 'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n', {}, ''],
])('with %s they are dropped', async (_what, request, fields, text) => {
  const { port } = await startHandler(streams(TRAILERS, fields));
  const answer = await ask(port, request, { head: request.startsWith('HEAD') });
  expect([answer.status, answer.text, answer.trailers]).toEqual([200, text, []]);
});

test.each([
  'Content-Length',
  'transfer-encoding',
  'Host',
  'Connection',
  'Keep-Alive',
  'TRAILER',
  'Set-Cookie',
  'Authorization',
  'Content-Type',
  'Content-Encoding',
  'Cache-Control',
])('%s is rejected as a trailer, and the response can still be ended', async (name) => {
  const codes: unknown[] = [];
  const { connect } = await startHandler((_, response) => {
    response.start(200);
    for (const trailers of [{ [name]: '1' }, [[name, '1']] as const]) {
      try {
        response.end('never sent', trailers);
      } catch (error) {
        codes.push(error);
      }
    }
    response.end('whole', { 'X-Sum': 1 });
  });
  const client = await connect();
  for (let i = 0; i < 2; i++) {
    expect(await client.send(get('/')).readResponse()).toMatchObject({ text: 'whole', trailers: [['X-Sum', '1']] });
  }
  expect(codes).toEqual(Array(4).fill(expect.objectContaining({ code: 'ERR_INVALID_FIELD' })));
});

test('a trailer cannot begin another line', async () => {
  const { connect, errors } = await startHandler(streams({ 'X-A': 'b\r\n\r\nHTTP/1.1 200 OK' }));
  const client = await connect();
  client.send(get('/'));
  expect(await client.closed()).toBe('fin');
  expect(client.received.toString('latin1')).not.toContain('two');
  expect(errors.splice(0)).toEqual([expect.objectContaining({ code: 'ERR_INVALID_FIELD' })]);
});

test('those of a request are available in lower case and as sent', async () => {
  const { port } = await startHandler(async (request, response) => {
    await request.body.bytes();
    response.send(200, {}, JSON.stringify([request.body.trailers, request.body.rawTrailers]));
  });
  const chunks = '3\r\nabc\r\n0\r\nX-Sum: 1\r\nx-sum:  2 \r\n\r\n';
  const answer = await ask(port, `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`);
  expect(JSON.parse(answer.text)).toEqual([
    [
      ['x-sum', '1'],
      ['x-sum', '2'],
    ],
    [
      ['X-Sum', '1'],
      ['x-sum', '2'],
    ],
  ]);
});

test('raw fields of a request keep order, case and repetition, and scheme that of the connection', async () => {
  const { port } = await startHandler(async (request, response) => {
    const now = request.rawHeaders();
    await undefined;
    response.send(200, {}, JSON.stringify([request.scheme, now, request.rawHeaders(), request.headers()]));
  });
  const { text } = await ask(port, 'GET https://b/ HTTP/1.1\r\nHOST: a\r\nX-b: 1\r\nx-A:  2 \r\nX-B: 3\r\n\r\n');
  const raw = [
    ['HOST', 'a'],
    ['X-b', '1'],
    ['x-A', '2'],
    ['X-B', '3'],
  ];
  const lowerCase = raw.map(([name, value]) => [name?.toLowerCase(), value]);
  expect(JSON.parse(text)).toEqual(['http', raw, raw, lowerCase]);
});

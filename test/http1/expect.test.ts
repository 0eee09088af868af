// Tests when a client that sent Expect: 100-continue gets 100 Continue (RFC 9110 section 10.1.1).

import { expect, test } from 'vitest';
import type { Handler } from '../../src/index.ts';
import { startHandler } from '../support/serving.ts';

const HEAD = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n';
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';

const readIt: Handler = async (request, response) => response.send(200, {}, await request.body.text());

test('the first read sends 100 Continue, once', async () => {
  const { connect } = await startHandler(readIt);
  const client = await connect();
  for (let i = 0; i < 2; i++) {
    client.send(HEAD);
    expect(await client.readUntil('\r\n\r\n')).toBe(CONTINUE);
    client.send('he');
    const answer = await client.send('llo').readResponse();
    expect(answer).toMatchObject({ status: 200, text: 'hello' });
    expect(answer.field('connection')).toBeUndefined();
  }
});

test('a read after await sends 100 Continue as well', async () => {
  const { connect } = await startHandler(async (request, response) => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    await readIt(request, response);
  });
  const client = await connect();
  client.send(HEAD);
  expect(await client.readUntil('\r\n\r\n')).toBe(CONTINUE);
  expect((await client.send('hello').readResponse()).text).toBe('hello');
});

test('a response without a read sends no 100 Continue, and the connection ends', async () => {
  const { connect } = await startHandler((_, response) => response.send(401, {}, 'unauthorized'));
  const client = await connect();
  const answer = await client.send(HEAD).readResponse();
  expect(answer).toMatchObject({ status: 401, text: 'unauthorized' });
  expect(answer.field('connection')).toBe('close');
  expect(await client.readAll()).toHaveLength(0);
});

test('a body that is too large is rejected without 100 Continue', async () => {
  const { connect } = await startHandler(readIt, { limits: { maxBodyBytes: 4 } });
  const client = await connect();
  expect((await client.send(HEAD).readResponse()).status).toBe(413);
  expect(await client.readAll()).toHaveLength(0);
});

test('HTTP/1.0 clients never get 100 Continue', async () => {
  const { connect } = await startHandler(readIt);
  const client = await connect();
  client.send('POST / HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello');
  expect(await client.readResponse()).toMatchObject({ status: 200, text: 'hello' });
});

test('a request without a body gets no 100 Continue', async () => {
  const { connect } = await startHandler(readIt);
  const client = await connect();
  const answer = await client.send('GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n').readResponse();
  expect(answer.status).toBe(200);
  expect(answer.field('connection')).toBeUndefined();
});

test('no 100 Continue after the response has begun', async () => {
  const { connect } = await startHandler(async (request, response) => {
    response.start(200, { 'Content-Length': 5 });
    response.end(await request.body.text());
  });
  const client = await connect();
  client.send(`${HEAD}hello`);
  expect(await client.readResponse()).toMatchObject({ status: 200, text: 'hello' });
});

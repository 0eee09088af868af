// Tests how long a connection persists, and that responses are sent in the order of their requests.

import { expect, test } from 'vitest';
import type { Handler } from '../../src/index.ts';
import { ask, get, post } from '../support/client.ts';
import { echo, startHandler } from '../support/serving.ts';
import { gate, pause, until } from '../support/until.ts';

test('HTTP/1.1 persists, request after request', async () => {
  const { connect, server } = await startHandler(echo);
  const client = await connect();
  for (let i = 0; i < 5; i++) {
    const answer = await client.send(get(`/${i}`)).readResponse();
    expect(answer).toMatchObject({ version: '1.1', status: 200, reason: 'OK', text: `GET /${i}`, framing: 'length' });
    expect(answer.field('connection')).toBeUndefined();
  }
  expect(server.stats()).toMatchObject({ connections: { accepted: 1 }, requests: { handled: 5 } });
});

test('HTTP/1.1 with Connection: close is answered with the same, then closed', async () => {
  const { connect } = await startHandler(echo);
  const client = await connect();
  const answer = await client.send(get('/', 'Connection: close')).readResponse();
  expect(answer.field('connection')).toBe('close');
  expect(await client.closed()).toBe('fin');
});

test('HTTP/1.0 closes after its response', async () => {
  const { connect } = await startHandler(echo);
  const client = await connect();
  const answer = await client.send('GET /old HTTP/1.0\r\n\r\n').readResponse();
  expect(answer).toMatchObject({ version: '1.1', text: 'GET /old' });
  expect(answer.field('connection')).toBe('close');
  expect(await client.closed()).toBe('fin');
});

test('HTTP/1.0 with Connection: keep-alive persists and gets the same field', async () => {
  const { connect } = await startHandler(echo);
  const client = await connect();
  for (let i = 0; i < 3; i++) {
    const answer = await client.send(`GET /${i} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n`).readResponse();
    expect(answer.text).toBe(`GET /${i}`);
    expect(answer.field('connection')).toBe('keep-alive');
  }
});

test('a handler that sets Connection: close ends the connection after its response', async () => {
  const { connect } = await startHandler((_, response) => response.send(200, { Connection: 'close' }, 'bye'));
  const client = await connect();
  const answer = await client.send(get('/')).readResponse();
  expect(answer.field('connection')).toBe('close');
  expect(await client.closed()).toBe('fin');
});

test('no request after the last one is served', async () => {
  const seen: string[] = [];
  const { connect } = await startHandler((request, response) => {
    seen.push(request.target);
    response.send(200, {}, request.target);
  });
  const client = await connect();
  client.send(get('/last', 'Connection: close') + get('/never'));
  expect((await client.readResponse()).text).toBe('/last');
  expect(await client.readAll()).toHaveLength(0);
  expect(seen).toEqual(['/last']);
});

test('pipelined requests in one segment are answered in order', async () => {
  const { connect } = await startHandler(echo);
  const client = await connect();
  const targets = Array.from({ length: 1_000 }, (_, i) => `/${i}`);
  client.send(targets.map((target) => get(target)).join(''));
  for (const target of targets) expect((await client.readResponse()).text).toBe(`GET ${target}`);
});

test('pipelined responses keep their order when some handlers are asynchronous, in every mixture', async () => {
  const handler: Handler = async (request, response) => {
    await pause(Number(request.query));
    response.send(200, {}, request.path);
  };
  const mixed: Handler = (request, response) =>
    request.query === '' ? response.send(200, {}, request.path) : handler(request, response);
  const { connect } = await startHandler(mixed);
  const client = await connect();
  const targets = ['/a', '/b?9', '/c', '/d?1', '/e?0', '/f', '/g?5', '/h?1', '/i'];
  client.send(targets.map((target) => get(target)).join(''));
  for (const target of targets) expect((await client.readResponse()).text).toBe(target.slice(0, 2));
});

test('a request waits until the one before it has its response', async () => {
  const first = gate();
  const seen: string[] = [];
  const { connect } = await startHandler(async (request, response) => {
    seen.push(request.target);
    if (request.target === '/1') await first.opened;
    response.send(200, {}, request.target);
  });
  const client = await connect();
  client.send(get('/1') + get('/2'));
  await until(() => seen.length > 0, 'the first request was handled');
  await pause(20);
  expect(seen).toEqual(['/1']);
  first.open();
  expect((await client.readResponse()).text).toBe('/1');
  expect((await client.readResponse()).text).toBe('/2');
});

test('bodies between pipelined requests are not parsed as heads', async () => {
  const { connect } = await startHandler(async (request, response) =>
    response.send(200, {}, `${request.target}=${await request.body.text()}`),
  );
  const client = await connect();
  const chunked = 'POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nGET\r\n2\r\n /\r\n0\r\n\r\n';
  const whole = post('/1', 'GET / HTTP/1.1') + chunked + get('/3') + post('/4', '');
  client.send(whole);
  for (const text of ['/1=GET / HTTP/1.1', '/2=GET /', '/3=', '/4='])
    expect((await client.readResponse()).text).toBe(text);
});

test('the same requests cut after every byte get the same responses', async () => {
  const { connect } = await startHandler(async (request, response) =>
    response.send(200, {}, `${request.target}=${await request.body.text()}`),
  );
  const client = await connect();
  const chunked = 'POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n';
  for (const byte of post('/1', 'hello') + chunked + get('/3')) {
    await client.send(byte).flushed();
    await pause(0);
  }
  for (const text of ['/1=hello', '/2=abc', '/3=']) expect((await client.readResponse()).text).toBe(text);
});

test('a malformed request after an asynchronous one: its response first, then 400 and the end', async () => {
  const answer = gate();
  const { connect, server } = await startHandler(async (_, response) => {
    await answer.opened;
    response.send(200, {}, 'good');
  });
  const client = await connect();
  client.send(`${get('/')}BAD\r\n\r\n${get('/never')}`);
  await until(() => server.stats().requests.handled === 1, 'the valid request was handled');
  await pause(20);
  expect(client.received).toHaveLength(0);
  answer.open();
  expect(await client.readResponse()).toMatchObject({ status: 200, text: 'good' });
  const refusal = await client.readResponse();
  expect(refusal.status).toBe(400);
  expect(refusal.field('connection')).toBe('close');
  expect(await client.readAll()).toHaveLength(0);
  expect(server.stats()).toMatchObject({ requests: { handled: 1, refused: 1 } });
});

test('a client that sends its request and FIN at once still gets an asynchronous response', async () => {
  const { connect } = await startHandler(async (_, response) => {
    await pause(50);
    response.send(200, {}, 'late but whole');
  });
  const client = await connect();
  client.send(get('/')).finish();
  expect((await client.readResponse()).text).toBe('late but whole');
  expect(await client.closed()).toBe('fin');
});

test('a client that pipelines and sends FIN gets every response', async () => {
  const { connect } = await startHandler(async (request, response) => {
    await pause(1);
    response.send(200, {}, request.target);
  });
  const client = await connect();
  client.send(get('/1') + get('/2') + get('/3')).finish();
  for (const target of ['/1', '/2', '/3']) expect((await client.readResponse()).text).toBe(target);
  expect(await client.readAll()).toHaveLength(0);
});

test('FIN in the middle of a head ends the connection without a response', async () => {
  const { connect } = await startHandler(echo);
  const client = await connect();
  client.send('GET / HTTP/1.1\r\nHo').finish();
  expect(await client.readAll()).toHaveLength(0);
});

test('more pipelined requests than one turn serves are all answered', async () => {
  const { port } = await startHandler(echo, { limits: { maxRequestsPerTurn: 3 } });
  const answer = await ask(port, get('/0'));
  expect(answer.status).toBe(200);
  const { connect } = await startHandler(echo, { limits: { maxRequestsPerTurn: 3 } });
  const client = await connect();
  client.send(Array.from({ length: 50 }, (_, i) => get(`/${i}`)).join('')).finish();
  for (let i = 0; i < 50; i++) expect((await client.readResponse()).text).toBe(`GET /${i}`);
  expect(await client.readAll()).toHaveLength(0);
});

// Tests that slow clients get whole responses, that fast clients do not starve others, and that closing loses nothing.

import { expect, test } from 'vitest';
import type { HttpResponse } from '../../src/index.ts';
import { BACK_END } from '../support/back-end.ts';
import { ask, get, post } from '../support/client.ts';
import { echo, startHandler } from '../support/serving.ts';
import { gate, pause, until } from '../support/until.ts';

/** Bytes in which every position differs from its neighbours' blocks. */
function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i + 4 <= length; i += 4) bytes.writeUInt32LE(i, i);
  return bytes;
}

test('a client that stops reading now and then gets a large response whole', async () => {
  const content = pattern(12_000_000);
  const { connect } = await startHandler((_, response) => response.send(200, {}, content));
  const client = await connect();
  client.send(get('/1') + get('/2'));
  for (let i = 0; i < 5; i++) {
    client.socket.pause();
    await pause(10);
    client.socket.resume();
    await pause(5);
  }
  expect((await client.readResponse()).content.equals(content)).toBe(true);
  expect((await client.readResponse()).content.equals(content)).toBe(true);
});

test('a client that pauses reading gets many small responses complete and in order', async () => {
  const { connect } = await startHandler((request, response) =>
    response.send(200, {}, `${request.target} ${'x'.repeat(5_000)}`),
  );
  const client = await connect();
  client.socket.pause();
  for (let i = 0; i < 2_000; i++) client.send(get(`/${i}`));
  await pause(50);
  client.socket.resume();
  for (let i = 0; i < 2_000; i++) expect((await client.readResponse()).text.split(' ')[0]).toBe(`/${i}`);
});

test('write returns false for a slow client, drained resolves later, and memory is bounded', async () => {
  const piece = pattern(50_000);
  let waits = 0;
  const { connect } = await startHandler(
    async (_, response) => {
      response.start(200);
      for (let i = 0; i < 400; i++) {
        if (response.write(piece)) continue;
        waits++;
        await response.drained();
      }
      response.end();
    },
    { limits: { maxUnsentBytes: 100_000 } },
  );
  const client = await connect();
  client.socket.pause();
  client.send(get('/'));
  await until(() => waits > 0, 'write has returned false');
  await pause(30);
  // A busy back end tries again and again, and uses any room that the kernel makes by growing its buffer.
  expect(waits, 'it waits until the client reads').toBeLessThan(BACK_END.busy === true ? 60 : 2);
  client.socket.resume();
  const answer = await client.readResponse();
  expect(answer.content.length).toBe(400 * piece.length);
  for (let i = 0; i < 400; i++)
    expect(answer.content.compare(piece, 0, piece.length, i * piece.length, (i + 1) * piece.length)).toBe(0);
});

test('a client with pending responses is not read any further', async () => {
  const { connect, server } = await startHandler((_, response) => response.send(200, {}, pattern(1_000_000)), {
    limits: { maxUnsentBytes: 65_536 },
  });
  const client = await connect();
  client.socket.pause();
  client.send(get('/').repeat(100));
  await until(() => server.stats().requests.handled > 0, 'some requests were handled');
  await pause(50);
  expect(server.stats().requests.handled).toBeLessThan(30);
  client.socket.resume();
  for (let i = 0; i < 100; i++) expect((await client.readResponse()).content.length).toBe(1_000_000);
  expect(server.stats().requests.handled).toBe(100);
});

test('a client that pipelines without end does not starve others', async () => {
  const { connect, port } = await startHandler(echo, { limits: { maxRequestsPerTurn: 4 } });
  const greedy = await connect();
  let isOver = false;
  const flood = (async (): Promise<void> => {
    while (!isOver) {
      await greedy.send(get('/flood').repeat(500)).flushed();
      for (let i = 0; i < 500; i++) await greedy.readResponse();
    }
  })();
  for (let i = 0; i < 20; i++) expect((await ask(port, get(`/${i}`))).text).toBe(`GET /${i}`);
  isOver = true;
  await flood;
});

test('a client that sends a huge body gets the complete response that rejects it', async () => {
  const { connect } = await startHandler((_, response) =>
    response.send(403, { Connection: 'close' }, 'y'.repeat(200_000)),
  );
  const client = await connect();
  client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n');
  client.send('x'.repeat(900_000));
  expect((await client.readResponse()).text).toBe('y'.repeat(200_000));
  expect(await client.closed()).toBe('fin');
});

test('a client that continues to send for a while gets 413', async () => {
  const { connect, server } = await startHandler(echo, { limits: { maxBodyBytes: 1_000 } });
  const client = await connect();
  client.send(post('/', '').replace('Content-Length: 0', 'Content-Length: 1000000'));
  for (let i = 0; i < 10; i++) {
    client.send('x'.repeat(20_000));
    await pause(2);
  }
  expect((await client.readResponse()).status).toBe(413);
  expect(await client.closed()).toBe('fin');
  client.finish();
  await until(() => server.stats().connections.open === 0, 'the connection is closed');
});

test('a client that never stops sending is closed after maxLingerBytes', async () => {
  const { connect, server } = await startHandler(echo, {
    limits: { maxBodyBytes: 10, maxLingerBytes: 100_000 },
    timeouts: { lingerMs: 60_000 },
  });
  const client = await connect();
  client.send(post('/', 'x'.repeat(11)));
  expect((await client.readResponse()).status).toBe(413);
  await until(() => {
    if (!client.socket.destroyed && client.socket.writableLength < 1_000_000) client.send('x'.repeat(50_000));
    return server.stats().connections.open === 0;
  }, 'the connection is closed');
});

test('a client that neither sends nor closes is closed after lingerTimeoutMs', async () => {
  const { connect, server } = await startHandler(echo, { timeouts: { lingerMs: 100 } });
  const client = await connect();
  client.send('BAD\r\n\r\nand some more');
  expect((await client.readResponse()).status).toBe(400);
  await until(() => server.stats().connections.open === 0, 'the connection is closed');
});

test('output from a timer, a promise and an immediate is sent without another event', async () => {
  const late = gate();
  const { connect } = await startHandler((request, response) => {
    const answer = (): void => response.send(200, {}, request.target);
    if (request.target === '/timer') setTimeout(answer, 5);
    else if (request.target === '/immediate') setImmediate(answer);
    else if (request.target === '/tick') process.nextTick(answer);
    else void late.opened.then(answer);
  });
  for (const target of ['/timer', '/immediate', '/tick']) {
    const client = await connect();
    expect((await client.send(get(target)).readResponse()).text).toBe(target);
  }
  const client = await connect();
  client.send(get('/promise'));
  await pause(10);
  late.open();
  expect((await client.readResponse()).text).toBe('/promise');
});

test('the server survives clients that connect and reset at once', async () => {
  const { connect, port, server } = await startHandler(echo);
  for (let i = 0; i < 50; i++) (await connect()).reset();
  expect((await ask(port, get('/alive'))).text).toBe('GET /alive');
  await until(() => server.stats().connections.open === 0, 'all clients disconnected');
});

test('requests that arrive faster than they are served wait in the kernel, not in memory', async () => {
  const request = get('/');
  let most = 0;
  const { connect, server } = await startHandler((_, response) => {
    const { bytes, requests } = server.stats();
    most = Math.max(most, bytes.received - requests.handled * request.length);
    response.send(200, {}, '');
  });
  const client = await connect();
  client.send(request.repeat(40_000));
  for (let i = 0; i < 40_000; i++) await client.readResponse();
  // One receive and one prefetch.
  expect(most).toBeLessThan(65_536 + 2 * 4_096);
});

test('output to another client follows its own response of the same turn', async () => {
  const streams: HttpResponse[] = [];
  const { connect } = await startHandler((request, response) => {
    if (request.path === '/listen') {
      response.start(200, { 'Content-Type': 'text/plain' });
      response.write('first ');
      streams.push(response);
      return;
    }
    for (const stream of streams) stream.write(`${request.query} `);
    if (request.query === 'last') for (const stream of streams.splice(0)) stream.end();
    response.send(204);
  });
  const [listener, speaker] = [await connect(), await connect()];
  // Sent in one task of the loop, so that both can be served in one turn.
  listener.send(get('/listen'));
  speaker.send(get('/say?second') + get('/say?third') + get('/say?last'));
  await until(() => listener.received.length > 0, 'the other client got its response');
  speaker.send(get('/say?last'));
  const { text } = await listener.readResponse();
  expect(text).toMatch(/^first (second third )?last $/);
});

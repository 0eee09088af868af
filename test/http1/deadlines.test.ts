// Tests that every wait for a client ends, never early, and how it ends.

import { once } from 'node:events';
import { expect, test } from 'vitest';
import type { Handler, ServeOptions } from '../../src/index.ts';
import type { Client } from '../support/client.ts';
import { get } from '../support/client.ts';
import { echo, type Site, startHandler } from '../support/serving.ts';
import { pause, until } from '../support/until.ts';

/** The shortest time-out of these tests. */
const SOON_MS = 100;

const waitsForBody: Handler = async (request, response) => response.send(200, {}, await request.body.text());
const neverAnswers: Handler = () => new Promise(() => {});

/** Long time-outs, except those that are given. */
function startWith(handler: Handler, soon: ServeOptions): Promise<Site> {
  return startHandler(handler, soon);
}

/** Waits for the end of a connection, which must not come before `ms` have passed since `begin`. */
async function endsAfter(client: Client, beginMs: number, ms: number): Promise<string> {
  const end = await client.closed();
  // The client's timer starts after the server's: the network lies between, and timers round.
  expect(performance.now() - beginMs).toBeGreaterThanOrEqual(ms - 5);
  return end;
}

test('a client that sends nothing is closed without a response after firstByteTimeoutMs', async () => {
  const { connect, server } = await startWith(echo, { timeouts: { firstByteMs: SOON_MS } });
  const begin = performance.now();
  const client = await connect();
  expect(await endsAfter(client, begin, SOON_MS)).toBe('fin');
  expect(client.received).toHaveLength(0);
  expect(server.stats()).toMatchObject({ timeouts: { total: 1, firstByte: 1 } });
});

test('an idle connection is closed after keepAliveTimeoutMs, and each request restarts that timeout', async () => {
  const { connect, server } = await startWith(echo, { timeouts: { keepAliveMs: 1_500 } });
  const client = await connect();
  let begin = 0;
  for (let i = 0; i < 4; i++) {
    begin = performance.now();
    expect((await client.send(get('/')).readResponse()).status).toBe(200);
    await pause(500);
  }
  expect(await endsAfter(client, begin, 1_500)).toBe('fin');
  expect(client.received).toHaveLength(0);
  expect(server.stats()).toMatchObject({ timeouts: { total: 1, keepAlive: 1 } });
});

test('an asynchronous response restarts the idle timeout too', async () => {
  const { connect } = await startWith(
    async (_, response) => {
      await pause(5);
      response.send(200, {}, 'x');
    },
    { timeouts: { keepAliveMs: SOON_MS } },
  );
  const client = await connect();
  const begin = performance.now();
  await client.send(get('/')).readResponse();
  expect(await endsAfter(client, begin, SOON_MS)).toBe('fin');
});

test('a head that does not end gets 408 after headerTimeoutMs in all', async () => {
  const { connect, server } = await startWith(echo, { timeouts: { headerMs: 200 } });
  const client = await connect();
  const begin = performance.now();
  client.send('GET / HTTP/1.1\r\n');
  while (!client.isOver && client.received.length === 0) {
    client.send('X: y\r\n');
    await pause(20);
  }
  const answer = await client.readResponse();
  expect(answer.status).toBe(408);
  expect(answer.field('connection')).toBe('close');
  expect(await endsAfter(client, begin, 200)).toBe('fin');
  expect(server.stats()).toMatchObject({ timeouts: { total: 1, header: 1 }, requests: { refused: 1 } });
});

test('a head of a later request has its own timeout', async () => {
  const { connect } = await startWith(echo, { timeouts: { headerMs: SOON_MS } });
  const client = await connect();
  client.send(`${get('/')}GET / HT`);
  expect((await client.readResponse()).status).toBe(200);
  expect((await client.readResponse()).status).toBe(408);
  expect(await client.closed()).toBe('fin');
});

test('a body that does not arrive gets 408 after bodyTimeoutMs, and its read rejects', async () => {
  const codes: string[] = [];
  const { connect, server } = await startWith(
    async (request) => {
      await request.body.text().catch((error: { code: string }) => codes.push(error.code));
    },
    { timeouts: { bodyMs: SOON_MS } },
  );
  const client = await connect();
  const begin = performance.now();
  client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe');
  expect((await client.readResponse()).status).toBe(408);
  expect(await endsAfter(client, begin, SOON_MS)).toBe('fin');
  expect(codes).toEqual(['ERR_CLIENT_GONE']);
  expect(server.stats()).toMatchObject({ timeouts: { total: 1, body: 1 } });
});

test('without a minimum rate every byte of a body restarts bodyTimeoutMs', async () => {
  const { connect } = await startWith(waitsForBody, {
    timeouts: { bodyMs: 2_000 },
    limits: { minReceiveBytesPerSecond: 0 },
  });
  const client = await connect();
  client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n');
  for (const letter of 'patience') {
    await pause(300);
    client.send(letter);
  }
  expect((await client.readResponse()).text).toBe('patience');
});

test('a body that stops after the response has begun closes the connection', async () => {
  const { connect } = await startWith(
    async (request, response) => {
      response.start(200);
      response.write('begun');
      await request.body.text().catch(() => {});
    },
    { timeouts: { bodyMs: SOON_MS } },
  );
  const client = await connect();
  client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe');
  expect(await client.closed()).toBe('reset');
});

test('the rest of an unread body has bodyTimeoutMs in all', async () => {
  const { connect } = await startWith((_, response) => response.send(200, {}, 'early'), {
    timeouts: { bodyMs: SOON_MS, lingerMs: SOON_MS },
  });
  const client = await connect();
  client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe');
  expect((await client.readResponse()).text).toBe('early');
  await client.closed();
});

test('while a handler works, no timeout of the client runs', async () => {
  const { connect } = await startWith(
    async (_, response) => {
      await pause(700);
      response.send(200, {}, 'thought it over');
    },
    {
      timeouts: {
        firstByteMs: SOON_MS,
        headerMs: SOON_MS,
        bodyMs: SOON_MS,
        keepAliveMs: SOON_MS,
        halfClosedMs: SOON_MS,
      },
    },
  );
  const client = await connect();
  expect((await client.send(get('/')).readResponse()).text).toBe('thought it over');
});

test('a client that does not receive its response is cut off after sendTimeoutMs', async () => {
  const { connect, server } = await startWith((_, response) => response.send(200, {}, new Uint8Array(30_000_000)), {
    timeouts: { sendMs: SOON_MS },
  });
  const client = await connect();
  client.socket.pause();
  client.send(get('/'));
  await until(() => server.stats().requests.handled === 1, 'the request was handled');
  await until(() => server.stats().connections.open === 0, 'the client was cut off');
  expect(server.stats()).toMatchObject({ timeouts: { total: 1, send: 1 } });
});

test('a client that receives its response slowly but steadily is not cut off', async () => {
  const bytes = 20_000_000;
  const { connect } = await startWith((_, response) => response.send(200, {}, new Uint8Array(bytes)), {
    timeouts: { sendMs: 2_000 },
  });
  const client = await connect();
  client.socket.pause();
  client.send(get('/'));
  // One piece of 64 KiB at a time: until the deadline, far less than the kernel needs to report WRITABLE again.
  for (let i = 0; i < 15; i++) {
    await pause(200);
    const piece = once(client.socket, 'data').then(() => client.socket.pause());
    client.socket.resume();
    await Promise.race([piece, client.closed()]);
  }
  client.socket.resume();
  expect((await client.readResponse()).content.length).toBe(bytes);
});

test('a client that sent FIN waits for its response for halfClosedTimeoutMs, then is cut off', async () => {
  const { connect, server } = await startWith(neverAnswers, { timeouts: { halfClosedMs: SOON_MS } });
  const client = await connect();
  const begin = performance.now();
  client.send(get('/')).finish();
  expect(await endsAfter(client, begin, SOON_MS)).toBe('reset');
  expect(server.stats()).toMatchObject({
    timeouts: { total: 1, halfClosed: 1 },
    requests: { aborted: 1 },
    connections: { open: 0 },
  });
});

test('FIN that arrives while the handler works starts that timeout as well', async () => {
  const { connect, server } = await startWith(neverAnswers, { timeouts: { halfClosedMs: SOON_MS } });
  const client = await connect();
  await client.send(get('/')).flushed();
  await until(() => server.stats().requests.handled === 1, 'the request was handled');
  client.finish();
  expect(await client.closed()).toBe('reset');
});

test('FIN within an unread body after the response ends the connection at once', async () => {
  const { connect } = await startWith(echo, { timeouts: { halfClosedMs: 60_000, bodyMs: 60_000 } });
  const client = await connect();
  client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc');
  expect((await client.readResponse()).text).toBe('POST /');
  client.finish();
  expect(await client.closed()).toBe('fin');
});

test('a handler that never responds gets one 504 after handlerTimeoutMs, and its signal aborts', async () => {
  let signal: AbortSignal | null = null;
  const { connect, server, errors } = await startWith(
    (request) => {
      signal = request.signal;
      return new Promise(() => {});
    },
    { timeouts: { handlerMs: SOON_MS } },
  );
  const client = await connect();
  const begin = performance.now();
  const answer = await client.send(get('/')).readResponse();
  expect(answer.status).toBe(504);
  expect(answer.field('connection')).toBe('close');
  expect(await endsAfter(client, begin, SOON_MS)).toBe('fin');
  expect(errors.splice(0)).toEqual([expect.objectContaining({ code: 'ERR_HANDLER_TIMEOUT' })]);
  expect(signal).toHaveProperty('aborted', true);
  expect(server.stats()).toMatchObject({ timeouts: { total: 1 }, requests: { refused: 1 } });
});

test('the handler timeout restarts after its awaited body, and ends with its response head', async () => {
  const { connect } = await startWith(
    async (request, response) => {
      await request.body.text();
      response.start(200);
      await pause(3 * SOON_MS);
      response.end('late');
    },
    { timeouts: { handlerMs: SOON_MS } },
  );
  const client = await connect();
  client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na');
  await pause(2 * SOON_MS);
  expect((await client.send('b').readResponse()).text).toBe('late');
});

test('a response of a handler after its 504 has no effect', async () => {
  let isDone = false;
  const { connect, errors } = await startWith(
    async (_, response) => {
      await pause(3 * SOON_MS);
      response.send(200, {}, 'too late');
      isDone = true;
    },
    { timeouts: { handlerMs: SOON_MS } },
  );
  const client = await connect();
  client.send(get('/'));
  expect((await client.readAll()).toString()).toMatch(/^HTTP\/1\.1 504 (?!.*too late)/s);
  await until(() => isDone, 'the handler has ended');
  expect(errors.splice(0)).toHaveLength(1);
});

// Tests that a client below the minimum rate is cut off, and that a slow one above it is not.

import { once } from 'node:events';
import { expect, test } from 'vitest';
import type { Handler } from '../../src/index.ts';
import { get } from '../support/client.ts';
import { startHandler } from '../support/serving.ts';
import { pause, until } from '../support/until.ts';

const HEAD = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n';

const reads: Handler = async (request, response) => {
  await request.body.bytes().then(
    () => response.send(200),
    () => {},
  );
};

test('a body that arrives below the minimum rate gets 408, however short its pauses', async () => {
  const { connect, server } = await startHandler(reads, {
    timeouts: { bodyMs: 400 },
    limits: { minReceiveBytesPerSecond: 240 },
  });
  const client = await connect();
  const begin = performance.now();
  client.send(HEAD);
  while (client.received.length === 0 && !client.isOver) {
    client.send('x');
    await pause(30);
  }
  expect((await client.readResponse()).status).toBe(408);
  expect(performance.now() - begin).toBeGreaterThan(395);
  expect(server.stats()).toMatchObject({ timeouts: { total: 1, body: 1 } });
});

test('a body above the minimum rate is accepted, though it takes longer than bodyTimeoutMs', async () => {
  const { connect } = await startHandler(reads, {
    timeouts: { bodyMs: 1_500 },
    limits: { minReceiveBytesPerSecond: 240 },
  });
  const client = await connect();
  client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\n');
  for (let i = 0; i < 10; i++) {
    await pause(200);
    client.send('x'.repeat(200));
  }
  expect((await client.readResponse()).status).toBe(200);
});

test('pauses of the reader do not count against the client', async () => {
  const { connect } = await startHandler(
    async (request, response) => {
      const first = await request.body.read();
      await pause(2_000);
      response.send(200, {}, `${first?.length} ${(await request.body.bytes()).length}`);
    },
    { timeouts: { bodyMs: 1_500 }, limits: { minReceiveBytesPerSecond: 240 } },
  );
  const client = await connect();
  client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na');
  await pause(2_100);
  client.send('b');
  expect((await client.readResponse()).text).toBe('1 1');
});

test('a client that receives its response below the minimum rate is cut off', async () => {
  const { connect, server } = await startHandler((_, response) => response.send(200, {}, new Uint8Array(60_000_000)), {
    timeouts: { sendMs: 400 },
    limits: { minSendBytesPerSecond: 1_000_000_000 },
  });
  const client = await connect();
  client.socket.pause();
  client.send(get('/'));
  await until(() => server.stats().requests.handled === 1, 'the request was handled');
  while (server.stats().connections.open > 0) {
    const piece = once(client.socket, 'data').then(() => client.socket.pause());
    client.socket.resume();
    await Promise.race([piece, client.closed()]);
    await pause(50);
  }
  expect(server.stats()).toMatchObject({ timeouts: { total: 1, send: 1 } });
});

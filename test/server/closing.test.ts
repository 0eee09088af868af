// Tests that a closing server loses no request that its clients have sent or are about to send.

import { expect, test } from 'vitest';
import type { Handler, HttpResponse } from '../../src/index.ts';
import { simulate } from '../../src/testing/simulated-server.ts';
import { type Client, get } from '../support/client.ts';
import { echo, startHandler } from '../support/serving.ts';
import { until } from '../support/until.ts';

const GRACE_MS = 500;

/** The resolution of deadlines. */
const SLACK_MS = 300;

test('during closing, new and idle clients get one more response, with Connection: close', async () => {
  const { connect, server } = await startHandler(echo, { timeouts: { shutdownGraceMs: 10_000 } });
  const clients = await Promise.all(Array.from({ length: 40 }, connect));
  const [used = [], fresh = []] = [clients.slice(0, 10), clients.slice(10)];
  for (const client of used) await client.send(get('/before')).readResponse();
  const closing = server.close();
  await expect(until(() => connect().then(() => false), 'the server accepts no more clients')).rejects.toThrow(
    'ECONNREFUSED',
  );
  for (const client of [...used, ...fresh]) client.send(get('/after'));
  for (const client of [...used, ...fresh]) await expectLastResponse(client);
  await closing;
});

async function expectLastResponse(client: Client): Promise<void> {
  const answer = await client.readResponse();
  expect([answer.status, answer.field('connection')]).toEqual([200, 'close']);
  expect(await client.closed()).toBe('fin');
}

test('clients in the backlog are accepted and get responses', async () => {
  const site = simulate({ handler: echo, limits: { maxAcceptsPerTurn: 1 } });
  const clients = Array.from({ length: 20 }, () => site.connect());
  await site.runUntil(() => site.server.stats().connections.accepted > 0, Infinity);
  void site.server.close();
  expect(site.server.stats().connections.accepted, 'most of them wait').toBeLessThan(10);
  await site.runFor(100);
  for (const client of clients) client.send(get('/'));
  await site.runFor(100);
  for (const client of clients) {
    expect(client.received.toString('latin1')).toMatch(/^HTTP\/1\.1 200 /);
    expect(client.end).toBe('fin');
  }
});

test('clients in the backlog that send no PROXY header are closed after the grace', async () => {
  const site = simulate({
    handler: echo,
    listen: '127.0.0.1:0?proxy',
    trustedProxies: 'loopback',
    limits: { maxAcceptsPerTurn: 1 },
    timeouts: { shutdownGraceMs: GRACE_MS, headerMs: 20_000 },
  });
  const clients = Array.from({ length: 20 }, () => site.connect());
  await site.runUntil(() => site.server.stats().connections.accepted > 0, Infinity);
  void site.server.close();
  await site.runFor(GRACE_MS + SLACK_MS);
  expect(clients.map(({ end }) => end)).toEqual(clients.map(() => 'fin'));
});

test('clients that connect while the last ones of the backlog are served get responses', async () => {
  const late: ReturnType<typeof site.connect>[] = [];
  const connectLate: Handler = (_request, response) => {
    if (site.kernel.descriptors.listener() !== undefined)
      late.push(site.connect().send(get('/late', 'Connection: close')));
    response.send(200);
  };
  const handler: Handler = (request, response) => {
    if (request.path === '/late') response.send(200, {}, 'late');
    else connectLate(request, response);
  };
  const site = simulate({ handler, limits: { maxAcceptsPerTurn: 1 } });
  const clients = Array.from({ length: 20 }, () => site.connect());
  await site.runFor(100);
  void site.server.close();
  // A request in each turn, so also in the one in which the listener is closed.
  site.onTurn = (isOver) => {
    if (!isOver) clients.shift()?.send(get('/'));
  };
  await site.runFor(1_000);
  expect(late.length).toBeGreaterThan(0);
  for (const client of late) {
    expect(client.received.toString('latin1')).toMatch(/^HTTP\/1\.1 200 [\s\S]*late$/);
    expect(client.end).toBe('fin');
  }
});

test('an idle connection gets FIN after shutdownGraceMs', async () => {
  const site = simulate({ handler: echo, timeouts: { shutdownGraceMs: GRACE_MS } });
  const [silent, late] = [site.connect(), site.connect()];
  const used = site.connect().send(get('/'));
  await site.runFor(100);
  void site.server.close();
  await site.runFor(GRACE_MS - 100);
  expect([silent.end, used.end, late.end]).toEqual([null, null, null]);
  late.send(get('/late'));
  await site.runFor(100 + SLACK_MS);
  expect(late.received.toString('latin1')).toMatch(/^HTTP\/1\.1 200 OK\r\n(?:.+\r\n)*Connection: close\r\n/);
  expect([silent.end, used.end, late.end]).toEqual(['fin', 'fin', 'fin']);
});

test('during the drain delay new clients are served, idle ones stay, and the grace begins behind it', async () => {
  const site = simulate({ handler: echo, timeouts: { drainDelayMs: 5_000, shutdownGraceMs: GRACE_MS } });
  const idle = site.connect().send(get('/before'));
  const reused = site.connect().send(get('/before'));
  await site.runFor(100);
  expect(idle.received.toString('latin1')).not.toContain('Connection: close');
  void site.server.close();
  await site.runFor(4_000);
  const late = site.connect().send(get('/late'));
  reused.send(get('/late'));
  await site.runFor(100);
  for (const client of [late, reused]) {
    expect(client.received.toString('latin1')).toMatch(/HTTP\/1\.1 200 OK\r\n(?:.+\r\n)*Connection: close\r\n/);
    expect(client.end).toBe('fin');
  }
  await site.runFor(900 + GRACE_MS - 100);
  expect(idle.end, 'a request may be on its way').toBe(null);
  await site.runFor(100 + SLACK_MS);
  expect(idle.end).toBe('fin');
});

test('close({ now: true }) ends the drain delay', async () => {
  const { connect, server } = await startHandler(echo, { timeouts: { drainDelayMs: 86_400_000 } });
  const client = await connect();
  await client.send(get('/')).readResponse();
  const closing = server.close();
  await server.close({ now: true });
  await closing;
  expect(await client.closed()).toBe('fin');
});

/** Ways to close a server before the grace period of its idle connections has passed. */
const AT_ONCE: readonly (readonly [string, { readonly now?: boolean }, number])[] = [
  ['close({ now: true })', { now: true }, 10_000],
  ['a shutdownTimeoutMs that is shorter', {}, 100],
];

test.each(AT_ONCE)('FIN, not RST, ends an idle connection: %s', async (_what, how, shutdownMs) => {
  const timeouts = { shutdownMs, shutdownGraceMs: 10_000 };
  const { connect, server } = await startHandler(
    (request, response) => {
      if (request.path !== '/never') response.send(200, {}, 'ok');
    },
    { timeouts },
  );
  const [fresh, used, busy] = [await connect(), await connect(), await connect()];
  await used.send(get('/')).readResponse();
  busy.send(get('/never'));
  await until(() => server.stats().requests.handled === 2, 'both requests were handled');
  await server.close(how);
  expect([await fresh.closed(), await used.closed(), await busy.closed()]).toEqual(['fin', 'fin', 'reset']);
});

test('requests that arrived before the close are served even without a grace period', async () => {
  const site = simulate({ handler: echo, timeouts: { shutdownGraceMs: 0 } });
  const client = site.connect();
  await site.runFor(100);
  client.send(get('/'));
  await site.runFor(0);
  void site.server.close();
  await site.runFor(SLACK_MS);
  expect(client.received.toString('latin1')).toMatch(/^HTTP\/1\.1 200 /);
  expect(client.end).toBe('fin');
});

test('a connection whose response began before the close gets a response to its next request too', async () => {
  const streams: HttpResponse[] = [];
  const handler: Handler = (request, response) => {
    if (request.path !== '/stream') return response.send(200, {}, request.path);
    response.start(200, {});
    response.write('a');
    streams.push(response);
  };
  const { connect, server } = await startHandler(handler, { timeouts: { shutdownGraceMs: 10_000 } });
  const client = await connect();
  client.send(get('/stream'));
  await until(() => streams.length === 1, 'the response has begun');
  const closing = server.close();
  client.send(get('/next'));
  streams[0]?.end('b');
  expect((await client.readResponse()).text).toBe('ab');
  await expectLastResponse(client);
  await closing;
});

test('an HTTP/1.0 client with keep-alive gets a response with Connection: close', async () => {
  const { connect, server } = await startHandler(echo, { timeouts: { shutdownGraceMs: 10_000 } });
  const client = await connect();
  const request = 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n';
  expect((await client.send(request).readResponse()).field('connection')).toBe('keep-alive');
  const closing = server.close();
  client.send(request);
  await expectLastResponse(client);
  await closing;
});

test('a request head that has begun to arrive is served', async () => {
  const site = simulate({ handler: echo, timeouts: { shutdownGraceMs: 1 } });
  const client = site.connect().send('GET / HTTP/1.1\r\n');
  await site.runFor(100);
  void site.server.close();
  await site.runFor(5_000);
  expect(client.end).toBe(null);
  client.send('Host: a\r\n\r\n');
  await site.runFor(100);
  expect(client.received.toString('latin1')).toMatch(/^HTTP\/1\.1 200 /);
  expect(client.end).toBe('fin');
});

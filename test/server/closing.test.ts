// Tests that a server that closes loses no request that its clients have sent already, or are about to send.

import { expect, test } from 'vitest';
import type { Handler, HttpResponse } from '../../src/index.ts';
import { simulate } from '../../src/testing/simulated-server.ts';
import { type Client, get } from '../support/client.ts';
import { echo, startHandler } from '../support/serving.ts';
import { until } from '../support/until.ts';

const GRACE_MS = 500;

/** How coarse deadlines are, at most. */
const SLACK_MS = 300;

test('a new client and an idle one get a response during closing, which ends the connection', async () => {
  const { connect, server } = await startHandler(echo, { timeouts: { shutdownGraceMs: 10_000 } });
  const clients = await Promise.all(Array.from({ length: 40 }, connect));
  const [used = [], fresh = []] = [clients.slice(0, 10), clients.slice(10)];
  for (const client of used) await client.send(get('/before')).readResponse();
  const closing = server.close();
  await expect(until(() => connect().then(() => false), 'it accepts nobody')).rejects.toThrow('ECONNREFUSED');
  for (const client of [...used, ...fresh]) client.send(get('/after'));
  for (const client of [...used, ...fresh]) await expectLastResponse(client);
  await closing;
});

async function expectLastResponse(client: Client): Promise<void> {
  const answer = await client.readResponse();
  expect([answer.status, answer.field('connection')]).toEqual([200, 'close']);
  expect(await client.closed()).toBe('fin');
}

test('clients that wait to be accepted are accepted and answered', async () => {
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

test('an idle connection has shutdownGraceMs, then FIN', async () => {
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

/** Ways in which a server closes before the grace of its idle connections is over. */
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
  await until(() => server.stats().requests.handled === 2, 'both requests are there');
  await server.close(how);
  expect([await fresh.closed(), await used.closed(), await busy.closed()]).toEqual(['fin', 'fin', 'reset']);
});

test('requests that arrived before the server closes are served even without grace', async () => {
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

test('a connection whose response began before closing gets a response to its next request too', async () => {
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
  await until(() => streams.length === 1, 'the answer has begun');
  const closing = server.close();
  client.send(get('/next'));
  streams[0]?.end('b');
  expect((await client.readResponse()).text).toBe('ab');
  await expectLastResponse(client);
  await closing;
});

test('a client of HTTP/1.0 that keeps its connection hears that it ends', async () => {
  const { connect, server } = await startHandler(echo, { timeouts: { shutdownGraceMs: 10_000 } });
  const client = await connect();
  const request = 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n';
  expect((await client.send(request).readResponse()).field('connection')).toBe('keep-alive');
  const closing = server.close();
  client.send(request);
  await expectLastResponse(client);
  await closing;
});

test('a head that has begun is waited for', async () => {
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

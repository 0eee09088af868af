// Tests how a server starts, runs beside others, counts and closes.

import { expect, test } from 'vitest';
import { serve } from '../../src/index.ts';
import { BACK_END } from '../support/back-end.ts';
import { ask, connect, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { echo, start, startHandler } from '../support/serving.ts';
import { gate, until } from '../support/until.ts';

test('host, port, url and back end describe the server', async () => {
  const { server, port } = await startHandler(echo);
  expect(server).toMatchObject({ hostname: '127.0.0.1', port, backend: BACK_END.name });
  expect(server.url).toEqual(new URL(`http://127.0.0.1:${port}/`));
  expect(server.urls).toEqual([server.url]);
  expect(port).toBeGreaterThan(0);
});

test('a server listens on IPv6, on a host name, and on every address', async () => {
  const v6 = await startHandler(echo, { hostname: '::1' });
  expect([v6.server.url.href, v6.server.hostname]).toEqual([`http://[::1]:${v6.port}/`, '::1']);
  const client = await connect(v6.port, '::1');
  expect((await client.send(get('/6')).readResponse()).text).toBe('GET /6');
  const named = await startHandler(echo, { hostname: 'localhost' });
  expect(['127.0.0.1', '::1']).toContain(named.server.hostname);
  const all = await startHandler((request, response) => response.send(200, {}, request.remote.address), {
    hostname: '::',
  });
  expect((await ask(all.port, get('/'))).text).toBe('::ffff:127.0.0.1');
});

test('several servers in one process have their own handlers, counters and shutdown', async () => {
  const sites = await Promise.all(
    [0, 1, 2].map((i) => startHandler((_, response) => response.send(200, {}, `server ${i}`))),
  );
  for (const [i, { port }] of sites.entries()) {
    for (let j = 0; j <= i; j++) expect((await ask(port, get('/'))).text).toBe(`server ${i}`);
  }
  expect(sites.map(({ server }) => server.stats().requests.handled)).toEqual([1, 2, 3]);
  await sites[0]?.server.close();
  expect((await ask(sites[1]?.port ?? 0, get('/'))).text).toBe('server 1');
});

test('a closed server frees its port', async () => {
  const { server, port } = await startHandler(echo);
  await server.close();
  await expect(connect(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  const again = await startHandler(echo, { port });
  expect((await ask(again.port, get('/again'))).text).toBe('GET /again');
});

test('a port in use is ERR_LISTEN with a message', async () => {
  const { port } = await startHandler(echo);
  const second = serve({ port, handler: echo });
  await expect(second).rejects.toMatchObject({
    code: 'ERR_LISTEN',
    message: expect.stringContaining(`port ${port}: the port is in use`),
  });
});

test('an address of another machine and an unknown name are ERR_LISTEN', async () => {
  await expect(serve({ port: 0, hostname: '192.0.2.1', handler: echo })).rejects.toMatchObject({
    code: 'ERR_LISTEN',
    message: /192\.0\.2\.1/,
  });
  await expect(serve({ port: 0, hostname: 'unknown.invalid', handler: echo })).rejects.toMatchObject({
    code: 'ERR_LISTEN',
    message: /unknown\.invalid/,
  });
});

test('close ends idle connections, and answers requests in flight with Connection: close', async () => {
  const answer = gate();
  const { connect: join, server } = await startHandler(async (request, response) => {
    if (request.target === '/slow') await answer.opened;
    response.send(200, {}, 'answered');
  });
  const [idle, busy, silent] = await Promise.all([join(), join(), join()]);
  await idle.send(get('/')).readResponse();
  busy.send(get('/slow'));
  await until(() => server.stats().requests.handled === 2, 'both requests were handled');
  const closing = server.close();
  expect(server.close(), 'closing twice is the same').toBe(closing);
  expect(await idle.closed()).toBe('fin');
  expect(await silent.closed()).toBe('fin');
  await expect(join()).rejects.toThrow();
  answer.open();
  const last = await busy.readResponse();
  expect(last.text).toBe('answered');
  expect(last.field('connection')).toBe('close');
  expect(await busy.closed()).toBe('fin');
  await closing;
  expect(server.stats().connections.open).toBe(0);
});

test('close cuts off requests that do not end within shutdownTimeoutMs', async () => {
  const { connect: join, server } = await startHandler(() => new Promise(() => {}), { timeouts: { shutdownMs: 50 } });
  const client = await join();
  client.send(get('/'));
  await until(() => server.stats().requests.handled === 1, 'the request was handled');
  await server.close();
  expect(await client.closed()).toBe('reset');
});

test('close({ now: true }) aborts all connections, even while a graceful close is waiting', async () => {
  const { connect: join, server } = await startHandler(() => new Promise(() => {}));
  const client = await join();
  client.send(get('/'));
  await until(() => server.stats().requests.handled === 1, 'the request was handled');
  const inOrder = server.close();
  await server.close({ now: true });
  await inOrder;
  expect(await client.closed()).toBe('reset');
});

test('close called by a handler still sends the response of that handler', async () => {
  const { connect: join, server } = await startHandler((_, response) => {
    void server.close();
    response.send(200, {}, 'the last one');
  });
  const client = await join();
  expect((await client.send(get('/')).readResponse()).text).toBe('the last one');
  expect(await client.closed()).toBe('fin');
  await server.close();
});

test('the Server field has its default, another value, none, or the one of the application', async () => {
  const plain = await startHandler((request, response) =>
    response.send(200, request.target === '/own' ? { server: 'mine' } : {}),
  );
  expect((await ask(plain.port, get('/'))).field('server')).toBe('epoll-server');
  expect((await ask(plain.port, get('/own'))).field('server')).toBe('mine');
  const named = await startHandler(echo, { serverHeader: 'other/1.0' });
  expect((await ask(named.port, get('/'))).field('server')).toBe('other/1.0');
  const none = await startHandler(echo, { serverHeader: '' });
  expect((await ask(none.port, get('/'))).field('server')).toBeUndefined();
});

test('every response has the current date', async () => {
  const { port } = await startHandler(echo);
  const date = (await ask(port, get('/'))).field('date') ?? '';
  expect(new Date(date).toUTCString()).toBe(date);
  expect(Math.abs(Date.now() - Date.parse(date))).toBeLessThan(60_000);
});

test('stats count requests and bytes, and registrations do not grow with requests', async () => {
  const { connect: join, server } = await startHandler(echo);
  const client = await join();
  const request = get('/');
  let sent = 0;
  const first = await client.send(request).readResponse();
  const before = server.stats();
  for (let i = 0; i < 9; i++) await client.send(request).readResponse();
  sent = request.length * 10;
  const stats = server.stats();
  expect(stats).toMatchObject({
    connections: { open: 1, accepted: 1 },
    requests: { handled: 10, refused: 0, failed: 0, aborted: 0 },
    timeouts: { total: 0 },
  });
  expect(stats).toMatchObject({
    bytes: { received: sent },
    connections: { pauses: 0, failed: 0 },
    loop: { failedCloses: 0 },
  });
  expect(stats.bytes.sent).toBeGreaterThan(first.content.length * 10);
  expect(stats.systemCalls.registrations).toBe(before.systemCalls.registrations);
  expect(stats.systemCalls.sends - before.systemCalls.sends, 'one send per response').toBe(9);
  client.destroy();
  await until(() => server.stats().connections.open === 0, 'the client disconnected');
});

test('JavaScript is entered for requests, but not when no event is ready', async () => {
  const { connect: join, server } = await startHandler(echo);
  const client = await join();
  await client.send(get('/')).readResponse();
  const before = server.stats();
  for (let i = 0; i < 20; i++) await client.send(get('/')).readResponse();
  const stats = server.stats();
  const entries = stats.loop.entries - before.loop.entries;
  expect(stats.loop.turns - before.loop.turns).toBe(entries);
  // A host of libuv waits inside an entry, for the events of libuv too.
  if (BACK_END.hasDescriptor) expect(entries).toBe(20);
  else expect(entries).toBeGreaterThanOrEqual(20);
  expect(
    stats.systemCalls.waits - before.systemCalls.waits,
    'the kernel is polled before and after each entry',
  ).toBeGreaterThanOrEqual(entries);
});

test('a response from a file takes one turn', async () => {
  const root = await folder({ 'a.bin': Buffer.alloc(100_000, 'x') });
  const { connect: join, server } = await start({ static: root, limits: { maxCacheBytes: 0 } });
  const client = await join();
  const asked = async (): Promise<void> => {
    expect((await client.send(get('/a.bin')).readResponse()).content).toHaveLength(100_000);
  };
  await asked();
  const before = server.stats();
  for (let i = 0; i < 20; i++) await asked();
  const stats = server.stats();
  expect(stats.files.sendfileBytes - before.files.sendfileBytes).toBe(2_000_000);
  if (BACK_END.hasDescriptor) expect(stats.loop.turns - before.loop.turns).toBeLessThan(40);
});

test('a pipelined burst is answered with few sends', async () => {
  const { connect: join, server } = await startHandler(echo);
  const client = await join();
  client.send(get('/').repeat(100));
  for (let i = 0; i < 100; i++) await client.readResponse();
  expect(server.stats().systemCalls.sends).toBeLessThanOrEqual(10);
});

test('many concurrent clients all get responses', async () => {
  const { port, server } = await startHandler(echo);
  const answers = await Promise.all(Array.from({ length: 300 }, (_, i) => ask(port, get(`/${i}`))));
  expect(answers.map(({ text }) => text)).toEqual(Array.from({ length: 300 }, (_, i) => `GET /${i}`));
  await until(() => server.stats().connections.open === 0, 'all clients disconnected');
  expect(server.stats()).toMatchObject({ connections: { accepted: 300 }, requests: { handled: 300 } });
});

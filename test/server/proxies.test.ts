// Tests what a server believes of proxies: the client, scheme and host that trusted ones tell, in every adapter, the
// log and the limits; and nothing of what others say.

import { expect, onTestFinished, test } from 'vitest';
import type { Handler, ServeOptions, Server, WsgiApplication } from '../../src/index.ts';
import { loadApplication, serve } from '../../src/index.ts';
import { ask, type Client, connect, connectUnix, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { proxyHeaderOf } from '../support/proxy-headers.ts';
import { until } from '../support/until.ts';

async function start(options: Partial<ServeOptions>): Promise<{ server: Server; port: number }> {
  const server = await serve({ port: 0, ...options });
  onTestFinished(() => server.close({ now: true }));
  return { server, port: server.port ?? 0 };
}

const show: Handler = (request, response) => {
  const { remote, scheme, host } = request;
  response.send(200, {}, JSON.stringify([remote.address, remote.port, scheme, host, request.header('Host')]));
};

const FORWARDED = ['X-Forwarded-For: 6.6.6.6, 192.0.2.7', 'X-Forwarded-Proto: https', 'X-Forwarded-Host: a.example'];

const asWsgi: WsgiApplication = (environ, startResponse) => {
  startResponse('200 OK', []);
  const { REMOTE_ADDR, 'wsgi.url_scheme': scheme, HTTP_HOST } = environ;
  return JSON.stringify([REMOTE_ADDR, scheme, HTTP_HOST, { ...environ }['HTTP_HOST']]);
};

test('a raw handler sees the client that a trusted proxy tells', async () => {
  const { port } = await start({ handler: show, trustedProxies: 'loopback' });
  const seen = JSON.parse((await ask(port, get('/', ...FORWARDED))).text);
  expect(seen).toEqual(['192.0.2.7', 0, 'https', 'a.example', 'a.example']);
});

test('a fetch application sees it', async () => {
  const { port } = await start({
    trustedProxies: ['127.0.0.0/8'],
    fetch: (request, { remote }) => new Response([request.url, request.headers.get('host'), remote.address].join(' ')),
  });
  expect((await ask(port, get('/x', ...FORWARDED))).text).toBe('https://a.example/x a.example 192.0.2.7');
});

test('a WSGI-style application sees it', async () => {
  const { port } = await start({ wsgi: asWsgi, trustedProxies: '10.0.0.0/8,127.0.0.1' });
  const seen = JSON.parse((await ask(port, get('/', ...FORWARDED))).text);
  expect(seen).toEqual(['192.0.2.7', 'https', 'a.example', 'a.example']);
});

test('an application in a thread sees it', async () => {
  const root = await folder({
    'app.mjs': `export const application = ({ REMOTE_ADDR, HTTP_HOST, ...environ }, startResponse) => {
      startResponse('200 OK', []);
      return [REMOTE_ADDR, environ['wsgi.url_scheme'], HTTP_HOST].join(' ');
    };`,
  });
  const application = await loadApplication(`${root}/app.mjs`, { threads: 1 });
  onTestFinished(() => application.close());
  const { port } = await start({ handler: application, trustedProxies: 'loopback' });
  expect((await ask(port, get('/', ...FORWARDED))).text).toBe('192.0.2.7 https a.example');
});

test('rules apply to it, and a rewritten request still has it and its id', async () => {
  const { port } = await start({
    trustedProxies: 'loopback',
    requestIds: true,
    rules: { deny: '/private/** 192.0.2.7', rewrites: '/old -> /new' },
    fetch: ({ url }, { remote, requestId }) => new Response([url, remote.address, requestId].join(' ')),
  });
  expect((await ask(port, get('/private/x', ...FORWARDED))).status).toBe(403);
  expect((await ask(port, get('/private/x'))).status).toBe(200);
  const rewritten = await ask(port, get('/old', ...FORWARDED, 'X-Request-Id: one'));
  expect(rewritten.text).toBe('https://a.example/new 192.0.2.7 one');
});

test('virtual hosts go by it, and the access log has it', async () => {
  const lines: string[] = [];
  const { port } = await start({
    static: {
      root: await folder({ 'index.html': 'default' }),
      hosts: { 'a.example': await folder({ 'index.html': 'of a' }) },
    },
    trustedProxies: 'loopback',
    log: { access: (line) => lines.push(line) > 0 },
  });
  expect((await ask(port, get('/', ...FORWARDED))).text).toBe('of a');
  await until(() => lines.length === 1, 'it is logged');
  expect(lines[0]).toMatch(/^192\.0\.2\.7 - - /);
});

test.each([[[]], ['10.0.0.0/8'], ['unix'], ['::1']])(
  'without trust in it (%j), the fields are ignored',
  async (trustedProxies) => {
    const { port } = await start({ handler: show, trustedProxies });
    const client = await connect(port);
    const answer = await client.send(get('/', ...FORWARDED, 'Forwarded: for=192.0.2.9;proto=https')).readResponse();
    expect(JSON.parse(answer.text)).toEqual(['127.0.0.1', client.localPort, 'http', 'a', 'a']);
  },
);

test('Forwarded counts only where it is chosen, and X-Forwarded-For does not then', async () => {
  const { port } = await start({ handler: show, trustedProxies: 'loopback', proxyFields: 'forwarded' });
  const forwarded = 'Forwarded: for=6.6.6.6, for="[2001:db8::1]:99";proto=https;host=b.example';
  const both = JSON.parse((await ask(port, get('/', ...FORWARDED, forwarded))).text);
  expect(both).toEqual(['2001:db8::1', 99, 'https', 'b.example', 'b.example']);
  const client = await connect(port);
  const other = await client.send(get('/', ...FORWARDED)).readResponse();
  expect(JSON.parse(other.text)).toEqual(['127.0.0.1', client.localPort, 'http', 'a', 'a']);
});

test('clients of a trusted Unix domain socket are proxies', async () => {
  const path = `${await folder()}/a.sock`;
  for (const [trustedProxies, expected] of [
    ['loopback', '192.0.2.7'],
    ['unix', '192.0.2.7'],
    ['private', ''],
  ] as const) {
    const server = await serve({ listen: `unix:${path}`, handler: show, trustedProxies });
    const client = await connectUnix(path);
    const answer = await client.send(get('/', ...FORWARDED, 'Connection: close')).readResponse();
    expect([trustedProxies, JSON.parse(answer.text)[0]]).toEqual([trustedProxies, expected]);
    await server.close();
  }
});

test('the limit of one address does not hold for a trusted proxy', async () => {
  const limits = { maxConnectionsPerAddress: 1 };
  const { port } = await start({ handler: show, trustedProxies: 'loopback', limits });
  const clients = [await connect(port), await connect(port), await connect(port)];
  for (const client of clients) expect((await client.send(get('/')).readResponse()).status).toBe(200);
});

const { line, binary } = proxyHeaderOf;
const V1 = line('TCP4 192.0.2.1 192.0.2.2 56324 80');
const V2 = binary(0x21, 0x11, [192, 0, 2, 1, 192, 0, 2, 2, 0xdc, 0x04, 0, 80]);

async function startProxied(options: Partial<ServeOptions> = {}): Promise<{ server: Server; port: number }> {
  const listen = '127.0.0.1:0?proxy';
  const server = await serve({ listen, handler: show, trustedProxies: 'loopback', ...options });
  onTestFinished(() => server.close({ now: true }));
  return { server, port: server.port ?? 0 };
}

async function remoteOf(client: Client): Promise<unknown> {
  const [address, port] = JSON.parse((await client.readResponse()).text);
  return [address, port];
}

test.each([
  ['version 1', V1],
  ['version 2', V2],
])('PROXY %s tells the client, in one segment with the request', async (_name, header) => {
  const { port } = await startProxied();
  const client = await connect(port);
  client.send(Buffer.concat([header, Buffer.from(get('/'))]));
  expect(await remoteOf(client)).toEqual(['192.0.2.1', 56_324]);
  client.send(get('/'));
  expect(await remoteOf(client), 'of the next request too').toEqual(['192.0.2.1', 56_324]);
});

test.each([
  ['version 1', V1],
  ['version 2', V2],
])('PROXY %s may arrive in pieces, cut anywhere', async (_name, header) => {
  const { port } = await startProxied();
  const bytes = Buffer.concat([header, Buffer.from(get('/', 'Connection: close'))]);
  const clients = await Promise.all(
    Array.from({ length: header.length + 2 }, async (_, at) => {
      const client = await connect(port);
      await client.send(bytes.subarray(0, at)).flushed();
      return client;
    }),
  );
  for (const [at, client] of clients.entries()) {
    client.send(bytes.subarray(at));
    expect(await remoteOf(client), `cut at ${at}`).toEqual(['192.0.2.1', 56_324]);
  }
});

test.each([
  ['UNKNOWN', line('UNKNOWN')],
  ['LOCAL', binary(0x20, 0, [])],
])('PROXY %s leaves the address of the connection', async (_name, header) => {
  const { port } = await startProxied();
  const client = await connect(port);
  client.send(Buffer.concat([header, Buffer.from(get('/'))]));
  expect(await remoteOf(client)).toEqual(['127.0.0.1', client.localPort]);
});

test('the client of a PROXY header may itself be a trusted proxy', async () => {
  const { port } = await startProxied({ trustedProxies: 'loopback,192.0.2.0/24' });
  const client = await connect(port);
  client.send(Buffer.concat([V1, Buffer.from(get('/', 'X-Forwarded-For: 198.51.100.1'))]));
  expect(await remoteOf(client)).toEqual(['198.51.100.1', 0]);
});

test('a connection without a header, or from elsewhere, is closed and counted; its request is not served', async () => {
  const { server, port } = await startProxied();
  const client = await connect(port);
  expect([await client.send(get('/')).closed(), client.received.length]).toEqual(['fin', 0]);
  expect(server.stats().connections.unproxied).toBe(1);
  const distrusting = await startProxied({ trustedProxies: '10.0.0.0/8' });
  const stranger = await connect(distrusting.port);
  stranger.send(Buffer.concat([V1, Buffer.from(get('/'))]));
  await stranger.closed();
  expect(stranger.received.length).toBe(0);
  expect(distrusting.server.stats()).toMatchObject({ connections: { unproxied: 1 }, requests: { handled: 0 } });
});

test('a header that does not arrive in time ends its connection', async () => {
  const { server, port } = await startProxied({ timeouts: { headerMs: 100 } });
  const silent = await connect(port);
  const slow = await connect(port);
  slow.send(V1.subarray(0, 10));
  expect([await silent.closed(), await slow.closed()]).toEqual(['fin', 'fin']);
  expect(server.stats().connections.unproxied).toBe(2);
});

test('when the server closes, a header that is on its way and its request still count', async () => {
  const { server, port } = await startProxied({ timeouts: { shutdownGraceMs: 10_000 } });
  const [silent, slow] = [await connect(port), await connect(port)];
  await slow.send(V2.subarray(0, 10)).flushed();
  await until(() => server.stats().connections.accepted === 2 && server.stats().bytes.received === 10, 'both wait');
  const closing = server.close();
  silent.send(Buffer.concat([V1, Buffer.from(get('/'))]));
  slow.send(Buffer.concat([V2.subarray(10), Buffer.from(get('/'))]));
  for (const client of [silent, slow]) expect(await remoteOf(client)).toEqual(['192.0.2.1', 56_324]);
  await closing;
  expect(server.stats().connections.unproxied).toBe(0);
});

test('when the server closes, a client without a header is closed after the grace, and not counted', async () => {
  const { server, port } = await startProxied({ timeouts: { shutdownGraceMs: 50, shutdownMs: 86_400_000 } });
  const silent = await connect(port);
  await until(() => server.stats().connections.accepted === 1, 'it is accepted');
  await server.close();
  expect(await silent.closed()).toBe('fin');
  expect(server.stats().connections.unproxied).toBe(0);
});

test('the limit of one address counts the clients behind the proxy', async () => {
  const { server, port } = await startProxied({ limits: { maxConnectionsPerAddress: 2 } });
  const dial = async (header: Buffer): Promise<Client> =>
    (await connect(port)).send(Buffer.concat([header, Buffer.from(get('/'))]));
  const first = await dial(V1);
  expect(await remoteOf(first)).toEqual(['192.0.2.1', 56_324]);
  expect((await (await dial(V2)).readResponse()).status).toBe(200);
  const third = await dial(V1);
  expect((await third.readResponse()).status).toBe(503);
  expect((await (await dial(line('TCP4 192.0.2.9 192.0.2.2 1 80'))).readResponse()).status).toBe(200);
  expect(server.stats().connections.refused).toBe(1);
  first.destroy();
  await until(async () => {
    const next = await dial(V1);
    const { status } = await next.readResponse();
    next.destroy();
    return status === 200;
  }, 'the connection that is closed no longer counts');
});

test.each([
  ['10.0.0.0/33', '"10.0.0.0/33"'],
  ['::/129', '"::/129"'],
  ['10.0.0', '"10.0.0"'],
  ['10.0.0.0/', '"10.0.0.0/"'],
  ['10.0.0.0/8, localhost', '"localhost"'],
  ['fe80::1%eth0', '"fe80::1%eth0"'],
])('%s is no network', async (trustedProxies, shown) => {
  await expect(serve({ port: 0, handler: show, trustedProxies })).rejects.toThrow(
    `trustedProxies must be addresses such as 192.0.2.7, networks such as 10.0.0.0/8 or 2001:db8::/32, or one of all, loopback, private, unix, not ${shown}`,
  );
});

test('a listener with proxy needs trusted proxies', async () => {
  await expect(serve({ listen: '127.0.0.1:0?proxy', handler: show })).rejects.toThrow(
    'listen has 127.0.0.1:0 with proxy, and no proxy is trusted: name it in trustedProxies, as in 10.0.0.0/8',
  );
});

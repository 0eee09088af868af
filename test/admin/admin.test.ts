// Tests the admin listener of a server: probes, metrics and the status, and what of it the public listener shows.

import { writeFile } from 'node:fs/promises';
import { connect as connectTls } from 'node:tls';
import { expect, onTestFinished, test, vi } from 'vitest';
import { metricsText } from '../../src/admin/metrics-text.ts';
import { RequestMetrics, STATUS_CLASSES } from '../../src/exchange/request-metrics.ts';
import { SERVED_BY, SERVED_BY_NAMES } from '../../src/http/served-by.ts';
import type { Handler, ServeOptions, Server, WsgiApplication } from '../../src/index.ts';
import { loadApplication, mount, serve } from '../../src/index.ts';
import { ownPair } from '../support/certificates.ts';
import { ask, Client, connect, connectUnix, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import type { Answer } from '../support/response.ts';
import { until } from '../support/until.ts';

async function start(options: Partial<ServeOptions>): Promise<{ server: Server; port: number; admin: number }> {
  const server = await serve({ port: 0, admin: '127.0.0.1:0', ...options });
  onTestFinished(() => server.close({ now: true }));
  return { server, port: server.port ?? 0, admin: Number(server.adminUrl?.port) };
}

const handler: Handler = (request, response) => {
  if (request.path === '/throw') throw new Error('on purpose');
  response.send(request.path === '/none' ? 404 : 200, {}, 'ok');
};

const answerAsWsgi: WsgiApplication = (_environ, startResponse) => {
  startResponse('200 OK', []);
  return 'ok';
};

const silent = { error: () => {} };

/** The samples of a text in OpenMetrics, by name and labels. */
function samplesOf(text: string): ReadonlyMap<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

async function metrics(admin: number): Promise<ReadonlyMap<string, number>> {
  return samplesOf((await ask(admin, get('/metrics'))).text);
}

test('responses are counted by adapter and status class, and their durations in buckets', async () => {
  const root = await folder({ 'a.txt': 'a file' });
  const { port, admin } = await start({ static: root, handler, log: silent });
  for (const path of ['/a.txt', '/', '/', '/none', '/throw']) await ask(port, get(path));
  await ask(port, 'nonsense\r\n\r\n');
  const found = await metrics(admin);
  const responses = (adapter: string, status: string): number | undefined =>
    found.get(`epoll_server_responses_total{adapter="${adapter}",class="${status}"}`);
  expect([responses('files', '2xx'), responses('raw', '2xx')]).toEqual([1, 2]);
  expect([responses('raw', '4xx'), responses('raw', '5xx'), responses('none', '4xx')]).toEqual([1, 1, 1]);
  expect(found.get('epoll_server_request_duration_seconds_count{adapter="raw"}')).toBe(4);
  expect(found.get('epoll_server_request_duration_seconds_bucket{adapter="raw",le="+Inf"}')).toBe(4);
  expect(found.get('epoll_server_refused_total{kind="requests"}')).toBe(1);
  expect(found.get('epoll_server_connections_accepted_total')).toBe(6);
  expect(found.get('epoll_server_ready')).toBe(1);
});

test('a status beyond 599, which node:http permits, counts as 5xx of its adapter', () => {
  const counted = new RequestMetrics(() => 0);
  for (const status of [599, 600, 999]) counted.answered(SERVED_BY.NODE, status, 0);
  const expected = SERVED_BY_NAMES.map((_, at) =>
    STATUS_CLASSES.map((name) => (at === SERVED_BY.NODE && name === '5xx' ? 3 : 0)),
  );
  expect(counted.counts.responses).toEqual(expected);
});

test.each([
  ['fetch', { fetch: () => new Response('ok') }],
  ['wsgi', { wsgi: answerAsWsgi }],
] satisfies readonly (readonly [string, Partial<ServeOptions>])[])(
  'the adapter %s has its label',
  async (name, app) => {
    const { port, admin } = await start(app);
    await ask(port, get('/'));
    expect((await metrics(admin)).get(`epoll_server_responses_total{adapter="${name}",class="2xx"}`)).toBe(1);
  },
);

test('handshakes are counted, and a rewritten request by what handled it', async () => {
  const rules = { rewrites: '/old -> /new' };
  const { port, admin } = await start({ tls: ownPair(), rules, fetch: () => new Response('ok') });
  const secure = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
  onTestFinished(() => void secure.destroy());
  expect((await new Client(secure).send(get('/old')).readResponse()).text).toBe('ok');
  expect((await ask(port, get('/'))).status).toBe(400);
  const found = await metrics(admin);
  expect(found.get('epoll_server_responses_total{adapter="fetch",class="2xx"}')).toBe(1);
  expect(found.get('epoll_server_tls_handshakes_total{resumed="false"}')).toBe(1);
  expect(found.get('epoll_server_tls_failures_total{reason="plaintext"}')).toBe(1);
});

test('connections are counted by state', async () => {
  const { port, admin } = await start({
    handler: (request, response) => void (request.path === '/' && response.send(200)),
  });
  const [idle, busy] = [await connect(port), await connect(port)];
  await idle.send(get('/')).readResponse();
  busy.send(get('/never'));
  const states = async (): Promise<unknown> => {
    const found = await metrics(admin);
    return ['active', 'idle', 'lingering'].map((state) => found.get(`epoll_server_connections{state="${state}"}`));
  };
  await until(async () => JSON.stringify(await states()) === '[1,1,0]', 'one is active and one is idle');
});

test('the text is what OpenMetrics asks for: units in names, cumulative buckets, an end', async () => {
  const { port, admin } = await start({ handler });
  await ask(port, get('/'));
  const answer = await ask(admin, get('/metrics'));
  expect(answer.field('content-type')).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
  expect(answer.text.endsWith('\n# EOF\n')).toBe(true);
  const types = new Map(
    [...answer.text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]),
  );
  expect(types.size).toBe([...answer.text.matchAll(/^# TYPE /gm)].length);
  for (const [, name = '', unit = ''] of answer.text.matchAll(/^# UNIT (\S+) (\S+)$/gm))
    expect(name.endsWith(`_${unit}`), name).toBe(true);
  for (const [sample] of samplesOf(answer.text)) {
    const name = sample.replace(/\{.*/, '');
    const family = [...types.keys()].find(
      (each) =>
        name === each || (/^_(?:total|info|bucket|count|sum)$/.test(name.slice(each.length)) && name.startsWith(each)),
    );
    expect(family, sample).toBeDefined();
    expect(types.get(family ?? '') === 'counter', sample).toBe(name.endsWith('_total'));
  }
  const buckets = [...answer.text.matchAll(/duration_seconds_bucket\{adapter="raw",le="[^"]+"\} (\d+)/g)].map(
    ([, count]) => Number(count),
  );
  expect(buckets).toEqual([...buckets].sort((a, b) => a - b));
  expect(metricsText(null, false)).toMatch(/epoll_server_ready 0\n[\s\S]*# EOF\n$/);
});

test('a server that drains is alive and not ready, and its listener goes on', async () => {
  const { server, port, admin } = await start({ handler, timeouts: { drainDelayMs: 86_400_000 } });
  const probe = async (path: string): Promise<unknown> => {
    const { status, text } = await ask(admin, get(path));
    return [status, text];
  };
  expect([await probe('/livez'), await probe('/readyz')]).toEqual([
    [200, 'ok\n'],
    [200, 'ok\n'],
  ]);
  const closing = server.close();
  expect([await probe('/livez'), await probe('/readyz')]).toEqual([
    [200, 'ok\n'],
    [503, 'draining\n'],
  ]);
  expect((await ask(port, get('/'))).field('connection')).toBe('close');
  await server.close({ now: true });
  await closing;
  await expect(connect(admin)).rejects.toThrow('ECONNREFUSED');
});

test('a server without room for another connection is not ready', async () => {
  const { port, admin } = await start({ handler, limits: { maxConnections: 1 } });
  const client = await connect(port);
  await client.send(get('/')).readResponse();
  expect((await ask(admin, get('/readyz'))).text).toBe('full\n');
  client.destroy();
  await until(async () => (await ask(admin, get('/readyz'))).status === 200, 'there is room');
});

const WAITING_APPLICATION = `import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
export async function fetch() {
  while (!existsSync(new URL('go', import.meta.url))) await sleep(10);
  return new Response('done');
}`;

test('a server whose queue for threads is full is not ready, wherever the application is', async () => {
  const root = await folder({ 'app.mjs': WAITING_APPLICATION });
  const application = await loadApplication(`${root}/app.mjs`, { threads: 1, limits: { maxOffloadQueue: 1 } });
  onTestFinished(() => application.close());
  const { port, admin } = await start({
    static: await folder({ 'index.html': 'home' }),
    handler: mount({ '/api': application }),
    rules: { headers: ['/**: X-Y: z'] },
  });
  const ready = async (): Promise<string> => (await ask(admin, get('/readyz'))).text;
  const running = (await connect(port)).send(get('/api'));
  expect(await ready()).toBe('ok\n');
  const waiting = (await connect(port)).send(get('/api'));
  await until(async () => (await ready()) === 'full\n', 'it is full');
  await writeFile(`${root}/go`, '');
  for (const client of [running, waiting]) expect((await client.readResponse()).text).toBe('done');
  expect(await ready()).toBe('ok\n');
});

test('the status is a page for browsers, and JSON for programs', async () => {
  const { port, admin } = await start({ handler });
  await ask(port, get('/'));
  const json = await ask(admin, get('/status'));
  expect(json.field('content-type')).toBe('application/json');
  expect(JSON.parse(json.text)).toMatchObject({
    ready: true,
    pid: process.pid,
    listeners: [`http://127.0.0.1:${port}/`],
    counters: { requests: { handled: 1 } },
    gauges: { serving: 1 },
  });
  const page = await ask(admin, get('/status', 'Accept: text/html,*/*;q=0.8'));
  expect(page.text).toMatch(/<h1>epoll-server <span class="state good">ready<\/span><\/h1>/);
  expect(page.text).not.toMatch(/<script|https?:\/\/(?!127)/);
});

test('the public listener shows none of it, and the admin listener nothing else', async () => {
  const { port, admin } = await start({ static: await folder({ 'index.html': 'home' }) });
  const statuses = async (at: number, paths: readonly string[]): Promise<readonly number[]> =>
    Promise.all(paths.map(async (path) => (await ask(at, get(path))).status));
  expect(await statuses(port, ['/livez', '/readyz', '/metrics', '/status'])).toEqual([404, 404, 404, 404]);
  expect(await statuses(admin, ['/index.html', '/metrics/', '/../status'])).toEqual([404, 404, 404]);
  expect((await ask(admin, get('/metrics').replace('GET', 'POST'))).status).toBe(405);
});

test('it listens on a Unix domain socket too, and removes it', async () => {
  const path = `${await folder()}/admin.sock`;
  const server = await serve({ port: 0, handler, admin: { path, mode: 0o600 } });
  const client = await connectUnix(path);
  const answer: Answer = await client.send(get('/readyz', 'Connection: close')).readResponse();
  expect(answer.status).toBe(200);
  await server.close();
  await expect(connectUnix(path)).rejects.toThrow('ENOENT');
});

test('an address that others can reach is warned of in words', async () => {
  const lines: string[] = [];
  const write = vi.spyOn(process.stderr, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
  onTestFinished(() => write.mockRestore());
  const server = await serve({ port: 0, handler, admin: '0.0.0.0:0' });
  onTestFinished(() => server.close());
  await start({ handler });
  expect(lines).toEqual([
    `epoll-server: the admin listener ${server.adminUrl} can be reached from other networks: it shows what this server does, without a password\n`,
  ]);
});

test.each(['9901', 'nonsense', ['127.0.0.1:1', '127.0.0.1:2'], 7])('%j is no admin address', async (admin) => {
  // Checked at run time.
  const options = { port: 0, handler, admin: admin as string };
  await expect(serve(options)).rejects.toThrow(/^admin must be HOST:PORT, .*, not /);
});

test('an admin address in use is one clear error, and nothing is left listening', async () => {
  const { admin } = await start({ handler });
  await expect(serve({ port: 0, handler, admin: `127.0.0.1:${admin}` })).rejects.toThrow(/cannot listen on .* in use/);
});

test('requests are not measured without an admin listener', async () => {
  const server = await serve({ port: 0, handler });
  onTestFinished(() => server.close());
  expect(server.adminUrl).toBeUndefined();
  expect(server).toMatchObject({ measured: null });
});

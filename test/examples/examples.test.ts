// Tests every example: runs it as its first line describes, and checks its responses.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import type { Handler, WsgiApplication } from '../../src/index.ts';
import { wsgi, wsgiValidator } from '../../src/wsgi.ts';
import { ask, connect, get, post } from '../support/client.ts';
import { portOf, REPOSITORY, startCommand, startProgram } from '../support/program.ts';
import { startHandler } from '../support/serving.ts';

/** The responses of each application. */
const RESPONSES: Readonly<Record<string, readonly (readonly [string, object])[]>> = {
  'hello-wsgi.js': [[get('/x'), { status: 200, text: 'Hello from /x\n' }]],
  'hello-fetch.js': [[get('/x?y'), { status: 200, text: 'Hello from /x\n' }]],
  'hono.js': [
    [get('/'), { status: 200, text: 'Hello from Hono\n' }],
    [get('/users/me'), { status: 200, text: '{"name":"me"}' }],
    [post('/echo', 'abc'), { status: 200, text: 'abc' }],
    [get('/nowhere'), { status: 404 }],
  ],
  'h3.js': [
    [get('/'), { status: 200, text: 'Hello from h3\n' }],
    [get('/users/me'), { status: 200, text: '{\n  "name": "me"\n}' }],
    [post('/echo', 'abc'), { status: 200, text: 'abc' }],
    [get('/nowhere'), { status: 404 }],
  ],
  'express.js': [
    [get('/'), { status: 200, text: 'Hello from Express\n' }],
    [get('/users/me'), { status: 200, text: '{"name":"me"}' }],
    [post('/echo', '{"a":1}', 'Content-Type: application/json'), { status: 200, text: '{"a":1}' }],
    [get('/nowhere'), { status: 404 }],
  ],
  'koa.js': [[get('/x'), { status: 200, text: 'Hello from Koa at /x\n' }]],
  'fastify.js': [
    [get('/'), { status: 200, text: 'Hello from Fastify\n' }],
    [get('/users/me'), { status: 200, text: '{"name":"me"}' }],
    [get('/nowhere'), { status: 404 }],
  ],
  'upload.js': [
    [
      post('/', 'abc'),
      {
        status: 200,
        text: '{"bytes":3,"sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}',
      },
    ],
    [get('/'), { status: 405 }],
  ],
};

test.each(Object.entries(RESPONSES))('examples/%s', async (file, responses) => {
  const program = startCommand(['0', `examples/${file}`, '--no-access-log']);
  const client = await connect(await portOf(program));
  for (const [request, response] of responses) {
    const got = await client.send(request).readResponse();
    const json = typeof Object(response).text === 'string' && got.text.startsWith('{');
    expect(json ? { ...got, text: JSON.parse(got.text) } : got).toMatchObject(
      json ? { ...response, text: JSON.parse(Object(response).text) } : response,
    );
  }
  expect(program.stderr).toBe('');
});

test('examples/server-sent-events.js runs until the client disconnects', async () => {
  const program = startCommand(['0', 'examples/server-sent-events.js', '--no-access-log']);
  const client = await connect(await portOf(program));
  client.send(get('/?every=10'));
  expect(await client.readUntil('\r\n\r\n')).toContain('text/event-stream');
  for (let i = 0; i < 3; i++) expect(await client.readUntil('\n\n')).toMatch(/data: \d{4}-/);
  client.reset();
  program.signal('SIGTERM');
  expect(await program.ended()).toBe(0);
  expect(program.stderr).toBe('');
});

/** The milliseconds of each timer that the example starts for a query. */
async function timersOf(...queries: readonly string[]): Promise<readonly number[]> {
  const every: number[] = [];
  const { default: application } = await import(join(REPOSITORY, 'examples/server-sent-events.js'));
  const spy = vi.spyOn(globalThis, 'setInterval').mockImplementation((_callback, ms) => {
    every.push(Number(ms));
    return setTimeout(() => {}, 0);
  });
  for (const query of queries) await application.fetch({ url: `http://a/?every=${query}` }).body.cancel();
  spy.mockRestore();
  return every;
}

test('examples/server-sent-events.js keeps within its limits for any query', async () => {
  expect(await timersOf('9e9', '1e308', 'Infinity', '2147483648')).toEqual([30_000, 30_000, 30_000, 30_000]);
  expect(await timersOf('-1', '-9e9', '1e-9', '-Infinity')).toEqual([10, 10, 10, 10]);
  expect(await timersOf('NaN', 'x', '', '0', '100')).toEqual([1_000, 1_000, 1_000, 1_000, 100]);
});

test('examples/conformance.js limits the numbers of queries', async () => {
  const program = startProgram(process.execPath, ['examples/conformance.js', '0', 'html']);
  const port = Number(await program.announced(/:(\d+)\//));
  for (const number of ['-1', '-9e99', 'NaN', 'x', '-Infinity']) {
    expect((await ask(port, get(`/bytes?n=${number}`))).text).toBe('');
    expect((await ask(port, get(`/slow?ms=${number}`))).text).toBe('slow\n');
  }
  expect((await ask(port, get('/bytes?n=2.9'))).text).toBe('xx');
});

test('examples/fixed-page.js', async () => {
  const program = startProgram(process.execPath, ['examples/fixed-page.js', '0']);
  const port = Number(await program.announced(/:(\d+)\//));
  expect(await ask(port, get('/any'))).toMatchObject({ status: 200, text: expect.stringContaining('never changes') });
});

test('examples/server.js', async () => {
  const program = startProgram(process.execPath, ['examples/server.js']);
  await program.announced(/(http\S+ http\S+ http\S+ http\S+)\n/);
  const [files, app, web, raw] = [...program.stdout.matchAll(/:(\d+)\//g)].map(([, port]) => Number(port));
  expect((await ask(files ?? 0, get('/'))).status).toBe(200);
  expect((await ask(app ?? 0, get('/x'))).text).toBe('Hello from /x\n');
  expect((await ask(web ?? 0, get('/x'))).text).toBe('{"url":"http://a/x"}');
  expect((await ask(raw ?? 0, get('/x'))).text).toBe('You asked for /x\n');
});

test('examples/echo-upgrade.js', async () => {
  const { default: handler }: { default: Handler } = await import(join(REPOSITORY, 'examples/echo-upgrade.js'));
  const { connect: enter, port } = await startHandler(handler);
  expect(await ask(port, get('/'))).toMatchObject({ status: 426 });
  const client = await enter();
  client.send(`${get('/', 'Connection: Upgrade', 'Upgrade: capitals')}hello\nbye\nnever\n`);
  expect((await client.readResponse()).status).toBe(101);
  expect((await client.readAll()).toString()).toBe('HELLO\nBYE\n');
});

test('examples/websocket.js', async () => {
  const program = startProgram(process.execPath, ['examples/websocket.js', '0']);
  const port = Number(await program.announced(/:(\d+)\//));
  expect(await ask(port, get('/'))).toMatchObject({ status: 426 });
  const client = await connect(port);
  client.send(
    get(
      '/',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${'A'.repeat(22)}==`,
    ),
  );
  expect((await client.readResponse()).status).toBe(101);
  // A masked text frame of "hi" with the mask 0, which comes back unmasked (RFC 6455 section 5.2).
  client.send(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]));
  expect(await client.readUntil('hi')).toBe('\x81\x02hi');
});

test('every example has a test', () => {
  // Nest and socket.io are large: `npm run check:package` installs and tests them.
  // conformance.js is the target of test/tools/conformance; mini-framework is tested in test/browser.
  const others = [
    'conformance.js',
    'echo-upgrade.js',
    'simulated.js',
    'server-sent-events.js',
    'fixed-page.js',
    'server.js',
    'mini-framework',
    'nest.js',
    'socket-io.js',
    'websocket.js',
  ];
  expect(readdirSync(join(REPOSITORY, 'examples')).sort()).toEqual([...Object.keys(RESPONSES), ...others].sort());
});

test('examples/hello-wsgi.js passes the validator', async () => {
  const { application }: { application: WsgiApplication } = await import(join(REPOSITORY, 'examples/hello-wsgi.js'));
  const { port } = await startHandler(wsgi(wsgiValidator(application)));
  expect(await ask(port, get('/x'))).toMatchObject({ status: 200, text: 'Hello from /x\n' });
});

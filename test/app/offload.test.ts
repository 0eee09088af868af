// Tests that an application works in pool threads as in the loop's thread, and that the end of a thread affects its own
// request only. The pool needs the built files, because its threads load no TypeScript.

import { fileURLToPath } from 'node:url';
import { MessageChannel } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { RemoteRequest } from '../../src/app/offload/remote-request.ts';
import { ask, type Client, connect, get, post } from '../support/client.ts';
import { type Program, portOf, startCommand } from '../support/program.ts';
import { pause, until } from '../support/until.ts';

const MODULE = fileURLToPath(new URL('applications/offloaded.mjs', import.meta.url));

interface Pool {
  readonly program: Program;
  readonly port: number;
  connect(): Promise<Client>;
}

async function startPool(threads: number, ...flags: readonly string[]): Promise<Pool> {
  const program = startCommand(['0', `${MODULE}:default`, '--offload', String(threads), '--no-access-log', ...flags]);
  const port = await portOf(program);
  return { program, port, connect: () => connect(port) };
}

test('an application in a thread gets the whole request', async () => {
  const { connect, program } = await startPool(2);
  const client = await connect();
  expect(Number((await client.send(get('/thread')).readResponse()).text)).toBeGreaterThan(0);
  const echoed = await client.send(post('/echo', 'abc', 'X-Y: z')).readResponse();
  expect(echoed).toMatchObject({ status: 200, text: 'POST z abc', framing: 'length' });
  expect((await client.send(get('/echo')).readResponse()).text).toBe('GET null ');
  program.signal('SIGTERM');
  expect(await program.ended()).toBe(0);
  expect(program.stderr).toBe('');
});

test('a thread that is busy after its response ends with the server, without an error', async () => {
  const lingering = fileURLToPath(new URL('applications/lingering.mjs', import.meta.url));
  const program = startCommand(['0', lingering, '--adapter', 'raw', '--offload', '1', '--no-access-log']);
  expect((await ask(await portOf(program), get('/'))).text).toBe('answered');
  program.signal('SIGTERM');
  expect(await program.ended()).toBe(0);
  expect(program.stderr).toBe('');
});

test('a WSGI-style application gets wsgi.multithread true', async () => {
  const program = startCommand(['0', `${MODULE}:application`, '--offload', '1', '--no-access-log']);
  expect((await ask(await portOf(program), get('/x'))).text).toBe('/x false true');
});

test('in a thread, the scheme is that of the connection, and no Proxy key exists', async () => {
  const { port } = await startPool(1);
  expect((await ask(port, get('https://bank:443/url'))).text).toBe('http://bank:443/url');
  const program = startCommand(['0', `${MODULE}:variables`, '--adapter', 'wsgi', '--offload', '1', '--no-access-log']);
  expect((await ask(await portOf(program), get('/', 'Proxy: http://evil/'))).text).toBe('undefined HTTP_HOST');
});

test('a body beyond the limit of a handler in a thread is rejected', async () => {
  const endpoint = { address: '127.0.0.1', port: 1 };
  const { port1, port2 } = new MessageChannel();
  const request = new RemoteRequest(
    {
      ...{
        method: 'POST',
        target: '/',
        path: '/',
        query: '',
        host: 'a',
        httpVersion: '1.1',
        scheme: 'http',
        tls: null,
      },
      ...{ fields: [], remote: endpoint, local: endpoint, bodyLength: 4, id: '' },
    },
    port1,
  );
  const read = request.body.text(3);
  request.receive({ type: 'piece', piece: new Uint8Array(4), trailers: [] });
  await expect(read).rejects.toMatchObject({ code: 'ERR_BODY_TOO_LARGE', message: 'the body has more than 3 bytes' });
  port1.close();
  port2.close();
});

test('request and response bodies are streamed at the client’s pace', async () => {
  const { connect } = await startPool(1);
  const client = await connect();
  const body = 'x'.repeat(3_000_000);
  expect((await client.send(post('/count', body)).readResponse()).text).toBe('3000000');
  client.send(get('/stream'));
  client.socket.pause();
  await pause(50);
  client.socket.resume();
  expect((await client.readResponse()).content.equals(Buffer.alloc(10_000_000, 'a'))).toBe(true);
});

test('a handler that throws gets 500, and the stack trace of the thread is logged', async () => {
  const { port, program } = await startPool(1);
  expect((await ask(port, get('/throw'))).status).toBe(500);
  expect((await ask(port, get('/nothing'))).status).toBe(500);
  await until(() => program.stderr.split('\n').length > 2, 'both errors are logged');
  expect(program.stderr).toMatch(/GET \/throw: Error: boom in the thread \| at .*offloaded\.mjs/);
  expect(program.stderr).toContain('it must return a Response, not undefined');
});

test.each([['/exit'], ['/crash']])('a thread that ends by %s is replaced, and its request gets 500', async (path) => {
  const { port, program } = await startPool(1);
  const before = (await ask(port, get('/thread'))).text;
  expect((await ask(port, get(path))).status).toBe(500);
  expect((await ask(port, get('/thread'))).text).not.toBe(before);
  expect(program.stderr.trim().split('\n')).toHaveLength(1);
});

test('a thread that ends during a response cuts off its own response only', async () => {
  const { connect, port } = await startPool(2);
  const client = await connect();
  const other = await connect();
  other.send(get('/burn?ms=1000'));
  client.send('POST /half HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n');
  await client.readUntil('\r\na\r\n');
  client.send('x');
  await client.closed();
  expect(client.received.toString('latin1')).not.toContain('0\r\n\r\n');
  expect((await other.readResponse()).text).toBe('burnt');
  expect((await ask(port, get('/thread'))).status).toBe(200);
});

test('the signal aborts in the thread when the client disconnects', async () => {
  const { connect, port, program } = await startPool(1);
  const client = await connect();
  client.send(get('/wait'));
  // A client that disconnects earlier is not served at all.
  await until(() => program.stdout.includes('waiting'), 'the handler runs');
  client.reset();
  await until(async () => (await ask(port, get('/aborted'))).text === '1', 'the signal aborted');
});

test('FIN of a client aborts the signal in the thread, and the response is still sent', async () => {
  const { connect } = await startPool(1);
  const [first, second] = [await connect(), await connect()];
  first.send(get('/burn?ms=1500'));
  await first.flushed();
  second.send(get('/wait')).finish();
  expect((await first.readResponse()).text).toBe('burnt');
  expect((await second.readResponse()).text).toBe('too late');
  expect((await first.send(get('/wait')).finish().readResponse()).text).toBe('too late');
});

test('a client that disconnects while queued is not served', async () => {
  const { connect, port } = await startPool(1);
  const [first, second] = [await connect(), await connect()];
  first.send(get('/burn?ms=1000'));
  await pause(50);
  second.send(get('/exit'));
  await pause(50);
  second.reset();
  expect((await first.readResponse()).text).toBe('burnt');
  expect((await ask(port, get('/thread'))).status).toBe(200);
});

test('a client that disconnects before its thread has started ends no thread', async () => {
  const { connect, port } = await startPool(1);
  const thread = (await ask(port, get('/thread'))).text;
  expect((await ask(port, get('/burn-later'))).text).toBe('later');
  // The thread has no request and is still busy, so it receives the next one later.
  await pause(100);
  const client = await connect();
  client.send(get('/exit'));
  await pause(100);
  client.reset();
  expect((await ask(port, get('/thread'))).text).toBe(thread);
});

test('a full queue is a 503', async () => {
  const { connect } = await startPool(1, '--max-offload-queue', '1');
  const clients = await Promise.all([connect(), connect(), connect()]);
  for (const client of clients) client.send(get('/burn?ms=2000'));
  // The request that is read last finds one in the thread and one in the queue.
  const answers = await Promise.all(clients.map((client) => client.readResponse()));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 503]);
  const refused = answers.find(({ status }) => status === 503);
  expect(refused?.field('retry-after')).toBe('1');
  expect(refused?.text).toContain('maxOffloadQueue is ');
});

test('a thread that computes for ever is ended after the 504', async () => {
  const { port } = await startPool(1, '--handler-timeout-ms', '200');
  expect((await ask(port, get('/burn?ms=3600000'))).status).toBe(504);
  await until(async () => (await ask(port, get('/thread'))).status === 200, 'another thread responds');
});

test('a module that does not load causes one line and exit code 2', async () => {
  const program = startCommand(['0', 'nowhere.js', '--offload', '2']);
  expect(await program.ended()).toBe(2);
  expect(program.stderr).toMatch(/^epoll-server: there is no module .*nowhere\.js[^\n]*\n$/);
});

// Tests that every model sends the same responses over real sockets, survives any client, and shuts down in order.

import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { utimes } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { connect, connectUnix, get, post } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { type AtEnd, prepared } from '../support/prepared.ts';
import { pause, until } from '../support/until.ts';
import {
  childrenOf,
  descriptorsOf,
  type ModelName,
  type Started,
  startListening,
  startModel,
  startModelWith,
  writeApplication,
} from './models.ts';

const BIG = randomBytes(10 * 2 ** 20);

/** Requests whose responses must be the same. Each ends its connection. */
const LAST = 'Connection: close';
const REQUESTS: readonly string[] = [
  get('/', LAST),
  get('/page.html', LAST),
  `HEAD /page.html HTTP/1.1\r\nHost: a\r\n${LAST}\r\n\r\n`,
  get('/missing', LAST),
  get('/folder', LAST),
  'GET /page.html HTTP/1.0\r\n\r\n',
  `POST /page.html HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n${LAST}\r\n\r\nabc`,
  // More than the socket buffers hold: the response must not be lost because the body is not read.
  post('/page.html', 'x'.repeat(8_000_000)),
  'GET / HTTP/1.1\r\n\r\n',
  'nonsense\r\n\r\n',
  get('/page.html') + get('/missing') + get('/', LAST),
];

const TREE = { 'index.html': 'home', 'page.html': '<p>page</p>'.repeat(1_000), 'folder/index.html': 'inside' };

/** All received bytes, without the fields that may differ. */
async function exchange(port: number, request: string): Promise<string> {
  const client = await connect(port);
  const bytes = await client.send(request).readAll();
  client.destroy();
  return bytes.toString('latin1').replaceAll(/^(?:Date|Server): .*\r\n/gm, '');
}

async function responsesOf(port: number): Promise<readonly string[]> {
  const responses: string[] = [];
  for (const request of REQUESTS) responses.push(await exchange(port, request));
  return responses;
}

/** The responses of the epoll model, requested once. They do not depend on the folder, which each model has its own of. */
let responsesOfEpoll: Promise<readonly string[]> | null = null;

/** {@link TREE} with old files: the validators of a file that has just changed depend on the time of the request. */
async function agedTree(atEnd?: AtEnd): Promise<string> {
  const root = await folder({ ...TREE, big: BIG }, atEnd);
  for (const name of Object.keys(TREE)) await utimes(`${root}/${name}`, 1_000_000_000, 1_000_000_000);
  return root;
}

/** Files at `/`, the application at `/app`. More clients come than there may be children. */
async function startBoth(model: ModelName, atEnd?: AtEnd): Promise<Started> {
  const { file } = await writeApplication(atEnd);
  const root = await agedTree(atEnd);
  const args = [root, '--app', `/app=${file}`, '--max-children', '3', '--model', model];
  return startModelWith(atEnd === undefined ? {} : { atEnd }, 'epoll', ...args);
}

/** Runs the tests of all models for the model of that name. */
export function modelContract(model: ModelName): void {
  describe(model, () => {
    const server = prepared((atEnd) => startBoth(model, atEnd));
    clientsContract(server);
    responsesContract(model, server);
    listenersContract(model);
    endContract(model);
  });
}

function responsesContract(model: ModelName, server: () => Started): void {
  test('sends the same bytes as the epoll model, except for Date and Server', async () => {
    const responses = await responsesOf(server().port);
    responsesOfEpoll ??=
      model === 'epoll' ? Promise.resolve(responses) : startBoth('epoll').then(({ port }) => responsesOf(port));
    expect(responses).toEqual(await responsesOfEpoll);
  });

  test('keeps a connection open, answers pipelined requests in order, and reads content in pieces', async () => {
    const client = await connect(server().port);
    for (const target of ['/a', '/b'])
      expect((await client.send(get(`/app${target}`)).readResponse()).text).toBe(`GET ${target}`);
    const targets = Array.from({ length: 20 }, (_, i) => (i % 5 === 3 ? '/later' : `/${i}`));
    client.send(targets.map((target) => get(`/app${target}`)).join(''));
    for (const target of targets) {
      expect((await client.readResponse()).text).toBe(target === '/later' ? 'later' : `GET ${target}`);
    }
    expect((await client.send(get('/app/pieces')).readResponse()).text).toBe('one two three');
    expect((await client.send(get('/app/stream')).readResponse()).text).toBe('abc');
    for (const byte of get('/app/by/bytes')) await client.send(byte).flushed();
    expect((await client.readResponse()).text).toBe('GET /by/bytes');
    expect((await client.send(post('/app/body', 'x'.repeat(300_000))).readResponse()).text).toBe('300000');
    // FIN aborts the signal of the request, but its response is still sent.
    expect((await client.send(get('/app/left')).finish().readResponse()).text).toBe('all the same');
    expect(await client.closed()).toBe('fin');
  });

  test('sends 10 MiB completely, even to a client that reads slowly', async () => {
    const digest = createHash('sha256').update(BIG).digest('hex');
    for (const isSlow of [false, true]) {
      const client = await connect(server().port);
      if (isSlow) client.socket.pause();
      client.send(get('/big', LAST));
      if (isSlow) {
        await pause(300);
        client.socket.resume();
      }
      const response = await client.readResponse();
      expect(response.content.length).toBe(BIG.length);
      expect(createHash('sha256').update(response.content).digest('hex')).toBe(digest);
      expect(await client.closed()).toBe('fin');
    }
  });

  test('is selected by --model', () => {
    expect(server().program.stdout).toMatch(new RegExp(`^${model}-server: `));
  });
}

function clientsContract(server: () => Started): void {
  // The first test: nothing but its own clients has opened a descriptor.
  test('serves many concurrent clients, and releases their children and descriptors', async () => {
    const { program, port } = server();
    await exchange(port, get('/app/', LAST));
    await until(() => childrenOf(program.pid).length === 0, 'the first child has ended');
    const before = descriptorsOf(program.pid);
    const targets = Array.from({ length: 9 }, (_, i) => `/client/${i}`);
    const responses = await Promise.all(targets.map((target) => exchange(port, get(`/app${target}`, LAST))));
    expect(responses.map((response) => response.slice(response.indexOf('\r\n\r\n') + 4))).toEqual(
      targets.map((target) => `GET ${target}`),
    );
    await until(() => childrenOf(program.pid).length === 0, 'every child was reaped');
    await until(() => descriptorsOf(program.pid) <= before, 'every descriptor was closed');
    expect(program.stderr).toBe('');
  });

  test('continues when a client disconnects before or during its request, or during the response', async () => {
    const { program, port } = server();
    for (const request of [get('/big'), 'GET /page.html HT', '']) {
      const client = await connect(port);
      await client.send(request).flushed();
      if (request === get('/big')) await client.readBytes(1_000);
      client.reset();
    }
    expect(await exchange(port, get('/page.html', LAST))).toContain('<p>page</p>');
    expect(program.stderr).toBe('');
  });

  test('a handler that throws causes a 500 for its own client only', async () => {
    const { program, port } = server();
    expect(await exchange(port, get('/app/throw', LAST))).toMatch(/^HTTP\/1\.1 500 /);
    expect(await exchange(port, get('/app/fine', LAST))).toContain('GET /fine');
    await until(() => /^epoll-server: handler failed.*on purpose/.test(program.stderr), 'the error is logged');
  });
}

function listenersContract(model: ModelName): void {
  test('listens on a port, a Unix domain socket and a descriptor; SIGTERM ends idle clients, and removes the file', async () => {
    const { file } = await writeApplication();
    const { program, port, path, inheritedPort } = await startListening(model, file);
    const lines = program.stdout.split('\n').filter((line) => line.startsWith(`${model}-server: `));
    expect(lines.map((line) => line.split(' ')[1])).toEqual([
      `http://127.0.0.1:${port}/`,
      `unix:${path}`,
      `http://127.0.0.1:${inheritedPort}/`,
    ]);
    // Each listener twice: after a client of one listener, the others must still be accepted from.
    const dials = [() => connectUnix(path), () => connect(inheritedPort), () => connect(port)];
    for (const dial of [...dials, ...dials]) {
      const client = await dial();
      expect((await client.send(get('/a', LAST)).readResponse()).text).toBe('GET /a');
      expect(await client.closed()).toBe('fin');
    }
    const idle = await connect(port);
    expect((await idle.send(get('/b')).readResponse()).text).toBe('GET /b');
    program.signal('SIGTERM');
    expect(await idle.closed()).toBe('fin');
    expect(await program.ended()).toBe(0);
    expect(existsSync(path)).toBe(false);
    expect(program.stderr).toBe('');
  });
}

function endContract(model: ModelName): void {
  test('on SIGTERM, requests in flight are answered, then the process exits with 0', async () => {
    const { file, open } = await writeApplication();
    const { program, port } = await startModel(model, file, '--shutdown-timeout-ms', '60000');
    const client = await connect(port);
    client.send(get('/gate'));
    await program.announced(/^(asked)$/m);
    program.signal('SIGTERM');
    await until(
      () =>
        connect(port).then(
          () => false,
          () => true,
        ),
      'no more clients are accepted',
    );
    await open();
    const response = await client.readResponse();
    expect(response.text).toBe('opened');
    expect(await client.closed()).toBe('fin');
    expect(await program.ended()).toBe(0);
    expect(program.stderr).toBe('');
  });

  test('on SIGHUP, the process exits at once if no client is connected', async () => {
    const { program } = await startModel(model);
    program.signal('SIGUSR1');
    program.signal('SIGHUP');
    expect(await program.ended()).toBe(0);
    expect(program.stderr, 'SIGUSR1 is ignored').toBe('');
  });

  test('on SIGTERM, a connected client without a request yet gets a response, then its connection ends', async () => {
    const { file, open } = await writeApplication();
    const { program, port } = await startModel(model, file, '--shutdown-grace-ms', '10000');
    const busy = await connect(port);
    // The last request of the first client: its response may be sent before the signal arrives.
    busy.send(get('/gate', LAST));
    await program.announced(/^(asked)$/m);
    // The iterative model leaves this client in its backlog.
    const late = await connect(port);
    program.signal('SIGTERM');
    await open();
    expect((await busy.readResponse()).text).toBe('opened');
    late.send(get('/late'));
    // Whether the response has Connection: close depends on when the signal arrives.
    expect((await late.readResponse()).text).toBe('GET /late');
    late.finish();
    expect(await late.closed()).toBe('fin');
    busy.finish();
    expect(await program.ended()).toBe(0);
  });
}

// Tests a server in front of programs that lie: too short, too long, early, never, reset at every byte, garbage in the
// head. What the client gets, and what the error log says.

import { createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { EpollServerError } from '../../src/errors.ts';
import { ask, connect, get, post } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { type Site, type StartOptions, start } from '../support/serving.ts';
import { until } from '../support/until.ts';
import { sending, type UwsgiUpstream, uwsgiUpstream } from '../support/uwsgi-upstream.ts';

const OK = 'HTTP/1.1 200 OK\r\n';

/** The messages of the errors so far, which the test expects. */
function messages({ errors }: Site): readonly string[] {
  return errors.splice(0).map((error) => {
    expect(error).toBeInstanceOf(EpollServerError);
    return error instanceof EpollServerError && error.code === 'ERR_UPSTREAM' ? error.message : String(error);
  });
}

async function siteOf(upstream: UwsgiUpstream, options: StartOptions = {}): Promise<Site> {
  return start({ proxy: upstream.place, ...options });
}

/** Heads that no client may see, and why. */
const GARBAGE: readonly (readonly [string, RegExp])[] = [
  ['\r\n', /status line/],
  ['hello\r\n\r\n', /status line/],
  ['HTTP/2 200 OK\r\n\r\n', /status line/],
  ['HTTP/1.1 20 OK\r\n\r\n', /status line/],
  ['HTTP/1.1 2000 OK\r\n\r\n', /status line/],
  ['HTTP/1.1  200 OK\r\n\r\n', /status line/],
  ['HTTP/1.1 200 \x01\r\n\r\n', /status line/],
  ['HTTP/1.1 099 Low\r\n\r\n', /status line/],
  ['HTTP/1.1 600 High\r\n\r\n', /status is 600/],
  ['HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n', /status is 101/],
  ['HTTP/1.1 200 OK\nA: b\n\n', /CRLF/],
  [`${OK}A: b\n\r\n`, /CRLF/],
  [`${OK}: b\r\n\r\n`, /no name/],
  [`${OK}no colon\r\n\r\n`, /no name/],
  [`${OK}A b: c\r\n\r\n`, /not a field name/],
  [`${OK}A : c\r\n\r\n`, /not a field name/],
  [`${OK}A: b\r\n folded: c\r\n\r\n`, /not a field name/],
  [`${OK}A: b\0c\r\n\r\n`, /control character/],
  [`${OK}A: b\rc\r\n\r\n`, /control character/],
  [`${OK}Content-Length : 1\r\n\r\nx`, /not a field name/],
  [`${OK}Content-Length: 1\r\nContent-Length: 1\r\n\r\nx`, /Content-Length/],
  [`${OK}Content-Length: 1, 1\r\n\r\nx`, /Content-Length/],
  [`${OK}Content-Length: +1\r\n\r\nx`, /Content-Length/],
  [`${OK}Content-Length: -1\r\n\r\nx`, /Content-Length/],
  [`${OK}Content-Length: \r\n\r\nx`, /Content-Length/],
  [`${OK}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, /both/],
  [`${OK}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n`, /both/],
  [`${OK}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`, /coding/],
  [`${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, /coding/],
  ['HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', /HTTP\/1.0/],
  [`${OK}A: ${'x'.repeat(65_536)}\r\n\r\n`, /65536 bytes/],
  [`${OK}${'A: b\r\n'.repeat(501)}\r\n`, /500 fields/],
  ['HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(17), /interim/],
  [OK, /cut off/],
];

test('a malformed head is 502, and the log says why', async () => {
  let bytes = '';
  const upstream = await uwsgiUpstream(({ socket }) => void socket.end(bytes, 'latin1'));
  const site = await siteOf(upstream);
  for (const [head, why] of GARBAGE) {
    bytes = head;
    // HTTP/1.0 clients get no interim responses.
    const answer = await ask(site.port, 'POST / HTTP/1.0\r\n\r\n');
    expect(answer.status, JSON.stringify(head).slice(0, 80)).toBe(502);
    const [message = '', ...others] = messages(site);
    expect([message, others]).toEqual([expect.stringMatching(why), []]);
    expect(message).toContain(`upstream ${upstream.place} (first byte): `);
  }
});

for (const where of ['path', 'port'] as const) {
  test(`a response that is cut off at any byte by a program on a ${where} is 502`, async () => {
    const whole = `${OK}Content-Length: 2\r\n\r\nok`;
    let length = 0;
    const cut = (socket: Socket): void => {
      // A Unix domain socket cannot be reset.
      if (where === 'port') socket.resetAndDestroy();
      else socket.destroy();
    };
    const upstream = await uwsgiUpstream(({ socket }) => {
      if (length > 0) socket.write(whole.slice(0, length), () => cut(socket));
      else cut(socket);
    }, where);
    const site = await siteOf(upstream);
    for (length = 0; length < whole.length; length++) {
      expect((await ask(site.port, post('/', ''))).status, `${length}`).toBe(502);
      const phase = length > OK.length + 20 ? /\((first byte|body)\)/ : /\(first byte\)/;
      expect(messages(site)).toEqual([expect.stringMatching(phase)]);
    }
    expect((await ask(site.port, post('/', ''))).text).toBe('ok');
    // Behind its end, a response is complete.
    expect(site.errors).toEqual([]);
  });
}

test('a request without an answer is sent again once, if its method is idempotent', async () => {
  const upstream = await uwsgiUpstream(({ socket, variables }) => {
    const isFirst = upstream.connections % 2 === 1;
    if (variables['PATH_INFO'] === '/never' || isFirst) socket.destroy();
    else socket.end(`${OK}Content-Length: 2\r\n\r\nok`);
  });
  const site = await siteOf(upstream);
  expect((await ask(site.port, get('/'))).text).toBe('ok');
  expect((await ask(site.port, post('/', 'x'.repeat(100_000)).replace('POST', 'PUT'))).text).toBe('ok');
  expect(upstream.requests.at(-1)?.content.length).toBe(100_000);
  expect(upstream.connections).toBe(4);
  expect((await ask(site.port, get('/never'))).status).toBe(502);
  expect(upstream.connections).toBe(6);
  expect((await ask(site.port, post('/never', ''))).status).toBe(502);
  expect(upstream.connections).toBe(7);
  expect(messages(site)).toEqual(Array(2).fill(expect.stringContaining('(first byte): ')));
});

test('content that is too short is 502, or cuts the connection if the head was sent', async () => {
  const short = 'x'.repeat(1_000);
  const answers: Readonly<Record<string, string>> = {
    '/length': `${OK}Content-Length: 1001\r\n\r\n${short}`,
    '/large': `${OK}Content-Length: 100000\r\n\r\n${short}`,
    '/chunk': `${OK}Transfer-Encoding: chunked\r\n\r\n3e9\r\n${short}`,
    '/chunks': `${OK}Transfer-Encoding: chunked\r\n\r\n3e8\r\n${short}\r\n`,
    '/garbage': `${OK}Transfer-Encoding: chunked\r\n\r\n3e8\r\n${short}\r\nxyz\r\n`,
  };
  const upstream = await uwsgiUpstream(({ socket, variables }) => {
    socket.end(answers[variables['PATH_INFO'] ?? ''] ?? '');
  });
  const site = await siteOf(upstream);
  expect((await ask(site.port, get('/length'))).status).toBe(502);
  for (const path of Object.keys(answers).slice(1)) {
    const client = await connect(site.port);
    await client.send(get(path)).readUntil('\r\n\r\n');
    await client.closed();
    expect(client.received.includes('0\r\n\r\n'), path).toBe(false);
  }
  expect(messages(site)).toEqual(Array(5).fill(expect.stringContaining('(body): ')));
});

test('bytes behind the content are dropped, and the log says so', async () => {
  const upstream = await sending(`${OK}Content-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n`);
  const site = await siteOf(upstream);
  const client = await connect(site.port);
  for (let i = 0; i < 2; i++) expect((await client.send(get('/')).readResponse()).text).toBe('ok');
  expect(messages(site)).toEqual(Array(2).fill(expect.stringContaining('(body): 19 bytes behind its content')));
});

test('a program that never answers is 504, and one that falls silent is cut off', async () => {
  const upstream = await uwsgiUpstream(({ socket, variables }) => {
    if (variables['PATH_INFO'] === '/silent') socket.write(`${OK}\r\nbegin`);
  });
  const site = await siteOf(upstream, { timeouts: { handlerMs: 400, upstreamMs: 100 } });
  expect((await ask(site.port, get('/'))).status).toBe(504);
  expect(messages(site)).toEqual([expect.stringMatching(/\(first byte\): .*handlerMs is 400/)]);
  const client = await connect(site.port);
  await client.send(get('/silent')).readUntil('begin');
  await client.closed();
  expect(messages(site)).toEqual([expect.stringMatching(/\(body\): .*upstreamMs is 100/)]);
  await until(() => upstream.open.size === 0, 'the connections are closed');
});

test('a program that does not read the content is 504 in the phase of sending', async () => {
  const upstream = await stubborn((socket) => void socket.pause());
  // Long enough for the content to arrive on a busy machine.
  const site = await start({ proxy: upstream, timeouts: { handlerMs: 5_000 } });
  expect((await ask(site.port, post('/', 'x'.repeat(3_000_000)))).status).toBe(504);
  expect(messages(site)).toEqual([expect.stringContaining('(send): ')]);
});

test('an answer that comes before the content was read reaches the client', async () => {
  // More than the socket and a prefetch hold.
  const content = 'much'.repeat(40_000);
  const early = `HTTP/1.1 413 Content Too Large\r\nContent-Length: ${content.length}\r\n\r\n${content}`;
  for (const closes of [true, false]) {
    const upstream = await stubborn((socket) => {
      socket.pause();
      if (closes) socket.write(early, () => socket.destroy());
      // By then, the socket is full of content on most machines.
      else setTimeout(() => socket.write(early), 200);
    });
    const site = await start({ proxy: upstream, timeouts: { handlerMs: 20_000 } });
    for (let i = 0; i < 3; i++) {
      const answer = await ask(site.port, post('/', 'x'.repeat(3_000_000)));
      expect([answer.status, answer.text === content], `it closes: ${closes}`).toEqual([413, true]);
    }
  }
});

test('a program that is not there is 502, in the phase of connecting', async () => {
  const missing = `${await folder()}/none.sock`;
  const closed = await sending('', 'port');
  closed.close();
  for (const place of [`uwsgi:unix:${missing}`, closed.place]) {
    const site = await start({ proxy: place });
    expect((await ask(site.port, get('/'))).status, place).toBe(502);
    expect(messages(site)).toEqual([expect.stringMatching(/\(connect\): (ENOENT|ECONNREFUSED)/)]);
  }
});

test('beyond the connections requests wait, and beyond the queue they get 503 with Retry-After', async () => {
  const waiting: Socket[] = [];
  const upstream = await uwsgiUpstream(({ socket }) => void waiting.push(socket));
  const site = await siteOf(upstream, { limits: { maxUpstreamConnections: 1, maxUpstreamQueue: 1 } });
  const [first, second] = [await connect(site.port), await connect(site.port)];
  first.send(get('/1'));
  await until(() => waiting.length === 1, 'the first request has come');
  await second.send(get('/2')).flushed();
  await until(async () => {
    const answer = await ask(site.port, get('/3'));
    expect([503, 504]).toContain(answer.status);
    return answer.field('Retry-After') === '1';
  }, 'the queue is full');
  waiting.shift()?.end(`${OK}Content-Length: 1\r\n\r\n1`);
  expect((await first.readResponse()).text).toBe('1');
  await until(() => waiting.length === 1, 'the second request has come');
  waiting.shift()?.end(`${OK}Content-Length: 1\r\n\r\n2`);
  expect((await second.readResponse()).text).toBe('2');
  expect(upstream.requests.map(({ variables }) => variables['PATH_INFO'])).toEqual(['/1', '/2']);
  expect(messages(site).length).toBeGreaterThan(0);
});

/** A program that does what `accept` says with each connection. Returns its place. */
async function stubborn(accept: (socket: Socket) => void): Promise<string> {
  const path = `${await folder()}/app.sock`;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    accept(socket);
  });
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return `uwsgi:unix:${path}`;
}

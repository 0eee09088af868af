// Tests a server in front of a program that speaks uwsgi: what the program gets, and what the client gets.

import { expect, test } from 'vitest';
import { ask, connect, get, post } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { start } from '../support/serving.ts';
import { until } from '../support/until.ts';
import { sending, type UwsgiRequest, uwsgiUpstream } from '../support/uwsgi-upstream.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n';

/** The request that the program gets for what the client sends. */
async function received(bytes: string, path = ''): Promise<UwsgiRequest> {
  const upstream = await sending(`${OK}\r\n`);
  const { port } = await start({ proxy: `${path}${upstream.place}` });
  expect((await ask(port, bytes)).status).toBe(200);
  const [request] = upstream.requests;
  if (request === undefined) throw new Error('the program got no request');
  return request;
}

for (const where of ['path', 'port'] as const) {
  test(`a program on a ${where} gets requests, and its response reaches the client`, async () => {
    const upstream = await sending(`${OK}X-Own: 1\r\nContent-Length: 5\r\n\r\nhello`, where);
    const { port } = await start({ proxy: upstream.place });
    const client = await connect(port);
    for (let i = 0; i < 3; i++) {
      const answer = await client.send(get(`/${i}`)).readResponse();
      expect([answer.status, answer.reason, answer.text, answer.field('X-Own')]).toEqual([200, 'OK', 'hello', '1']);
      expect(answer.field('Connection')).toBeUndefined();
    }
    expect(upstream.requests.map(({ variables }) => variables['PATH_INFO'])).toEqual(['/0', '/1', '/2']);
    await until(() => upstream.open.size === 0, 'the connections are closed');
  });
}

test('the variables are those of CGI, and forged fields are dropped', async () => {
  const lines = ['X-Real: a', 'X-Real: b', 'X_Real: forged', 'Proxy: http://evil/', 'Cookie: a=1', 'Cookie: b=2'];
  const hop = ['Connection: keep-alive, te', 'TE: trailers', 'Keep-Alive: 5', 'Upgrade: h2c'];
  const { variables } = await received(get('/a%20b/%E4%BD%A0/%ff?x=%20&y', ...lines, ...hop, 'Content-Type: text/x'));
  expect(variables).toMatchObject({
    REQUEST_METHOD: 'GET',
    SCRIPT_NAME: '',
    PATH_INFO: '/a b/\xe4\xbd\xa0/\xff',
    QUERY_STRING: 'x=%20&y',
    REQUEST_URI: '/a%20b/%E4%BD%A0/%ff?x=%20&y',
    REQUEST_SCHEME: 'http',
    SERVER_NAME: '127.0.0.1',
    SERVER_PROTOCOL: 'HTTP/1.1',
    REMOTE_ADDR: '127.0.0.1',
    CONTENT_TYPE: 'text/x',
    CONTENT_LENGTH: '',
    HTTP_HOST: 'a',
    HTTP_X_REAL: 'a, b',
    HTTP_COOKIE: 'a=1; b=2',
  });
  const names = Object.keys(variables).filter((name) => name.startsWith('HTTP_'));
  expect(names.sort()).toEqual(['HTTP_COOKIE', 'HTTP_HOST', 'HTTP_X_REAL']);
  expect(variables).not.toHaveProperty('HTTPS');
});

test.each([
  ['GET / HTTP/1.1\r\nHost: a\r\n\r\n', ''],
  ['POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n', '0'],
  ['GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 00\r\n\r\n', '0'],
  ['POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', '0'],
])('without content, CONTENT_LENGTH is 0 if the client framed some: %j', async (text, expected) => {
  const { variables } = await received(text);
  expect(variables['CONTENT_LENGTH']).toBe(expected);
});

test.each([
  ['/a', '/a'],
  ['/a?', '/a?'],
  ['/a??', '/a??'],
  ['http://a/b?', '/b?'],
  ['http://a?', '/?'],
])('REQUEST_URI of %s is %s', async (target, expected) => {
  const { variables } = await received(get(target));
  expect(variables['REQUEST_URI']).toBe(expected);
});

test('HTTP_HOST is the host that was asked for, in whatever form', async () => {
  const hostOf = async (bytes: string): Promise<string | undefined> => (await received(bytes)).variables['HTTP_HOST'];
  expect(await hostOf('GET http://b:81/x HTTP/1.1\r\nHost: a\r\n\r\n')).toBe('b:81');
  expect(await hostOf('GET http://b/x HTTP/1.0\r\n\r\n')).toBe('b');
  expect(await hostOf('GET /x HTTP/1.0\r\n\r\n')).toBeUndefined();
});

test('below a mount path, SCRIPT_NAME has that path and PATH_INFO the rest', async () => {
  const { variables } = await received(get('/a%70i/x%2Fy?z'), '/api=');
  expect([variables['SCRIPT_NAME'], variables['PATH_INFO']]).toEqual(['/api', '/x/y']);
});

test('a trusted proxy decides the address, the scheme and the host', async () => {
  const upstream = await sending(`${OK}\r\n`);
  const { port } = await start({ proxy: upstream.place, trustedProxies: 'loopback' });
  await ask(port, get('/', 'X-Forwarded-For: 192.0.2.1', 'X-Forwarded-Proto: https', 'X-Forwarded-Host: b.example'));
  const [request] = upstream.requests;
  expect(request?.variables).toMatchObject({ REMOTE_ADDR: '192.0.2.1', HTTPS: 'on', REQUEST_SCHEME: 'https' });
});

test('content is sent whole with its length, chunked or not, in memory or from a file', async () => {
  const upstream = await sending(`${OK}Content-Length: 0\r\n\r\n`);
  const { port } = await start({ proxy: upstream.place });
  for (const size of [1, 65_536, 65_537, 1_000_000]) {
    const content = Array.from({ length: size }, (_, i) => String.fromCharCode(97 + (i % 23))).join('');
    expect((await ask(port, post('/', content))).status).toBe(200);
    const chunks = `${size.toString(16)}\r\n${content}\r\n0\r\n\r\n`;
    const chunked = `PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`;
    expect((await ask(port, chunked)).status).toBe(200);
    for (const { content: got, variables } of upstream.requests.splice(0)) {
      expect(variables['CONTENT_LENGTH']).toBe(String(size));
      expect(got.toString() === content).toBe(true);
      expect(variables).not.toHaveProperty('HTTP_TRANSFER_ENCODING');
    }
  }
});

test('the program gets no request before its content is complete', async () => {
  const upstream = await sending(`${OK}Content-Length: 2\r\n\r\nok`);
  const { port } = await start({ proxy: upstream.place });
  const slow = await connect(port);
  await slow.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab').flushed();
  expect((await ask(port, get('/'))).text).toBe('ok');
  expect(upstream.connections).toBe(1);
  expect((await slow.send('c').readResponse()).text).toBe('ok');
  expect(upstream.requests[1]?.content.toString()).toBe('abc');
});

test('files come first, then the program', async () => {
  const upstream = await sending(`${OK}Content-Length: 3\r\n\r\napp`);
  const root = await folder({ 'a.txt': 'file' });
  const { port } = await start({ static: root, proxy: upstream.place });
  expect((await ask(port, get('/a.txt'))).text).toBe('file');
  expect((await ask(port, get('/b.txt'))).text).toBe('app');
  expect((await ask(port, post('/a.txt', 'x'))).text).toBe('app');
});

test('a request with more variables than uwsgi can carry gets 431', async () => {
  const upstream = await sending(`${OK}\r\n`);
  const { port } = await start({ proxy: upstream.place, limits: { maxHeaderBytes: 200_000 } });
  const fields = Array.from({ length: 8 }, (_, i) => `X-Long-${i}: ${'x'.repeat(8_192)}`);
  expect((await ask(port, get('/', ...fields))).status).toBe(431);
  expect((await ask(port, get('/', ...fields.slice(1)))).status).toBe(200);
  expect(upstream.connections).toBe(1);
});

test('the fields of a connection are not passed on, and the others are', async () => {
  const hop = 'Connection: close, X-Hop\r\nKeep-Alive: 1\r\nX-Hop: 1\r\nProxy-Connection: x\r\n';
  const upstream = await sending(`${OK}${hop}Set-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 0\r\n\r\n`);
  const { port } = await start({ proxy: upstream.place });
  const { fields } = await ask(port, get('/'));
  expect(fields.map(([name]) => name).sort()).toEqual(
    ['Content-Length', 'Content-Type', 'Date', 'Server', 'Set-Cookie', 'Set-Cookie'].sort(),
  );
});

test('of several Date fields the first one is passed on, and what is for a server in front', async () => {
  const dates = 'Date: Sun, 06 Nov 1994 08:49:37 GMT\r\ndate: Mon, 07 Nov 1994 08:49:37 GMT\r\n';
  const upstream = await sending(`${OK}${dates}X-Accel-Redirect: /private/a\r\nContent-Length: 0\r\n\r\n`);
  const { port } = await start({ proxy: upstream.place });
  const { fields } = await ask(port, get('/'));
  expect(fields.filter(([name]) => /^(?:date|x-accel)/i.test(name))).toEqual([
    ['Date', 'Sun, 06 Nov 1994 08:49:37 GMT'],
    ['X-Accel-Redirect', '/private/a'],
  ]);
});

test('HEAD, 204 and 304 have no content, whatever the program sends', async () => {
  const answers: Readonly<Record<string, string>> = {
    '/head': `${OK}Content-Length: 7\r\n\r\n`,
    '/open': `${OK}\r\nforgotten`,
    '/204': 'HTTP/1.1 204 No Content\r\n\r\n',
    '/304': 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 9\r\n\r\n',
  };
  const upstream = await uwsgiUpstream(({ variables, socket }) => {
    socket.end(answers[variables['PATH_INFO'] ?? ''] ?? '');
  });
  const { port } = await start({ proxy: upstream.place });
  const client = await connect(port);
  const head = (path: string): string => get(path).replace('GET', 'HEAD');
  const first = await client.send(head('/head')).readResponse({ head: true });
  expect([first.status, first.field('Content-Length')]).toEqual([200, '7']);
  expect((await client.send(head('/open')).readResponse({ head: true })).status).toBe(200);
  expect((await client.send(get('/204')).readResponse()).status).toBe(204);
  const last = await client.send(get('/304')).readResponse();
  expect([last.status, last.field('ETag')]).toEqual([304, '"a"']);
});

test('interim responses in front are passed on, but not a further 100', async () => {
  const interim = 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n';
  const upstream = await sending(`${interim}${OK}Content-Length: 2\r\n\r\nok`);
  const { port } = await start({ proxy: upstream.place });
  const client = await connect(port);
  client.send(get('/'));
  expect(await client.readUntil('\r\n\r\n')).toBe('HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n');
  expect((await client.readResponse()).text).toBe('ok');
});

test('an event stream is flushed as it comes, in chunks', async () => {
  let send = (_text: string): void => {};
  const upstream = await uwsgiUpstream(({ socket }) => {
    send = (text) => void socket.write(text);
    send('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n');
  });
  const { port } = await start({ proxy: upstream.place });
  const client = await connect(port);
  expect(await client.send(get('/')).readUntil('\r\n\r\n')).toContain('Transfer-Encoding: chunked');
  for (const text of ['data: 1\n\n', 'data: 2\n\n']) {
    send(text);
    expect(await client.readUntil(text)).toContain(text);
  }
  for (const socket of upstream.open) socket.end();
  expect(await client.readUntil('0\r\n\r\n')).toContain('0\r\n\r\n');
});

test('a client that leaves ends the connection to the program', async () => {
  const upstream = await uwsgiUpstream(({ socket }) => void socket.write(`${OK}\r\nbegin`));
  const { port } = await start({ proxy: upstream.place });
  const client = await connect(port);
  await client.send(get('/')).readUntil('begin');
  client.reset();
  await until(() => upstream.open.size === 0, 'the connection is closed');
});

test('a request in the program is answered before the server ends', async () => {
  let answer = (): void => {};
  const upstream = await uwsgiUpstream(({ socket }) => {
    answer = () => void socket.end(`${OK}Content-Length: 4\r\n\r\nlate`);
  });
  const { port, server } = await start({ proxy: upstream.place });
  const client = await connect(port);
  client.send(get('/'));
  await until(() => upstream.requests.length === 1, 'the program has the request');
  const closed = server.close();
  answer();
  expect((await client.readResponse()).text).toBe('late');
  await closed;
});

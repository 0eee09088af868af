// Tests what a handler can read from a request, and for how long.

import { expect, test } from 'vitest';
import { FieldNames } from '../../src/http/field-names.ts';
import { EpollServerError, type HttpRequest } from '../../src/index.ts';
import { ask, type Client, get } from '../support/client.ts';
import { startHandler } from '../support/serving.ts';
import { pause, until } from '../support/until.ts';

/** All properties of a request, as JSON. */
function everything(request: HttpRequest): string {
  const { method, target, path, query, httpVersion, remote, local } = request;
  return JSON.stringify({ method, target, path, query, httpVersion, remote, local, fields: request.headers() });
}

test('method, target, path, query, version, fields and addresses are those that were sent', async () => {
  const { connect, port } = await startHandler((request, response) => response.send(200, {}, everything(request)));
  const client = await connect();
  const answer = await client
    .send('PaTcH /a%20b/c?d=e&f HTTP/1.1\r\nHOST: h\r\nX-Y:  z \r\nx-y: \xe4\r\n\r\n')
    .readResponse();
  expect(JSON.parse(answer.text)).toEqual({
    method: 'PaTcH',
    target: '/a%20b/c?d=e&f',
    path: '/a%20b/c',
    query: 'd=e&f',
    httpVersion: '1.1',
    remote: { address: '127.0.0.1', port: client.localPort },
    local: { address: '127.0.0.1', port },
    fields: [
      ['host', 'h'],
      ['x-y', 'z'],
      ['x-y', 'ä'],
    ],
  });
});

test.each([
  ['GET /?', '/', ''],
  ['GET /a??b', '/a', '?b'],
  ['GET http://a.b:1/c/d?e', '/c/d', 'e'],
  ['GET HTTP://a', '/', ''],
  ['GET http://a?b', '/', 'b'],
  ['OPTIONS *', '*', ''],
  ['GET //x/y', '//x/y', ''],
])('%s has the path %s and the query "%s"', async (start, path, query) => {
  const { port } = await startHandler((request, response) =>
    response.send(200, {}, JSON.stringify([request.path, request.query])),
  );
  const answer = await ask(port, `${start} HTTP/1.1\r\nHost: a\r\n\r\n`);
  expect(JSON.parse(answer.text)).toEqual([path, query]);
});

test.each([
  ['GET /', 'Host: a:80', 'a:80'],
  ['GET http://b.c:1/c/d?e', 'Host: a', 'b.c:1'],
  ['GET https://[::1]', 'Host: a', '[::1]'],
  ['OPTIONS *', 'Host: a', 'a'],
  ['GET /', 'Host:', ''],
])('%s with %s is for the host %s', async (start, line, host) => {
  const { port } = await startHandler((request, response) => response.send(200, {}, request.host));
  expect((await ask(port, `${start} HTTP/1.1\r\n${line}\r\n\r\n`)).text).toBe(host);
});

test('header finds names in any case, joins several lines, and cookies with a semicolon', async () => {
  const names = ['x-a', 'X-A', 'cookie', 'x_a', 'missing', 'x~b', 'x^b', 'empty'];
  const { port } = await startHandler((request, response) => {
    response.send(200, {}, JSON.stringify(names.map((name) => request.header(name) ?? null)));
  });
  const request = get('/', 'X-A: 1', 'Cookie: a=b', 'x-a: 2', 'cookie: c=d', 'X_A: 3', 'X~B: 4', 'Empty:');
  expect(JSON.parse((await ask(port, request)).text)).toEqual(['1, 2', '1, 2', 'a=b; c=d', '3', null, '4', null, '']);
});

test('mayHave is false without any of the fields, and true with one in any case', async () => {
  const names = new FieldNames('Range', 'if-none-match', 'if-range');
  const { port } = await startHandler((request, response) => {
    response.send(200, {}, String(request.mayHave?.(names)));
  });
  const mayHave = async (...lines: readonly string[]): Promise<string> => (await ask(port, get('/', ...lines))).text;
  expect(await mayHave('Accept: a', 'User-Agent: b')).toBe('false');
  for (const name of ['range', 'RANGE', 'If-None-Match', 'if-range']) expect(await mayHave(`${name}: x`)).toBe('true');
});

test('a request does not change after await, though others arrived meanwhile', async () => {
  const { connect } = await startHandler(async (request, response) => {
    await pause(10);
    response.send(200, {}, `${request.method} ${request.target} ${request.header('x')}`);
  });
  const clients = await Promise.all(Array.from({ length: 20 }, connect));
  for (const [i, client] of clients.entries())
    client.send(get(`/${i}`, `X: ${'v'.repeat(i)}`) + get(`/again${i}`, 'X: w'));
  for (const [i, client] of clients.entries()) {
    expect((await client.readResponse()).text).toBe(`GET /${i} ${'v'.repeat(i)}`);
    expect((await client.readResponse()).text).toBe(`GET /again${i} w`);
  }
});

test('a handler that responds later without a promise may read its request until then', async () => {
  const { port } = await startHandler((request, response) => {
    setTimeout(() => response.send(200, {}, request.target), 5);
  });
  expect((await ask(port, get('/later'))).text).toBe('/later');
});

test('a read after a synchronous response throws ERR_REQUEST_OVER', async () => {
  const kept: HttpRequest[] = [];
  const { port } = await startHandler((request, response) => {
    kept.push(request);
    response.send(200, {}, request.method);
  });
  await ask(port, get('/gone'));
  const over = expect.objectContaining({ code: 'ERR_REQUEST_OVER' });
  expect(() => kept[0]?.target).toThrow(over);
  expect(() => kept[0]?.header('host')).toThrow(over);
  expect(() => kept[0]?.headers()).toThrow(over);
  expect(kept[0]?.method, 'was read before').toBe('GET');
});

test.each([
  ['its client resets the connection', 'reset'],
  ['it aborts its response', 'abort'],
  ['it throws that its client is gone', 'throw'],
])('a request does not change for a handler that continues after %s', async (_title, end) => {
  const kept: HttpRequest[] = [];
  const atOnce: unknown[] = [];
  const clients: Client[] = [];
  const { connect, port } = await startHandler((request, response) => {
    if (request.path === '/other') return response.send(200);
    kept.push(request);
    if (end === 'throw') throw new EpollServerError('ERR_CLIENT_GONE', 'thrown by the handler');
    response.start(200);
    if (end === 'reset') clients[0]?.reset();
    else response.abort();
    const piece = Buffer.alloc(65_536);
    for (let written = 0; written < 1_000 && !response.ended; written++) response.write(piece);
    atOnce.push(response.ended, request.remote.port);
  });
  const client = await connect();
  const { localPort } = client;
  clients.push(client);
  client.send(get('/kept', 'X-Secret: mine'));
  await until(() => kept.length === 1, 'the handler was called');
  await client.closed();
  for (let i = 0; i < 4; i++) await ask(port, get('/other', 'X-Secret: of another client'));
  const [request] = kept;
  expect([request?.target, request?.header('x-secret')]).toEqual(['/kept', 'mine']);
  expect([request?.remote.port, request?.local.port]).toEqual([localPort, port]);
  if (end !== 'throw') expect(atOnce).toEqual([true, localPort]);
});

test('signal aborts when the client resets the connection, with ERR_CLIENT_GONE as its reason', async () => {
  const reasons: unknown[] = [];
  const { connect, server } = await startHandler(async (request, response) => {
    const { signal } = request;
    expect(signal.aborted).toBe(false);
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    reasons.push(signal.reason);
    response.send(200, {}, 'into the void');
    expect(response.ended).toBe(true);
  });
  const client = await connect();
  await client.send(get('/')).flushed();
  await until(() => server.stats().requests.handled === 1, 'the request was handled');
  client.reset();
  await until(() => reasons.length > 0, 'the signal aborted');
  expect(reasons).toEqual([expect.objectContaining({ code: 'ERR_CLIENT_GONE' })]);
  expect(server.stats().requests.aborted).toBe(1);
});

test('a signal that is first read after the client disconnected is already aborted', async () => {
  const seen: boolean[] = [];
  const { connect, server } = await startHandler(async (request) => {
    await until(() => server.stats().requests.aborted === 1, 'the client disconnected');
    seen.push(request.signal.aborted);
  });
  const client = await connect();
  await client.send(get('/')).flushed();
  await until(() => server.stats().requests.handled === 1, 'the request was handled');
  client.reset();
  await until(() => seen.length > 0, 'the handler has read it');
  expect(seen).toEqual([true]);
});

test('signal does not abort when the client disconnects after the response', async () => {
  const signals: AbortSignal[] = [];
  const { connect, server } = await startHandler((request, response) => {
    signals.push(request.signal);
    response.send(200, {}, 'x');
  });
  const client = await connect();
  await client.send(get('/')).readResponse();
  client.reset();
  await until(() => server.stats().connections.open === 0, 'the client disconnected');
  expect(signals.map((signal) => signal.aborted)).toEqual([false]);
});

test('the signal does not abort at once when the client sends FIN', async () => {
  const { connect } = await startHandler(async (request, response) => {
    await pause(30);
    response.send(200, {}, String(request.signal.aborted));
  });
  const client = await connect();
  client.send(get('/')).finish();
  expect((await client.readResponse()).text).toBe('false');
});

test('a repeated lookup finds the field of its own request, after lookups of other requests', async () => {
  const { connect: join } = await startHandler((request, response) => {
    const names = ['x-a', 'X-A', 'x-b', 'x-a', '', 'x-missing', 'x-a'];
    response.send(200, {}, JSON.stringify(names.map((name) => request.header(name) ?? null)));
  });
  const clients = [await join(), await join()];
  const long = 'x'.repeat(32);
  // Each twice or more: the second lookup finds cached lines.
  for (const [a, b] of [
    ['1', '2'],
    ['1', '2'],
    ['1', '2'],
    ['3', '2'],
    ['1', '2'],
    ['1', '4'],
    ['1', '4'],
  ]) {
    for (const client of clients) {
      client.send(get('/', `X-A: ${a}`, `x-B: ${b}`, `${long}: 5`));
      expect(JSON.parse((await client.readResponse()).text)).toEqual([a, a, b, a, null, null, a]);
      // Lines of other clients, without such a field.
      client.send(get('/', 'X-C: 1'));
      expect(JSON.parse((await client.readResponse()).text)).toEqual(new Array(7).fill(null));
    }
  }
});

test('requests that are kept do not change, however many and however large they are', async () => {
  const kept: { readonly request: HttpRequest; readonly answer: () => void }[] = [];
  const { connect } = await startHandler((request, response) => {
    return new Promise((resolve) => {
      const answer = (): void => {
        response.send(200, {}, '');
        resolve();
      };
      kept.push({ request, answer });
    });
  });
  const clients: Client[] = [];
  for (let i = 0; i < 120; i++) {
    const client = await connect();
    clients.push(client);
    const more = Array.from({ length: i % 20 }, (_, field) => `X-${field}: ${'v'.repeat((i * 7) % 600)}${i}\r\n`);
    client.send(`GET /${i}?q=${i} HTTP/1.1\r\nHost: h${i}\r\n${more.join('')}\r\n`);
  }
  await until(() => kept.length === clients.length, 'all requests');
  const seen = new Set<number>();
  for (const { request } of kept) {
    const i = Number(request.query.slice(2));
    seen.add(i);
    expect(request.target).toBe(`/${i}?q=${i}`);
    expect(request.header('host')).toBe(`h${i}`);
    expect(request.headers().slice(1)).toEqual(
      Array.from({ length: i % 20 }, (_, field) => [`x-${field}`, `${'v'.repeat((i * 7) % 600)}${i}`]),
    );
  }
  expect(seen.size).toBe(clients.length);
  for (const { answer } of kept) answer();
});

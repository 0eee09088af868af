// Tests the format of the access log and the trace, and that no client can forge a line or move a cursor.

import { expect, test } from 'vitest';
import type { LogFormat } from '../../src/index.ts';
import { escapeForLog } from '../../src/log/access-log.ts';
import { get } from '../support/client.ts';
import { echo, startHandler } from '../support/serving.ts';
import { until } from '../support/until.ts';

const REQUEST = get('/a"b\\c?d', 'Referer: http://r/"x"', 'User-Agent: u\xe4\\a\t1');
const TIME = String.raw`\[\d{2}/(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)/\d{4}:\d{2}:\d{2}:\d{2} \+0000\]`;

/** The log lines of the requests on one connection. */
async function logOf(logFormat: LogFormat, request: string, answers = 1): Promise<string> {
  let log = '';
  const { connect } = await startHandler(echo, { log: { format: logFormat, access: (text) => (log += text) } });
  const client = await connect();
  client.send(request);
  for (let i = 0; i < answers; i++) await client.readResponse();
  await until(() => log.split('\n').length > answers, 'the line is logged');
  return log;
}

test('common has the format of Apache and nginx, with control bytes, quotes and backslashes escaped', async () => {
  const log = await logOf('common', REQUEST);
  expect(log).toMatch(new RegExp(String.raw`^127\.0\.0\.1 - - ${TIME} "GET /a\\x22b\\x5cc\?d HTTP/1\.1" 200 12\n$`));
});

test('combined adds referer and user agent, or dashes', async () => {
  const log = await logOf('combined', REQUEST);
  expect(
    log.endsWith(String.raw` "GET /a\x22b\x5cc?d HTTP/1.1" 200 12 "http://r/\x22x\x22" "u\xe4\x5ca\x091"`.concat('\n')),
  ).toBe(true);
  expect(await logOf('combined', get('/'))).toMatch(/ "-" "-"\n$/);
});

test('json is one object a line', async () => {
  const log = await logOf('json', REQUEST);
  expect(log.match(/\n/g)).toHaveLength(1);
  const line: Record<string, unknown> = JSON.parse(log);
  expect(line).toMatchObject({
    remote: '127.0.0.1',
    method: 'GET',
    target: '/a"b\\c?d',
    version: '1.1',
    status: 200,
    bytes: 12,
    referer: 'http://r/"x"',
    userAgent: 'uä\\a\t1',
  });
  expect(line['problem']).toBeUndefined();
  expect(new Date(String(line['time'])).toISOString()).toBe(line['time']);
  expect(line['durationMs']).toBeGreaterThanOrEqual(0);
});

test('a rejected request has a line with the reason', async () => {
  expect(await logOf('common', 'NO\r\n\r\n')).toMatch(/ "-" 400 \d+\n$/);
  expect(JSON.parse(await logOf('json', 'NO\r\n\r\n'))).toMatchObject({
    status: 400,
    method: null,
    target: null,
    problem: expect.stringMatching(/./),
  });
});

test('the lines of one turn are written in one call, in order', async () => {
  const calls: string[] = [];
  const { connect } = await startHandler(echo, { log: { access: (text) => calls.push(text) } });
  const client = await connect();
  client.send(get('/0') + get('/1') + get('/2'));
  for (let i = 0; i < 3; i++) await client.readResponse();
  expect(calls.join('').match(/GET \/\d/g)).toEqual(['GET /0', 'GET /1', 'GET /2']);
  expect(calls).toHaveLength(1);
});

test('an aborted response is logged with its reason', async () => {
  let log = '';
  const { connect, server } = await startHandler(() => new Promise(() => {}), {
    log: { format: 'json', access: (text) => (log += text) },
  });
  const client = await connect();
  client.send(get('/'));
  await until(() => server.stats().requests.handled === 1, 'the request was handled');
  client.reset();
  await until(() => log !== '', 'the line is logged');
  expect(JSON.parse(log)).toMatchObject({ target: '/', status: 0, problem: expect.stringMatching(/reset|gone/) });
});

test.each(['common', 'combined', 'json'] as const)(
  'a client that resets while the rest of its body is discarded has one line (%s)',
  async (logFormat) => {
    let log = '';
    const { connect, server } = await startHandler(echo, {
      log: { format: logFormat, access: (text) => (log += text) },
    });
    const client = await connect();
    // The handler responded without a promise, so nothing of the request is kept.
    await client.send('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc').readResponse();
    client.reset();
    await until(() => server.stats().connections.open === 0, 'the client disconnected');
    expect(log.match(/\n/g)).toHaveLength(1);
    expect(server.stats().requests.aborted).toBe(0);
  },
);

test('the trace shows connects, disconnects and heads, with cursor sequences escaped', async () => {
  let trace = '';
  const { connect, server } = await startHandler(echo, { log: { trace: (text) => (trace += text) } });
  const client = await connect();
  await client.send(get('/"q"', 'X: \x1b'.replace('\x1b', '\x9b'))).readResponse();
  const { localPort } = client;
  client.destroy();
  await until(
    () => server.stats().connections.open === 0 && trace.includes(' disconnected'),
    'the client disconnected',
  );
  const name = `127.0.0.1:${localPort}`;
  const lines = trace.split('\n');
  expect(lines.slice(0, 5)).toEqual([
    `* ${name} connected`,
    `* ${name} request`,
    '> GET /"q" HTTP/1.1',
    '> Host: a',
    String.raw`> X: \x9b`,
  ]);
  expect(lines.slice(5, 8)).toEqual([`* ${name} response`, '< HTTP/1.1 200 OK', '< Server: epoll-server']);
  expect(lines.at(-2)).toMatch(new RegExp(`^\\* ${name} disconnected: \\d+ bytes received, \\d+ sent$`));
});

test('the trace has the reason of a rejected request', async () => {
  let trace = '';
  const { connect } = await startHandler(echo, { log: { trace: (text) => (trace += text) } });
  const client = await connect();
  await client.send('NO\r\n\r\n').readResponse();
  expect(trace).toMatch(/: the .+\n/);
});

test('escaped text has no control byte, quote or backslash, and only ASCII', () => {
  const all = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join('');
  expect(escapeForLog(all)).toMatch(/^[\x20-\x7e]*$/);
  expect(escapeForLog(all).replaceAll(/\\x[0-9a-f]{2}/g, '')).not.toMatch(/["\\]/);
  expect(escapeForLog('\n"\\\x7f\xff')).toBe(String.raw`\x0a\x22\x5c\x7f\xff`);
});

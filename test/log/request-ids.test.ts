// Tests the ids of requests: which are taken, which are given, and where they are found; and the diagnostics channels.

import { AsyncLocalStorage } from 'node:async_hooks';
import { channel } from 'node:diagnostics_channel';
import { expect, onTestFinished, test } from 'vitest';
import type { HttpRequest } from '../../src/http/handler.ts';
import { RequestIds } from '../../src/http/request-ids.ts';
import type { ServeOptions, WsgiApplication } from '../../src/index.ts';
import { syslogSink } from '../../src/log/syslog-sink.ts';
import { get } from '../support/client.ts';
import { receiveDatagrams } from '../support/datagrams.ts';
import { folder } from '../support/folder.ts';
import { type StartOptions, start } from '../support/serving.ts';
import { until } from '../support/until.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = `00-${TRACE}-00f067aa0ba902b7-01`;

/** The field of the response and the line of the log. */
async function idsOf(options: StartOptions, ...lines: readonly string[]): Promise<readonly [string, object]> {
  let log = '';
  const site = await start({
    handler: (request, response) => response.send(200, {}, request.id ?? ''),
    requestIds: true,
    ...options,
    log: { format: 'json', access: (text) => (log += text) },
  });
  const answer = await (await site.connect()).send(get('/', ...lines)).readResponse();
  await until(() => log !== '', 'it is logged');
  expect(answer.text).toBe(answer.field('x-request-id') ?? '');
  return [answer.text, JSON.parse(log)];
}

test.each([
  ['X-Request-Id', ['X-Request-Id: abc-1.2:3'], 'abc-1.2:3', undefined],
  ['traceparent', [`traceparent: ${PARENT}`], TRACE, TRACE],
  ['both', ['X-Request-Id: mine', `traceparent: ${PARENT}`], 'mine', TRACE],
] as const)('%s is taken', async (_name, lines, requestId, traceId) => {
  const [id, line] = await idsOf({}, ...lines);
  expect(id).toBe(requestId);
  expect(line).toMatchObject({ requestId, host: 'a', scheme: 'http', firstByteMs: expect.any(Number) });
  expect(Reflect.get(line, 'traceId')).toBe(traceId);
});

test.each([
  ['none'],
  ['with blanks', 'X-Request-Id: a b'],
  ['with a quote', 'X-Request-Id: a"b'],
  ['too long', `X-Request-Id: ${'x'.repeat(129)}`],
  ['a malformed traceparent', `traceparent: 00-${TRACE}-1-01`],
  ['a traceparent of zeros', `traceparent: 00-${'0'.repeat(32)}-00f067aa0ba902b7-01`],
])('%s: a new one is given, of 32 digits, and another one for each request', async (_name, ...lines) => {
  const [first] = await idsOf({}, ...lines);
  const [second] = await idsOf({}, ...lines);
  for (const id of [first, second]) expect(id).toMatch(/^[0-9a-f]{32}$/);
  expect(first).not.toBe(second);
});

test.each([
  ['a body that is too large', ['X-Request-Id: mine', 'Content-Length: 9'], { limits: { maxBodyBytes: 1 } }, 413],
  ['a handler that takes too long', ['X-Request-Id: mine'], { timeouts: { handlerMs: 1 } }, 504],
] as const)('%s: the refusal has it too', async (_name, lines, bounds, status) => {
  let log = '';
  const site = await start({
    handler: () => {},
    requestIds: true,
    log: { format: 'json', access: (text) => (log += text), error: () => {} },
    ...bounds,
  });
  const answer = await (await site.connect()).send(get('/', ...lines)).readResponse();
  expect([answer.status, answer.field('x-request-id')]).toEqual([status, 'mine']);
  await until(() => log !== '', 'it is logged');
  expect(JSON.parse(log)).toMatchObject({ status, method: 'GET', requestId: 'mine' });
});

test('without the option there is none', async () => {
  const [id, line] = await idsOf({ requestIds: false }, 'X-Request-Id: abc');
  expect(id).toBe('');
  expect(line).not.toHaveProperty('requestId');
});

const asWsgi: WsgiApplication = (environ, startResponse) => {
  startResponse('200 OK', []);
  return environ['epoll_server.request_id'];
};

test.each([
  ['fetch', { handler: undefined, fetch: (_request, { requestId }) => new Response(requestId) }],
  ['wsgi', { handler: undefined, wsgi: asWsgi }],
  ['files', { handler: undefined, static: 'docs' }],
] satisfies readonly (readonly [string, Partial<ServeOptions>])[])('%s has it', async (name, options) => {
  let log = '';
  const site = await start({ requestIds: true, ...options, log: { format: 'json', access: (text) => (log += text) } });
  const answer = await (await site.connect()).send(get('/options.md', 'X-Request-Id: abc')).readResponse();
  expect(answer.field('x-request-id')).toBe('abc');
  if (name !== 'files') expect(answer.text).toBe('abc');
  await until(() => JSON.parse(log).requestId === 'abc', 'it is logged');
});

test('an application for node:http has it in its response', async () => {
  const root = await folder({
    'app.mjs': "export default (request, response) => response.end(response.getHeader('x-request-id'));",
  });
  const site = await start({ requestIds: true, app: `${root}/app.mjs`, adapter: 'node' });
  const answer = await (await site.connect()).send(get('/', 'X-Request-Id: abc')).readResponse();
  expect([answer.field('x-request-id'), answer.text]).toEqual(['abc', 'abc']);
});

test('a field of the application replaces it', async () => {
  const site = await start({
    requestIds: true,
    handler: (_request, response) => response.send(200, { 'x-request-id': 'own' }, ''),
  });
  const answer = await (await site.connect()).send(get('/')).readResponse();
  expect(answer.field('x-request-id')).toBe('own');
});

test('adapters publish the start and the end of a request, in its async context', async () => {
  const seen: unknown[] = [];
  const storage = new AsyncLocalStorage<string>();
  const started = channel('epoll-server.request.start');
  const finished = channel('epoll-server.request.finish');
  const onFinish = (message: unknown): number =>
    seen.push(['finish', Object(message).request.path, Object(message).error]);
  started.bindStore(storage, (message) => `of ${Object(message).request.path}`);
  finished.subscribe(onFinish);
  onTestFinished(() => {
    started.unbindStore(storage);
    finished.unsubscribe(onFinish);
  });
  const site = await start({ fetch: async () => new Response(await Promise.resolve(storage.getStore())) });
  const answer = await (await site.connect()).send(get('/here')).readResponse();
  expect(answer.text).toBe('of /here');
  await until(() => seen.length === 1, 'the end is published');
  expect(seen).toEqual([['finish', '/here', undefined]]);
});

test('syslog gets one datagram a line, and lost lines are counted', async () => {
  const { path, texts } = await receiveDatagrams();
  const reports: string[] = [];
  const sink = syslogSink(6, (text) => reports.push(text), path);
  sink('one\ntwo\n');
  await until(() => texts().length === 2, 'both have arrived');
  expect(texts()).toEqual(['one', 'two'].map((line) => `<30>epoll-server[${process.pid}]: ${line}`));
  const lost = syslogSink(3, (text) => reports.push(text), `${path}-none`);
  lost('three\n');
  expect(reports).toEqual([expect.stringMatching(/^1 line for the system log \(.*-none\) lost: .*\(ENOENT\)$/)]);
});

test('new ids go on behind 65,536 of them', () => {
  const ids = new RequestIds('f'.repeat(20));
  // Only fields are read.
  const request = { header: () => undefined } as unknown as HttpRequest;
  const all = Array.from({ length: 65_538 }, () => ids.of(request).text);
  expect(new Set(all).size).toBe(all.length);
  expect([all[0], all[65_535], all[65_536]]).toEqual(
    ['000000000000', '00000000ffff', '000000010000'].map((digits) => 'f'.repeat(20) + digits),
  );
});

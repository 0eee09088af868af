// The suites of the plain socket, and the table of conformance, for each transport: a test file replaces the sockets and
// kernels, then imports this.

import { expect, test } from 'vitest';
import type { Handler } from '../../src/index.ts';
import { CASES } from '../../src/tools/conformance/cases.ts';
import { examine } from '../../src/tools/conformance/examine.ts';
import { findTarget } from '../../src/tools/conformance/target.ts';
import { get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { start, startHandler } from '../support/serving.ts';
import { until } from '../support/until.ts';
import '../http1/expect.test.ts';
import '../http1/half-closed.test.ts';
import '../http1/interim.test.ts';
import '../http1/order.test.ts';
import '../http1/refusals.test.ts';
import '../http1/request-body.test.ts';
import '../http1/request.test.ts';
import '../http1/response.test.ts';
import '../connection/pending-output.test.ts';
import '../http1/trailers.test.ts';
import '../http1/upgrade.test.ts';
import '../http1/when-sent.test.ts';

/** The parts of a site that most cases of the table request. */
const routes: Handler = async (request, response) => {
  const { path, method, target } = request;
  if (path === '/ignore') return response.send(200, {}, 'ignored\n');
  if (path === '/throw') throw new Error('on purpose');
  const body = await request.body.bytes();
  if (path === '/echo') return response.send(200, {}, body);
  if (path !== '/inspect') return response.send(405, { Allow: 'GET, HEAD' });
  const seen = { method, target, headers: request.headers(), bodyLength: body.length, trailers: request.body.trailers };
  return response.send(200, { 'Content-Type': 'application/json' }, JSON.stringify(seen));
};

test('every case of the table of conformance passes', async () => {
  const root = await folder({ 'page.txt': 'a page\n' });
  const { port, errors } = await start({ static: root, handler: routes });
  const target = await findTarget(`http://127.0.0.1:${port}/page.txt`, false, 20_000);
  const results = await examine(target, CASES, {
    maxConnections: 24,
    timeoutMs: 20_000,
    maxDurationMs: 100_000,
    maxSplits: 1,
  });
  errors.splice(0);
  expect(results.filter(({ verdict }) => verdict === 'failed' || verdict === 'warned')).toEqual([]);
  expect(results.filter(({ verdict }) => verdict === 'passed').length).toBeGreaterThan(100);
});

test('a file that is sent from its descriptor arrives whole', async () => {
  const content = Buffer.from(Array.from({ length: 1_000_003 }, (_, i) => i % 251));
  const root = await folder({ 'large.bin': content });
  const site = await start({ static: root, limits: { maxCachedFileBytes: 0 } });
  const client = await site.connect();
  client.socket.pause();
  await client.send(get('/large.bin') + get('/large.bin', 'Range: bytes=7-', 'Connection: close')).flushed();
  await until(() => site.server.stats().requests.handled > 0, 'the request was handled');
  client.socket.resume();
  expect((await client.readResponse()).content.equals(content)).toBe(true);
  expect((await client.readResponse()).content.equals(content.subarray(7))).toBe(true);
});

test('the end follows all pending output, wire bytes included', async () => {
  const { server, connect: enter } = await startHandler((_, response) =>
    response.send(200, {}, Buffer.alloc(3_000_000)),
  );
  const client = await enter();
  client.socket.pause();
  await client.send(get('/', 'Connection: close')).flushed();
  await until(() => server.stats().requests.handled === 1, 'the request was handled');
  client.socket.resume();
  expect((await client.readResponse()).content.length).toBe(3_000_000);
  // The close sends the transport's own end only if the socket has room for it, so it may look like a reset.
  await client.closed();
});

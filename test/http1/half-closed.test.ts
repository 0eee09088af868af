// Tests the signal of a client that has finished sending, and that such a client still gets its response.

import { describe, expect, test } from 'vitest';
import { fetchHandler, Response } from '../../src/fetch.ts';
import type { Handler, HttpRequest, HttpResponse, TimeoutOptions } from '../../src/index.ts';
import { simulate } from '../../src/testing/simulated-server.ts';
import { wsgi } from '../../src/wsgi.ts';
import { get, post } from '../support/client.ts';
import { startHandler } from '../support/serving.ts';
import { until } from '../support/until.ts';

function aborted(signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(signal.reason)));
}

async function* pieces(signal: AbortSignal): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  yield new Uint8Array(Buffer.from('all '));
  await aborted(signal);
  yield new Uint8Array(Buffer.from('the same'));
}

/** The signal aborts sooner than by default, to shorten the tests. */
const SOON = { timeouts: { halfClosedSignalMs: 100 } };

/** Handlers that respond only when their signal has aborted. */
const LATE: readonly (readonly [string, Handler])[] = [
  [
    'a raw handler',
    async (request, response) => {
      await aborted(request.signal);
      response.send(200, {}, 'all the same');
    },
  ],
  [
    'a raw handler that streams',
    async (request, response) => {
      response.start(200);
      response.write('all ');
      await aborted(request.signal);
      response.end('the same');
    },
  ],
  [
    'a WSGI application',
    wsgi(async (environ, startResponse) => {
      await aborted(environ['epoll_server.signal']);
      startResponse('200 OK', []);
      return 'all the same';
    }),
  ],
  [
    'a WSGI application that streams',
    wsgi((environ, startResponse) => {
      startResponse('200 OK', []);
      return pieces(environ['epoll_server.signal']);
    }),
  ],
  [
    'a fetch application',
    fetchHandler(
      async (request) => {
        await aborted(request.signal);
        return new Response('all the same');
      },
      { overrideGlobals: false },
    ),
  ],
  [
    'a fetch application that streams',
    fetchHandler((request) => new Response(ReadableStream.from(pieces(request.signal))), { overrideGlobals: false }),
  ],
];

test.each(LATE)('%s: FIN aborts the signal, and a later response is still sent', async (_what, handler) => {
  const { connect } = await startHandler(handler, SOON);
  const client = await connect();
  expect((await client.send(get('/')).finish().readResponse()).text).toBe('all the same');
  expect(await client.closed()).toBe('fin');
});

/** Back ends that report the end of a client by themselves, and one that does not. */
const BACK_ENDS = [undefined, 'poll', 'select'].map((backend) => (backend === undefined ? SOON : { ...SOON, backend }));

describe.each(BACK_ENDS)('with %o FIN', (options) => {
  test.each([
    ['while its handler is at work', get('/')],
    ['behind a body that is not read', post('/', 'x'.repeat(40_000))],
    ['behind a request that waits for its turn', get('/') + get('/second')],
  ])('%s aborts the signal', async (_when, request) => {
    const seen: HttpRequest[] = [];
    const { connect } = await startHandler(async (given, response) => {
      seen.push(given);
      await aborted(given.signal);
      response.send(200, {}, given.path);
    }, options);
    const client = await connect();
    await client.send(request).flushed();
    await until(() => seen.length === 1, 'the handler is running');
    client.finish();
    expect((await client.readResponse()).text).toBe('/');
  });

  test('does not discard earlier bytes, which can be read later', async () => {
    const { connect } = await startHandler(async (request, response) => {
      await aborted(request.signal);
      response.send(200, {}, request.path === '/unread' ? 'early' : await request.body.text());
    }, options);
    const client = await connect();
    const bodies = ['a'.repeat(20_000), 'b'.repeat(30_000)];
    // The body of the first request is discarded.
    const unread = post('/unread', 'x'.repeat(1_000));
    client.send([unread, ...bodies.map((body) => post('/', body))].join('')).finish();
    expect((await client.readResponse()).text).toBe('early');
    for (const body of bodies) expect((await client.readResponse()).text).toBe(body);
    expect(await client.closed()).toBe('fin');
  });
});

test('a handler that stops when the signal aborts, and does not respond, has not failed', async () => {
  const errors: unknown[] = [];
  const site = simulate({
    handler: ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
    log: { error: (error) => errors.push(error) },
  });
  const client = site.connect().send(get('/')).finish();
  await site.runFor(2_000);
  expect(client.received.toString('latin1')).toMatch(/^HTTP\/1\.1 400 /);
  expect(client.end).toBe('fin');
  expect(errors).toEqual([]);
  expect(site.server.stats().requests.failed).toBe(0);
});

/**
 * The virtual milliseconds after FIN until the signal of a client aborts and until its connection closes; null: not
 * within 20 s.
 */
async function timesOf(timeouts: TimeoutOptions): Promise<{
  readonly signalMs: number | null;
  readonly goneMs: number | null;
}> {
  const site = simulate({
    handler: (request) =>
      new Promise(() => {
        request.signal.addEventListener('abort', () => {
          signalMs = site.clock.nowMs - beginMs;
        });
        request.whenGone(() => {
          goneMs = site.clock.nowMs - beginMs;
        });
      }),
    timeouts,
  });
  let [signalMs, goneMs]: (number | null)[] = [null, null];
  site.connect().send(get('/')).finish();
  const beginMs = site.clock.nowMs;
  await site.runFor(20_000);
  return { signalMs: signalMs ?? null, goneMs: goneMs ?? null };
}

test('by default the signal aborts within a second of FIN, and the response has halfClosedTimeoutMs', async () => {
  const { signalMs, goneMs } = await timesOf({});
  expect(signalMs).toBeGreaterThanOrEqual(500);
  expect(signalMs).toBeLessThan(1_000);
  expect(goneMs).toBeGreaterThanOrEqual(5_000);
  expect(goneMs).toBeLessThan(5_500);
});

test.each([0, 5_000, 8_000])('with halfClosedSignalMs %i it aborts only when its connection closes', async (ms) => {
  const { signalMs, goneMs } = await timesOf({ halfClosedSignalMs: ms });
  expect(signalMs).toBe(goneMs);
  expect(goneMs).toBeGreaterThanOrEqual(5_000);
  expect(goneMs).toBeLessThan(5_500);
});

test('whenGone calls back at once after a disconnect, and never after a response', async () => {
  const calls: string[] = [];
  const { connect, server } = await startHandler(async (request, response) => {
    request.whenGone(() => calls.push(`${request.path} before`));
    if (request.path === '/answered') return response.send(200);
    await aborted(request.signal);
    request.whenGone(() => calls.push(`${request.path} after`));
  });
  const client = await connect();
  await client.send(get('/answered')).readResponse();
  await client.send(get('/left')).flushed();
  await until(() => server.stats().requests.handled === 2, 'the request was handled');
  client.reset();
  await until(() => calls.length === 2, 'the client disconnected');
  expect(calls).toEqual(['/left before', '/left after']);
});

test('a handler that gives up because of its signal has not failed', async () => {
  const { connect, server } = await startHandler(async (request) => {
    throw await aborted(request.signal);
  });
  const client = await connect();
  const answer = await client.send(get('/')).finish().readResponse();
  expect([answer.status, answer.text]).toEqual([
    400,
    '400 Bad Request: the client has finished sending: timeouts.halfClosedSignalMs is 500 (raise it with --half-closed-signal-ms)\n',
  ]);
  expect(server.stats().requests.failed).toBe(0);
});

test.each(['epoll', 'poll', 'select', 'scan'] as const)(
  'with %s, all requests before an early FIN are answered, with their content',
  async (backend) => {
    const handler: Handler = async (request, response) => {
      // Bytes after the head are kept meanwhile.
      if (request.path === '/wait') await aborted(request.signal);
      else await new Promise((resolve) => setTimeout(resolve, 20));
      response.send(200, {}, await request.body.text());
    };
    const { connect } = await startHandler(handler, { ...SOON, backend });
    const client = await connect();
    const chunked = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n';
    client.send(get('/wait') + post('/', 'x'.repeat(20_000)) + chunked + get('/wait') + post('/', 'last')).finish();
    const texts: string[] = [];
    for (let i = 0; i < 5; i++) texts.push((await client.readResponse()).text);
    expect(texts).toEqual(['', 'x'.repeat(20_000), 'abc', '', 'last']);
    expect(await client.closed()).toBe('fin');
  },
);

test('a client that has finished sending and still receives its response is not cut off', async () => {
  const slow: HttpResponse[] = [];
  const site = simulate({
    handler: async ({ path }, response) => {
      response.start(200);
      if (path === '/slow') {
        slow.push(response);
        return;
      }
      for (let i = 0; i < 40; i++) {
        response.write('x'.repeat(65_536));
        await response.drained();
      }
      response.end();
    },
  });
  const [patient, reader] = ['/slow', '/large'].map((path) => site.connect().send(get(path)).finish());
  reader?.pauseReading();
  for (let i = 0; i < 8; i++) {
    await site.runFor(2_000);
    slow[0]?.write('piece ');
  }
  reader?.resumeReading();
  slow[0]?.end('end');
  await site.runFor(2_000);
  expect(patient?.received.toString('latin1')).toMatch(/end\r\n0\r\n\r\n$/);
  expect(reader?.received.length).toBeGreaterThan(40 * 65_536);
  expect([patient?.end, reader?.end]).toEqual(['fin', 'fin']);
  // A response that has begun and then stops is cut off.
  const left = site.connect().send(get('/slow')).finish();
  await site.runFor(11_000);
  expect(left.end).toBe('reset');
});

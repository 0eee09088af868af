// Tests that a wrong call of a handler costs its own client a 500 or the connection, and affects no other client.

import { open } from 'node:fs/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Handler, HttpResponse } from '../../src/index.ts';
import { ask, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { startHandler } from '../support/serving.ts';
import { until } from '../support/until.ts';

const boom = (): never => {
  throw new Error('boom');
};

/** How a handler fails before it responded, and what is reported. */
const FAILURES: readonly (readonly [string, Handler, object])[] = [
  ['throws', boom, { message: 'boom' }],
  ['rejects', async () => boom(), { message: 'boom' }],
  [
    'rejects later',
    async () => new Promise((_, reject) => setTimeout(() => reject(new Error('boom')), 2)),
    { message: 'boom' },
  ],
  ['sends a status that is none', (_, response) => response.send(99), { code: 'ERR_INVALID_STATUS' }],
  ['sends 1xx as a final response', (_, response) => response.send(100), { code: 'ERR_INVALID_STATUS' }],
  ['sends a fraction as status', (_, response) => response.send(200.5), { code: 'ERR_INVALID_STATUS' }],
  ['sends 600', (_, response) => response.start(600), { code: 'ERR_INVALID_STATUS' }],
  [
    'splits the response with a value',
    (_, response) => response.send(200, { A: 'b\r\nSet-Cookie: evil' }),
    { code: 'ERR_INVALID_FIELD' },
  ],
  [
    'splits the response with a name',
    (_, response) => response.start(200, { 'A: b\r\nEvil': 'c' }),
    { code: 'ERR_INVALID_FIELD' },
  ],
  [
    'sets Transfer-Encoding',
    (_, response) => response.send(200, { 'Transfer-Encoding': 'chunked' }),
    { code: 'ERR_INVALID_FIELD' },
  ],
  [
    'sends a number',
    (_, response) => Reflect.apply(response.send, response, [200, {}, 7]),
    { code: 'ERR_INVALID_BODY' },
  ],
  [
    'sends null',
    (_, response) => Reflect.apply(response.send, response, [200, {}, null]),
    { code: 'ERR_INVALID_BODY' },
  ],
  [
    'resolves without a response',
    async function forgets() {},
    {
      code: 'ERR_NOT_ANSWERED',
      message: expect.stringMatching(/^the handler.* call response\.send or response\.start/),
    },
  ],
  ['writes before it starts', (_, response) => void response.write('x'), { code: 'ERR_NOT_STARTED' }],
  ['ends before it starts', (_, response) => response.end(), { code: 'ERR_NOT_STARTED' }],
];

test.each(FAILURES)(
  'a handler that %s: 500, one report, and the connection continues',
  async (_what, handler, report) => {
    const { connect, errors, server } = await startHandler((request, response) =>
      request.target === '/bad' ? handler(request, response) : response.send(200, {}, 'fine'),
    );
    const client = await connect();
    const answer = await client.send(get('/bad')).readResponse();
    expect(answer).toMatchObject({ status: 500, text: 'Internal Server Error\n' });
    expect(answer.fields.some(([name]) => /evil|set-cookie/i.test(name))).toBe(false);
    expect(errors.splice(0)).toEqual([expect.objectContaining(report)]);
    expect((await client.send(get('/good')).readResponse()).text).toBe('fine');
    expect(server.stats().requests.failed).toBe(1);
  },
);

test('the report of a handler that resolved without a response names it', async () => {
  const { port, errors } = await startHandler(async function forgetful() {});
  expect((await ask(port, get('/'))).status).toBe(500);
  expect(errors.splice(0)).toEqual([
    expect.objectContaining({ message: expect.stringContaining('the handler "forgetful" resolved') }),
  ]);
});

test.each([
  ['returned no promise', (_, response) => void setTimeout(() => response.send(200, {}, 'later'), 5)],
  ['returned a timer', (_, response) => Object(setTimeout(() => response.send(200, {}, 'later'), 5))],
  [
    'resolved its promise after the response had begun',
    async (_, response) => {
      response.start(200);
      setTimeout(() => response.end('later'), 5);
    },
  ],
] satisfies [string, Handler][])('a handler that %s may respond from a callback', async (_what, handler) => {
  const { port } = await startHandler(handler);
  expect(await ask(port, get('/'))).toMatchObject({ status: 200, text: 'later' });
});

test('a failure after the response has begun closes the connection before its end', async () => {
  const { connect, errors } = await startHandler(async (_, response) => {
    response.start(200);
    response.write('half');
    await new Promise((resolve) => setTimeout(resolve, 5));
    boom();
  });
  const client = await connect();
  client.send(get('/'));
  // The missing last chunk shows the fault: FIN is enough, and does not destroy what was sent before.
  expect(await client.closed()).toBe('fin');
  expect(client.received.toString('latin1')).toMatch(/4\r\nhalf\r\n$/);
  expect(errors.splice(0)).toEqual([expect.objectContaining({ message: 'boom' })]);
});

test('a failure after the response was sent is reported and has no other effect', async () => {
  const { connect, errors } = await startHandler((_, response) => {
    response.send(200, {}, 'whole');
    boom();
  });
  const client = await connect();
  for (let i = 0; i < 2; i++) expect((await client.send(get('/')).readResponse()).text).toBe('whole');
  expect(errors.splice(0)).toHaveLength(2);
});

describe('a second response throws ERR_ALREADY_ANSWERED and has no effect', () => {
  const seconds: readonly (readonly [string, (response: HttpResponse) => void])[] = [
    ['send after send', (response) => response.send(500, {}, 'second')],
    ['start after send', (response) => response.start(500)],
    ['write after send', (response) => void response.write('second')],
    ['end after send', (response) => response.end('second')],
  ];
  test.each(seconds)('%s', async (_what, second) => {
    const { connect } = await startHandler((_request, response) => {
      response.send(200, {}, 'first');
      expect(response).toMatchObject({ started: true, ended: true });
      expect(() => second(response)).toThrow(expect.objectContaining({ code: 'ERR_ALREADY_ANSWERED' }));
    });
    const client = await connect();
    for (let i = 0; i < 2; i++) expect((await client.send(get('/')).readResponse()).text).toBe('first');
  });

  test('later, while the next request is served', async () => {
    const kept: HttpResponse[] = [];
    const { connect } = await startHandler((_request, response) => {
      kept.push(response);
      if (kept.length === 1) response.send(200, {}, 'first');
      else setTimeout(() => response.send(200, {}, 'second'), 5);
    });
    const client = await connect();
    await client.send(get('/')).readResponse();
    client.send(get('/'));
    await until(() => kept.length === 2, 'the second request was seen');
    expect(() => kept[0]?.send(200, {}, 'intruder')).toThrow(expect.objectContaining({ code: 'ERR_ALREADY_ANSWERED' }));
    expect(() => kept[0]?.write('intruder')).toThrow(expect.objectContaining({ code: 'ERR_ALREADY_ANSWERED' }));
    expect((await client.readResponse()).text).toBe('second');
  });
});

describe('bytes of a file', () => {
  const SIZE = 50_000;

  async function openFile(): Promise<number> {
    const root = await folder({ 'a.bin': Buffer.alloc(SIZE, 'f') });
    const file = await open(`${root}/a.bin`);
    onTestFinished(() => file.close());
    return file.fd;
  }

  test('no write is allowed while they are being sent', async () => {
    const file = await openFile();
    const thrown: unknown[] = [];
    const { port, errors } = await startHandler((_request, response) => {
      response.start(200, { 'Content-Length': SIZE });
      const onSent = (count: number): void => response.end(count === SIZE ? undefined : 'x');
      response.writeFile(file, 0, SIZE, { onSent });
      for (const early of [
        () => response.write('early'),
        () => response.end(),
        () => response.writeFile(file, 0, 1, { onSent }),
      ]) {
        try {
          early();
        } catch (error) {
          thrown.push(error);
        }
      }
    });
    const answer = await ask(port, get('/'));
    expect(answer.content.equals(Buffer.alloc(SIZE, 'f'))).toBe(true);
    expect(thrown).toEqual(Array(3).fill(expect.objectContaining({ code: 'ERR_FILE_UNDER_WAY' })));
    expect(errors).toEqual([]);
  });

  test('are rejected without a Content-Length, and beyond the end of the file', async () => {
    const file = await openFile();
    const counts: number[] = [];
    const { port } = await startHandler((request, response) => {
      const [length, position] = request.target === '/chunks' ? [undefined, 0] : [4, SIZE];
      response.start(200, length === undefined ? {} : { 'Content-Length': length });
      const onSent = (count: number): void => {
        counts.push(count);
        response.end('text');
      };
      response.writeFile(file, position, 4, { onSent });
    });
    for (const target of ['/chunks', '/behind-the-end']) expect((await ask(port, get(target))).text).toBe('text');
    expect(counts).toEqual([expect.toSatisfy((count) => count < 0), expect.toSatisfy((count) => count < 0)]);
  });
});

test('calls after the client has disconnected have no effect and throw nothing', async () => {
  let isDone = false;
  const { connect, server } = await startHandler(async (_, response) => {
    response.start(200);
    await until(() => server.stats().requests.aborted === 1, 'the client disconnected');
    expect(response.ended).toBe(true);
    expect(response.write('x')).toBe(true);
    await response.drained();
    response.end('y');
    response.abort();
    isDone = true;
  });
  const client = await connect();
  await client.send(get('/')).readUntil('\r\n\r\n');
  client.reset();
  await until(() => isDone, 'the handler has ended');
});

test('abort closes the connection', async () => {
  const { connect } = await startHandler((_, response) => {
    response.start(200, { 'Content-Length': 100 });
    response.write('half');
    response.abort();
  });
  const client = await connect();
  client.send(get('/'));
  await client.closed();
  expect(client.received.length).toBeLessThan(200);
});

test("one client's failing handler does not touch the requests of others", async () => {
  const { port, errors } = await startHandler((request, response) =>
    request.target === '/bad' ? boom() : response.send(200, {}, 'fine'),
  );
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, i) => ask(port, get(i % 2 === 0 ? '/bad' : '/good'))),
  );
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? 500 : 200)));
  expect(errors.splice(0)).toHaveLength(20);
});

test('without onError, an error is one line on standard error, and the server continues', async () => {
  const lines: string[] = [];
  const write = process.stderr.write;
  process.stderr.write = (text: string | Uint8Array): boolean => lines.push(String(text)) > 0;
  try {
    const { serve } = await import('../../src/index.ts');
    const server = await serve({ port: 0, handler: boom });
    expect((await ask(server.port ?? 0, get('/x?y'))).status).toBe(500);
    await server.close({ now: true });
  } finally {
    process.stderr.write = write;
  }
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^epoll-server: handler failed GET \/x\?y: Error: boom .*\n$/);
});

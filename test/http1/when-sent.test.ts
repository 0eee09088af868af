// Tests when whenSent calls back: after the response was sent, or can no longer be sent. Promises suffice to wait for room,
// for files too.

import { open } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import type { Handler, HttpResponse } from '../../src/index.ts';
import { get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { startHandler } from '../support/serving.ts';
import { until } from '../support/until.ts';

/** More than the buffers of a connection. */
const LARGE_BYTES = 20_000_000;

const large = Buffer.alloc(LARGE_BYTES, 'x');

/** The results of callbacks: null for a response that was sent, else the code of the error. */
function watched(outcomes: (string | null)[]): (error?: Error) => void {
  return (error) => {
    outcomes.push(error === undefined ? null : 'code' in error ? String(error.code) : error.message);
  };
}

const ANSWERS: readonly (readonly [string, Handler])[] = [
  ['sent', (_, response) => response.send(200, {}, 'short')],
  ['sent without content', (_, response) => response.send(204)],
  ['sent later', (_, response) => void setImmediate(() => response.send(200, {}, 'later'))],
  [
    'in pieces',
    async (_, response) => {
      response.start(200);
      response.write('one');
      await undefined;
      response.end('two');
    },
  ],
];

test.each(ANSWERS)(
  'a response that is %s: each callback is called once, whenever it was added',
  async (_how, handler) => {
    const outcomes: (string | null)[] = [];
    const { connect } = await startHandler((request, response) => {
      response.whenSent(watched(outcomes));
      response.whenSent(watched(outcomes));
      const result = handler(request, response);
      response.whenSent(watched(outcomes));
      return result;
    });
    const client = await connect();
    for (let i = 1; i <= 3; i++) {
      await client.send(get('/')).readResponse();
      await until(() => outcomes.length === 3 * i, 'all callbacks were called');
    }
    expect(outcomes).toEqual(Array(9).fill(null));
  },
);

test('a response that the client does not receive is not sent; pipelined ones before it are', async () => {
  const outcomes: string[] = [];
  const { connect, server } = await startHandler((request, response) => {
    response.whenSent((error) => outcomes.push(`${request.path} ${error === undefined ? 'sent' : 'lost'}`));
    request.retain();
    response.send(200, {}, request.path === '/large' ? large : 'short');
  });
  const client = await connect();
  client.socket.pause();
  client.send(get('/1') + get('/2') + get('/large'));
  await until(() => outcomes.length === 2, 'the short responses were sent');
  expect(outcomes).toEqual(['/1 sent', '/2 sent']);
  client.socket.resume();
  for (let i = 0; i < 3; i++) await client.readResponse();
  await until(() => outcomes.length === 3, 'the large response was sent');
  expect(outcomes[2]).toBe('/large sent');
  expect(server.stats().requests.handled).toBe(3);
});

test.each([
  ['in the middle of a response that is whole', (response: HttpResponse) => response.send(200, {}, large)],
  [
    'in the middle of a stream',
    (response: HttpResponse) => {
      response.start(200);
      response.write(large);
    },
  ],
])('a client that disconnects %s: the callbacks get the error, once', async (_when, answer) => {
  const outcomes: (string | null)[] = [];
  const { connect, server } = await startHandler((request, response) => {
    response.whenSent(watched(outcomes));
    answer(response);
    return new Promise((resolve) => {
      request.whenGone(() => resolve());
      if (response.ended) resolve();
    });
  });
  const client = await connect();
  client.socket.pause();
  client.send(get('/'));
  await until(() => server.stats().requests.handled === 1, 'the request was handled');
  client.reset();
  await until(() => outcomes.length === 1, 'the callback was called');
  expect(outcomes).toEqual(['ERR_CLIENT_GONE']);
});

test('callbacks get the error after abort, and when added after the client disconnected', async () => {
  const outcomes: (string | null)[] = [];
  const { connect, server } = await startHandler(async (request, response) => {
    if (request.path === '/abort') {
      response.whenSent(watched(outcomes));
      response.start(200);
      response.abort();
      return;
    }
    await new Promise<void>((resolve) => request.whenGone(() => resolve()));
    response.whenSent(watched(outcomes));
  });
  await (await connect()).send(get('/abort')).closed();
  const client = await connect();
  client.send(get('/wait'));
  await until(() => server.stats().requests.handled === 2, 'the request was handled');
  client.reset();
  await until(() => outcomes.length === 2, 'both callbacks were called');
  expect(outcomes).toEqual(['ERR_CLIENT_GONE', 'ERR_CLIENT_GONE']);
});

test('a callback that throws is reported, and affects no connection', async () => {
  const { connect, errors } = await startHandler((_, response) => {
    response.whenSent(() => {
      throw new Error('boom');
    });
    response.send(200, {}, 'fine');
  });
  const client = await connect();
  for (let i = 0; i < 2; i++) expect((await client.send(get('/')).readResponse()).text).toBe('fine');
  await until(() => errors.length === 2, 'both errors were reported');
  expect(errors.splice(0)).toEqual(Array(2).fill(expect.objectContaining({ message: 'boom' })));
});

test('a handler that awaits drained between file ranges sends all to a slow client', async () => {
  const root = await folder({ 'a.bin': large });
  const file = await open(`${root}/a.bin`);
  onTestFinished(() => file.close());
  const { connect } = await startHandler(async (_, response) => {
    response.start(200, { 'Content-Length': LARGE_BYTES });
    for (let at = 0; at < LARGE_BYTES && !response.ended; ) {
      at += await new Promise<number>((onSent) => response.writeFile(file.fd, at, LARGE_BYTES - at, { onSent }));
      await response.drained();
    }
    response.end();
  });
  const client = await connect();
  for (let i = 0; i < 2; i++) {
    expect((await client.send(get('/')).readResponse()).content.length).toBe(LARGE_BYTES);
  }
});

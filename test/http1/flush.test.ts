// Tests flush: what was written leaves at once, and output of other connections keeps its place.

import { expect, test } from 'vitest';
import type { HttpResponse } from '../../src/http/handler.ts';
import { get } from '../support/client.ts';
import { startHandler } from '../support/serving.ts';
import { until } from '../support/until.ts';

/** More than the buffers of a connection. */
const LARGE_BYTES = 20_000_000;

test('flush returns null once the system has everything, and a promise while the client is slow', async () => {
  const steps: string[] = [];
  const { connect } = await startHandler(async (_, response) => {
    response.start(200);
    response.write('short');
    steps.push(response.flush?.() === null ? 'sent' : 'waits');
    response.write(Buffer.alloc(LARGE_BYTES, 'x'));
    const flushed = response.flush?.() ?? null;
    steps.push(flushed === null ? 'sent' : 'waits');
    await flushed;
    steps.push(response.flush?.() === null ? 'sent' : 'waits');
    response.end();
  });
  const client = await connect();
  client.socket.pause();
  client.send(get('/'));
  await until(() => steps.length === 2, 'the client is slow');
  client.socket.resume();
  expect((await client.readResponse()).content.length).toBe(LARGE_BYTES + 5);
  expect(steps).toEqual(['sent', 'waits', 'sent']);
});

test('a promise of flush resolves when the client is gone', async () => {
  const steps: string[] = [];
  const { connect } = await startHandler(async (_, response) => {
    response.start(200);
    response.write(Buffer.alloc(LARGE_BYTES, 'x'));
    const flushed = response.flush?.() ?? null;
    steps.push('waits');
    await flushed;
    steps.push(response.ended ? 'gone' : 'sent');
  });
  const client = await connect();
  client.socket.pause();
  client.send(get('/'));
  await until(() => steps.length === 1, 'the client is slow');
  client.socket.destroy();
  await until(() => steps.length === 2, 'the promise has resolved');
  expect(steps).toEqual(['waits', 'gone']);
});

test('a flush within the turn of another connection leaves the bytes of that one in place', async () => {
  let held: HttpResponse | undefined;
  const { connect } = await startHandler((request, response) => {
    if (request.path === '/held') {
      response.start(200);
      held = response;
      return;
    }
    response.start(200, { 'Content-Length': '9' });
    response.write('of a, one');
    held?.write('of b, held');
    held?.flush?.();
    held?.end();
    response.end();
  });
  const b = await connect();
  b.send(get('/held'));
  await until(() => held !== undefined, 'b waits');
  const a = await connect();
  expect((await a.send(get('/')).readResponse()).text).toBe('of a, one');
  expect((await b.readResponse()).text).toBe('of b, held');
});

// Tests that no object of a request is kept after its client disconnected, even if its application waits for ever. Bodies of any
// size pass through bounded memory.

import { expect, test } from 'vitest';
import { fetchHandler, Response } from '../../src/fetch.ts';
import type { Handler } from '../../src/index.ts';
import { wsgi } from '../../src/wsgi.ts';
import { connect, get } from '../support/client.ts';
import { collect } from '../support/collect.ts';
import { startHandler } from '../support/serving.ts';
import { settled, until } from '../support/until.ts';

const REQUESTS = 300;
/** Objects that the test machine may still hold: the last frames of the last request. */
const STRAGGLERS = 5;

const never = (): Promise<never> => new Promise(() => {});

async function* endless(): AsyncGenerator<string> {
  yield 'first';
  await never();
}

type Watch = (held: object) => void;

/** Applications that never end, each reporting the objects that it was given. */
const NEVER_ENDING: Readonly<Record<string, (watch: Watch) => Handler>> = {
  'a raw handler that never responds': (watch) => (request, response) => {
    watch(request);
    watch(response);
    return never();
  },
  'a WSGI-style application whose next piece never comes': (watch) =>
    wsgi((environ, start) => {
      watch(environ);
      start('200 OK', []);
      return endless();
    }),
  'a fetch application that never responds, with a listener': (watch) =>
    fetchHandler(
      (request) => {
        watch(request);
        request.signal.addEventListener('abort', () => {});
        return never();
      },
      { overrideGlobals: false },
    ),
  'a fetch application whose stream never ends': (watch) =>
    fetchHandler(
      (request) => {
        watch(request);
        const stream = new ReadableStream({
          start: (controller) => controller.enqueue(new Uint8Array([120])),
          pull: never,
        });
        return new Response(stream);
      },
      { overrideGlobals: false },
    ),
};

test.each(Object.entries(NEVER_ENDING))('no object is kept of a disconnected client of %s', async (_what, make) => {
  const held: WeakRef<object>[] = [];
  const { port, server } = await startHandler(make((object) => held.push(new WeakRef(object))));
  for (let i = 0; i < REQUESTS; i += 20) {
    const clients = await Promise.all(Array.from({ length: 20 }, () => connect(port)));
    for (const client of clients) client.send(get('/'));
    await until(() => server.stats().requests.handled === i + 20, 'all requests were handled');
    for (const client of clients) client.reset();
    await until(() => server.stats().connections.open === 0, 'all clients disconnected');
  }
  expect(server.stats().requests.aborted).toBe(REQUESTS);
  expect(held.length).toBeGreaterThanOrEqual(REQUESTS);
  const alive = (): number => held.filter((each) => each.deref() !== undefined).length;
  await settled(() => {
    collect();
    return alive() <= STRAGGLERS;
  });
  expect(alive(), 'objects of requests that are over').toBeLessThanOrEqual(STRAGGLERS);
});

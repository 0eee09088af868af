// Tests that a promise which resolves without a response is an error at once, in every thread. A handler without a
// promise may respond from a callback.

import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Handler, ServeOptions } from '../../src/index.ts';
import { wsgi } from '../../src/wsgi.ts';
import { ask, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { type StartOptions, start } from '../support/serving.ts';

const MODULE = `
export async function handler(request, response) {
  if (request.path === '/forgets') return;
  await null;
  response.send(200, {}, 'answered');
}
export function callback(request, response) {
  setTimeout(() => response.send(200, {}, 'answered'), 5);
}
export function pieces(request, response) {
  response.start(200);
  setTimeout(() => response.end('answered'), 5);
}
`;

async function optionsOf(place: string, name: string): Promise<StartOptions> {
  const app = `${join(await folder({ 'app.mjs': MODULE }), 'app.mjs')}:${name}`;
  const options: StartOptions = { app, adapter: 'raw' };
  if (place === 'in a module') return options;
  if (place === 'in the pool') return { ...options, offload: 1 };
  if (place === 'behind files') return { ...options, static: await folder({ 'index.html': 'home' }) };
  return { ...options, dynamic: await folder({ 'clock.mjs': 'export const application = () => "noon";' }) };
}

const PLACES = ['in a module', 'in the pool', 'behind files', 'behind a dynamic folder'];

test.each(PLACES)('%s', async (place) => {
  const { port, errors } = await start(await optionsOf(place, 'handler'));
  expect((await ask(port, get('/answers'))).text).toBe('answered');
  // Twice: the first request is looked up in the file system, the next one may be cached.
  for (let i = 0; i < 2; i++) {
    expect(await ask(port, get('/forgets'))).toMatchObject({ status: 500, text: 'Internal Server Error\n' });
    expect(errors.splice(0)).toEqual([expect.objectContaining({ code: 'ERR_NOT_ANSWERED' })]);
  }
});

test.each(PLACES.flatMap((place) => [[place, 'callback'] as const, [place, 'pieces'] as const]))(
  '%s, %s: a response from a callback is valid',
  async (place, name) => {
    const { port } = await start(await optionsOf(place, name));
    for (let i = 0; i < 2; i++) {
      expect(await ask(port, get('/answers'))).toMatchObject({ status: 200, text: 'answered' });
    }
  },
);

test('other applications that resolve to nothing are errors at once too', async () => {
  const nothing = async (): Promise<string> => Reflect.get({}, 'nothing');
  const handlers: readonly ServeOptions[] = [
    { fetch: async () => Reflect.get({}, 'nothing') },
    { handler: wsgi(nothing) },
    { handler: wsgi(async (_environ, startResponse) => Reflect.get([startResponse('200 OK', [])], 'nothing')) },
  ];
  for (const options of handlers) {
    const { port, errors } = await start({ ...options, overrideGlobals: false });
    expect((await ask(port, get('/'))).status).toBe(500);
    expect(errors.splice(0)).toEqual([expect.objectContaining({ code: 'ERR_APPLICATION' })]);
  }
});

test('a handler that resolves without a response after its client disconnected is no error', async () => {
  let resolve = (): void => {};
  const handler: Handler = ({ signal }) =>
    new Promise((settle) => {
      resolve = settle;
      signal.addEventListener('abort', () => settle());
    });
  const { connect, server } = await start({ handler });
  const client = await connect();
  client.send(get('/')).reset();
  await client.closed();
  resolve();
  expect(server.stats().requests.failed).toBe(0);
});

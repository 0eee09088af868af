// Tests that every adapter reports the addresses of the connection of a request, whenever they are read.

import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Endpoint, ServeOptions } from '../../src/index.ts';
import { wsgi } from '../../src/wsgi.ts';
import { connect, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { start, startHandler } from '../support/serving.ts';
import { gate, until } from '../support/until.ts';

const MODULE = `export function application(environ, startResponse) {
  startResponse('200 OK', []);
  const { REMOTE_ADDR, REMOTE_PORT, SERVER_NAME, SERVER_PORT } = environ;
  return JSON.stringify([REMOTE_ADDR, REMOTE_PORT, SERVER_NAME, SERVER_PORT]);
}`;

type Addresses = readonly [remote: Endpoint, local: Endpoint];

/** Applications that read the addresses only after `later` resolves. */
const APPLICATIONS: Readonly<
  Record<string, (later: Promise<void>, read: (addresses: Addresses) => void) => ServeOptions>
> = {
  'a raw handler': (later, read) => ({
    handler: async (request) => {
      await later;
      read([request.remote, request.local]);
    },
  }),
  'a raw handler that has responded and keeps the request': (later, read) => ({
    handler: (request, response) => {
      request.retain();
      response.send(200, {}, 'answered');
      void later.then(() => read([request.remote, request.local]));
    },
  }),
  'a WSGI-style application': (later, read) => ({
    handler: wsgi(async (environ, startResponse) => {
      await later;
      const { REMOTE_ADDR, REMOTE_PORT, SERVER_NAME, SERVER_PORT } = environ;
      read([
        { address: REMOTE_ADDR, port: Number(REMOTE_PORT) },
        { address: SERVER_NAME, port: Number(SERVER_PORT) },
      ]);
      startResponse('200 OK', []);
      return '';
    }),
  }),
  'a fetch application': (later, read) => ({
    overrideGlobals: false,
    fetch: async (_request, info) => {
      await later;
      read([info.remote, info.local]);
      return new Response('');
    },
  }),
};

test.each(
  Object.entries(APPLICATIONS).flatMap(([name, make]) =>
    ['127.0.0.1', '0.0.0.0', '::'].map((host) => [name, host, make] as const),
  ),
)('%s on %s reads the addresses of a client that has left', async (_name, host, make) => {
  const { opened, open } = gate();
  const seen: Addresses[] = [];
  const { server, port } = await start({ hostname: host, ...make(opened, (addresses) => seen.push(addresses)) });
  const first = await connect(port);
  const { localPort } = first;
  first.send(get('/'));
  await until(() => server.stats().requests.handled === 1, 'the request was handled');
  first.reset();
  await until(() => server.stats().connections.open === 0, 'the connection is closed');
  // The next client gets the lowest free descriptor number.
  for (let i = 0; i < 8; i++) await connect(port, '127.0.0.1', '127.0.0.2');
  await until(() => server.stats().connections.open === 8, 'other clients are connected');
  open();
  await until(() => seen.length === 1, 'the application has read the addresses');
  const prefix = host === '::' ? '::ffff:' : '';
  expect(seen).toEqual([
    [
      { address: `${prefix}127.0.0.1`, port: localPort },
      { address: `${prefix}127.0.0.1`, port },
    ],
  ]);
});

test('a request in a pool thread has the addresses of its connection', async () => {
  const app = join(await folder({ 'app.mjs': MODULE }), 'app.mjs');
  const { connect: dial, port } = await start({ app, offload: 1 });
  const client = await dial();
  const answer = await client.send(get('/')).readResponse();
  expect(JSON.parse(answer.text)).toEqual(['127.0.0.1', String(client.localPort), '127.0.0.1', String(port)]);
});

test('addresses that are read after the request is over throw, like all its other properties', async () => {
  const kept: { remote: Endpoint }[] = [];
  const { port } = await startHandler((request, response) => {
    kept.push(request);
    response.send(200, {}, request.remote.address);
  });
  const client = await connect(port);
  expect((await client.send(get('/')).readResponse()).text).toBe('127.0.0.1');
  expect(() => kept[0]?.remote).toThrowError(expect.objectContaining({ code: 'ERR_REQUEST_OVER' }));
});

test('a handler cannot change the addresses that other requests of its connection see', async () => {
  const { port } = await startHandler((request, response) => {
    expect(() => Object.assign(request.remote, { address: 'forged' })).toThrow(TypeError);
    expect(() => Object.assign(request.local, { address: 'forged' })).toThrow(TypeError);
    response.send(200, {}, `${request.remote.address} ${request.local.address}`);
  });
  const client = await connect(port);
  for (let i = 0; i < 2; i++) expect((await client.send(get('/')).readResponse()).text).toBe('127.0.0.1 127.0.0.1');
});

// Tests that the AsyncLocalStorage context of one request's handler is never visible in another's.

import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Handler, serve, withAsyncContext } from '../../src/index.ts';
import { wsgi } from '../../src/wsgi.ts';
import { exchange } from './programs.ts';

const NOTHING = 'nothing';

type Storage = AsyncLocalStorage<string>;

/** Handlers that respond with the context that they found, and enter one with their path. */
const ADAPTERS: Readonly<Record<string, (storage: Storage) => Handler>> = {
  withAsyncContext: (storage) =>
    withAsyncContext((request, response) => {
      const found = storage.getStore() ?? NOTHING;
      storage.enterWith(request.path);
      response.send(200, {}, `${found};`);
    }),
  'withAsyncContext, asynchronous': (storage) =>
    withAsyncContext(async (request, response) => {
      const found = storage.getStore() ?? NOTHING;
      storage.enterWith(request.path);
      await pause(1);
      response.send(200, {}, storage.getStore() === request.path ? `${found};` : 'its own context is lost;');
    }),
  wsgi: (storage) =>
    wsgi((environ, startResponse) => {
      const found = storage.getStore() ?? NOTHING;
      storage.enterWith(environ.PATH_INFO);
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      return `${found};`;
    }),
  'wsgi, asynchronous': (storage) =>
    wsgi(async (environ, startResponse) => {
      const found = storage.getStore() ?? NOTHING;
      storage.enterWith(environ.PATH_INFO);
      await pause(1);
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      return storage.getStore() === environ.PATH_INFO ? `${found};` : 'its own context is lost;';
    }),
};

async function start(handler: Handler): Promise<number> {
  const server = await serve({ port: 0, handler });
  onTestFinished(() => server.close({ now: true }));
  return server.port ?? 0;
}

/** The contents of all responses, each of which ends in `;`. */
async function found(port: number, paths: readonly string[]): Promise<readonly string[]> {
  const text = await exchange(port, paths);
  return [...text.matchAll(/([^\n;]+);/g)]
    .map(([, content]) => content ?? '')
    .filter((content) => !content.startsWith('Content-'));
}

describe.each(Object.entries(ADAPTERS))('enterWith in a handler (%s)', (_, adapter) => {
  test('is invisible to other clients of the same batch', async () => {
    const port = await start(adapter(new AsyncLocalStorage()));
    const answers = await Promise.all(Array.from({ length: 40 }, (_client, i) => found(port, [`/${i}`])));
    expect(answers.flat()).toEqual(Array.from({ length: 40 }, () => NOTHING));
  });

  test('is invisible to the next request of a pipelining client', async () => {
    const port = await start(adapter(new AsyncLocalStorage()));
    expect(await found(port, ['/a', '/b', '/c', '/d'])).toEqual([NOTHING, NOTHING, NOTHING, NOTHING]);
  });

  test('is invisible to later requests, of the same connection or another', async () => {
    const port = await start(adapter(new AsyncLocalStorage()));
    const contents: string[] = [];
    for (const path of ['/a', '/b', '/c']) {
      contents.push(await (await fetch(`http://127.0.0.1:${port}${path}`)).text()); // fetch keeps its connection
      await pause(2);
    }
    expect(contents).toEqual([`${NOTHING};`, `${NOTHING};`, `${NOTHING};`]);
    expect(await found(port, ['/d'])).toEqual([NOTHING]);
  });
});

describe('run in a raw handler', () => {
  test('keeps the context of its own request across await', async () => {
    const storage: Storage = new AsyncLocalStorage();
    const port = await start((request, response) =>
      storage.run(request.path, async () => {
        await pause(1);
        await Promise.resolve();
        response.send(200, {}, `${storage.getStore() ?? NOTHING};`);
      }),
    );
    const paths = Array.from({ length: 20 }, (_, i) => `/${i}`);
    const answers = await Promise.all(paths.map((path) => found(port, [path, path])));
    expect(answers).toEqual(paths.map((path) => [path, path]));
  });

  test('leaves no context for later requests', async () => {
    const storage: Storage = new AsyncLocalStorage();
    const port = await start((request, response) => {
      const before = storage.getStore() ?? NOTHING;
      storage.run(request.path, () => response.send(200, {}, `${before};`));
    });
    expect(await found(port, ['/a', '/b'])).toEqual([NOTHING, NOTHING]);
    expect(await found(port, ['/c'])).toEqual([NOTHING]);
  });
});

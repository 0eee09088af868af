// Tests staticFiles as a handler: in front of another one, several on one server, one on several servers, and that it
// closes its descriptors when they run out and at its end.

import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Handler } from '../../src/index.ts';
import { relieveDescriptors } from '../../src/kernel/spare-descriptors.ts';
import { type StaticFilesOptions, type StaticHandler, staticFiles } from '../../src/static.ts';
import { ask, get, post } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { echo, type Site, startHandler } from '../support/serving.ts';

async function open(options: string | StaticFilesOptions, next?: Handler): Promise<StaticHandler> {
  const handler = await staticFiles(options, next);
  onTestFinished(() => handler.close());
  return handler;
}

async function textOf({ port }: Site, path: string): Promise<string> {
  const { status, text } = await ask(port, get(path));
  return `${status} ${text}`;
}

test('files come first, then the next handler, or its own error pages without one', async () => {
  const root = await folder({ 'index.html': 'home', '404.html': 'mine' });
  const both = await startHandler(await open(root, echo));
  expect(await textOf(both, '/')).toBe('200 home');
  expect(await textOf(both, '/none')).toBe('200 GET /none');
  expect((await ask(both.port, post('/', 'x'))).text).toBe('POST /');
  const alone = await startHandler(await open({ root }));
  expect(await textOf(alone, '/none')).toBe('404 mine');
  expect((await ask(alone.port, post('/', 'x'))).status).toBe(405);
});

test('several handlers on one server and one on several have their own counters', async () => {
  const below = await open({ root: await folder({ 'b.txt': 'b', 'both.txt': 'below' }) });
  const above = await open({ root: await folder({ 'a.txt': 'a', 'both.txt': 'above' }) }, below);
  const [first, second] = [await startHandler(above), await startHandler(above)];
  const byHand = await startHandler((request, response) =>
    request.path === '/both.txt' ? below(request, response) : above(request, response),
  );
  for (const site of [first, second]) {
    expect(await textOf(site, '/a.txt')).toBe('200 a');
    expect(await textOf(site, '/b.txt')).toBe('200 b');
    expect(await textOf(site, '/both.txt')).toBe('200 above');
    expect(await textOf(site, '/c.txt')).toMatch(/^404 /);
  }
  expect(await textOf(byHand, '/both.txt')).toBe('200 below');
  expect(above.stats().cacheEntries).toBe(2);
  expect(below.stats().cacheEntries).toBe(2);
});

test('when descriptors run out, each handler closes some of its open files', async () => {
  const root = await folder({ 'large.txt': 'x'.repeat(2_000) });
  const handlers = await Promise.all([1, 2].map(() => open({ root, limits: { maxCachedFileBytes: 1_000 } })));
  for (const handler of handlers) {
    expect((await ask((await startHandler(handler)).port, get('/large.txt'))).status).toBe(200);
    expect(handler.stats().open).toBe(1);
  }
  expect(relieveDescriptors()).toBe(true);
  expect(handlers.map((handler) => handler.stats().open)).toEqual([0, 0]);
  expect(relieveDescriptors(), 'no open file is left').toBe(false);
});

function descriptorsOf(folderPath: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => pathOf(fd).startsWith(folderPath)).length;
}

function pathOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}

test('closing a handler closes all its descriptors', async () => {
  const root = await folder({ 'large.txt': 'x'.repeat(2_000), 'sub/a.txt': 'a' });
  const handler = await staticFiles({
    root,
    mounts: { '/m': join(root, 'sub') },
    limits: { maxCachedFileBytes: 1_000 },
  });
  const { port } = await startHandler(handler);
  expect((await ask(port, get('/large.txt'))).status).toBe(200);
  expect(descriptorsOf(root)).toBe(3);
  await handler[Symbol.asyncDispose]();
  expect(descriptorsOf(root)).toBe(0);
  expect((await ask(port, get('/m/a.txt'))).status).toBe(404);
});

test.each<readonly [Readonly<Record<string, unknown>> | null | undefined, RegExp]>([
  [undefined, /^root is missing/],
  [null, /^root is missing/],
  [{ root: '.', limits: { backlog: 3 } }, /^"limits\.backlog" is not an option of static files$/],
  [{ root: '.', log: { access: () => {} } }, /^"log\.access" is not an option of static files$/],
  [{}, /^root is missing: name the folder to serve$/],
  [{ root: '.', listing: 'yes' }, /listing must be true or false, not "yes"/],
  [{ root: '.', limits: { maxOpenFiles: -1 } }, /maxOpenFiles must be a whole number/],
  [{ root: '.', log: { error: 'x' } }, /^log\.error must be a function, not "x"$/],
  [{ root: '.', onError: 'x' }, /unknown option "static\.onError"/],
])('%j is rejected', async (options, text) => {
  const error = await Reflect.apply(staticFiles, undefined, [options]).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'ERR_OPTION', message: expect.stringMatching(text) });
});

// Tests loadApplication: a module or a folder of modules becomes a handler for any server, in this thread or in others,
// and its source is never served as a file.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type ApplicationOptions, type LoadedApplication, loadApplication, mount } from '../../src/index.ts';
import { staticFiles } from '../../src/static.ts';
import { ask, get, post } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { echo, type Site, start, startHandler } from '../support/serving.ts';

const MODULE = `
import { isMainThread } from 'node:worker_threads';
export function application(environ, start) {
  start('200 OK', [['Content-Type', 'text/plain']]);
  return [environ.SCRIPT_NAME, environ.PATH_INFO, isMainThread].join(' ');
}
export const raw = (request, response) => response.send(200, {}, 'raw ' + request.path);
export const fails = () => { throw new TypeError('on purpose'); };
`;

async function load(name: string, options?: ApplicationOptions): Promise<LoadedApplication> {
  const application = await loadApplication(name, options);
  onTestFinished(() => application.close());
  return application;
}

async function textOf({ port }: Site, path: string): Promise<string> {
  const { status, text } = await ask(port, get(path));
  return `${status} ${text}`;
}

test('a Python application is refused, and the message says how to run it', async () => {
  const path = await folder({ 'site.py': 'def application(environ, start_response): pass' });
  for (const name of ['site:application', 'site.py:application', 'site']) {
    await expect(loadApplication(join(path, name)), name).rejects.toThrow(
      /site\.py(?::application)? is in Python: run it by the command, as in "epoll-server 8080 .*", or set proxy of serve/,
    );
  }
});

test('one application works on two servers, in this thread and in its own threads', async () => {
  const file = join(await folder({ 'app.mjs': MODULE }), 'app.mjs');
  const [here, there] = [await load(file), await load(file, { threads: 1 })];
  for (const [application, isHere] of [[here, true] as const, [there, false] as const]) {
    for (const site of [await startHandler(application), await startHandler(application)])
      expect(await textOf(site, '/a%20b')).toBe(`200  /a b ${isHere}`);
  }
  expect(await textOf(await startHandler(await load(`${file}:raw`, { adapter: 'raw' })), '/x')).toBe('200 raw /x');
});

test('close ends its threads', async () => {
  const file = join(await folder({ 'app.mjs': MODULE }), 'app.mjs');
  const application = await loadApplication(file, { threads: 1 });
  const site = await startHandler(application);
  expect(await textOf(site, '/')).toBe('200  / false');
  const threads = (): number => readdirSync('/proc/self/task').length;
  const before = threads();
  await application[Symbol.asyncDispose]();
  await expect.poll(threads).toBeLessThan(before);
  // A later request starts no thread.
  expect(await textOf(site, '/')).toMatch(/^503 /);
});

test('requests that no module handles go to the handler next', async () => {
  const modules = await folder({ 'clock.mjs': MODULE });
  const site = await startHandler(await load(modules, { dynamic: { suffix: '.py' }, next: echo }));
  expect(await textOf(site, '/clock.py')).toBe('200  /clock.py true');
  expect(await textOf(site, '/else')).toBe('200 GET /else');
  const alone = await load(modules, { dynamic: true });
  expect(await textOf(await startHandler(alone), '/else')).toBe('404 Not Found\n');
  const root = await folder({ '404.html': 'mine' });
  const files = await staticFiles(root, alone);
  onTestFinished(() => files.close());
  const behind = await startHandler(files);
  expect(await textOf(behind, '/else'), "the folder's own page").toBe('404 mine');
  expect((await ask(behind.port, post('/else', 'x'))).status).toBe(405);
});

test('files in front never serve its source, and a common folder is rejected', async () => {
  const root = await folder({ 'index.html': 'home', 'server/app.mjs': MODULE, 'cgi/clock.mjs': MODULE });
  const application = await load(join(root, 'server/app.mjs'));
  expect(application.sources).toContain(join(root, 'server'));
  const composed = mount({ '/api': application }, await load(join(root, 'cgi'), { dynamic: true, next: echo }));
  const files = await staticFiles(root, composed);
  onTestFinished(() => files.close());
  const outer = await staticFiles(await folder({ 'a.txt': 'a' }), files);
  onTestFinished(() => outer.close());
  for (const site of [
    await startHandler(files),
    await startHandler(outer),
    await start({ static: root, handler: composed }),
  ]) {
    expect(await textOf(site, '/server/app.mjs')).toBe('200 GET /server/app.mjs');
    expect(await textOf(site, '/cgi/clock.mjs')).toBe('200 GET /cgi/clock.mjs');
    expect(await textOf(site, '/api/x')).toBe('200 /api /x true');
  }
  const both = {
    code: 'ERR_OPTION',
    message: expect.stringContaining('is served as files and contains the application'),
  };
  await expect(staticFiles(join(root, 'server'), composed)).rejects.toMatchObject(both);
  await expect(start({ static: join(root, 'cgi'), handler: composed })).rejects.toMatchObject(both);
});

test('a broken module causes the same error in this thread and in a pool', async () => {
  const file = join(await folder({ 'app.mjs': MODULE }), 'app.mjs:fails');
  for (const threads of [0, 1]) {
    const site = await startHandler(await load(file, { adapter: 'wsgi', threads }));
    expect(await textOf(site, '/')).toBe('500 Internal Server Error\n');
    expect(site.errors.splice(0)).toMatchObject([{ name: 'TypeError', message: 'on purpose' }]);
  }
});

const MISTAKES: readonly (readonly [unknown, Readonly<Record<string, unknown>> | null, RegExp])[] = [
  ['', {}, /^an application must be named MODULE or MODULE:NAME$/],
  [7, {}, /^an application must be named MODULE or MODULE:NAME$/],
  ['x.js', null, /^options must be an object, not null$/],
  ['x.js', { adapter: 'side' }, /^adapter must be one of wsgi, fetch, node, raw, not "side"$/],
  ['x.js', { threads: 0.5 }, /^threads must be a whole number of threads from 0 to 256, not 0\.5$/],
  ['x.js', { threads: 257 }, /^threads must be .* not 257$/],
  ['x.js', { thread: 1 }, /^unknown option "thread" \(did you mean "threads"\?\)$/],
  ['x.js', { next: () => {} }, /^next handles requests that no module of a dynamic folder handles: set dynamic too$/],
  ['x.js', { overrideGlobals: 1 }, /^overrideGlobals must be true or false, not 1$/],
  ['html', { dynamic: 'yes' }, /^dynamic must be true, or an object such as \{ suffix: "\.py" \}, not "yes"$/],
  [
    'html',
    { dynamic: { suffix: '/x' } },
    /^dynamic must be true, or an object such as \{ suffix: "\.py" \}, not \{"suffix":"\/x"\}$/,
  ],
  ['html', { dynamic: true, threads: 2 }, /^threads and adapter apply to a single application/],
  ['html', { dynamic: true, next: 'x' }, /^next must be a function, not "x"$/],
];

test.each(MISTAKES)('%j with %j is rejected', async (name, options, text) => {
  const error = await Reflect.apply(loadApplication, undefined, [name, options]).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'ERR_OPTION', message: expect.stringMatching(text) });
});

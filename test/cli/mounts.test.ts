// Tests that the command mounts applications at paths, beside files, a dynamic folder and the main application.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseArguments } from '../../src/cli/arguments.ts';
import { ask, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { portOf, startCommand } from '../support/program.ts';
import { until } from '../support/until.ts';

const wsgi = (name: string): string =>
  `export const application = (environ, start) => (start('200 OK', []), '${name} ' + environ.SCRIPT_NAME + '|' + environ.PATH_INFO);`;

async function makeTree(): Promise<string> {
  return folder({
    'www/index.html': 'home',
    'www/api/a.txt': 'a file',
    'api/api.mjs': wsgi('api'),
    'cgi/clock.mjs': wsgi('clock'),
    'main/app.mjs': wsgi('main'),
    'web/web.mjs': "export default { fetch: (request) => new Response('web ' + new URL(request.url).pathname) };",
  });
}

const MOUNTS = ['--app', '/api=api/api.mjs', '--app', '/api/web=web/web.mjs'];

async function textsOf(port: number, paths: readonly string[]): Promise<readonly string[]> {
  const answers = await Promise.all(paths.map((path) => ask(port, get(path))));
  return answers.map(({ status, text }) => `${status} ${text}`);
}

const PATHS = ['/', '/api/a.txt', '/api/x', '/api/web/x', '/clock', '/else', '/apis'];

test('requests go to files, mounted applications, the dynamic folder, then the main application', async () => {
  const cwd = await makeTree();
  const program = startCommand(['0', 'www', 'main/app.mjs', ...MOUNTS, '--dynamic', 'cgi', '--no-access-log'], { cwd });
  const port = await portOf(program);
  expect(program.stdout).toContain(` serves ${join(cwd, 'www')} and /api=api/api.mjs and /api/web=web/web.mjs and `);
  expect(await textsOf(port, PATHS)).toEqual([
    '200 home',
    '200 a file',
    '200 api /api|/x',
    '200 web /api/web/x',
    '200 clock |/clock',
    '200 main |/else',
    '200 main |/apis',
  ]);
});

test('mounted applications work alone, each with its own threads', async () => {
  const program = startCommand(['0', ...MOUNTS, '--offload', '1'], { cwd: await makeTree() });
  expect(await textsOf(await portOf(program), ['/api/x', '/api/web/x', '/else'])).toEqual([
    '200 api /api|/x',
    '200 web /api/web/x',
    '404 Not Found\n',
  ]);
});

test.each([['main/app.mjs'], ['py/app.py']])('folders are mounted beside %s without a root', async (app) => {
  const cwd = await folder({
    'files/a.txt': 'a file',
    'main/app.mjs': wsgi('main'),
    'py/app.py':
      "def application(environ, start):\n    start('200 OK', [])\n    return [b'main |' + environ['PATH_INFO'].encode()]",
  });
  const python = app.endsWith('.py') ? ['--python-workers', '1'] : [];
  const program = startCommand(['0', app, '--mount', '/static=files', ...python], { cwd });
  const port = await portOf(program);
  expect(program.stdout).toContain(` serves /static=files and ${app} (`);
  expect(await textsOf(port, ['/', '/static/a.txt', '/static/b.txt', '/files/a.txt', '/static/'])).toEqual([
    '200 main |/',
    '200 a file',
    '200 main |/static/b.txt',
    '200 main |/files/a.txt',
    '200 main |/static/',
  ]);
  expect((await ask(port, get('/static'))).field('location')).toBe('./static/');
  const wrong = startCommand(['0', app, '--mount', '/static=files', '--spa', 'index.html'], { cwd });
  expect(await wrong.ended()).toBe(2);
  expect(wrong.stderr).toContain('spa: index.html is in no mounted folder, and there is no root: add a root');
});

test('--watch restarts when a mounted application changes', async () => {
  const cwd = await makeTree();
  const program = startCommand(['0', 'www', ...MOUNTS, '--watch'], { cwd });
  const port = await portOf(program);
  expect(await textsOf(port, ['/api/x'])).toEqual(['200 api /api|/x']);
  await writeFile(join(cwd, 'api/api.mjs'), wsgi('new'));
  await until(async () => (await textsOf(port, ['/api/x']))[0] === '200 new /api|/x', 'the application was restarted');
});

test('mounts can be a list in a file, lines of a variable, or flags', async () => {
  const cwd = await makeTree();
  const printed = async (args: readonly string[], env = {}): Promise<string> => {
    const program = startCommand([...args, '--print-config'], { cwd, env });
    await program.ended();
    return /^app: (\S.*?) +# /m.exec(program.stdout)?.[1] ?? program.stderr;
  };
  await writeFile(join(cwd, 'a.yaml'), 'app: [main/app.mjs, /api=api/api.mjs]\n');
  await writeFile(join(cwd, 'b.yaml'), 'app: main/app.mjs\n');
  const list = JSON.stringify([join(cwd, 'main/app.mjs'), `/api=${join(cwd, 'api/api.mjs')}`]);
  const [ofList, ofText, ofLines] = await Promise.all([
    printed(['-c', 'a.yaml']),
    printed(['-c', 'b.yaml']),
    printed([], { EPOLL_SERVER_APP: 'x.mjs\n/api=y.mjs' }),
  ]);
  expect([ofList, ofText, ofLines]).toEqual([
    list,
    JSON.stringify(join(cwd, 'main/app.mjs')),
    '["x.mjs","/api=y.mjs"]',
  ]);
  const { settings } = parseArguments(['--app', '/api=a.mjs', 'b.mjs']);
  expect(settings.get('app')?.value).toEqual([
    { path: '/api', module: 'a.mjs' },
    { path: '', module: 'b.mjs' },
  ]);
  expect(() => parseArguments(['--app', 'a.mjs', 'b.mjs'])).toThrow('the application is given twice');
});

test.each<readonly [readonly string[], RegExp]>([
  [
    ['--app', 'main/app.mjs', '--app', 'api/api.mjs'],
    /^epoll-server: there are two applications for all paths, main\/app\.mjs and api\/api\.mjs: mount one of them/,
  ],
  [['--app', '/a=api/api.mjs', '--app', '//a/=web/web.mjs'], /an application is mounted twice at \/a/],
  [['--app', '/../a=api/api.mjs'], /an application must be mounted at a path such as \/assets, not "\/\.\.\/a"/],
  [['--app', '/a=none.mjs'], /there is no module .*none\.mjs/],
  [['--app', '/a=api/api.mjs', '--adapter', 'raw'], /adapter is for the application of all other paths/],
])('%j is rejected', async (args, text) => {
  const program = startCommand(['0', ...args], { cwd: await makeTree() });
  expect(await program.ended()).toBe(2);
  expect(program.stderr).toMatch(text);
});

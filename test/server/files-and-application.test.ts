// Tests a server with files and an application behind them, and that no source of the application is served as a file.

import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { type Handler, loadApplication, serve, type WsgiApplication } from '../../src/index.ts';
import { wsgi } from '../../src/wsgi.ts';
import { ask, get, post } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { type Site, start } from '../support/serving.ts';

const echo: Handler = (request, response) => response.send(200, {}, `app ${request.method} ${request.target}`);

async function textOf({ port }: Site, path: string, ...fields: readonly string[]): Promise<string> {
  const { status, text } = await ask(port, get(path, ...fields));
  return `${status} ${text}`;
}

async function makeRoot(): Promise<string> {
  return folder({
    'index.html': 'home',
    'page.html': 'page',
    'deep/index.html': 'deep',
    '404.html': 'mine',
    '.env': 'x',
  });
}

test('files come first, and the application gets other paths, other methods and impossible file names', async () => {
  const site = await start({ static: await makeRoot(), handler: echo });
  expect(await textOf(site, '/')).toBe('200 home');
  expect(await textOf(site, '/page.html')).toBe('200 page');
  expect(await textOf(site, '/deep/')).toBe('200 deep');
  expect((await ask(site.port, get('/deep'))).status).toBe(301);
  for (const path of [
    '/login.py',
    '/page.html/',
    '/page.htm',
    '/.env',
    '/a%2Fb',
    '/%ff',
    '/a/../b',
    '/a%00',
    '/none?x=1',
  ]) {
    expect(await textOf(site, path), path).toBe(`200 app GET ${path}`);
  }
  expect((await ask(site.port, post('/page.html', 'x'))).text).toBe('app POST /page.html');
});

test('asynchronous and failing applications behave the same behind files', async () => {
  const application: WsgiApplication = async (environ, startResponse) => {
    if (environ.PATH_INFO === '/throw') throw new Error('on purpose');
    const bytes = await environ['wsgi.input'].bytes();
    startResponse('200 OK', []);
    return [`${environ.PATH_INFO} `, `${bytes.length}`];
  };
  const site = await start({ static: await makeRoot(), handler: wsgi(application) });
  expect((await ask(site.port, post('/up', 'abc'))).text).toBe('/up 3');
  expect(await textOf(site, '/down')).toBe('200 /down 0');
  expect(await textOf(site, '/throw')).toBe('500 Internal Server Error\n');
  expect(site.errors.splice(0)).toMatchObject([{ message: 'on purpose' }]);
});

test('requests go to files, then to the modules of the dynamic folder, then to the application', async () => {
  const module = "export const application = (environ, start) => (start('200 OK', []), 'module ' + environ.PATH_INFO);";
  const dynamic = await folder({ 'clock.mjs': module, 'page.html.mjs': module, 'page.mjs': module });
  const both = await start({ static: await makeRoot(), dynamic, handler: echo });
  expect(await textOf(both, '/page.html')).toBe('200 page');
  expect(await textOf(both, '/clock')).toBe('200 module /clock');
  expect(await textOf(both, '/else')).toBe('200 app GET /else');
  const alone = await start({ static: await makeRoot(), dynamic });
  expect(await textOf(alone, '/clock')).toBe('200 module /clock');
  expect(await textOf(alone, '/else'), "the folder's own page").toBe('404 mine');
  expect((await ask(alone.port, post('/else', 'x'))).status).toBe(405);
  const routed = await start({ static: { root: await makeRoot(), spa: 'index.html' }, dynamic });
  expect(await textOf(routed, '/clock')).toBe('200 module /clock');
  expect(await textOf(routed, '/else')).toBe('200 home');
});

/** All paths that might lead to the source of a module. */
async function makeMixed(): Promise<string> {
  const secret = 'const secret = "squirrel";\n';
  const source = `${secret}export const application = (environ, start) => (start('404 Not Found', []), 'none');\n`;
  const root = await folder({
    'index.html': 'home',
    'cgi/clock.mjs': source.repeat(1),
    'cgi/clock.mjs.gz': gzipSync(source),
    'cgi/large.mjs': source + '// squirrel '.repeat(40_000),
    'cgi/lib/part.mjs': source,
    'server/app.mjs': source,
    'server/package.json': '{"squirrel": 1}',
    'site.yaml': 'squirrel: 1',
    'cgi-public/fine.txt': 'fine',
  });
  await symlink('cgi', join(root, 'link'));
  await symlink('cgi/clock.mjs', join(root, 'clock.txt'));
  await symlink('../cgi', join(root, 'cgi-public', 'inner'));
  return root;
}

const WAYS = [
  '/cgi/clock.mjs',
  '/cgi/clock.mjs.gz',
  '/cgi/large.mjs',
  '/cgi/lib/part.mjs',
  '/cgi/',
  '/cgi',
  '/cgi/lib',
  '//cgi//clock.mjs',
  '/%63gi/clock.mjs',
  '/cgi/%63lock%2Emjs',
  '/cgi%2Fclock.mjs',
  '/x/../cgi/clock.mjs',
  '/link/clock.mjs',
  '/link/',
  '/link/large.mjs',
  '/clock.txt',
  '/cgi-public/inner/clock.mjs',
  '/server/app.mjs',
  '/server/package.json',
  '/site.yaml',
  '/assets/clock.mjs',
];

test('the source of an application is never served', async () => {
  const root = await makeMixed();
  const site = {
    listing: true,
    hide: [join(root, 'site.yaml')],
    mounts: { '/assets': join(root, 'link') },
    hosts: { 'other.example': join(root, 'server') },
  };
  const wrong = start({ static: { root, ...site }, dynamic: join(root, 'cgi'), app: join(root, 'server/app.mjs') });
  await expect(wrong, 'a folder that is mounted').rejects.toMatchObject({ code: 'ERR_OPTION' });
  const { mounts: _, hosts: __, ...rest } = site;
  const served = await start({
    static: { root, ...rest },
    dynamic: join(root, 'cgi'),
    app: join(root, 'server/app.mjs'),
  });
  for (const path of WAYS) {
    for (const fields of [[], ['Accept-Encoding: gzip, br'], ['Range: bytes=0-5'], ['Accept: application/json']]) {
      const answer = await ask(served.port, get(path, ...fields));
      expect([answer.status, answer.text], path).toEqual([404, 'none']);
    }
  }
  expect(await textOf(served, '/cgi-public/fine.txt')).toBe('200 fine');
  const listing = JSON.parse((await ask(served.port, get('/cgi-public/', 'Accept: application/json'))).text);
  expect(JSON.stringify(listing)).toContain('fine.txt');
});

test('a source file that is added later is not served either', async () => {
  const root = await makeMixed();
  const site = await start({ static: root, dynamic: join(root, 'cgi') });
  await mkdir(join(root, 'cgi', 'new'));
  await writeFile(join(root, 'cgi', 'new', 'a.txt'), 'squirrel');
  expect((await ask(site.port, get('/cgi/new/a.txt'))).status).toBe(404);
});

test('a folder with both files and the application is rejected, under any name', async () => {
  const root = await makeMixed();
  for (const options of [
    {
      static: { root, mounts: { '/x': join(root, 'server') } },
      app: join(root, 'server/../server/app.mjs'),
    },
    { static: join(root, 'cgi'), dynamic: join(root, 'link') },
    { static: join(root, 'server'), app: join(root, 'server/app.mjs') },
  ]) {
    await expect(start(options)).rejects.toMatchObject({
      code: 'ERR_OPTION',
      message: expect.stringMatching(/is served as files and contains the application/),
    });
  }
});

const MISTAKES: readonly (readonly [Readonly<Record<string, unknown>>, RegExp])[] = [
  [{ static: { root: 'html', hide: 7 } }, /static\.hide must be a path, or a list of paths, not 7/],
  [{ app: 'x.js' }, /"app" is an option of the command, not of serve\(\)/],
  [{ handler: echo, dynamic: 'html' }, /"dynamic" is an option of loadApplication\(\), not of serve\(\)/],
];

test.each(MISTAKES)('%j is rejected', async (options, text) => {
  const error = await Reflect.apply(serve, undefined, [{ port: 0, ...options }]).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'ERR_OPTION', message: expect.stringMatching(text) });
});

test('a dynamic folder that is missing or a file is rejected', async () => {
  const path = await folder({ file: '' });
  for (const dynamic of [join(path, 'none'), join(path, 'file')]) {
    await expect(loadApplication(dynamic, { dynamic: true })).rejects.toMatchObject({
      code: 'ERR_ROOT',
      message: expect.stringMatching(/^the dynamic folder /),
    });
  }
});

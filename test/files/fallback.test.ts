// Tests which requests get the fallback page (`spa`), alone and behind an application, and that caches keep it apart from
// other responses.

import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fetchHandler, Response } from '../../src/fetch.ts';
import { type Handler, type StaticOptions, serve } from '../../src/index.ts';
import { wsgi } from '../../src/wsgi.ts';
import { ask, get, post } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { portOf, startCommand } from '../support/program.ts';
import type { Answer } from '../support/response.ts';
import { type Site, start } from '../support/serving.ts';
import { until } from '../support/until.ts';

const TREE = { 'index.html': 'spa', 'real.js': 'real', '404.html': 'lost' };
const SPA: Partial<StaticOptions> = { spa: 'index.html' };
const VARY = 'Accept, Sec-Fetch-Dest, Sec-Fetch-Mode';
const CHROME = 'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8';

async function startSpa(handler?: Handler, site: Partial<StaticOptions> = {}): Promise<Site> {
  const root = await folder(TREE);
  return start({ static: { root, ...SPA, ...site }, ...(handler === undefined ? {} : { handler }) });
}

const shown = ({ status, text }: Answer): string => `${status} ${text}`;

/** Fields of requests for a page. */
const NAVIGATIONS: readonly (readonly string[])[] = [
  [CHROME],
  ['Accept: text/html'],
  ['Accept: TEXT/HTML;charset=x'],
  ['Accept: image/png', 'Accept: application/xhtml+xml, */*;q=0.1'],
  ['Accept: application/xml,application/xhtml+xml,text/html;q=0.9,text/plain;q=0.8,image/png,*/*;q=0.5'],
  ['Sec-Fetch-Mode: navigate'],
  ['Sec-Fetch-Dest: document'],
  ['Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: iframe', 'Accept: */*'],
];

/** Fields of other requests. */
const OTHERS: readonly (readonly string[])[] = [
  ['Accept: application/json'],
  ['Accept: application/json, text/plain, */*'],
  ['Accept: application/json, text/html;q=0.9'],
  ['Accept: text/html;q=0, image/png'],
  ['Accept: text/css,*/*;q=0.1'],
  ['Accept: image/avif,image/webp,*/*;q=0.8'],
  ['Sec-Fetch-Dest: script'],
  ['Sec-Fetch-Dest: script', CHROME],
  ['Sec-Fetch-Mode: cors', 'Sec-Fetch-Dest: empty', 'Accept: */*'],
  ['Sec-Fetch-Mode: cors', CHROME],
  ['Sec-Fetch-Mode: no-cors', 'Sec-Fetch-Dest: image'],
  ['Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: object'],
];

describe('a fallback without an application', () => {
  test.each(NAVIGATIONS)('is sent for a navigation to any path: %j %j', async (...fields) => {
    const { port } = await startSpa();
    for (const path of ['/user/john.doe', '/a/b.js', '/route/', '/x.html', '/repo/.gitignore']) {
      const answer = await ask(port, get(path, ...fields));
      expect(shown(answer), path).toBe('200 spa');
      expect(answer.field('content-type')).toBe('text/html; charset=utf-8');
    }
  });

  test.each(OTHERS)('is not sent for other requests, which get 404: %j %j', async (...fields) => {
    const { port } = await startSpa();
    for (const path of ['/api/x', '/assets/missing.js', '/route/']) {
      expect(shown(await ask(port, get(path, ...fields))), path).toBe('404 lost');
    }
    expect(shown(await ask(port, get('/real.js', ...fields)))).toBe('200 real');
  });

  test('is sent for a request without preference if its path looks like a page', async () => {
    const { port } = await startSpa();
    for (const fields of [[], ['Accept: */*'], ['Accept: */*;q=0.8'], ['Accept:']]) {
      for (const path of ['/users/7', '/users/', '/old.html']) {
        expect(shown(await ask(port, get(path, ...fields))), path).toBe('200 spa');
      }
      for (const path of ['/assets/missing.js', '/logo.png', '/.env', '/.git/config']) {
        expect(shown(await ask(port, get(path, ...fields))), path).toBe('404 lost');
      }
    }
  });

  test('adds Vary to the page, its 304 and 206, and to 404 only', async () => {
    const { port } = await startSpa();
    const page = await ask(port, get('/route', CHROME));
    expect(page.field('vary')).toBe(`Accept-Encoding, ${VARY}`);
    const etag = page.field('etag') ?? '';
    const same = await ask(port, get('/route', CHROME, `If-None-Match: ${etag}`));
    expect([same.status, same.field('vary')]).toEqual([304, `Accept-Encoding, ${VARY}`]);
    const part = await ask(port, get('/route', CHROME, 'Range: bytes=1-'));
    expect([part.status, part.text, part.field('vary')]).toEqual([206, 'pa', `Accept-Encoding, ${VARY}`]);
    const head = await ask(port, `HEAD /route HTTP/1.1\r\nHost: a\r\n${CHROME}\r\n\r\n`, { head: true });
    expect([head.status, head.field('content-length'), head.field('vary')]).toEqual([
      200,
      '3',
      `Accept-Encoding, ${VARY}`,
    ]);
    expect((await ask(port, get('/api/x', 'Accept: application/json'))).field('vary')).toBe(VARY);
    expect((await ask(port, get('/index.html', CHROME))).field('vary')).toBe('Accept-Encoding');
    expect((await ask(port, get('/', CHROME))).field('vary')).toBe('Accept-Encoding');
    expect((await ask(port, post('/route', '', CHROME))).status).toBe(405);
    const without = await start({ static: await folder(TREE) });
    expect((await ask(without.port, get('/route', CHROME))).field('vary')).toBe(undefined);
  });

  test('can lie below a mounted folder, and is compressed for clients that accept it', async () => {
    const text = '<p>page</p>'.repeat(1_000);
    const [root, dist] = [await folder({ 'index.html': 'home' }), await folder({ 'app.html': text })];
    const { port } = await start({ static: { root, spa: 'app/app.html', mounts: { '/app': dist } } });
    const answer = await ask(port, get('/app/route', CHROME, 'Accept-Encoding: gzip'));
    expect([answer.status, answer.field('content-encoding')]).toEqual([200, 'gzip']);
    expect((await ask(port, get('/app/route', CHROME))).text).toBe(text);
    expect((await ask(port, get('/app/route', 'Accept: image/png'))).status).toBe(404);
  });
});

/** Applications that respond with 404, through each adapter. */
const MISSING: readonly (readonly [string, Handler])[] = [
  ['raw, at once', (_request, response) => response.send(404, { 'X-App': '1' }, 'none')],
  [
    'raw, later',
    (_request, response) => {
      setTimeout(() => response.send(404, { 'X-App': '1' }, 'none'), 1);
    },
  ],
  [
    'raw, in pieces',
    async (_request, response) => {
      response.start(404, { 'X-App': '1' });
      response.write('no');
      await response.drained();
      response.end('ne');
    },
  ],
  [
    'WSGI',
    wsgi((_environ, startResponse) => {
      startResponse('404 Not Found', [['X-App', '1']]);
      return ['no', 'ne'];
    }),
  ],
  [
    'WSGI, in pieces and by write',
    wsgi(async function* (_environ, startResponse) {
      const write = startResponse('404 Not Found', [['X-App', '1']]);
      write('n');
      await undefined;
      write('o');
      yield 'ne';
    }),
  ],
  [
    'fetch',
    fetchHandler(async () => new Response('none', { status: 404, headers: { 'X-App': '1' } }), {
      overrideGlobals: false,
    }),
  ],
  [
    'fetch, a stream',
    fetchHandler(
      () => {
        const pieces = ['no', 'ne'].map((text) => Buffer.from(text));
        const stream = new ReadableStream({
          async pull(controller): Promise<void> {
            await new Promise((resolve) => setTimeout(resolve, 1));
            const piece = pieces.shift();
            if (piece === undefined) controller.close();
            else controller.enqueue(piece);
          },
        });
        return new Response(stream, { status: 404, headers: { 'X-App': '1' } });
      },
      { overrideGlobals: false },
    ),
  ],
];

describe.each(MISSING)('behind an application that responds with 404: %s', (_name, handler) => {
  test('a navigation gets the fallback, and other requests get the response of the application', async () => {
    const { port, connect } = await startSpa(handler);
    const client = await connect();
    for (let i = 0; i < 3; i++) {
      const page = await client.send(get('/user/john.doe', CHROME)).readResponse();
      expect([shown(page), page.field('x-app')]).toEqual(['200 spa', undefined]);
      expect(page.field('vary')).toBe(`Accept-Encoding, ${VARY}`);
      for (const fields of [['Accept: application/json'], ['Sec-Fetch-Dest: script', CHROME], ['Accept: */*'], []]) {
        const own = await client.send(get('/users/7', ...fields)).readResponse();
        expect([shown(own), own.field('x-app'), own.field('vary')]).toEqual(['404 none', '1', VARY]);
      }
    }
    const head = await ask(port, `HEAD /route HTTP/1.1\r\nHost: a\r\n${CHROME}\r\n\r\n`, { head: true });
    expect([head.status, head.field('content-length')]).toEqual([200, '3']);
    expect((await ask(port, get('/real.js'))).text).toBe('real');
    const posted = await ask(port, post('/route', 'x', CHROME));
    expect([shown(posted), posted.field('vary')]).toEqual(['404 none', undefined]);
  });
});

describe('an application in front of the fallback', () => {
  test('can send interim responses and trailers, and its reason phrase with its own response only', async () => {
    const sent: unknown[] = [];
    const { connect } = await startSpa((request, response) => {
      response.inform(103, { Link: '</a.css>' });
      response.whenSent((error) => sent.push(error));
      response.reasonPhrase = 'Odd';
      response.start(request.path === '/found' ? 200 : 404);
      response.end('from the application', { 'X-Sum': 1 });
    });
    const client = await connect();
    const said = async (target: string, ...fields: readonly string[]): Promise<readonly unknown[]> => {
      client.send(get(target, ...fields));
      expect(await client.readUntil('\r\n\r\n')).toBe('HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n');
      const { status, reason, text, trailers } = await client.readResponse();
      return [status, reason, text, trailers];
    };
    const own = ['from the application', [['X-Sum', '1']]];
    expect(await said('/found', CHROME)).toEqual([200, 'Odd', ...own]);
    expect(await said('/missing', CHROME)).toEqual([200, 'OK', 'spa', []]);
    expect(await said('/missing', 'Accept: application/json')).toEqual([404, 'Odd', ...own]);
    await until(() => sent.length === 3, 'all responses were sent');
    expect(sent).toEqual([undefined, undefined, undefined]);
  });

  test('keeps all its other responses unchanged', async () => {
    const { port } = await startSpa((request, response) => {
      const status = Number(request.path.slice(1));
      response.send(status, { Vary: 'X-Mine' }, status === 204 ? '' : `app ${status}`);
    });
    for (const status of [200, 201, 301, 401, 403, 405, 410, 500]) {
      const answer = await ask(port, get(`/${status}`, CHROME));
      expect([shown(answer), answer.field('vary')]).toEqual([`${status} app ${status}`, 'X-Mine']);
    }
    expect((await ask(port, get('/204', CHROME))).status).toBe(204);
  });

  test('keeps its own Vary beside the added one of its 404', async () => {
    for (const [own, both] of [
      ['Cookie, accept', 'Cookie, Accept, Sec-Fetch-Dest, Sec-Fetch-Mode'],
      ['*', '*'],
    ]) {
      const { port } = await startSpa((_request, response) => response.send(404, { Vary: own ?? '' }, 'none'));
      expect((await ask(port, get('/x', 'Accept: application/json'))).field('vary')).toBe(both);
    }
  });

  test('is called once, and the site sends 404, when the fallback page was deleted', async () => {
    let calls = 0;
    const handler: Handler = (_request, response) => {
      calls++;
      response.send(404, {}, 'none');
    };
    const root = await folder({ ...TREE, 'gone.html': '' });
    const { port } = await start({ static: { root, spa: 'gone.html' }, handler });
    await rm(join(root, 'gone.html'));
    for (const path of ['/route', '/gone.html']) {
      calls = 0;
      expect(shown(await ask(port, get(path, CHROME))), path).toBe('404 lost');
      expect(calls, path).toBe(1);
    }
  });

  test('that fails after its 404 is reported, and the client gets the fallback', async () => {
    const site = await startSpa(async (_request, response) => {
      response.start(404);
      await undefined;
      throw new Error('on purpose');
    });
    expect(shown(await ask(site.port, get('/route', CHROME)))).toBe('200 spa');
    await until(() => site.errors.length === 1, 'the error is reported');
    expect(site.errors.splice(0)).toMatchObject([{ message: 'on purpose' }]);
    const early = await startSpa(() => {
      throw new Error('on purpose');
    });
    expect((await ask(early.port, get('/route', CHROME))).status).toBe(500);
    expect(early.errors.splice(0)).toHaveLength(1);
  });

  test('has the endless body of its 404 cancelled', async () => {
    let cancelled = 0;
    const endless = (): ReadableStream =>
      new ReadableStream({
        pull: (controller) => controller.enqueue(Buffer.from('x')),
        cancel: () => {
          cancelled++;
        },
      });
    const fetched = await startSpa(
      fetchHandler(() => new Response(endless(), { status: 404 }), { overrideGlobals: false }),
    );
    expect(shown(await ask(fetched.port, get('/route', CHROME)))).toBe('200 spa');
    await until(() => cancelled === 1, 'the stream is cancelled');
    const generator = wsgi((_environ, startResponse) => {
      startResponse('404 Not Found', []);
      return (async function* () {
        try {
          for (;;) yield 'x';
        } finally {
          cancelled++;
        }
      })();
    });
    const site = await startSpa(generator);
    expect(shown(await ask(site.port, get('/route', CHROME)))).toBe('200 spa');
    await until(() => cancelled === 2, 'the generator is ended');
  });

  test('gets requests for hidden and malformed paths too, as does a dynamic folder', async () => {
    const none = "export const application = (environ, start) => (start('404 Not Found', []), 'none');";
    const dynamic = await folder({ 'clock.mjs': none });
    const site = await start({ static: { root: await folder(TREE), ...SPA }, dynamic });
    expect(shown(await ask(site.port, get('/clock', CHROME)))).toBe('200 spa');
    expect(shown(await ask(site.port, get('/clock', 'Accept: application/json')))).toBe('404 none');
    expect(shown(await ask(site.port, get('/else', CHROME)))).toBe('200 spa');
    const { port } = await startSpa((request, response) => response.send(404, {}, `none ${request.path}`));
    expect(shown(await ask(port, get('/.env', CHROME)))).toBe('200 spa');
    expect(shown(await ask(port, get('/%zz', CHROME)))).toBe('404 none /%zz');
  });
});

const MODULE = `export const fetch = (request) => {
  const { pathname } = new URL(request.url);
  if (pathname === '/api') return new Response('api');
  if (pathname === '/write') return new Response('none', { status: 404 });
  return new Response(new ReadableStream({
    pull: async (controller) => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      controller.enqueue(Buffer.from('x'));
    },
  }), { status: 404 });
};`;

test.each([
  ['--offload', '1'],
  ['--workers', '2'],
])('the command with %s %s has a fallback behind its application', async (...flags) => {
  const path = await folder({ 'www/index.html': 'spa', 'server/app.mjs': MODULE });
  const args = ['0', 'www', 'server/app.mjs', '--spa', 'index.html', ...flags, '--no-access-log'];
  const program = startCommand(args, { cwd: path });
  const port = await portOf(program);
  expect(shown(await ask(port, get('/api', CHROME)))).toBe('200 api');
  for (const target of ['/write', '/endless', '/endless']) {
    expect(shown(await ask(port, get(target, CHROME))), target).toBe('200 spa');
  }
  expect(shown(await ask(port, get('/write', 'Accept: application/json')))).toBe('404 none');
  program.signal('SIGTERM');
  expect(await program.ended()).toBe(0);
  expect(program.stderr).toBe('');
});

test('a fallback that does not exist is rejected at the start, with its path', async () => {
  const path = await folder({ 'www/index.html': 'home', 'dist/app.html': 'app', 'app.mjs': MODULE });
  const root = join(path, 'www');
  const missing = (file: string): object => ({
    code: 'ERR_OPTION',
    message: `spa: the page ${file} does not exist: name a file of the root, such as index.html`,
  });
  const refused = serve({ port: 0, static: { root, spa: 'gone.html' } });
  await expect(refused).rejects.toMatchObject(missing(join(root, 'gone.html')));
  const belowFile = serve({ port: 0, static: { root, spa: 'index.html/x' } });
  await expect(belowFile).rejects.toMatchObject(missing(join(root, 'index.html/x')));
  const mounts = { '/app': join(path, 'dist') };
  const mounted = serve({ port: 0, static: { root, spa: 'app/gone.html', mounts } });
  await expect(mounted).rejects.toMatchObject(missing(join(path, 'dist/gone.html')));
  const hosts = { 'b.example': join(path, 'dist') };
  const ofHost = serve({ port: 0, static: { root, spa: 'index.html', hosts } });
  await expect(ofHost).rejects.toMatchObject(missing(join(path, 'dist/index.html')));
  for (const more of [['--check'], []]) {
    const program = startCommand(['0', 'www', 'app.mjs', '--spa', 'gone.html', ...more], { cwd: path });
    expect(await program.ended()).toBe(2);
    expect(program.stdout).toBe('');
    expect(program.stderr).toMatch(/^epoll-server: spa: the page \/[^ ]*\/www\/gone\.html does not exist: [^\n]*\n$/);
  }
});

test('a fallback that is a folder is rejected at the start, and gets 404 later', async () => {
  const root = await folder({ 'app/index.html': 'app', 'index.html': 'home' });
  const refused = serve({ port: 0, static: { root, spa: 'app' } });
  await expect(refused).rejects.toMatchObject({
    code: 'ERR_OPTION',
    message: expect.stringMatching(/^spa: .*\/app is a folder: use a page in it, such as app\/index\.html$/),
  });
  const mounted = serve({ port: 0, static: { root, spa: 'dist', mounts: { '/dist': join(root, 'app') } } });
  await expect(mounted).rejects.toMatchObject({ code: 'ERR_OPTION' });
  const hosts = { 'b.example': await folder({ 'page/x': '' }) };
  await expect(serve({ port: 0, static: { root, spa: 'page', hosts } })).rejects.toMatchObject({ code: 'ERR_OPTION' });
  await writeFile(join(root, 'later'), 'page');
  const { port } = await start({ static: { root, spa: 'later' } });
  await rm(join(root, 'later'));
  await mkdir(join(root, 'later'));
  expect((await ask(port, get('/route', CHROME))).status).toBe(404);
});

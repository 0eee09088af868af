// Tests the features of a site: indexes, listings, clean URLs, fallbacks, error pages, cache rules, hosts and mounts.

import { rename, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CacheRules, IMMUTABLE } from '../../src/files/cache-rules.ts';
import type { StaticOptions } from '../../src/index.ts';
import { isFingerprinted } from '../../src/options/path-pattern.ts';
import { ask, get } from '../support/client.ts';
import { folder, type Tree } from '../support/folder.ts';
import { type Site, start } from '../support/serving.ts';
import { until } from '../support/until.ts';

async function startSite(tree: Tree, site: Partial<StaticOptions>): Promise<Site & { readonly root: string }> {
  const root = await folder(tree);
  return { ...(await start({ static: { root, ...site } })), root };
}

test('a folder is served with the first index that exists', async () => {
  const { port } = await startSite(
    { 'index.htm': 'htm', 'a/index.html': 'html', 'a/index.htm': 'htm', 'b/x.txt': '' },
    { index: ['index.html', 'index.htm'] },
  );
  expect((await ask(port, get('/'))).text).toBe('htm');
  expect((await ask(port, get('/a/'))).text).toBe('html');
  expect((await ask(port, get('/b/'))).status).toBe(404);
});

describe('a listing', () => {
  const TREE: Tree = {
    'b.txt': '12345',
    'a b&<c>.txt': '',
    'sub/x.txt': '',
    '.hidden': '',
    'with/index.html': 'index',
    'ümlaut/"quotes".txt': '',
  };

  test('is off by default', async () => {
    const { port } = await startSite(TREE, {});
    expect((await ask(port, get('/'))).status).toBe(404);
  });

  test('is a page with correct links', async () => {
    const { port, root } = await startSite(TREE, { listing: true });
    await utimes(`${root}/b.txt`, 784_111_777, 784_111_777);
    const page = await ask(port, get('/'));
    expect(page.status).toBe(200);
    expect(page.field('content-type')).toBe('text/html; charset=utf-8');
    expect(page.field('vary')).toBe('Accept');
    expect(page.text).not.toContain('hidden');
    expect(page.text).toContain('1994-11-06 08:49');
    expect(page.text).not.toContain('<c>');
    const links = [...page.text.matchAll(/href="\.\/([^"]*)"/g)].map(([, link]) => link ?? '');
    expect(links.map(decodeURIComponent)).toEqual(['sub/', 'with/', 'ümlaut/', 'a b&<c>.txt', 'b.txt']);
    for (const link of links) expect((await ask(port, get(`/${link}`))).status, link).toBe(200);
    expect((await ask(port, get('/with/'))).text, 'an index wins').toBe('index');
    expect((await ask(port, get('/sub/'))).text).toContain('href="../"');
    expect((await ask(port, get('/sub'))).status).toBe(301);
    expect((await ask(port, get('/none/'))).status).toBe(404);
    expect((await ask(port, get('/b.txt/'))).status).toBe(404);
  });

  test('is JSON if Accept names it', async () => {
    const { port } = await startSite(TREE, { listing: true, dotfiles: true });
    const answer = await ask(port, get('/', 'Accept: application/json'));
    expect(answer.field('content-type')).toBe('application/json; charset=utf-8');
    const names: { name: string; type: string; size?: number; modified: string }[] = JSON.parse(answer.text);
    expect(names.map(({ name }) => name)).toEqual(['sub', 'with', 'ümlaut', '.hidden', 'a b&<c>.txt', 'b.txt']);
    expect(names.at(-1)).toMatchObject({ type: 'file', size: 5, modified: expect.stringMatching(/^\d{4}-.*Z$/) });
    for (const accept of ['text/html, application/json', '*/*', 'application/json;q=0']) {
      const page = await ask(port, get('/', `Accept: ${accept}`));
      expect(page.field('content-type'), accept).toBe('text/html; charset=utf-8');
    }
  });
});

test('clean URLs: pages are served without extension, at one address each', async () => {
  const { port } = await startSite(
    { 'index.html': 'home', 'about.html': 'about', x: 'plain', 'x.html': 'page', 'd/index.html': 'd', 'd.html': 'D' },
    { cleanUrls: true },
  );
  expect((await ask(port, get('/about'))).text).toBe('about');
  expect((await ask(port, get('/about?a=b'))).field('content-type')).toBe('text/html; charset=utf-8');
  expect((await ask(port, get('/x'))).text, 'a file of that very name wins').toBe('plain');
  expect((await ask(port, get('/d/'))).text).toBe('d');
  for (const [target, location] of [
    ['/about.html?q=1', './about?q=1'],
    ['/index.html', './'],
    ['/d/index.html', './'],
    ['/d', './d/'],
  ]) {
    const answer = await ask(port, get(target ?? ''));
    expect([answer.status, answer.field('location')]).toEqual([301, location]);
  }
  expect((await ask(port, get('/none'))).status).toBe(404);
  expect((await ask(port, get('/none.html'))).status).toBe(404);
});

test('clean URLs: a page and a folder of the same name have different addresses', async () => {
  const tree = {
    'about.html': 'about',
    'about/team.html': 'team',
    'd.html': 'D',
    'd/index.html': 'd',
    x: 'plain',
    'x.html': 'page',
    'empty/a.txt': '',
  };
  const root = await folder(tree);
  const mounted = await folder({ '.html': 'hidden', 'a.txt': '' });
  const { port } = await start({ static: { root, cleanUrls: true, mounts: { '/mounted': mounted } } });
  for (const [target, text] of [
    ['/about', 'about'],
    ['/about/team', 'team'],
    ['/d.html', 'D'],
    ['/d/', 'd'],
    ['/x.html', 'page'],
  ]) {
    for (let i = 0; i < 2; i++) {
      expect(await ask(port, get(target ?? '')), target).toMatchObject({ status: 200, text });
    }
  }
  for (const [target, location] of [
    ['/about.html', './about'],
    ['/about/?q', '../about?q'],
    ['/about/team/', '../team'],
    ['/about/team.html', './team'],
    ['/d', './d/'],
    ['/empty', './empty/'],
    ['/mounted', './mounted/'],
  ]) {
    const answer = await ask(port, get(target ?? ''));
    expect([answer.status, answer.field('location')], target).toEqual([301, location]);
  }
  for (const target of ['/empty/', '/mounted/']) expect((await ask(port, get(target))).status, target).toBe(404);
  const listed = await start({ static: { root, cleanUrls: true, listing: true } });
  expect((await ask(listed.port, get('/about'))).text).toBe('about');
  expect((await ask(listed.port, get('/about/'))).text).toContain('team.html');
});

test('a fallback is sent for pages that do not exist, and for no other file', async () => {
  const { port } = await startSite({ 'app.html': 'app', 'real.txt': 'real' }, { spa: 'app.html' });
  for (const target of ['/', '/users/7', '/users/7/', '/a.html', '/app.html']) {
    expect(await ask(port, get(target)), target).toMatchObject({ status: 200, text: 'app' });
  }
  expect((await ask(port, get('/real.txt'))).text).toBe('real');
  for (const target of ['/app.3f2a.js', '/logo.png', '/.env']) {
    expect((await ask(port, get(target))).status, target).toBe(404);
  }
});

test('with clean URLs the fallback and error pages are sent without a redirect', async () => {
  const files = { 'app.html': 'app', '404.html': 'lost', 'app/x': '' };
  const { port } = await startSite(files, { spa: 'app.html', cleanUrls: true });
  for (let i = 0; i < 2; i++) {
    expect(await ask(port, get('/route/here'))).toMatchObject({ status: 200, text: 'app' });
    expect(await ask(port, get('/none.css'))).toMatchObject({ status: 404, text: 'lost' });
    for (const path of ['/app.html', '/404.html']) expect((await ask(port, get(path))).status, path).toBe(301);
  }
});

test('a fallback that was deleted after the start gets 404', async () => {
  const { port, root } = await startSite({ 'app.html': 'app' }, { spa: 'app.html' });
  await rm(join(root, 'app.html'));
  expect((await ask(port, get('/users/7'))).status).toBe(404);
  expect((await ask(port, get('/app.html'))).status).toBe(404);
});

test('NNN.html in the root is the error page of that status', async () => {
  const { port } = await startSite({ '404.html': 'lost', '400.html': 'what?', 'sub/404.html': 'not this' }, {});
  expect(await ask(port, get('/none'))).toMatchObject({ status: 404, text: 'lost' });
  expect(await ask(port, get('/sub/none'))).toMatchObject({ status: 404, text: 'lost' });
  expect(await ask(port, get('/%zz'))).toMatchObject({ status: 400, text: 'what?' });
  expect(await ask(port, get('/404.html'))).toMatchObject({ status: 200, text: 'lost' });
});

test('security headers are sent with every response, and can be turned off', async () => {
  const tree = { 'a.txt': 'a', 'd/x.txt': '' };
  const on = await startSite(tree, { listing: true });
  for (const target of ['/a.txt', '/none', '/d', '/d/', '/%zz']) {
    const answer = await ask(on.port, get(target));
    expect(answer.field('x-content-type-options'), target).toBe('nosniff');
    expect(answer.field('referrer-policy'), target).toBe('strict-origin-when-cross-origin');
  }
  const off = await startSite(tree, { securityHeaders: false });
  expect((await ask(off.port, get('/a.txt'))).field('x-content-type-options')).toBe(undefined);
});

test('text has the configured charset', async () => {
  const { port } = await startSite({ 'a.txt': 'a' }, { charset: 'iso-8859-1' });
  expect((await ask(port, get('/a.txt'))).field('content-type')).toBe('text/plain; charset=iso-8859-1');
  const none = await startSite({ 'a.txt': 'a' }, { charset: '' });
  expect((await ask(none.port, get('/a.txt'))).field('content-type')).toBe('text/plain');
});

test('dotfiles can be served', async () => {
  const { port } = await startSite({ '.config': 'x', '.d/y': 'y' }, { dotfiles: true });
  expect((await ask(port, get('/.config'))).text).toBe('x');
  expect((await ask(port, get('/.d/y'))).text).toBe('y');
  expect((await ask(port, get('/../x'))).status).toBe(400);
});

describe('Cache-Control', () => {
  test('is that of the first matching rule, with 200, 206 and 304', async () => {
    const { port } = await startSite(
      { 'app-BXl3vA9d.js': 'x', 'plain.js': 'y', 'a/b.html': 'z', 'data.json': '1' },
      {
        cacheControl: [
          { pattern: '@fingerprinted', value: 'immutable' },
          { pattern: '*.js', value: 'max-age=60' },
          { pattern: '/a/**', value: 'no-cache' },
        ],
      },
    );
    const answer = await ask(port, get('/app-BXl3vA9d.js'));
    expect(answer.field('cache-control')).toBe(IMMUTABLE);
    for (const line of ['If-None-Match: *', 'Range: bytes=0-0']) {
      expect((await ask(port, get('/app-BXl3vA9d.js', line))).field('cache-control'), line).toBe(IMMUTABLE);
    }
    expect((await ask(port, get('/plain.js'))).field('cache-control')).toBe('max-age=60');
    expect((await ask(port, get('/a/b.html'))).field('cache-control')).toBe('no-cache');
    expect((await ask(port, get('/data.json'))).field('cache-control')).toBe(undefined);
  });

  test('matches the request path, below a mount and in a coding too', async () => {
    const monaco = await folder({ 'vs/a.js': 'x'.repeat(2_000), 'index.html': 'index', 'about.html': 'about' });
    const { port } = await startSite(
      { 'vs/a.js': 'root', 'monaco/vs/a.js': 'shadowed', 'app.html': 'app' },
      {
        mounts: { '/monaco': monaco },
        cleanUrls: true,
        spa: 'app.html',
        cacheControl: [
          { pattern: '/monaco/vs/**', value: 'vs' },
          { pattern: '/monaco/about.html', value: 'about' },
          { pattern: '/monaco/', value: 'monaco' },
          { pattern: 'vs/', value: 'root' },
          { pattern: '/app.html', value: 'app' },
        ],
      },
    );
    for (const [target, value, ...fields] of [
      ['/monaco/vs/a.js', 'vs'],
      ['/monaco/vs/a.js', 'vs', 'Accept-Encoding: gzip'],
      ['//monaco/%76s/a.js', 'vs', 'Range: bytes=0-1'],
      ['/monaco/', 'monaco'],
      ['/monaco/about', 'about'],
      ['/vs/a.js', 'root'],
      ['/monaco/route', 'app', 'Accept: text/html'],
    ]) {
      const answer = await ask(port, get(target ?? '', ...fields));
      expect(answer.field('cache-control'), target).toBe(value);
    }
  });

  test('a pattern without a slash matches names, and one with a slash matches paths', () => {
    const rules = new CacheRules([
      { pattern: 'a/*.css', value: '1' },
      { pattern: '*.css', value: '2' },
      { pattern: '**', value: '3' },
    ]);
    expect(['a/x.css', 'a/b/x.css', 'x.css', 'x.js', 'a/b/.c'].map((path) => rules.valueFor(path)).join('')).toBe(
      '12233',
    );
  });

  test.each([
    ['app-BXl3vA9d.js', true],
    ['main.3f2a1b9c.css', true],
    ['main.3f2a1b9c.css.map', true],
    ['chunk-vendors.a1b2c3d4e5.js', true],
    ['index-D_k3Jx9q.js', true],
    ['jquery-validation.js', false],
    ['report-20240101.pdf', false],
    ['jquery-3.6.0.min.js', false],
    ['some-JavaScript.js', false],
    ['index.html', false],
    ['a1b2c3d4e5', false],
  ])('%s is fingerprinted: %s', (name, expected) => {
    expect(isFingerprinted(name)).toBe(expected);
  });
});

test('each host has its own root, and all other hosts have the default one', async () => {
  const [a, b, any] = await Promise.all(
    ['a', 'b', 'any'].map((text) => folder({ 'x.txt': text, '404.html': `no ${text}` })),
  );
  const { port } = await startSite(
    { 'x.txt': 'default' },
    { hosts: { 'A.example': a ?? '', 'www.b.example': b ?? '', '*.b.example': any ?? '' } },
  );
  const at = (host: string, target = '/x.txt'): string => `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
  for (const [host, text] of [
    ['a.example', 'a'],
    ['a.EXAMPLE:8080', 'a'],
    ['a.example.', 'a'],
    ['www.b.example', 'b'],
    ['deep.er.b.example', 'any'],
    ['b.example', 'default'],
    ['xa.example', 'default'],
    ['127.0.0.1', 'default'],
    ['[::1]:80', 'default'],
  ] as const) {
    for (let i = 0; i < 2; i++) expect((await ask(port, at(host))).text, host).toBe(text);
  }
  expect((await ask(port, at('other', 'http://a.example/x.txt'))).text, 'the target wins').toBe('a');
  expect((await ask(port, at('a.example', '/none'))).text).toBe('no a');
  for (let i = 0; i < 2_000; i++) expect((await ask(port, at(`h${i}.b.example`))).text).toBe('any');
});

test('no host serves the files of another, for any spelling of Host', async () => {
  const tree = (text: string): Tree => ({ 'index.html': text, '404.html': `no ${text}`, 'a.txt': text });
  const names = ['own', 'own.own', '0', '-', '_', 'localhost'];
  const folders = await Promise.all(names.map((name) => folder(tree(name))));
  const hosts = Object.fromEntries(names.map((name, i) => [name, folders[i] ?? '']));
  const { port } = await startSite(tree('default'), { hosts, spa: 'index.html' });
  const text = async (host: string, target: string): Promise<string> =>
    (await ask(port, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).text;
  for (const target of ['/none.css', '/route', '/404.html', '/index.html', '/', '/a.txt', '/own:/404.html']) {
    for (const host of ['default', ...names, ...names, 'default']) {
      const expected = target === '/none.css' || target === '/404.html' ? `no ${host}` : host;
      expect(await text(host, target), `${host}${target}`).toBe(expected);
    }
  }
});

test('no file gets the type or cache rule of another, for any name', async () => {
  const names = ['1.css', 'x.css null a', 'b.constructor', 'b.__proto__', '__proto__', 'constructor', 'c.undefined'];
  const rules = [
    { pattern: '*.css', value: 'a null b' },
    { pattern: '*.undefined', value: 'undefined' },
    { pattern: 'x*', value: 'b' },
  ];
  const { port } = await startSite(Object.fromEntries(names.map((name) => [name, name])), { cacheControl: rules });
  const answers = [];
  for (const name of names) {
    const { status, field, text } = await ask(port, get(`/${encodeURIComponent(name)}`));
    answers.push([status, text, field('content-type'), field('cache-control')]);
  }
  const binary = 'application/octet-stream';
  expect(answers).toEqual([
    [200, names[0], 'text/css; charset=utf-8', 'a null b'],
    [200, names[1], binary, 'b'],
    ...names.slice(2, 6).map((name) => [200, name, binary, undefined]),
    [200, names[6], binary, 'undefined'],
  ]);
});

test('mounted folders are served below their paths', async () => {
  const [dist, deep] = await Promise.all([folder({ 'a.js': 'dist', 'index.html': 'd' }), folder({ 'b.js': 'deep' })]);
  const { port } = await startSite(
    { 'index.html': 'home', 'assets/a.js': 'shadowed', 'assetsx/a.js': 'not mounted' },
    { mounts: { '/assets': dist, '/assets/deep/er/': deep } },
  );
  for (const [target, text] of [
    ['/', 'home'],
    ['/assets/a.js', 'dist'],
    ['/assets/', 'd'],
    ['/assets/deep/er/b.js', 'deep'],
    ['/assetsx/a.js', 'not mounted'],
  ]) {
    expect(await ask(port, get(target ?? '')), target).toMatchObject({ status: 200, text });
  }
  expect((await ask(port, get('/assets'))).field('location')).toBe('./assets/');
  expect((await ask(port, get('/assets/../index.html'))).status).toBe(400);
});

test('a root that was replaced by another folder is followed', async () => {
  const parent = await folder({ 'www/x.txt': 'old', 'next/x.txt': 'new' });
  const { port, errors } = await start({ static: `${parent}/www` });
  expect((await ask(port, get('/x.txt'))).text).toBe('old');
  await rename(`${parent}/www`, `${parent}/gone`);
  expect((await ask(port, get('/x.txt'))).text).toBe('old');
  await rename(`${parent}/next`, `${parent}/www`);
  await until(async () => (await ask(port, get('/x.txt'))).text === 'new', 'the new folder is served');
  // On a slow machine the server looks between the two.
  expect(errors.splice(0).filter((error) => !String(error).includes('is gone'))).toEqual([]);
});

// Proves what a client gets from a real folder: content, media types, dates, pages for what is missing.

import { execFileSync } from 'node:child_process';
import { utimes } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { MediaTypes } from '../../src/files/media-types.ts';
import { ask, get } from '../support/client.ts';
import { folder, type Tree } from '../support/folder.ts';
import { type Site, start } from '../support/serving.ts';

const TREE: Tree = {
  'index.html': '<h1>home</h1>',
  'a b.txt': 'space',
  'ä.txt': 'umlaut',
  'empty.css': '',
  'sub/index.html': 'sub home',
  'sub/page.html': 'page',
  'bare/file.txt': 'no index here',
  '.well-known/x.txt': 'known',
  '.hidden': 'secret',
  '.git/config': 'secret',
  'sub/.env': 'secret',
};

async function startTree(more: Tree = {}): Promise<Site & { readonly root: string }> {
  const root = await folder({ ...TREE, ...more });
  return { ...(await start({ root })), root };
}

test('a file comes with its type, length and date', async () => {
  const { port, root } = await startTree();
  await utimes(`${root}/sub/page.html`, 784_111_777, 784_111_777);
  const answer = await ask(port, get('/sub/page.html?version=3'));
  expect(answer).toMatchObject({ status: 200, text: 'page', framing: 'length' });
  expect(answer.field('content-type')).toBe('text/html; charset=utf-8');
  expect(answer.field('last-modified')).toBe('Sun, 06 Nov 1994 08:49:37 GMT');
});

test.each([
  ['/', '<h1>home</h1>'],
  ['/index.html', '<h1>home</h1>'],
  ['/sub/', 'sub home'],
  ['//sub///page.html', 'page'],
  ['/a%20b.txt', 'space'],
  ['/%C3%A4.txt', 'umlaut'],
  ['/%61%20b.txt', 'space'],
  ['/empty.css', ''],
  ['/.well-known/x.txt', 'known'],
  ['http://any.host/sub/page.html', 'page'],
])('%s is found', async (target, text) => {
  const { port } = await startTree();
  for (let i = 0; i < 2; i++)
    expect(await ask(port, get(target)), 'fresh and from memory').toMatchObject({ status: 200, text });
});

test('a name with a percent sign is that file alone, and never another, however often either was asked for', async () => {
  const { port } = await startTree({ 'a%20b.txt': 'escaped', '100%.txt': 'hundred', 'a%2520b.txt': 'twice' });
  for (let i = 0; i < 3; i++) {
    expect(await ask(port, get('/a%2520b.txt'))).toMatchObject({ status: 200, text: 'escaped' });
    expect(await ask(port, get('/a%20b.txt'))).toMatchObject({ status: 200, text: 'space' });
    expect(await ask(port, get('/a%252520b.txt'))).toMatchObject({ status: 200, text: 'twice' });
    expect(await ask(port, get('/100%25.txt'))).toMatchObject({ status: 200, text: 'hundred' });
    expect(await ask(port, get('/100%.txt'))).toMatchObject({ status: 400 });
  }
});

test('HEAD says what GET says, fresh, from memory, and for a file too large for it', async () => {
  const { port } = await startTree({ 'big.bin': Buffer.alloc(300_000, 7) });
  for (const target of ['/', '/', '/big.bin', '/none']) {
    const full = await ask(port, get(target));
    const head = await ask(port, get(target).replace('GET', 'HEAD'), { head: true });
    const fieldsOf = (answer: typeof full): object => ({ ...Object.fromEntries(answer.fields), Date: '' });
    expect(head.status).toBe(full.status);
    expect(fieldsOf(head)).toEqual(fieldsOf(full));
  }
});

test('a folder without its slash is redirected relatively, and the query goes along', async () => {
  const { port } = await startTree();
  for (const [target, location] of [
    ['/sub', './sub/'],
    ['/sub?a=b&c', './sub/?a=b&c'],
    ['//sub', './sub/'],
  ]) {
    const answer = await ask(port, get(target ?? ''));
    expect(answer.status).toBe(301);
    expect(answer.field('location')).toBe(location);
  }
});

test('a folder without an index, a missing file, and a file taken for a folder are 404', async () => {
  const { port } = await startTree();
  for (const target of [
    '/bare/',
    '/none',
    '/none/',
    '/sub/none',
    '/a%20b.txt/',
    '/a%20b.txt/x',
    `/${'x'.repeat(300)}`,
  ]) {
    const answer = await ask(port, get(target));
    expect(answer.status, target).toBe(404);
    expect(answer.field('content-type')).toBe('text/html; charset=utf-8');
    expect(answer.text).toContain('404');
  }
});

test("the root's own page for what is missing is served with 404", async () => {
  const { port } = await startTree({ '404.html': 'lost?' });
  for (const target of ['/none', '/.hidden', '/bare/']) {
    for (let i = 0; i < 2; i++) expect(await ask(port, get(target))).toMatchObject({ status: 404, text: 'lost?' });
  }
});

test('names that begin with a dot are hidden', async () => {
  const { port } = await startTree();
  for (const target of [
    '/.hidden',
    '/.git/config',
    '/.git',
    '/sub/.env',
    '/%2ehidden',
    '/%2Egit/config',
    '/...',
    '/.well-known/.x',
  ]) {
    const answer = await ask(port, get(target));
    expect(answer.status, target).toBe(404);
    expect(answer.text).not.toContain('secret');
  }
});

test('methods that files do not know: 405 with Allow, unknown ones 501, OPTIONS says what there is', async () => {
  const { port } = await startTree();
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'PROPFIND', 'MKCOL']) {
    const answer = await ask(port, `${method} / HTTP/1.1\r\nHost: a\r\n\r\n`);
    expect(answer.status, method).toBe(405);
    expect(answer.field('allow')).toBe('GET, HEAD, OPTIONS');
  }
  for (const method of ['BREW', 'get', 'GETT']) {
    expect((await ask(port, `${method} / HTTP/1.1\r\nHost: a\r\n\r\n`)).status, method).toBe(501);
  }
  for (const target of ['*', '/', '/none']) {
    const answer = await ask(port, `OPTIONS ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
    expect(answer.status).toBe(204);
    expect(answer.field('allow')).toBe('GET, HEAD, OPTIONS');
  }
});

test('a FIFO is 404 and holds nobody up', async () => {
  const { port, root } = await startTree();
  execFileSync('mkfifo', [`${root}/pipe`]);
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) => ask(port, get(i % 2 === 0 ? '/pipe' : '/index.html'))),
  );
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? 404 : 200)));
});

test('a file of 10 MiB arrives whole, several times at once', async () => {
  const content = Buffer.alloc(10 * 1_048_576);
  for (let i = 0; i < content.length; i += 4) content.writeUInt32LE(i, i);
  const { port } = await startTree({ 'big.bin': content });
  const answers = await Promise.all(Array.from({ length: 4 }, () => ask(port, get('/big.bin'))));
  for (const answer of answers) {
    expect(answer.field('content-type')).toBe('application/octet-stream');
    expect(answer.content.equals(content)).toBe(true);
  }
});

test("media types are those of the name's ending, text has a charset", () => {
  const types = [
    'a.html',
    'a.css',
    'a.js',
    'a.mjs',
    'a.json',
    'a.svg',
    'a.txt',
    'a.png',
    'a.jpg',
    'a.woff2',
    'a.wasm',
    'a.pdf',
    'a.HTML',
    'a',
    'a.unknown',
  ];
  expect(types.map((name) => new MediaTypes().of(name))).toEqual([
    'text/html; charset=utf-8',
    'text/css; charset=utf-8',
    'text/javascript; charset=utf-8',
    'text/javascript; charset=utf-8',
    'application/json; charset=utf-8',
    'image/svg+xml; charset=utf-8',
    'text/plain; charset=utf-8',
    'image/png',
    'image/jpeg',
    'font/woff2',
    'application/wasm',
    'application/pdf',
    'text/html; charset=utf-8',
    'application/octet-stream',
    'application/octet-stream',
  ]);
});

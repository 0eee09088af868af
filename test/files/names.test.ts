// Tests that files of any name are listed with a working link and served: names that are not UTF-8, and names with
// characters that are special in URLs, in HTML or on other systems.

import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { bytesOfName, decodeName, encodeName } from '../../src/files/file-name.ts';
import { ask, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { start } from '../support/serving.ts';

/** File names as Latin-1 text, one character per byte. */
const NAMES = [
  'a\\b',
  '..\\c',
  'caf\xe9',
  '\xff',
  '\x80.html',
  'half \xc3',
  'long \xc0\xaf',
  'surrogate \xed\xa0\x80',
  'beyond \xf4\x90\x80\x80',
  '\xf0\x9f\x98\x80 \xf0\x9f',
  '\xe2\x82\xac',
  '\xef\xbf\xbd',
  `${'x'.repeat(250)}\xe9`,
  '100%',
  '%41',
  '%ff',
  'a?b#c',
  'a&b;c="d\'e',
  '<script>alert(1)</script>'.replace('/', ''),
  'javascript:alert(1)',
  'http:',
  'line\nbreak',
  '\r',
  'esc\x1b[31m',
  ' spaces ',
  'end ',
  '~!*()',
  'a+b=c,d@e',
];

const bytesOf = (latin1: string): Buffer => Buffer.from(latin1, 'latin1');

/** The target of each link of a page, as a browser resolves it. */
function linksOf(html: string, base: string): readonly string[] {
  const decoded = (text: string): string => text.replaceAll('&amp;', '&').replaceAll('&#39;', "'");
  return Array.from(html.matchAll(/<td[^>]*><a href="([^"]*)"/g), ([, href = '']) => new URL(decoded(href), base)).map(
    ({ host, pathname, search, hash }) => `${host}${pathname}${search}${hash}`,
  );
}

describe('every name', () => {
  test.each([
    ['', {}],
    ['beside something hidden', { hide: true }],
  ])('is listed with a link to its file, %s', async (_what, { hide = false }: { hide?: boolean }) => {
    const root = await folder({ 'secret.txt': '' });
    for (const name of NAMES) writeFileSync(Buffer.concat([Buffer.from(`${root}/`), bytesOf(name)]), name, 'latin1');
    const site = { listing: true, dotfiles: true, ...(hide ? { hide: [`${root}/secret.txt`] } : {}) };
    const { port } = await start({ static: { root, ...site } });
    const page = await ask(port, get('/'));
    const links = linksOf(page.text, 'http://h/').filter((link) => !link.endsWith('/secret.txt'));
    const contents = await Promise.all(
      links.map(async (link) => {
        const answer = await ask(port, get(link.slice(1)));
        expect(answer.status, link).toBe(200);
        return answer.content.toString('latin1');
      }),
    );
    expect(contents.sort()).toEqual([...NAMES].sort());
    // The second time they come from the cache.
    for (const link of links) expect((await ask(port, get(link.slice(1)))).status, link).toBe(200);
    for (const raw of ['<script>', '\r', '\x1b']) expect(page.text).not.toContain(raw);
  });

  test('works for a folder, with a redirect to its slash, an index and a listing', async () => {
    const root = await folder();
    for (const name of NAMES) {
      const path = Buffer.concat([Buffer.from(`${root}/`), bytesOf(name)]);
      mkdirSync(path);
      writeFileSync(Buffer.concat([path, Buffer.from('/in.txt')]), 'in');
    }
    const { port } = await start({ static: { root, listing: true, dotfiles: true } });
    for (const link of linksOf((await ask(port, get('/'))).text, 'http://h/')) {
      const path = link.slice(1);
      const moved = await ask(port, get(path.slice(0, -1)));
      expect(moved.status, path).toBe(301);
      expect(new URL(moved.field('location') ?? '', `http://h${path.slice(0, -1)}`).pathname).toBe(path);
      expect((await ask(port, get(path))).text).toContain('in.txt');
      expect((await ask(port, get(`${path}in.txt`))).text).toBe('in');
    }
  });
});

test('JSON listings have a link for names that are not UTF-8', async () => {
  const root = await folder({ 'a.txt': '' });
  writeFileSync(Buffer.concat([Buffer.from(`${root}/`), bytesOf('caf\xe9')]), '');
  const { port } = await start({ static: { root, listing: true } });
  const list: unknown = JSON.parse((await ask(port, get('/', 'Accept: application/json'))).text);
  expect(list).toEqual([
    expect.not.objectContaining({ href: expect.anything() }),
    expect.objectContaining({ name: 'caf\ufffd', href: './caf%E9' }),
  ]);
});

test('hiding, clean URLs and codings work for names that are not UTF-8', async () => {
  const root = await folder({ 'private/x': '' });
  const write = (name: string, text: string): void =>
    writeFileSync(Buffer.concat([Buffer.from(`${root}/`), bytesOf(name)]), text);
  write('caf\xe9.html', 'page');
  write('private/\xe9', 'SECRET');
  write('\xe9.txt', 'SECRET');
  write('\xe8.js', 'plain'.repeat(500));
  write('\xe8.js.br', 'brotli');
  symlinkSync(Buffer.concat([bytesOf('private/\xe9')]), Buffer.concat([Buffer.from(`${root}/`), bytesOf('\xe7')]));
  // Node.js decodes such an argument in the same way.
  const hide = [`${root}/private`, `${root}/\ufffd.txt`];
  const { port } = await start({ static: { root, cleanUrls: true, hide, listing: true } });
  for (const target of ['/private/%E9', '/%E9.txt', '/%E7']) {
    expect((await ask(port, get(target))).status, target).toBe(404);
  }
  expect((await ask(port, get('/caf%E9'))).text).toBe('page');
  expect((await ask(port, get('/caf%e9.html'))).field('location')).toBe('./caf%E9');
  expect((await ask(port, get('/%E8.js', 'Accept-Encoding: br'))).text).toBe('brotli');
});

test('invalid paths are rejected, and different bytes are different names', async () => {
  const root = await folder({ 'a/b.txt': 'b' });
  writeFileSync(Buffer.concat([Buffer.from(`${root}/`), bytesOf('\xe9')]), 'latin1');
  writeFileSync(`${root}/é`, 'utf8');
  const { port } = await start({ static: root });
  for (const target of ['/%', '/%e', '/%zz', '/%E9%', '/%E9%2', '/%E9%00', '/%E9%2F..', '/%E9/..', '/%2e%2e/%E9']) {
    expect((await ask(port, get(target))).status, target).toBe(400);
  }
  for (const target of ['/a%5Cb.txt', '/a\\b.txt', '/%FF', '/a%5C..%5C%E9']) {
    expect((await ask(port, get(target))).status, target).toBe(404);
  }
  expect([(await ask(port, get('/%e9'))).text, (await ask(port, get('/%C3%A9'))).text]).toEqual(['latin1', 'utf8']);
});

test('bytes that become a name become the same bytes again', () => {
  for (let seed = 1; seed < 3_000; seed++) {
    const bytes = Buffer.from(Array.from({ length: 1 + (seed % 9) }, (_, i) => (seed * 7_919 * (i + 1) ** 3) % 256));
    const encoded = Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
    const name = decodeName(encoded) ?? '';
    expect(bytesOfName(name), encoded).toEqual(bytes);
    expect(decodeName(encodeName(name))).toBe(name);
  }
});

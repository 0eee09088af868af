// Tests that no spelling of a path passes a rule that protects it, for files and for applications of each kind: what
// would have been served without the rule, is not served with it.

import { describe, expect, test } from 'vitest';
import { fetchHandler } from '../../src/adapters/fetch.ts';
import { wsgi } from '../../src/adapters/wsgi.ts';
import { ask } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import type { Answer } from '../support/response.ts';
import { type StartOptions, start } from '../support/serving.ts';

/** Spellings of `/secret/file.html` that servers and applications may understand. */
const SPELLINGS = [
  '/secret/file.html',
  '/secret/file',
  '/secret/file/',
  '/SECRET/File.html',
  '/%73ecret/file.html',
  '/%53ECRET/file%2ehtml',
  '//secret/file.html',
  '/secret//file.html',
  '/secret/./file.html',
  '/./secret/file.html',
  '/%2e/secret/file.html',
  '/public/../secret/file.html',
  '/public/%2e%2E/secret/file.html',
  '/public/..%2fsecret/file.html',
  '/secret%2ffile.html',
  '/secret%2Ffile.html',
  '/secret\\file.html',
  '/secret%5cfile.html',
  '/public/..\\secret/file.html',
  '/secret/file.html%00',
  '/secret/file.html%0a',
  '/secret/%0afile.html',
  '/secret/file.html/',
  '/secret/file.html.gz',
  '/secret/',
  '/secret',
  '/secret/?a=/public/',
  'http://a/secret/file.html',
  'http://b/%73ecret/file.html',
  '/s%65cret/file.html',
  '/%c0%ae%c0%ae/secret/file.html',
] as const;

const TREE = {
  'secret/file.html': 'SECRET',
  'secret/file.html.gz': 'SECRET',
  'secret/index.html': 'SECRET',
  'secret/file.html\n': 'SECRET',
  'secret/\nfile.html': 'SECRET',
  'secret\\file.html': 'SECRET',
  'public/a.html': 'public',
};

/** Resolves paths as lenient applications do: decoded, in any case, with dot segments and backslashes. */
function leadsToSecret(target: string): boolean {
  const path = target.replace(/^http:\/\/[^/]*/, '').split('?')[0] ?? '';
  let decoded = path;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    // As it was sent.
  }
  return new URL(decoded.replaceAll('\\', '/'), 'http://a').pathname.toLowerCase().includes('/secret');
}

const KINDS: readonly (readonly [string, () => StartOptions | Promise<StartOptions>])[] = [
  ['files', async () => ({ static: { root: await folder(TREE), cleanUrls: true } })],
  ['a raw handler', () => ({ handler: ({ target }, response) => response.send(200, {}, contentOf(target)) })],
  ['fetch', () => ({ handler: fetchHandler(({ url }) => new Response(contentOf(url))) })],
  [
    'WSGI',
    () => ({
      handler: wsgi(({ PATH_INFO }, startResponse) => {
        startResponse('200 OK', []);
        return contentOf(String(PATH_INFO));
      }),
    }),
  ],
];

function contentOf(target: string): string {
  return leadsToSecret(target) ? 'SECRET' : 'public';
}

describe.each(KINDS)('%s', (kind, options) => {
  test.each(['/secret/**', '/secret/', '/Secret/*', '/secret/file.html', '/secret/index.html'])(
    'deny %s',
    async (pattern) => {
      const given = await options();
      const { port } = await start({ ...given, rules: { deny: `${pattern} all` } });
      const covered = pattern.endsWith('.html') ? SPELLINGS.filter((each) => names(each, pattern, kind)) : SPELLINGS;
      for (const spelling of covered) {
        if (pattern === '/Secret/*' && /^\/secret\/?(\?.*)?$/.test(spelling)) continue;
        const answer = await ask(port, `GET ${spelling} HTTP/1.1\r\nHost: a\r\n\r\n`);
        expect(answer.text, `${kind}: ${spelling}`).not.toContain('SECRET');
      }
      const open = await ask(port, 'GET /public/a HTTP/1.1\r\nHost: a\r\n\r\n');
      expect(open.text).toBe('public');
    },
  );
});

test.each([
  ['/v1.2/index.html', '/v1.2/', false, undefined],
  ['/v1.2/index.html', '/v1.2', false, 'remove'],
  ['/v1.2.html', '/v1.2', true, undefined],
  ['/*.html', '/v1.2', true, undefined],
  ['/index.html', '/', false, undefined],
  ['/index.html', '//', false, undefined],
] as const)(
  'a rule for %s protects the files that answer for %s',
  async (pattern, target, cleanUrls, trailingSlash) => {
    const tree = { 'v1.2/index.html': 'SECRET', 'v1.2.html': 'SECRET', 'index.html': 'SECRET' };
    const root = await folder(cleanUrls ? { 'v1.2.html': 'SECRET' } : tree);
    const { port } = await start({ static: { root, cleanUrls }, rules: { deny: `${pattern} all`, trailingSlash } });
    expect((await ask(port, `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`)).status).toBe(403);
    expect((await ask(port, 'GET /other.png HTTP/1.1\r\nHost: a\r\n\r\n')).status).toBe(
      pattern === '/*.html' ? 403 : 404,
    );
  },
);

test.each(['/secret', '/docs', '/docs/index.html', '/Docs/'])(
  'a rule for a clean URL protects its page as the target of a rewrite: %s',
  async (pattern) => {
    const root = await folder({ 'secret.html': 'SECRET', 'docs/index.html': 'SECRET', 'about.html': 'about' });
    const { port } = await start({
      static: { root, cleanUrls: true },
      rules: { deny: `${pattern} all`, rewrites: ['/page/:name -> /:name.html', '/start -> /docs/index.html'] },
    });
    const target = pattern === '/secret' ? '/page/secret' : '/start';
    expect((await ask(port, `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`)).status).toBe(403);
    expect((await ask(port, 'GET /page/about HTTP/1.1\r\nHost: a\r\n\r\n')).text).toBe('about');
  },
);

test('no spelling of a host passes a rule for it', async () => {
  const application = fetchHandler(({ url }) => new Response(new URL(url).hostname));
  const { port } = await start({
    handler: application,
    rules: { deny: ['//secret.example/** all', '//127.0.0.1/** all'], headers: '//secret.example/**: X-Own: yes' },
  });
  const hosts = ['secret.example', 'SECRET.Example.:80', 's%65cret.example', 'secret%2Eexample', '127.1', '0x7f000001'];
  for (const host of [...hosts, '%EF%BD%93ecret.example', 'secret%E3%80%82example:80']) {
    for (const request of [`GET / HTTP/1.1\r\nHost: ${host}`, `GET http://${host}/ HTTP/1.1\r\nHost: a`]) {
      expect((await ask(port, `${request}\r\n\r\n`)).status, request).toBe(403);
    }
  }
  const other = await ask(port, 'GET / HTTP/1.1\r\nHost: other%2eexample\r\n\r\n');
  expect([other.status, other.field('x-own')]).toEqual([403, undefined]);
  expect((await ask(port, 'GET / HTTP/1.1\r\nHost: other.example:80\r\n\r\n')).text).toBe('other.example');
});

test('a proxy that passes absolute targets on names the host', async () => {
  const { port } = await start({
    handler: ({ host }, response) => response.send(200, {}, host),
    trustedProxies: 'loopback',
    rules: { deny: '//secret.example/** all' },
  });
  const asked = (field: string): Promise<Answer> =>
    ask(port, `GET http://open.example/ HTTP/1.1\r\nHost: open.example\r\n${field}\r\n\r\n`);
  expect((await asked('X-Forwarded-Host: secret.example')).status).toBe(403);
  expect((await asked('X-Forwarded-Host: other.example')).text).toBe('other.example');
});

test.each([
  ['/\u017fecret/a', '/secret/**'],
  ['/SECRET/a', '/\u017fecret/**'],
  ['/\u212aey', '/key'],
  ['/sec\u200cret/a', '/secret/**'],
  ['/e\u0301/a', '/\u00e9/**'],
  ['/\u00e9', '/?'],
  ['/\u00df', '/?'],
  ['/stra\u00dfe', '/STRASSE'],
  ['/\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2', '/*\u03c6\u039f\u03a3'],
])('%s, which some file systems take for a path of %s, is protected', async (path, pattern) => {
  const { port } = await start({
    handler: (_request, response) => response.send(200),
    rules: { deny: `${pattern} all` },
  });
  expect((await ask(port, `GET ${encodeURI(path)} HTTP/1.1\r\nHost: a\r\n\r\n`)).status).toBe(403);
});

/** Whether a spelling is of the file that `pattern` names. Only files have clean URLs and indexes. */
function names(spelling: string, pattern: string, kind: string): boolean {
  if (kind !== 'files') return !pattern.includes('index') && /(?:[/\\]|%2f|%5c)file\.html\/?$/i.test(spelling);
  return pattern.includes('index') ? /^\/secret\/?$/.test(spelling) : /file(?:\.html)?\/?$/i.test(spelling);
}

// Tests `_headers` and `_redirects` in roots, in the syntax of Netlify and Cloudflare Pages.

import { rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { rulesSettingsOf } from '../../src/options/rules-settings.ts';
import { resolveStatic } from '../../src/options/static-settings.ts';
import { completeRules } from '../../src/rules/open-rules.ts';
import { unreachableRules } from '../../src/rules/rule-conflicts.ts';
import { ask, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { expectLinear } from '../support/growth.ts';
import type { Answer } from '../support/response.ts';
import { start } from '../support/serving.ts';
import { until } from '../support/until.ts';

const HEADERS = `# for all
/*
  X-Frame-Options: DENY
  Link: </a.css>; rel=preload

/docs/*
  X-Docs: yes
  ! Link
https://other.example/*
  X-Other: yes
`;

const REDIRECTS = `# FROM TO STATUS
/old/:page   /new/:page
/away/*      https://example.org/:splat   302  # to another site
/page.html   /forced.html                 200!
/app/*       /index.html                  200
/lost/*      /lost.html                   404
`;

const TREE = {
  _headers: HEADERS,
  _redirects: REDIRECTS,
  'index.html': 'index',
  'page.html': 'page',
  'forced.html': 'forced',
  'lost.html': 'lost',
  'docs/a.html': 'docs',
  'app/real.html': 'real',
};

test('both apply, and neither is served', async () => {
  const { port } = await start({ static: await folder(TREE), rules: { siteFiles: true } });
  const docs = await ask(port, get('/docs/a.html'));
  expect(['x-frame-options', 'x-docs', 'link', 'x-other'].map((name) => docs.field(name))).toEqual([
    'DENY',
    'yes',
    undefined,
    undefined,
  ]);
  expect((await ask(port, get('/'))).field('link')).toBe('</a.css>; rel=preload');
  const other = await ask(port, 'GET / HTTP/1.1\r\nHost: other.example\r\n\r\n');
  expect(other.field('x-other')).toBe('yes');
  const answers = await Promise.all(
    ['/old/a?b', '/away/x/y', '/page.html', '/app/real.html', '/app/route', '/lost/x', '/_headers', '/_redirects'].map(
      async (target) => {
        const { status, text, field } = await ask(port, get(target));
        return [status, field('location') ?? text.slice(0, 6)];
      },
    ),
  );
  expect(answers).toEqual([
    [301, '/new/a?b'],
    [302, 'https://example.org/x/y'],
    [200, 'forced'],
    [200, 'real'],
    [200, 'index'],
    [404, 'lost'],
    [404, expect.any(String)],
    [404, expect.any(String)],
  ]);
});

/** Fields and redirects of these files for one path: `X-A` and Location. */
async function answerOf(headers: string, redirects: string, target: string): Promise<readonly unknown[]> {
  const tree = {
    'index.html': 'index',
    'blog/a.html': 'a',
    'blog/index.html': 'blog',
    _headers: headers,
    _redirects: redirects,
  };
  const { port } = await start({ static: await folder(tree), rules: { siteFiles: true } });
  const answer = await ask(port, get(target));
  return [answer.field('x-a'), answer.field('location')];
}

test.each([
  ['/*\n  X-A: 1\n  x-a: 2\n', '/', '1, 2'],
  ['/*\nX-A: 1\n', '/', '1'],
  ['\uFEFF/*\r\n\tX-A: 1\r\n', '/', '1'],
  ['/\n  X-A: 1\n', '/', '1'],
  ['/\n  X-A: 1\n', '/blog/a.html', undefined],
  ['/blog/\n  X-A: 1\n', '/blog/', '1'],
  ['/blog/\n  X-A: 1\n', '/blog/a.html', undefined],
  ['/*.html\n  X-A: 1\n', '/blog/a.html', '1'],
  ['/*/a.html\n  X-A: 1\n', '/x/y/a.html', '1'],
  ['/b*\n  X-A: 1\n', '/blog/a.html', '1'],
  ['/:section/a.html\n  X-A: 1\n', '/blog/a.html', '1'],
  ['/:section/a.html\n  X-A: 1\n', '/x/blog/a.html', undefined],
  ['/caf%C3%A9/*\n  X-A: 1\n', '/caf%c3%a9/a', '1'],
  ['https://:any.example/*\n  X-A: 1\n', 'http://a.example/', '1'],
  ['https://:any.example/*\n  X-A: 1\n', '/', undefined],
])('_headers as at Netlify and Cloudflare: %j for %s', async (headers, target, value) => {
  expect(await answerOf(headers, '', target)).toEqual([value, undefined]);
});

test.each([
  ['/ /home 302\n', '/', '/home'],
  ['/ /home 302\n', '/blog', './blog/'],
  ['/blog/ /news\n', '/blog', '/news'],
  ['/blog/ /news\n', '/blog/x', undefined],
  ['/a%20b /c%20d\n', '/a%20b', '/c%20d'],
  ['/ /a\n/index.html /a\n', '/index.html', '/a'],
  ['http://b.example/* http://a.example/:splat\n', 'http://b.example/x', 'http://a.example/x'],
  ['http://a.example/* https://a.example/:splat 301!\n', 'http://a.example/x', 'https://a.example/x'],
  ['http://a.example/* http://a.example/:splat\n', 'http://a.example/x', undefined],
])('_redirects as at Netlify and Cloudflare: %j for %s', async (redirects, target, location) => {
  expect(await answerOf('', redirects, target)).toEqual([undefined, location]);
});

test('without the option they are files as any other', async () => {
  const { port } = await start({ static: await folder(TREE) });
  expect((await ask(port, get('/_headers'))).text).toBe(HEADERS);
});

test('those of a virtual host are for that host alone', async () => {
  const [root, own] = [
    await folder({ 'a.html': 'a' }),
    await folder({ 'a.html': 'b', _headers: '/*\n  X-Own: yes\n' }),
  ];
  const { port } = await start({
    static: { root, hosts: { 'own.example': own } },
    rules: { siteFiles: true, headers: '/**: X-All: yes' },
  });
  for (const [host, expected] of [
    ['own.example', 'yes'],
    ['a', undefined],
  ] as const) {
    const answer = await ask(port, `GET /a.html HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    expect([answer.field('x-own'), answer.field('x-all')]).toEqual([expected, 'yes']);
  }
});

test.each([
  ['_headers', '\n  X-A: 1\n', 2, 'a field must follow a path'],
  ['_headers', '/*\n  nonsense\n', 2, 'must be of the form "Name: value"'],
  ['_headers', '/*\n  Content-Length: 1\n', 2, 'which the server sends itself'],
  ['_headers', '/a/../b\n  X-A: 1\n', 2, 'no dot segments'],
  ['_headers', '/* # all\n  X-A: 1\n', 1, 'a path has no blank'],
  ['_headers', '/*\n  Basic-Auth: joe:secret\n', 2, '"Basic-Auth": rules of --auth'],
  ['_headers', '/m/:title\n  X-A: on :title\n', 2, '":title": values cannot depend'],
  ['_headers', '/m/*\n  X-A: :splat\n', 2, '":splat": values cannot depend'],
  ['_redirects', '/a\n', 1, 'must be of the form "/from /to'],
  ['_redirects', '\n/a /b 301 Country=de\n', 2, '"Country=de": rules cannot depend on country'],
  ['_redirects', '/a id=:id /b 301\n', 1, 'cannot depend on the query'],
  ['_redirects', '/a /b 999\n', 1, 'one of the statuses'],
  ['_redirects', '/a https://example.org/ 200\n', 1, 'a path of this server'],
  ['_redirects', '/* /../other 404\n', 1, 'must be a file of the root'],
  ['_redirects', '/a /b\n/b /a\n', 1, 'leads to a redirect loop'],
  ['_redirects', '/a /b\n/a /c\n', 2, 'contradicts'],
])('%s: a mistake names the file and the line: %j', async (name, content, line, why) => {
  const root = await folder({ [name]: content });
  await expect(start({ static: root, rules: { siteFiles: true } })).rejects.toThrow(
    new RegExp(`^${root}/${name}:${line}:? .*${why}`),
  );
});

test('a changed file counts within a second; a mistake in it is reported, and changes nothing', async () => {
  const root = await folder({ 'a.html': 'a', _headers: '/*\n  X-A: 1\n' });
  const { port, errors } = await start({
    static: root,
    rules: { siteFiles: true, rateLimits: '/limited 1/h', headers: '/**: X-All: yes' },
  });
  const asked = async (target: string): Promise<readonly unknown[]> => {
    const { status, field } = await ask(port, get(target));
    return [status, field('x-a'), field('x-all')];
  };
  const replace = async (name: string, text: string): Promise<void> => {
    await writeFile(join(root, 'new'), text);
    await rename(join(root, 'new'), join(root, name));
  };
  expect(await asked('/limited')).toEqual([404, '1', 'yes']);
  await replace('_headers', '/*\n  X-A: 2\n');
  await until(async () => (await asked('/a.html'))[1] === '2', 'the new field is sent');
  await replace('_headers', '/*\n  nonsense\n');
  await until(async () => (await asked('/a.html')) && errors.length > 0, 'the mistake is reported');
  expect(String(errors.splice(0))).toContain(`${root}/_headers:2: must be of the form`);
  await replace('_redirects', '/old /a.html 302\n');
  await until(async () => (await asked('/old'))[0] === 302, 'the redirect exists');
  expect(await asked('/a.html')).toEqual([200, '2', 'yes']);
  await replace('_redirects', '/lost/* /missing.html 404\n');
  await until(async () => (await asked('/old')) && errors.length > 0, 'the missing page is reported');
  expect(String(errors.splice(0))).toContain('missing.html does not exist');
  await rm(join(root, '_headers'));
  await until(async () => (await asked('/a.html'))[1] === undefined, 'the field is gone');
  expect(await asked('/old'), 'the redirect stays').toEqual([302, undefined, 'yes']);
  expect((await asked('/limited'))[0], 'the limiter has kept its count').toBe(429);
});

test('a mark of byte order in front of the text is skipped', async () => {
  const root = await folder({ _headers: '\ufeff/*\n  X-A: 1\n', _redirects: '\ufeff/old /new\n' });
  const { port } = await start({ static: root, rules: { siteFiles: true } });
  const answer = await ask(port, get('/old'));
  expect([answer.status, answer.field('x-a')]).toEqual([301, '1']);
});

test.each(['_headers', '_redirects'])('%s of a virtual host has no rules for another host', async (file) => {
  const [root, own] = [await folder({ 'a.html': 'a' }), await folder({ 'a.html': 'a' })];
  const startWith = async (host: string, url: string): Promise<Answer> => {
    await writeFile(join(own, file), file === '_headers' ? `${url}\n  X-A: 1\n` : `${url} https://b.example/\n`);
    const { port } = await start({ static: { root, hosts: { [host]: own } }, rules: { siteFiles: true } });
    return ask(port, 'GET /x HTTP/1.1\r\nHost: www.own.example\r\n\r\n');
  };
  await expect(startWith('own.example', 'https://other.example/*')).rejects.toThrow(
    `${own}/${file}:1: "https://other.example/*" is for another host than //own.example`,
  );
  await expect(startWith('*.own.example', 'https://www.not-own.example/*')).rejects.toThrow('for another host');
  for (const host of ['www.own.example', '*.own.example']) {
    const answer = await startWith(host, 'https://WWW.own.example/*');
    expect(answer.field(file === '_headers' ? 'x-a' : 'location')).toBe(
      file === '_headers' ? '1' : 'https://b.example/',
    );
  }
});

test('the page of a status is a file of the root, links followed', async () => {
  const [root, other] = [
    await folder({ _redirects: '/* /404.html 404\n', 'a/b.html': 'a page' }),
    await folder({ b: 'b' }),
  ];
  await symlink(join(other, 'b'), join(root, '404.html'));
  await expect(start({ static: root, rules: { siteFiles: true } })).rejects.toThrow('it is a link out of');
  await rm(join(root, '404.html'));
  await symlink('a/b.html', join(root, '404.html'));
  const { port, errors } = await start({ static: root, rules: { siteFiles: true } });
  expect((await ask(port, get('/missing'))).text).toBe('a page');
  await symlink(join(other, 'b'), join(root, 'new'));
  await rename(join(root, 'new'), join(root, '404.html'));
  await until(async () => (await ask(port, get('/missing'))) && errors.length > 0, 'the link is reported');
  expect(String(errors.splice(0))).toContain('it is a link out of');
  expect((await ask(port, get('/missing'))).text).toBe('a page');
});

test('redirects that make paths longer and longer are followed for a bounded time', async () => {
  const lines = Array.from({ length: 2_000 }, (_, i) => `/${i}/* /${i + 1}/x/:splat`).join('\n');
  const { port } = await start({ static: await folder({ _redirects: lines }), rules: { siteFiles: true } });
  expect((await ask(port, get('/1999/a'))).field('location')).toBe('/2000/x/a');
});

test.each([
  ['a chain', (i: number) => `/blog/${i} /blog/${i + 1}`],
  ['hosts', (i: number) => `https://${i}.example/* https://www.example/:splat`],
  ['a folder', (i: number) => `/blog/:year/${i} /news/${i}`],
])('thousands of redirects are checked in linear time: %s', async (_what, line) => {
  const settings = rulesSettingsOf(new Map([['siteFiles', true]]));
  if (settings === null) throw new Error('there are no rules');
  const served = resolveStatic({ root: '/root' });
  await expectLinear((size) => {
    const lines = Array.from({ length: size }, (_, i) => line(i)).join('\n');
    return () =>
      unreachableRules(completeRules(settings, served, (path) => (path.endsWith('/_redirects') ? lines : '')));
  }, 128);
});

test('a folder in place of such a file is named', async () => {
  const root = await folder({ '_headers/a': 'a' });
  await expect(start({ static: root, rules: { siteFiles: true } })).rejects.toThrow(
    `${root}/_headers cannot be read: EISDIR`,
  );
});

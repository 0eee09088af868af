// Tests what rules do to requests and responses, of files and applications alike.

import { rename, writeFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { hashSync } from 'bcryptjs';
import { describe, expect, test } from 'vitest';
import type { Handler, ServeOptions } from '../../src/index.ts';
import { Authorizer } from '../../src/rules/authorizer.ts';
import { parseHtpasswd } from '../../src/rules/htpasswd.ts';
import { PasswordChecker, type PasswordVerdict } from '../../src/rules/password-checker.ts';
import { ask, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import type { Answer } from '../support/response.ts';
import { start, startHandler } from '../support/serving.ts';
import { until } from '../support/until.ts';

type Rules = ServeOptions['rules'];

/** An application that shows the target that it sees. */
const shows: Handler = (request, response) =>
  request.path === '/missing' || request.path.startsWith('/lost')
    ? response.send(404, { 'Content-Type': 'text/plain', ETag: '"a"', Allow: 'GET' }, 'missing')
    : response.send(200, { 'Content-Type': 'text/plain', 'X-A': '1', 'x-b': '2' }, request.target);

/** The same from a callback, without a promise. */
const showsLater: Handler = (request, response) => void globalThis.setTimeout(() => shows(request, response), 1);

/** What one request gets from the application behind these rules. */
async function asked(rules: Rules, request: string): Promise<Answer> {
  const { port } = await startHandler(shows, { rules });
  return ask(port, request);
}

describe('headers', () => {
  test.each([
    ['/**: X-C: 3', ['1', '2', '3']],
    ['/**: X-A: 3', ['3', '2', undefined]],
    ['/**: x-a: 3', ['3', '2', undefined]],
    ['/**: -X-A', [undefined, '2', undefined]],
    ['/other/**: X-C: 3', ['1', '2', undefined]],
    ['/page: X-C: a: b', ['1', '2', 'a: b']],
    ['*.html: X-C: 3', ['1', '2', undefined]],
  ])('%s', async (headers, [a, b, c]) => {
    const answer = await asked({ headers }, get('/page'));
    expect([answer.field('x-a'), answer.field('x-b'), answer.field('x-c')]).toEqual([a, b, c]);
    expect(answer.text).toBe('/page');
  });

  test('rules apply in the order written, and a line is added beside others', async () => {
    const headers = ['/**: -X-A', '/**: +X-A: 5', '/p/**: +X-A: 6', { pattern: '/p/*', set: { 'X-B': '7' } }];
    const answer = await asked({ headers }, get('/p/q'));
    expect(answer.fields.filter(([name]) => /^x-/i.test(name))).toEqual([
      ['X-A', '5'],
      ['X-A', '6'],
      ['X-B', '7'],
    ]);
  });

  test('presets', async () => {
    const headers = ['@hsts', '/**: @csp', { preset: '@cross-origin-isolation' }];
    const answer = await asked({ headers }, get('/'));
    const names = ['Strict-Transport-Security', 'Content-Security-Policy', 'Cross-Origin-Opener-Policy'];
    expect(names.map((name) => answer.field(name.toLowerCase()))).toEqual([
      undefined,
      expect.stringContaining("default-src 'self'"),
      'same-origin',
    ]);
  });

  test.each([
    { hsts: true },
    { rules: { headers: '@hsts' } },
    { hsts: true, rules: { headers: '/**: X-A: 1', cors: true } },
    { hsts: true, rules: { headers: '/a/**: Strict-Transport-Security: max-age=1' } },
  ])('Strict-Transport-Security is sent over HTTPS alone: %j', async (options) => {
    const { port } = await startHandler(shows, { ...options, trustedProxies: 'loopback' });
    const values = async (...lines: readonly string[]): Promise<readonly string[]> => {
      const { fields } = await ask(port, get('/', ...lines));
      return fields.filter(([name]) => name === 'Strict-Transport-Security').map(([, value]) => value);
    };
    expect(await values()).toEqual([]);
    expect(await values('X-Forwarded-Proto: https')).toEqual(['max-age=31536000']);
  });

  test('a field of the server is replaced, not repeated', async () => {
    const answer = await asked({ headers: '/**: Server: other' }, get('/'));
    expect(answer.fields.filter(([name]) => name.toLowerCase() === 'server')).toEqual([['Server', 'other']]);
  });

  test('a failure of the application has them too', async () => {
    const { port, errors } = await startHandler(
      () => {
        throw new Error('a defect');
      },
      { rules: { headers: '/**: X-C: 3', cors: true } },
    );
    const answer = await ask(port, get('/', 'Origin: https://a.example'));
    expect([answer.status, answer.field('x-c'), answer.field('access-control-allow-origin')]).toEqual([500, '3', '*']);
    expect(errors.splice(0)).toHaveLength(1);
  });
});

test.each([
  ['/old/:page -> /new/:page', '/old/a?b=c', 301, '/new/a?b=c'],
  ['/old/:page -> /new/:page 308', '/old/%61/', 308, '/new/a'],
  ['/** -> https://example.org/:splat 302', '/a/b', 302, 'https://example.org/a/b'],
  ['/docs/** -> /manual/:splat?x', '/docs/a?b', 301, '/manual/a?x'],
  ['//other.example/a -> /new', '/a', 200, undefined],
  ['//a/x -> /new', '/x', 301, '/new'],
])('redirect %s: %s', async (redirects, target, status, location) => {
  const answer = await asked({ redirects }, get(target));
  expect([answer.status, answer.field('location')]).toEqual([status, location]);
});

test.each([
  ['/old/:page -> /new/:page', '/old/a?b=c', '/new/a?b=c'],
  ['/** -> /index.html', '/a/b', '/index.html'],
  ['/a -> /b?c=d', '/a?e', '/b?c=d'],
  ['/a -> /a?c=d', '/a?e', '/a?c=d'],
  ['/** -> /found if-missing', '/page', '/page'],
  ['/** -> /found if-missing', '/lost/a?b', '/found?b'],
])('rewrite %s: %s', async (rewrites, target, seen) => {
  const answer = await asked({ rewrites }, get(target));
  expect([answer.status, answer.text]).toEqual([200, seen]);
});

test.each([
  ['/app/** -> /index.html if-missing', '/app/x?a', 'home'],
  ['/app/** -> /index.html', '/app/', 'home'],
  ['/x -> /about.html', '/x', 'about'],
  ['/x -> /docs/index.html', '/x', 'docs'],
  ['/x -> /both.html', '/x', 'page'],
  ['/x -> /both', '/x', 'folder'],
])('a rewrite to a page serves it where clean URLs redirect to another name: %s', async (rewrites, target, text) => {
  const tree = { 'index.html': 'home', 'about.html': 'about', 'docs/index.html': 'docs' };
  const root = await folder({ ...tree, 'both.html': 'page', 'both/index.html': 'folder' });
  for (const trailingSlash of [undefined, '/other/** add'] as const) {
    const { port } = await start({ static: { root, cleanUrls: true }, rules: { rewrites, trailingSlash } });
    const wanted = text === 'folder' ? [301, 'folder'] : [200, text];
    const answer = await ask(port, get(target));
    expect([answer.status, answer.status === 301 ? 'folder' : answer.text]).toEqual(wanted);
    expect((await ask(port, get('/about.html'))).status).toBe(301);
  }
});

test('redirects of an application to other paths pass a rewrite', async () => {
  const application: Handler = (_request, response) => response.send(301, { Location: './other' });
  const { port } = await startHandler(application, { rules: { rewrites: '/x -> /about.html' } });
  const answer = await ask(port, get('/x'));
  expect([answer.status, answer.field('location')]).toEqual([301, './other']);
});

test('a rewritten absolute target keeps its host', async () => {
  const [root, own] = [await folder({ 'b.txt': 'root' }), await folder({ 'b.txt': 'own' })];
  const { port } = await start({
    static: { root, hosts: { 'own.example': own } },
    rules: { rewrites: '/a -> /b.txt' },
  });
  const answer = await ask(port, 'GET http://own.example/a HTTP/1.1\r\nHost: other\r\n\r\n');
  expect([answer.status, answer.text]).toEqual([200, 'own']);
});

test('a redirect for missing paths keeps its status, and other methods are left alone', async () => {
  const rules = { redirects: { from: '/**', to: '/', status: 302, ifMissing: true }, headers: '/**: X-C: 3' };
  const { port } = await startHandler(shows, { rules });
  const answer = await ask(port, get('/lost'));
  expect([answer.status, answer.field('location'), answer.field('x-c'), answer.text]).toEqual([302, '/', '3', '']);
  expect((await ask(port, 'POST /lost HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n')).status).toBe(404);
});

test.each([301, undefined])('a missing page for missing paths is no redirect loop: status %s', async (status) => {
  const rule = { from: '/lost/**', to: '/lost/page?a', ifMissing: true };
  const rules = status === undefined ? { rewrites: rule } : { redirects: { ...rule, status } };
  const { port } = await startHandler(shows, { rules });
  for (const target of ['/lost/page', '/lost//%70age/?a']) expect((await ask(port, get(target))).status).toBe(404);
  expect((await ask(port, get('/lost/other'))).status).toBe(status ?? 404);
});

describe('the slash at the end of a path', () => {
  const tree = { 'index.html': 'root', 'docs/index.html': 'docs', 'page.html': 'page' };

  test.each([
    ['remove', '/docs/', 308, '/docs'],
    ['remove', '/docs', 200, 'docs'],
    ['remove', '/page/?a=b', 308, '/page?a=b'],
    ['remove', '/', 200, 'root'],
    ['add', '/docs', 308, '/docs/'],
    ['add', '/docs/', 200, 'docs'],
    ['add', '/page', 308, '/page/'],
    ['add', '/page/', 200, 'page'],
    ['/other/** add', '/page', 200, 'page'],
  ])('%s: %s', async (trailingSlash, target, status, what) => {
    const { port } = await start({ static: { root: await folder(tree), cleanUrls: true }, rules: { trailingSlash } });
    const answer = await ask(port, get(target));
    expect([answer.status, status === 200 ? answer.text : answer.field('location')]).toEqual([status, what]);
  });
});

test('the first part of a host decides: names, wildcards, case and ports', async () => {
  const headers = ['//a.example/**: X-H: a', '//*.example/**: +X-H: w', '//*.b.example/p: +X-H: b', '/**: +X-H: all'];
  const { port } = await startHandler(shows, { rules: { headers } });
  const hosts = [
    ['a.example', '/p', ['a', 'w', 'all']],
    ['A.Example.:80', '/p', ['a', 'w', 'all']],
    ['c.example', '/p', ['w', 'all']],
    ['x.b.example', '/p', ['w', 'b', 'all']],
    ['x.b.example', '/q', ['w', 'all']],
    ['example', '/p', ['all']],
  ] as const;
  for (const [host, path, values] of hosts) {
    const answer = await ask(port, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    expect(answer.fields.filter(([name]) => name === 'X-H').map(([, value]) => value)).toEqual(values);
  }
});

test.each([
  [{ deny: '/secret/** all' }, 403, 200],
  [{ deny: '/index.html all' }, 403, 403],
  [{ deny: '*.html all' }, 403, 200],
  [{ headers: '/index.html: X-C: 3' }, 200, 200],
])('the paths * and / have rules of their own: %j', async (rules, ofAsterisk, ofRoot) => {
  const { port } = await startHandler(shows, { rules });
  const asterisk = await ask(port, get('*').replace('GET', 'OPTIONS'));
  const root = await ask(port, get('/'));
  expect([asterisk.status, root.status]).toEqual([ofAsterisk, ofRoot]);
  expect([asterisk.field('x-c'), root.field('x-c')]).toEqual([undefined, 'headers' in rules ? '3' : undefined]);
});

test.each([
  [{ deny: '/** all' }, 403],
  [{ deny: '/** 127.0.0.1' }, 403],
  [{ deny: '/** 10.0.0.0/8' }, 200],
  [{ allow: '/** 10.0.0.0/8' }, 403],
  [{ allow: '/** loopback' }, 200],
  [{ allow: ['/** 10.0.0.0/8', '/** ::1 127.0.0.1'] }, 200],
  [{ allow: '/** 127.0.0.0/8', deny: '/a 127.0.0.1' }, 403],
  [{ allow: '/b/** 10.0.0.0/8' }, 200],
])('access %j', async (rules, status) => {
  expect((await asked(rules, get('/a'))).status).toBe(status);
});

test('more requests than the rate get 429 with Retry-After, each client for itself', async () => {
  const rules = { rateLimits: '/limited/** 1/h burst 2 by field X-Key', headers: '/**: X-C: 3' };
  const { port } = await startHandler(shows, { rules });
  const statuses: number[] = [];
  for (const key of ['a', 'a', 'a', 'b', 'b', 'b']) {
    statuses.push((await ask(port, get('/limited/x', `X-Key: ${key}`))).status);
  }
  expect(statuses).toEqual([200, 200, 429, 200, 200, 429]);
  const answer = await ask(port, get('/limited/x', 'X-Key: a'));
  expect([answer.field('retry-after'), answer.field('x-c')]).toEqual([expect.stringMatching(/^3[56]\d\d$/), '3']);
  expect((await ask(port, get('/other'))).status).toBe(200);
});

test('a client without the field is limited by its address', async () => {
  const { port } = await startHandler(shows, { rules: { rateLimits: '/** 1/h by field X-Key' } });
  expect([(await ask(port, get('/'))).status, (await ask(port, get('/'))).status]).toEqual([200, 429]);
});

test('a request that one rule refuses takes no token of another', async () => {
  const { port } = await startHandler(shows, { rules: { rateLimits: ['/** 3/h', '/login 1/h'] } });
  const statuses: number[] = [];
  for (const target of ['/login', '/login', '/login', '/login', '/a', '/a', '/a'])
    statuses.push((await ask(port, get(target))).status);
  expect(statuses).toEqual([200, 429, 429, 429, 200, 200, 429]);
});

test('an IPv4 address counts as one in all its IPv6-mapped forms, and apart from others', async () => {
  const { port } = await startHandler(shows, { trustedProxies: 'loopback', rules: { rateLimits: '/** 1/h' } });
  const status = async (address: string): Promise<number> =>
    (await ask(port, get('/', `X-Forwarded-For: ${address}`))).status;
  const statuses: number[] = [];
  for (const address of [
    '1.2.3.4',
    '::ffff:1.2.3.4',
    '::FFFF:102:304',
    '0:0:0:0:0:ffff:1.2.3.5',
    '1.2.3.5',
    '::1',
    '::2',
  ])
    statuses.push(await status(address));
  expect(statuses).toEqual([200, 429, 429, 200, 429, 200, 429]);
});

test.each(['/open/** -> /secret/:splat', '/open/** -> /secret/:splat if-missing', '/open/* -> /Secret'])(
  'what protects the target of a rewrite, applies to it: %s',
  async (rewrites) => {
    const path = await folder({ users: `joe:${hashSync('a', 4)}\n` });
    const application: Handler = ({ path: seen }, response) => response.send(seen.startsWith('/open') ? 404 : 200);
    for (const [rules, status] of [
      [{ deny: '/secret/** all' }, 403],
      [{ allow: '/secret/** 10.0.0.0/8' }, 403],
      [{ auth: `/secret/** ${path}/users` }, 401],
      [{ deny: '/other/** all' }, 200],
    ] as const) {
      const { port } = await startHandler(application, { rules: { rewrites, ...rules } });
      expect((await ask(port, get('/open/x'))).status).toBe(status);
    }
  },
);

describe('passwords', () => {
  const basic = (text: string): string => `Authorization: Basic ${Buffer.from(text).toString('base64')}`;

  test('a name and password of the file pass, others do not, and a changed file counts', async () => {
    const path = await folder({ users: `joe:${hashSync('péter:1', 4)}\n# a comment\n\n` });
    const { port } = await startHandler(shows, { rules: { auth: `/private/** ${path}/users`, cors: true } });
    const status = async (...lines: readonly string[]): Promise<number> =>
      (await ask(port, get('/private/x', ...lines))).status;
    const answer = await ask(port, get('/private/x'));
    expect([answer.status, answer.field('www-authenticate')]).toEqual([
      401,
      'Basic realm="Restricted", charset="UTF-8"',
    ]);
    expect(await status(basic('joe:péter:1'))).toBe(200);
    expect(await status(basic('joe:péter:1'))).toBe(200);
    expect(await status(basic('joe:other'))).toBe(401);
    expect(await status(basic('eve:péter:1'))).toBe(401);
    expect(await status('Authorization: Basic %%%')).toBe(401);
    expect(await status('Authorization: Bearer abc')).toBe(401);
    expect((await ask(port, get('/public'))).status).toBe(200);
    const preflight = get('/private/x', 'Origin: https://a.example', 'Access-Control-Request-Method: PUT');
    expect((await ask(port, preflight.replace('GET', 'OPTIONS'))).status).toBe(204);
    await writeFile(`${path}/new`, `joe:${hashSync('new', 4)}\n`);
    await rename(`${path}/new`, `${path}/users`);
    await until(async () => (await status(basic('joe:new'))) === 200, 'the new password counts');
    expect(await status(basic('joe:péter:1'))).toBe(401);
  });

  test('a changed file counts for the target of a rewrite too', async () => {
    const path = await folder({ users: `joe:${hashSync('a', 4)}\n` });
    const rules = { auth: `/private/** ${path}/users`, rewrites: '/open -> /private/x' };
    const { port } = await startHandler(shows, { rules });
    const status = async (): Promise<number> => (await ask(port, get('/open', basic('joe:a')))).status;
    expect(await status()).toBe(200);
    await writeFile(`${path}/new`, `joe:${hashSync('b', 4)}\n`);
    await rename(`${path}/new`, `${path}/users`);
    await until(async () => (await status()) === 401, 'the old password is wrong');
  });

  test('two rules for one path have to know the password both', async () => {
    const hash = hashSync('a', 4);
    const path = await folder({ all: `joe:${hash}\neve:${hash}\n`, admins: `eve:${hash}\n` });
    const rules = { auth: [`/** ${path}/all`, { pattern: '/admin/', file: `${path}/admins`, realm: 'Admin' }] };
    const { port } = await startHandler(shows, { rules });
    const statuses = await Promise.all(
      ['joe', 'eve'].map(async (name) => (await ask(port, get('/admin/x', basic(`${name}:a`)))).status),
    );
    expect(statuses).toEqual([401, 200]);
    expect((await ask(port, get('/x', basic('joe:a')))).status).toBe(200);
  });

  test('an unknown name costs as an entry of the file, always as the same one', () => {
    class CostReader extends PasswordChecker {
      cost = '';
      override check(_name: string, _password: string, hash: string): PasswordVerdict {
        this.cost = hash.slice(4, 6);
        return 'wrong';
      }
    }
    const hash = hashSync('a', 4);
    const entries = { joe: hash, eve: hash.replace('$04$', '$12$') };
    const file = { entries: () => ({ byName: new Map(Object.entries(entries)), hashes: Object.values(entries) }) };
    const costOf = (name: string): string => {
      const passwords = new CostReader(() => 0);
      new Authorizer(passwords).check([file], `Basic ${Buffer.from(`${name}:x`).toString('base64')}`);
      return passwords.cost;
    };
    const names = Array.from({ length: 64 }, (_, i) => `unknown-${i}`);
    expect(names.map(costOf)).toEqual(names.map(costOf));
    expect(new Set(names.map(costOf))).toEqual(new Set(['04', '12']));
    expect([costOf('joe'), costOf('eve')]).toEqual(['04', '12']);
  });

  test('two names share no comparison, which would tell that both are unknown', async () => {
    const checker = new PasswordChecker(() => 0);
    const authorizer = new Authorizer(checker);
    const file = { entries: () => parseHtpasswd(`joe:${hashSync('a', 4)}\n`) };
    const verdicts = ['joe', 'eve', 'ann', 'ann'].map((name) =>
      authorizer.check([file], basic(`${name}:x`).slice('Authorization: '.length)),
    );
    expect(checker.waiting).toBe(3);
    expect(await Promise.all(verdicts)).toEqual(new Array(4).fill('wrong'));
    await checker.close();
  });

  test('a mark of byte order, CR LF and blank lines are no part of a name', async () => {
    const path = await folder({ users: `\ufeffjoe:${hashSync('a', 4)}\r\n\r\n` });
    const { port } = await startHandler(shows, { rules: { auth: `/** ${path}/users` } });
    expect((await ask(port, get('/', basic('joe:a')))).status).toBe(200);
  });

  test('a file of passwords in the root is never served', async () => {
    const root = await folder({ users: `joe:${hashSync('a', 4)}\n`, 'a.html': 'a' });
    const { port } = await start({ static: root, rules: { auth: `/private/** ${root}/users` } });
    expect([(await ask(port, get('/users'))).status, (await ask(port, get('/a.html'))).status]).toEqual([404, 200]);
  });
});

describe('error pages', () => {
  test.each([
    ['404 page.html', 'GET', '/missing', [404, 'text/html; charset=utf-8', 'a page']],
    ['4xx page.html', 'GET', '/lost/x', [404, 'text/html; charset=utf-8', 'a page']],
    ['404 page.html', 'HEAD', '/missing', [404, 'text/html; charset=utf-8', '']],
    ['/lost/** 404 page.html', 'GET', '/missing', [404, 'text/plain', 'missing']],
    ['5xx page.html', 'GET', '/missing', [404, 'text/plain', 'missing']],
  ])('%s: %s %s', async (rule, method, target, expected) => {
    const path = await folder({ 'page.html': 'a page' });
    const errorPages = rule.replace('page.html', `${path}/page.html`);
    const { port } = await startHandler(shows, { rules: { errorPages, headers: '/**: X-C: 3' } });
    const answer = await ask(port, get(target).replace('GET', method), { head: method === 'HEAD' });
    expect([answer.status, answer.field('content-type'), answer.text]).toEqual(expected);
    expect([answer.field('allow'), answer.field('x-c')]).toEqual(['GET', '3']);
    expect(answer.field('etag') === undefined).toBe(answer.field('content-type') !== 'text/plain');
  });

  test('fields that describe no content stay', async () => {
    const path = await folder({ 'page.html': 'a page', 'a.txt': 'a text' });
    const { port } = await start({
      static: path,
      handler: (_request, response) => response.send(404, { 'Content-Security-Policy': "default-src 'self'" }),
      rules: { errorPages: `4xx ${path}/page.html` },
    });
    const range = await ask(port, get('/a.txt', 'Range: bytes=9-'));
    expect([range.status, range.field('content-range'), range.text]).toEqual([416, 'bytes */6', 'a page']);
    const missing = await ask(port, get('/missing'));
    expect([missing.status, missing.field('content-security-policy')]).toEqual([404, "default-src 'self'"]);
  });

  test('those of rules and of failures too', async () => {
    const path = await folder({ 'page.html': 'a page' });
    const { port, errors } = await startHandler(
      () => {
        throw new Error('a defect');
      },
      { rules: { errorPages: [`403 ${path}/page.html`, `5xx ${path}/page.html`], deny: '/denied/ all' } },
    );
    for (const [target, status] of [
      ['/denied/x', 403],
      ['/', 500],
    ] as const) {
      const answer = await ask(port, get(target));
      expect([answer.status, answer.text]).toEqual([status, 'a page']);
    }
    expect(errors.splice(0)).toHaveLength(1);
  });
});

test('maintenance lasts while the file exists', async () => {
  const path = await folder({ on: '' });
  const rules = { maintenance: [`${path}/on`, `/page ${path}/page.html`], allow: '/** 10.0.0.0/8' };
  const { port } = await startHandler(shows, { rules });
  const answer = await ask(port, get('/'));
  expect([answer.status, answer.field('retry-after')]).toEqual([503, '60']);
  expect(answer.text).toContain('maintained');
  await rename(`${path}/on`, `${path}/off`);
  await until(async () => (await ask(port, get('/'))).status === 403, 'maintenance is over');
  await writeFile(`${path}/page.html`, 'soon');
  await until(async () => (await ask(port, get('/page'))).text === 'soon', 'maintenance of a page begins');
  expect((await ask(port, get('/'))).status).toBe(403);
});

test('an application in a thread sees the rewritten path, and its responses the rules', async () => {
  const path = await folder({
    'app.mjs': 'export default (request, response) => response.send(200, {}, request.target);',
  });
  const { port } = await start({
    app: `${path}/app.mjs`,
    adapter: 'raw',
    offload: 1,
    rules: { rewrites: '/a/:b -> /c/:b', headers: '/a/**: X-C: 3', deny: '/secret/ all' },
  });
  const answer = await ask(port, get('/a/%62?d'));
  expect([answer.text, answer.field('x-c')]).toEqual(['/c/b?d', '3']);
  expect((await ask(port, get('/%53ecret'))).status).toBe(403);
});

test.each([
  ['a password is compared', '/private/x', '/private/x'],
  ['the target of a rewrite is protected', '/open', '/private/x'],
  ['the path is missing', '/lost', '/found'],
])('an application may respond from a callback after a rule that waits: %s', async (_name, target, seen) => {
  const path = await folder({ users: `joe:${hashSync('a', 4)}\n` });
  const { port } = await startHandler(showsLater, {
    rules: { auth: `/private/** ${path}/users`, rewrites: ['/open -> /private/x', '/lost -> /found if-missing'] },
  });
  const basic = `Authorization: Basic ${Buffer.from('joe:a').toString('base64')}`;
  expect(await ask(port, get(target, basic))).toMatchObject({ status: 200, text: seen });
});

test('an application may respond from a callback while a page is read again', async () => {
  const path = await folder({ 'page.html': 'a page' });
  const { port } = await startHandler(showsLater, { rules: { errorPages: `5xx ${path}/page.html` } });
  // The file is looked at after this time.
  await setTimeout(1_000);
  expect(await ask(port, get('/page'))).toMatchObject({ status: 200, text: '/page' });
});

test('few passwords wait for the thread', async () => {
  const checker = new PasswordChecker(() => 0);
  const hash = hashSync('right', 4);
  const verdicts = Array.from({ length: 70 }, (_, index) =>
    checker.check('joe', index === 0 ? 'right' : `${index}`, hash),
  );
  expect(checker.waiting).toBe(64);
  expect(verdicts.slice(64)).toEqual(new Array(6).fill('busy'));
  expect(await Promise.all(verdicts.slice(0, 2))).toEqual(['right', 'wrong']);
  expect(checker.check('joe', 'right', hash), 'a right password is remembered').toBe('right');
  await Promise.all(verdicts);
  const same = Array.from({ length: 70 }, () => checker.check('joe', 'the same', hash));
  expect(checker.waiting, 'one comparison for the same password').toBe(1);
  expect(new Set(await Promise.all(same))).toEqual(new Set(['wrong']));
  const last = checker.check('joe', 'another', hash);
  await checker.close();
  expect(['busy', 'wrong']).toContain(await last);
});

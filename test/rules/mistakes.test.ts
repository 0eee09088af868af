// Tests that wrong rules are refused at the start with one line that names their place, and what --explain says.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { hashSync } from 'bcryptjs';
import { describe, expect, test } from 'vitest';
import { resolveSettings } from '../../src/config/resolve.ts';
import { rulesSettingsOf } from '../../src/options/rules-settings.ts';
import { resolveStatic } from '../../src/options/static-settings.ts';
import { type AskedRequest, explain } from '../../src/rules/explanation.ts';
import { completeRules, openRules } from '../../src/rules/open-rules.ts';
import { unreachableRules } from '../../src/rules/rule-conflicts.ts';
import { oneProcess } from '../support/commands.ts';
import { folder } from '../support/folder.ts';
import { readConfig } from '../support/read-config.ts';
import { startHandler } from '../support/serving.ts';

const run = oneProcess();

/** Rules of a config file whose other lines are `lines`, from line 2 on. */
async function rulesOfFile(lines: readonly string[], others: Readonly<Record<string, string>> = {}) {
  const path = await folder({ 'site.yaml': ['rules:', ...lines.map((line) => `  ${line}`), ''].join('\n'), ...others });
  const { settings } = resolveSettings(await readConfig(join(path, 'site.yaml')));
  const rules = rulesSettingsOf(new Map(Object.entries(settings)));
  if (rules === null) throw new Error('there are no rules');
  return rules;
}

/** The message about such a file, without the name of its folder. */
async function messageAbout(lines: readonly string[], others: Readonly<Record<string, string>> = {}): Promise<string> {
  try {
    const context = { nowMs: () => 0, onError: () => {} };
    await openRules(await rulesOfFile(lines, others), () => {}, null, context).close();
    return '';
  } catch (error) {
    return String(error instanceof Error ? error.message : error).replaceAll(
      /[^\s"(]*\/(?=site\.yaml|users|page)/g,
      '',
    );
  }
}

test.each([
  [['headers:', '  - "/a: B: c"', '  - "/a/../b: B: c"'], 'site.yaml:4: rules.headers must be a pattern such as'],
  [['headers:', '  - "/a: B c"'], 'site.yaml:3: rules.headers must be rules such as'],
  [['headers:', '  - "/a: @other"'], 'site.yaml:3: rules.headers must be one of the presets @hsts'],
  [
    ['headers:', '  - pattern: /a', '    set: { "B C": d }'],
    'site.yaml:3: rules.headers must be rules with valid fields',
  ],
  [['headers:', '  - pattern: /a', '    sett: { B: d }'], 'site.yaml:3: rules.headers'],
  [['redirects:', '  - /a -> /b 200'], 'site.yaml:3: rules.redirects must be redirects with one of the statuses'],
  [['redirects:', '  - /a /b'], 'site.yaml:3: rules.redirects must be of the form'],
  [['redirects:', '  - /x -> /y', '  - /a -> /a'], 'site.yaml:4: "/a -> /a" leads to a redirect loop'],
  [['redirects:', '  - /a/** -> /a/b/:splat'], 'site.yaml:3: "/a/** -> /a/b/:splat" leads to a redirect loop'],
  [['redirects:', '  - /a -> /b', '  - /b -> /c', '  - /:x -> /a'], 'site.yaml:3: "/a -> /b" leads to a redirect loop'],
  [
    ['redirects:', '  - /caf%C3%A9 -> /b', '  - /b -> /caf%C3%A9'],
    'site.yaml:3: "/caf%C3%A9 -> /b" leads to a redirect loop',
  ],
  [['redirects:', '  - /** -> /:splat'], 'site.yaml:3: "/** -> /:splat" leads to a redirect loop'],
  [
    ['redirects:', '  - //a.example/** -> https://b.example/:splat', '  - //b.example/** -> https://a.example/:splat'],
    'site.yaml:3: "//a.example/** -> https://b.example/:splat" leads to a redirect loop',
  ],
  [['redirects:', '  - /a -> /b', '  - /a -> /c'], 'site.yaml:4: "/a -> /c" contradicts "/a -> /b" (site.yaml:3)'],
  [
    ['rewrites:', '  - /a -> https://b.example/'],
    'site.yaml:3: rules.rewrites must be rewrites to a path of this server',
  ],
  [['deny:', '  - /a 10.0.0.0/40'], 'site.yaml:3: rules.deny must be addresses such as'],
  [
    ['deny: /a 10.0.0.0/8', 'allow: /a 10.0.0.0/8'],
    'site.yaml:3: "/a 10.0.0.0/8" contradicts "/a 10.0.0.0/8" (site.yaml:2)',
  ],
  [['rateLimits:', '  - /a 10/d'], 'site.yaml:3: rules.rateLimits must be rates such as 10/s'],
  [['rateLimits:', '  - /a 10/s burst 0'], 'site.yaml:3: rules.rateLimits must be rates with a burst from 1'],
  [['rateLimits:', '  - /a 10/s by name'], 'site.yaml:3: rules.rateLimits must be rates by address or by field NAME'],
  [['trailingSlash: both'], 'site.yaml:2: rules.trailingSlash must be "add" or "remove", not "both"'],
  [['errorPages: 200 page.html'], 'site.yaml:2: rules.errorPages must be error pages of a status such as 404'],
  [['errorPages: 404 page.html'], 'site.yaml:2: page.html does not exist'],
  [['auth: /** users'], 'site.yaml:2: users does not exist'],
  [['cors: 7'], 'site.yaml:2: rules.cors must be true, "[PATTERN]'],
  [['cors:', '  - credentials: true'], 'site.yaml:3: rules.cors must be rules with a list of origins'],
  [['headers:', '  - "/a: B: c"', '  - "/a: -B"'], 'site.yaml:4: "/a: -B" contradicts "/a: B: c" (site.yaml:3)'],
])('%j', async (lines, message) => {
  expect(await messageAbout(lines)).toContain(message);
});

test.each([
  ['$apr1$salt$hash', 'is MD5; only bcrypt'],
  ['{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=', 'is SHA-1; only bcrypt'],
  ['$6$salt$hash', 'is SHA-512 of crypt(3)'],
  ['rqXexS6ZhobKA', 'is crypt(3)'],
  ['plain', 'is plain text or a hash of another kind'],
  [`$2y$31$${'a'.repeat(53)}`, 'the cost of this bcrypt hash is 31'],
])('a password file with %s', async (hash, why) => {
  const users = `# users\njoe:${hashSync('a', 4)}\neve:${hash}\n`;
  const message = await messageAbout(['auth: /** users'], { users });
  expect(message).toMatch(/^site\.yaml:2: users:3: /);
  expect(message).toContain(why);
});

test('rules that an earlier one hides', async () => {
  const lines = [
    'redirects:',
    '  - /a/** -> /b',
    '  - /a/x -> /c',
    '  - /z/:x -> /c',
    '  - /z/y -> /d',
    'errorPages:',
    '  - 4xx page',
    '  - /a 404 page',
    '  - /a 500 page',
    'cors:',
    '  - {}',
    '  - pattern: /x',
    'rewrites:',
    '  - /a/y -> /c',
    '  - /z/x/y -> /c',
  ];
  const found = unreachableRules(completeRules(await rulesOfFile(lines), null));
  expect(found.map((text) => text.replaceAll(/[^\s"(]*\/(?=site\.yaml)/g, '').replace(/,? since.*/, ''))).toEqual([
    'site.yaml:4: "/a/x -> /c" never applies',
    'site.yaml:6: "/z/y -> /d" never applies',
    'site.yaml:15: "/a/y -> /c" never applies',
    'site.yaml:13: {"pattern":"/x"} never applies',
    expect.stringMatching(/^site\.yaml:9: .* never applies$/),
  ]);
});

test.each([
  ['/a/** -> /b', '/a/x -> /c if-missing', true],
  ['/:x/a -> /b', '/y/a -> /c', true],
  ['/:x -> /b/b', '/y/z -> /c', false],
  ['/*.txt -> /b', '/:x -> /c/c', false],
  ['//*.example/** -> http://b.org/', '//a.example/c -> /d', true],
  ['//a.example/** -> http://b.org/', '//*.example/c -> /d', false],
  ['/a/index.html -> /b', '/a -> /c', true],
  ['/a -> /b', '/a/index.html -> /c', false],
  ['/caf%C3%A9 -> /b', '/café -> /b', true],
  ['/a/ -> /b', '/a/*/c -> /d', true],
  ['/a/** -> /b', '/a -> /c', true],
  ['/:x.html -> /b', '/A.html -> /c', true],
  ['/:x/a -> /b', '/:y/z -> /c', false],
])('whether %s hides %s', async (first, second, isHidden) => {
  const [to, missing] = second.split(' if-missing');
  const later = missing === undefined ? `"${second}"` : `{ from: ${to?.replace(' -> ', ', to: ')}, ifMissing: true }`;
  const rules = await rulesOfFile(['redirects:', `  - "${first}"`, `  - ${later}`]);
  expect(unreachableRules(completeRules(rules, null))).toHaveLength(isHidden ? 1 : 0);
});

test.each([
  '//a.example/** -> https://a.example/:splat',
  '/a/** -> https://a.example:8443/a/:splat',
  '/index.html -> /',
  '//a.example/x -> https://a.example:8443/x',
])('not a redirect loop: %s', async (redirect) => {
  expect(await messageAbout(['redirects:', `  - "${redirect}"`])).toBe('');
});

test.each([
  ['/about -> /about.html', true],
  ['/docs -> /docs/index.html?a', true],
  ['/x/** -> /index.html', false],
  ['/none -> /none.html', false],
  ['//a.example/about -> /about.html', false],
] as const)('a redirect to a page that redirects back to its clean URL is a loop: %s', async (redirect, isLoop) => {
  const root = await folder({ 'index.html': '', 'about.html': '', 'docs/index.html': '' });
  const rules = await rulesOfFile(['redirects:', `  - ${redirect}`]);
  const complete = (cleanUrls: boolean) => () => completeRules(rules, resolveStatic({ root, cleanUrls }));
  if (isLoop) expect(complete(true)).toThrow('leads to a redirect loop');
  else expect(complete(true)).not.toThrow();
  expect(complete(false)).not.toThrow();
});

test('the command: one line, exit code 2; --check finds what never applies', async () => {
  const path = await folder({ 'a.html': 'a', users: 'joe:{SHA}x\n' });
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['--header', '/a: B'], /^epoll-server: --header must be rules such as /],
    [['--auth', `/** ${path}/users`], /^epoll-server: --auth: .*users:1: this password is SHA-1/],
    [['--redirect', '/a -> /b', '--redirect', '/b -> /a'], /^epoll-server: --redirect: .* leads to a redirect loop/],
    [['--redirect', '/** -> /b', '--redirect', '/a -> /c', '--check'], /^epoll-server: --redirect: .* redirect loop/],
    [
      ['--redirect', '/a/** -> /b', '--redirect', '/a/b -> /c', '--check'],
      /^epoll-server: --redirect: "\/a\/b -> \/c" never applies/,
    ],
    [['--explain', 'a b'], /^epoll-server: --explain must be a URL or a path/],
    [['--method', 'GET'], /^epoll-server: --method and --header-field describe the request of --explain/],
    [['--explain', '/', '--header-field', 'x'], /^epoll-server: --header-field must be of the form/],
  ];
  for (const [argv, line] of cases) {
    const { exit, stdout, stderr } = await run(['0', path, ...argv]);
    expect([exit, stdout], stderr).toEqual([2, '']);
    expect(stderr).toMatch(line);
    expect(stderr).toMatch(/^[^\n]+\n$/);
  }
});

describe('--explain', () => {
  const asked = (target: string, method = 'GET', fields: Readonly<Record<string, string>> = {}): AskedRequest => {
    const [path = '/', query = ''] = target.split('?');
    const header = (name: string): string | undefined => fields[name];
    return { method, path, query, target, scheme: 'http', host: fields['host'] ?? '', header };
  };

  test('names the rules in the order in which they apply, and where each was set', async () => {
    const rules = await rulesOfFile([
      'headers:',
      '  - "/old/**: X-A: b"',
      '  - "//b.example/**: -X-B"',
      '  - "/hsts: @hsts"',
      'redirects: /old/:page -> /new/:page',
      'rewrites:',
      '  - /old/** -> /other',
      '  - { from: /**, to: /index.html, ifMissing: true }',
      'deny: /old/** 10.0.0.0/8 unix',
      'cors: { origins: "https://a.example" }',
      'rateLimits: /** 10/m burst 5 by field X-Key',
      'trailingSlash: add',
    ]);
    const lines = (request: AskedRequest): readonly string[] =>
      explain(rules, null, request).map((line) => line.replace(/# .*\//, '# ').trim());
    expect(lines(asked('/old/a?b', 'GET', { origin: 'https://a.example' }))).toEqual([
      '1. deny: 403 for 10.0.0.0/8, unix  # site.yaml:10',
      '2. rateLimits: 429 beyond 10 requests in 60 s, 5 at once, by x-key  # site.yaml:12',
      '3. redirects: 301 to /new/a?b  # site.yaml:6',
      '4. trailingSlash: does not apply to this request  # site.yaml:13',
      '5. rewrites: does not apply to this request  # site.yaml:8',
      '6. rewrites: does not apply to this request  # site.yaml:9',
      '7. headers: X-A: b  # site.yaml:3',
      '8. cors: readable by scripts of https://a.example (this request is from https://a.example)  # site.yaml:11',
    ]);
    expect(lines(asked('/x', 'POST', { host: 'b.example:80' }))).toEqual([
      expect.stringContaining('rateLimits'),
      '2. trailingSlash: does not apply to this request  # site.yaml:13',
      '3. rewrites: does not apply to this request  # site.yaml:9',
      '4. headers: -X-B  # site.yaml:4',
      expect.stringContaining('cors'),
    ]);
    expect(lines(asked('/a.b'))).toContain(
      '3. rewrites: serves /index.html if the response would be 404  # site.yaml:9',
    );
    expect(lines(asked('/hsts'))).toContain(
      '4. headers: Strict-Transport-Security: max-age=31536000 (over HTTPS)  # site.yaml:5',
    );
    expect(lines(asked('/a%2fb'))[0]).toContain('no normal form');
  });

  test('names what protects the target of a rewrite, and what a preflight request meets', async () => {
    const rules = await rulesOfFile(
      [
        'rewrites: ["/a -> /secret/b", "/secret/c -> /secret/d"]',
        'auth: /secret/** users',
        'deny: /other all',
        'cors: /** from https://a.example',
      ],
      { users: '' },
    );
    const lines = (request: AskedRequest): readonly string[] =>
      explain(rules, null, request).map((line) => line.replaceAll(/(?<= )\/\S*\/(?=users|site)/g, '').trim());
    expect(lines(asked('/a?x'))).toEqual([
      '1. rewrites: serves /secret/b?x  # site.yaml:2',
      '2. auth: 401 without a name and password of users (for /secret/b)  # site.yaml:3',
      '3. cors: readable by scripts of https://a.example  # site.yaml:5',
    ]);
    expect(lines(asked('/secret/c')).filter((line) => line.includes('auth'))).toHaveLength(1);
    const preflight = { origin: 'https://b.example', 'access-control-request-method': 'PUT' };
    expect(lines(asked('/secret/c', 'OPTIONS', preflight))).toEqual([
      '1. auth: does not apply to this preflight request  # site.yaml:3',
      '2. rewrites: does not apply to this preflight request  # site.yaml:2',
      '3. cors: 204 for this preflight request; readable by scripts of https://a.example (this request is from https://b.example, which is none of them)  # site.yaml:5',
    ]);
  });

  test('the command prints them and starts nothing', async () => {
    const path = await folder({ 'a.html': 'a', _headers: '/*\n  X-A: b\n' });
    const argv = ['0', path, '--site-files', '--explain', 'http://a.example/x?y', '--method', 'HEAD'];
    const { exit, stdout, stderr } = await run(argv);
    expect([exit, stderr], 'the command has ended without an error').toEqual([null, '']);
    expect(stdout).toBe(`HEAD /x?y (host a.example)\n  1. headers: X-A: b  # ${path}/_headers:2\n`);
  });
});

test.each(['auth', 'maintenance', 'errorPages'] as const)('%s: a pipe in place of a file is refused', async (kind) => {
  const path = await folder({});
  execFileSync('mkfifo', [`${path}/pipe`]);
  const rule = { auth: `/** ${path}/pipe`, maintenance: `${path}/pipe`, errorPages: `404 ${path}/pipe` }[kind];
  await expect(startHandler(() => {}, { rules: { [kind]: rule } })).rejects.toThrow(
    `rules.${kind}: ${path}/pipe cannot be read: it is not a file`,
  );
});

test('rules in code name their option', async () => {
  await expect(startHandler(() => {}, { rules: { headers: ['/a: B: c', 'x'] } })).rejects.toThrow(
    /^rules.headers must be rules such as .*not "x"/,
  );
  expect(resolveStatic('/').hideIfServed).toEqual([]);
});

// Tests the patterns of rules: what they match, that they agree with the globs of --cache-control, what they cost.

import fc from 'fast-check';
import picomatch from 'picomatch';
import { describe, expect, test } from 'vitest';
import { foldedPath, RulePattern } from '../../src/options/rule-pattern.ts';
import { normalPathOf } from '../../src/rules/normal-path.ts';
import { expectLinear } from '../support/growth.ts';

/** Pattern, paths in their normal form that match, and paths that do not. */
const TABLE: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['/**', ['', 'a', 'a/b', '.a'], []],
  ['**', ['', 'a', 'a/b'], []],
  ['/', ['', 'a/b'], []],
  ['/docs', ['docs'], ['docs/a', 'doc', 'Docs', 'a/docs']],
  ['/docs/', ['docs', 'docs/a', 'docs/a/b'], ['docsx', 'a/docs/b']],
  ['/docs/**', ['docs', 'docs/a', 'docs/a/b', 'docs/.a', 'docs/a\nb'], ['docsx', 'doc']],
  ['/*/**', ['a', 'a/b'], ['']],
  ['/docs/*/', ['docs/a', 'docs/a/b'], ['docs']],
  ['/**/v*/**', ['v1', 'a/v1', 'a/v1/b'], ['a/b']],
  ['/docs/*', ['docs/a', 'docs/.a'], ['docs', 'docs/a/b']],
  ['*.html', ['a.html', 'a/b.html'], ['.html', 'a/.html', 'a.htm', 'a.html/b']],
  ['/*.html', ['a.html'], ['a/b.html']],
  ['/docs/index.html', ['docs', 'docs/index.html'], ['docs/a', 'index.html']],
  ['/index.html', ['', 'index.html'], ['docs', 'docs/index.html']],
  ['/**/private/**', ['private', 'a/private', 'a/private/b', 'a\nb/private/c'], ['a', 'privates']],
  ['/{a,b}/*.{js,css}', ['a/x.js', 'b/x.css'], ['c/x.js', 'a/x.ts']],
  ['/a%20b/caf%C3%A9', ['a b/café'], ['a%20b/caf%C3%A9']],
  ['/{a,{b,c[0-9]}}/\\[x\\]', ['a/[x]', 'c1/[x]'], ['a/x']],
  ['/file-[0-9].txt', ['file-1.txt'], ['file-a.txt', 'file-12.txt']],
];

test.each(TABLE)('%s', (text, matching, others) => {
  const pattern = new RulePattern(text);
  for (const path of matching) expect(pattern.matches(path), path).toBe(true);
  for (const path of others) expect(pattern.matches(path), path).toBe(false);
  for (const path of matching) expect(pattern.matchesFolded(foldedPath(path)), path).toBe(true);
});

test('usual forms, which need no regular expression, mean the same as the globs of --cache-control', () => {
  const name = fc.constantFrom('a', 'b', 'ab', '.a', 'a.html', 'x');
  const part = fc.constantFrom('a', 'b', '*', '*.html', 'a.html');
  const patterns = fc.tuple(fc.array(part, { minLength: 1, maxLength: 3 }), fc.constantFrom('', '/', '/**'));
  fc.assert(
    fc.property(patterns, fc.array(name, { minLength: 1, maxLength: 4 }), ([parts, end], names) => {
      const text = `/${parts.join('/')}${end}`;
      const [folder = '', ...below] = text.slice(1).split(/(\/|\/\*\*)$/);
      const globs = below.length === 0 ? folder : [folder, `${folder}/**`];
      const glob = picomatch(globs, { dot: true });
      expect(new RulePattern(text).matches(names.join('/')), text).toBe(glob(names.join('/')));
    }),
    { numRuns: 300 },
  );
});

test.each([
  ['//www.example.org/docs/**', 'www.example.org', '/docs/**'],
  ['//*.example.org', '*.example.org', '/**'],
  ['//WWW.Example.org./a', 'www.example.org', '/a'],
  ['//[::1]/a', '[::1]', '/a'],
  ['/a', null, '/a'],
])('the host of %s', (text, host, path) => {
  const pattern = new RulePattern(text);
  expect([pattern.host, pattern.path]).toEqual([host, path]);
});

test.each([
  ['', 'it is empty'],
  ['/a//b', 'no empty names'],
  ['/a/../b', 'no dot segments'],
  ['/a%2Fb', 'this escape has a meaning'],
  ['/a%2A', 'this escape has a meaning'],
  ['/%ff', 'is not UTF-8'],
  ['/[a', 'its \\[ belongs to no set'],
  ['/a]', 'its ] belongs to no set'],
  ['/{a,b', 'its { belongs to no set'],
  ['/{}', 'its { belongs to no set'],
  ['/[z-a]', 'in the wrong order'],
  ['!/a', 'cannot be negated'],
  ['/a/+(b)', 'it has parentheses'],
  ['/*a*', 'two \\* in one name'],
  ['/**/a/**/b', '\\*\\* in two places'],
  ['//exa mple/', 'whose host is a name'],
  ['///a', 'whose host is a name'],
  ['//127.1/a', 'whose host is a name'],
  ['//[0::1]/a', 'whose host is a name'],
  ['@fingerprinted', 'known for files only'],
])('not a pattern: %j', (text, why) => {
  expect(() => new RulePattern(text)).toThrow(new RegExp(`^must be .*${why}`));
});

describe('one normal form', () => {
  test.each([
    ['/', ''],
    ['/a/', 'a'],
    ['//a///b//', 'a/b'],
    ['/%61/b%20c', 'a/b c'],
    ['/%C3%A4', 'ä'],
    ['/.well-known/x', '.well-known/x'],
  ])('%s is %j', (sent, normal) => {
    expect(normalPathOf(sent)).toBe(normal);
  });

  test.each(['/a%2fb', '/a/../b', '/a/%2e%2e/b', '/./a', '/a%00', '/a\\b', '/a%5cb', '/a%zz', '/%c0%ae', '*'])(
    'none: %s',
    (sent) => {
      expect(normalPathOf(sent)).toBeNull();
    },
  );
});

test.each([
  `/${'{a,a}'.repeat(22)}x`,
  `/${'{,a}'.repeat(22)}x`,
  `/${'{a,{a,b}}/'.repeat(4)}x`,
  '/{a,aa}+x',
  `/${'[a-z]+'.repeat(6)}x`,
  '/[[:alpha:]]+x',
])('a pattern that a client could make slow is refused: %s', (text) => {
  expect(() => new RulePattern(text)).toThrow('so that a client could make it slow');
});

test.each(['/**/a*/b', '/**/a*/**', '/**/x/**', '/a*b', '/{a*,b*}/c', '**/*-[ab].js', '*.html'])(
  'a path costs time in proportion to its length: %s',
  async (text) => {
    const pattern = new RulePattern(text.includes('{a*') ? '/{a,b}*/c' : text);
    for (const piece of ['a', 'x/', 'a/', '-a.js', 'a*']) {
      await expectLinear((size) => {
        const path = piece.repeat(size);
        return () => pattern.matches(path);
      }, 512);
    }
  },
);

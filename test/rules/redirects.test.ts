// Tests the templates of redirects and rewrites.

import { expect, test } from 'vitest';
import { encodeName } from '../../src/files/file-name.ts';
import { RedirectTemplate } from '../../src/options/redirect-template.ts';
import { namesOf, withQuery } from '../../src/rules/routing.ts';

test.each([
  ['/old/:page', '/new/:page', 'old/a', '/new/a'],
  ['/old/:page', '/new/:page', 'old/a/b', null],
  ['/old/:page', '/new/:page', 'old', null],
  ['/old/:page', '/new/:page', 'old/a b?#', '/new/a%20b%3F%23'],
  ['/:a/:b', '/:b/:a', 'x/y', '/y/x'],
  ['/blog/:slug.html', '/posts/:slug', 'blog/a.b.html', '/posts/a.b'],
  ['/blog/:slug.html', '/posts/:slug', 'blog/.html', null],
  ['/docs/**', '/manual/:splat', 'docs/a/b', '/manual/a/b'],
  ['/docs/**', '/manual/:splat', 'docs', '/manual/'],
  ['/docs/', '/manual/:splat', 'docs/a', '/manual/a'],
  ['/**', 'https://example.org/:splat', 'a/b', 'https://example.org/a/b'],
  ['/**', 'https://example.org:8443/:splat?x=:splat', 'a', 'https://example.org:8443/a?x=a'],
  ['/a-*', '/b', 'a-1', '/b'],
  ['/a%20b', '/c', 'a b', '/c'],
  ['/index.html', '/b', '', '/b'],
  ['/a/index.html', '/b', 'a', '/b'],
  ['/a/index.html', '/b', 'a/b', null],
  ['/:x/index.html', '/b/:x', 'a', null],
  ['/', '/:splat', 'evil.org', '/evil.org'],
  ['/**', '/:splat', '\r\nx: y', '/%0D%0Ax%3A%20y'],
  ['/a', 'http://[::1]:80/b', 'a', 'http://[::1]:80/b'],
  ['/old/**', '/:splat/new', 'old', '/new'],
  ['/r/:name/**', '/:splat/:name', 'r/evil.example', '/evil.example'],
  ['/**', 'https://example.org/:splat/a', '', 'https://example.org/a'],
  ['/f-:name', '/files/:name/a', 'f-..', null],
  ['/f-:name', 'https://example.org/:name', 'f-.', null],
  ['/a:x/b:y', '/:x:y', 'a./b.', null],
  ['/f-:name', '/b?next=/:name', 'f-..', '/b?next=/..'],
])('%s -> %s for %j', (from, to, path, target) => {
  const template = new RedirectTemplate(from, to);
  expect(template.targetOf(namesOf(path), encodeName)).toBe(target);
  if (target !== null) expect(template.pattern.matches(path)).toBe(true);
});

test.each([
  ['/a', 'b', 'begins with neither'],
  ['/a', '//b/c', 'begins with neither'],
  ['/a', '/\\b', 'begins with neither'],
  ['/a', 'ftp://b/', 'begins with neither'],
  ['/a', 'https://:host/', 'begins with neither'],
  ['/a', '/ä', 'not ASCII'],
  ['/a', '/b/:c', 'has no :c'],
  ['/a%3Ab', '/b', 'has a meaning'],
  ['/a', '/b/../c', 'dot segment'],
  ['/a', '/..?b', 'dot segment'],
  ['/a/*', '/b/:splat', 'has no :splat'],
  ['/:a-:b', '/c', 'one :name'],
  ['/**/a', '/c', 'at its end only'],
  ['/:splat', '/c', 'in their target only'],
  ['/{a,b}', '/c', 'only, not'],
  ['a', '/c', 'begins with /'],
])('not a redirect: %s -> %s', (from, to, why) => {
  expect(() => new RedirectTemplate(from, to)).toThrow(new RegExp(`^must be .*${why}`));
});

test.each([
  ['/a', '', '/a'],
  ['/a', 'b=c', '/a?b=c'],
  ['/a?x', 'b=c', '/a?x'],
  ['/a#x', 'b=c', '/a?b=c#x'],
  ['/a#x?', 'b=c', '/a?b=c#x?'],
])('%s keeps the query %j', (target, query, location) => {
  expect(withQuery(target, query)).toBe(location);
});

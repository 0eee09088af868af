// Tests that a request goes to the handler with the longest mount path, by whole segments, and the environ that mounted
// WSGI-style applications get.

import { describe, expect, test } from 'vitest';
import { traitsOf } from '../../src/http/handler-traits.ts';
import { type Handler, mount, type WsgiApplication } from '../../src/index.ts';
import { wsgi } from '../../src/wsgi.ts';
import { ask, get } from '../support/client.ts';
import { type Site, startHandler } from '../support/serving.ts';

const named =
  (name: string): Handler =>
  (request, response) =>
    response.send(200, {}, `${name} ${request.target}`);

const shown: WsgiApplication = (environ, startResponse) => {
  startResponse('200 OK', []);
  return `${environ.SCRIPT_NAME}|${environ.PATH_INFO}|${{ ...environ }.SCRIPT_NAME}`;
};

async function textOf({ port }: Site, path: string): Promise<string> {
  const { status, text } = await ask(port, get(path));
  return `${status} ${text}`;
}

test('the longest path of whole segments wins, and other requests go to the next handler', async () => {
  const site = await startHandler(
    mount({ '/a': named('a'), '/a/b/': named('b'), '//a//c': named('c') }, named('next')),
  );
  for (const [path, name] of [
    ['/a', 'a'],
    ['/a/', 'a'],
    ['/a?x=/a/b', 'a'],
    ['/a/bc', 'a'],
    ['/a/b', 'b'],
    ['/a/b/c', 'b'],
    ['/a/c/d', 'c'],
    ['/ab', 'next'],
    ['/', 'next'],
    ['/x/a', 'next'],
    ['/%61/x', 'a'],
    ['/%61%2Fb', 'next'],
    ['/a%2Fb', 'next'],
    ['/%zz/a', 'next'],
    ['/A/b', 'next'],
  ] as const)
    expect(await textOf(site, path), path).toBe(`200 ${name} ${path}`);
});

test('without a next handler other paths get 404', async () => {
  const site = await startHandler(mount({ '/a': named('a') }));
  expect(await textOf(site, '/b')).toBe('404 Not Found\n');
});

describe('a WSGI-style application', () => {
  test.each([
    ['/api', '/api||/api'],
    ['/api/', '/api|/|/api'],
    ['/api/x%20y', '/api|/x y|/api'],
    ['/%61pi/x', '/api|/x|/api'],
    ['/deep/down/x', '/deep/down|/x|/deep/down'],
    ['/inner/v1/x', '/inner/v1|/x|/inner/v1'],
    ['/inner/x', '/inner|/x|/inner'],
    ['/else', '|/else|'],
  ])('gets SCRIPT_NAME and PATH_INFO of %s', async (path, text) => {
    const application = wsgi(shown);
    const inner = mount({ '/v1': application }, application);
    const site = await startHandler(
      mount({ '/api': application, '/deep/down': application, '/inner': inner }, application),
    );
    expect(await textOf(site, path)).toBe(`200 ${text}`);
  });
});

test('find returns the handler of a path, and null if there is none', () => {
  const { find } = traitsOf(mount({ '/a': named('a') }));
  const asked = (path: string): unknown => find?.(Object.assign(Object.create(null), { path }));
  expect(asked('/a/b')).toBeTypeOf('function');
  expect(asked('/b')).toBeNull();
});

const MISTAKES: readonly (readonly [unknown, unknown, RegExp])[] = [
  [undefined, undefined, /^handlers must be an object with paths as keys$/],
  [null, undefined, /^handlers must be an object with paths as keys$/],
  [{ api: named('a') }, undefined, /^a handler must be mounted at a path such as \/assets, not "api"$/],
  [{ '/': named('a') }, undefined, /^a handler must be mounted at a path such as \/assets, not "\/"$/],
  [{ '/a/../b': named('a') }, undefined, /^a handler must be mounted at a path such as \/assets, not "\/a\/\.\.\/b"$/],
  [{ '/a': named('a'), '//a/': named('b') }, undefined, /^a handler is mounted twice at \/a$/],
  [{ '/a': './app.js' }, undefined, /^the handler of \/a must be a function, not string$/],
  [{}, 'x', /^next must be a function, not string$/],
];

test.each(MISTAKES)('%j is rejected', (handlers, next, text) => {
  const make = (): unknown => Reflect.apply(mount, undefined, [handlers, next]);
  expect(make).toThrow(expect.objectContaining({ code: 'ERR_OPTION', message: expect.stringMatching(text) }));
});

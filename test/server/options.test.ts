// Proves that an option that cannot be is refused before anything starts, with a text that names it.

import { describe, expect, onTestFinished, test } from 'vitest';
import { resolveRoot } from '../../src/files/resolve-root.ts';
import { EpollServerError, LIMITS, serve } from '../../src/index.ts';
import { LIMIT_NAMES, resolveLimits } from '../../src/limits.ts';
import type { CheckedListen } from '../../src/server/listen-address.ts';
import { checkOptions } from '../../src/server/options.ts';
import { folder } from '../support/folder.ts';

const handler = (): void => {};

/** Options as JavaScript programs may give them. */
const WRONG: readonly (readonly [string, Readonly<Record<string, unknown>>, RegExp])[] = [
  ['neither root nor handler', {}, /^there is nothing to serve: give root .* or one of handler, fetch and wsgi/],
  [
    'both handler and fetch',
    { handler, fetch: handler },
    /^give one of handler, fetch and wsgi, not handler and fetch:/,
  ],
  ['both wsgi and fetch', { wsgi: handler, fetch: handler }, /not fetch and wsgi:/],
  ['a fetch that is no function', { fetch: {} }, /fetch must be a function, or an object .*, not object/],
  ['a wsgi that is a module', { wsgi: 'x.js' }, /wsgi must be a function, not string/],
  [
    'overrideGlobals that is no boolean',
    { fetch: handler, overrideGlobals: 1 },
    /overrideGlobals must be true or false/,
  ],
  ['a handler that is no function', { handler: 'x' }, /handler must be a function, not string/],
  ['a port above the range', { handler, port: 65_536 }, /port .* 65536/],
  ['a negative port', { handler, port: -1 }, /port .* -1/],
  ['a port with a fraction', { handler, port: 80.5 }, /port .* 80\.5/],
  ...['', ' 80 ', '80a', '0x50', '8e1', '80.0', '-1', '+80', 'Infinity', '65536', '٨٠', '1'.repeat(400)].map(
    (port) =>
      [
        `a port as the text ${port.slice(0, 10)}`,
        { handler, port },
        /^port must be a whole number from 0 to 65535, not ".*"$/,
      ] as const,
  ),
  ['a port that is a list', { handler, port: ['80'] }, /^port must be a whole number from 0 to 65535, not 80$/],
  ['a host that is no text', { handler, host: 7 }, /host/],
  ['an empty host', { handler, host: '' }, /^host must be a name or an address$/],
  ['listen and port', { handler, listen: ['a:1'], port: 0 }, /^give listen, or host and port, not both$/],
  ['listen and host', { handler, listen: ['a:1'], host: '::' }, /^give listen, or host and port, not both$/],
  ['listen as text', { handler, listen: 'a:1' }, /^listen must be a list of one address or more$/],
  ['an empty listen', { handler, listen: [] }, /^listen must be a list of one address or more$/],
  ['an address that is none', { handler, listen: ['8080'] }, /^listen must be HOST:PORT, .*, not "8080"$/],
  [
    'the same address twice',
    { handler, listen: ['127.0.0.1:8080', { host: 'localhost', port: 8080 }] },
    /^listen names 127\.0\.0\.1:8080 twice$/,
  ],
  ['the same path twice', { handler, listen: ['unix:/a/b', 'unix:/a/../a/b'] }, /^listen names unix:\/a\/b twice$/],
  ['an unknown option', { handler, prot: 80 }, /no option "prot"/],
  ['an unknown log format', { handler, logFormat: 'xml' }, /logFormat .* common, combined, json, not "xml"/],
  ['an access log that is no function', { handler, accessLog: 'file' }, /accessLog must be a function/],
  ['a trace that is no function', { handler, trace: true }, /trace must be a function/],
  ['an option of the site that there is not', { root: '.', site: { nothing: 1 } }, /no option "site.nothing"/],
  [
    'a listing that is no boolean',
    { root: '.', site: { listing: 'yes' } },
    /site\.listing .* true or false, not "yes"/,
  ],
  [
    'a rule with a line break',
    { root: '.', site: { cacheControl: [{ pattern: '*', value: 'a\nb' }] } },
    /site\.cacheControl must be rules whose value a field may have: "a\\nb" of "\*" holds/,
  ],
  ['a host that is none', { root: '.', site: { hosts: { 'a/b': '.' } } }, /a host is a name such as/],
  ['a mount of the root', { root: '.', site: { mounts: { '/': '.' } } }, /below a path such as \/assets, not "\/"/],
  ['a path twice', { root: '.', site: { mounts: { '/a': '.', '//a/': '.' } } }, /two folders are mounted below \/a/],
  ['types as a list', { root: '.', site: { types: ['.md'] } }, /site\.types must be media types by ending/],
  [
    'a type that splits',
    { root: '.', site: { types: { '.md': 'a/b\r\nX: y' } } },
    /media type of \.md is written like/,
  ],
  [
    'a type of two endings',
    { root: '.', site: { types: { '.a.b': 'a/b' } } },
    /for an ending such as \.md, not "\.a\.b"/,
  ],
  ['a site without a root', { handler, site: {} }, /give root too/],
  ['an onError that is no function', { handler, onError: null }, /onError must be a function/],
  ['a Server field that splits', { handler, serverHeader: 'a\r\nb' }, /serverHeader/],
  ['a Server field that is no text', { handler, serverHeader: 3 }, /serverHeader must be a string/],
];

test.each(WRONG)('%s', async (_what, options, text) => {
  const error = await Reflect.apply(serve, undefined, [options]).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(EpollServerError);
  expect(error).toMatchObject({ code: 'ERR_OPTION', message: expect.stringMatching(text) });
});

/** What the check makes of `port` alone. */
function listenOn(port: number): readonly CheckedListen[] {
  return [{ address: { host: '127.0.0.1', port }, options: {} }];
}

test('a number may be given as text, as variables of the environment are, and as undefined where they are not set', async () => {
  const unset = process.env['EPOLL_SERVER_NONE'];
  const server = await serve({ port: '0', keepAliveTimeoutMs: '5000', maxFields: unset, handler });
  onTestFinished(() => server.close({ now: true }));
  expect(server.port ?? 0).toBeGreaterThan(0);
  const given = checkOptions({ handler, port: unset, maxFields: '7', backlog: unset });
  expect(given).toMatchObject({
    listen: listenOn(8080),
    limits: { maxFields: 7, backlog: LIMITS.backlog.byDefault },
  });
  expect(checkOptions({ handler, port: '00080' })).toMatchObject({
    listen: listenOn(80),
  });
});

test('an unknown back end is ERR_BACKEND and names those there are', async () => {
  await expect(serve({ port: 0, handler, backend: 'iocp' })).rejects.toMatchObject({
    code: 'ERR_BACKEND',
    message: expect.stringMatching(/"iocp".*epoll/),
  });
});

describe.each(LIMIT_NAMES)('%s', (name) => {
  const { byDefault, min, max } = LIMITS[name];

  test('has a default within its range, and takes both ends of it', () => {
    expect(resolveLimits({})[name]).toBe(byDefault);
    for (const value of [min, max]) {
      for (const given of [value, String(value)]) expect(resolveLimits({ [name]: given })[name]).toBe(value);
    }
  });

  test('refuses what is outside, a fraction and what is no number, naming itself and its range', () => {
    for (const value of [min - 1, max + 1, min + 0.5, Number.NaN, Infinity]) {
      const check = (): unknown => checkOptions({ handler, [name]: value });
      expect(check, String(value)).toThrow(expect.objectContaining({ code: 'ERR_OPTION' }));
      expect(check, String(value)).toThrow(`${name} must be a whole number from ${min} to ${max}, not ${value}`);
      const checkText = (): unknown => checkOptions({ handler, [name]: String(value) });
      expect(checkText, String(value)).toThrow(`${name} must be a whole number from ${min} to ${max}, not "${value}"`);
    }
  });
});

test('a root that is missing or no directory is ERR_ROOT and names the path', async () => {
  const path = await folder({ 'file.txt': 'x' });
  await expect(resolveRoot(`${path}/none`)).rejects.toMatchObject({
    code: 'ERR_ROOT',
    message: `the root ${path}/none does not exist: name a folder with files to serve`,
  });
  await expect(resolveRoot(`${path}/file.txt`)).rejects.toMatchObject({
    code: 'ERR_ROOT',
    message: expect.stringContaining('is not a directory'),
  });
  expect(await resolveRoot(`${path}/.`)).toBe(path);
});

test('a folder of a host or mount that is missing is ERR_ROOT', async () => {
  const root = await folder();
  for (const site of [{ hosts: { a: `${root}/none` } }, { mounts: { '/a': `${root}/none` } }]) {
    await expect(serve({ port: 0, root, site })).rejects.toMatchObject({ code: 'ERR_ROOT' });
  }
});

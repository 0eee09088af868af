// Tests that an invalid option is rejected before the server starts, with a message that names it.

import { expect, onTestFinished, test } from 'vitest';
import { resolveRoot } from '../../src/files/resolve-root.ts';
import { EpollServerError, serve } from '../../src/index.ts';
import type { CheckedListen } from '../../src/options/listen-address.ts';
import { resolveLimits } from '../../src/options/resolve-limits.ts';
import { checkOptions } from '../../src/server/options.ts';
import { folder } from '../support/folder.ts';

const handler = (): void => {};

/** Options as JavaScript programs may give them. */
const WRONG: readonly (readonly [string, Readonly<Record<string, unknown>>, RegExp])[] = [
  ['nothing to serve', {}, /^there is nothing to serve: set static .* or one of handler, fetch and wsgi/],
  [
    'both handler and fetch',
    { handler, fetch: handler },
    /^set only one of handler, fetch and wsgi, not handler and fetch:/,
  ],
  ['both wsgi and fetch', { wsgi: handler, fetch: handler }, /not fetch and wsgi:/],
  ['a fetch that is no function', { fetch: {} }, /^fetch must be a function, or an object .*, not {}$/],
  ['a wsgi that is a module', { wsgi: 'x.js' }, /^wsgi must be a function, not "x\.js"$/],
  ['overrideGlobals that is no boolean', { fetch: handler, overrideGlobals: 1 }, /^overrideGlobals must be true or/],
  ['a handler that is no function', { handler: 'x' }, /^handler must be a function, not "x"$/],
  ['a port above the range', { handler, port: 65_536 }, /^port .* 65536$/],
  ['a negative port', { handler, port: -1 }, /^port .* -1$/],
  ['a port with a fraction', { handler, port: 80.5 }, /^port .* 80\.5$/],
  ...['', ' 80 ', '80a', '0x50', '8e1', '80.0', '-1', '+80', 'Infinity', '65536', '٨٠', '1'.repeat(400)].map(
    (port) =>
      [
        `a port as the text ${port.slice(0, 10)}`,
        { handler, port },
        /^port must be a whole number from 0 to 65535, not ".*$/,
      ] as const,
  ),
  ['a port that is a list', { handler, port: ['80'] }, /^port must be a whole number from 0 to 65535, not "80"$/],
  ['a host that is no text', { handler, hostname: 7 }, /^hostname must be a name or an address, not 7$/],
  ['an empty host', { handler, hostname: '' }, /^hostname must be a name or an address, not ""$/],
  [
    'listen and port',
    { handler, listen: ['a:1'], port: 0 },
    /^listen cannot be combined with port or host: put both into listen, as in 127\.0\.0\.1:8080$/,
  ],
  [
    'listen and hostname',
    { handler, listen: 'a:1', hostname: '::' },
    /^listen cannot be combined with port or host: put both into listen, as in 127\.0\.0\.1:8080$/,
  ],
  ['an empty listen', { handler, listen: [] }, /^listen must be HOST:PORT, /],
  ['an address that is none', { handler, listen: ['8080'] }, /^listen must be HOST:PORT, .*, not "8080"$/],
  [
    'the same address twice',
    { handler, listen: ['127.0.0.1:8080', { host: 'localhost', port: 8080 }] },
    /^listen contains 127\.0\.0\.1:8080 twice$/,
  ],
  ['the same path twice', { handler, listen: ['unix:/a/b', 'unix:/a/../a/b'] }, /^listen contains unix:\/a\/b twice$/],
  ['an unknown option', { handler, prot: 80 }, /^unknown option "prot" \(did you mean "port"\?\)$/],
  ['an unknown bound', { handler, timeouts: { keepAlvie: 80 } }, /\(did you mean "timeouts\.keepAliveMs"\?\)$/],
  [
    'an unknown log format',
    { handler, log: { format: 'xml' } },
    /^log\.format must be one of common, combined, json, not "xml"$/,
  ],
  ['an access log that is no function', { handler, log: { access: 'file' } }, /^log\.access must be a function/],
  ['a trace that is no function', { handler, log: { trace: true } }, /^log\.trace must be a function, not true$/],
  ['files without a root', { static: { listing: true } }, /^static\.root is missing/],
  ['an unknown option of files', { static: { root: '.', nothing: 1 } }, /unknown option "static\.nothing"/],
  [
    'a listing that is no boolean',
    { static: { root: '.', listing: 'yes' } },
    /^static\.listing must be true or false, not "yes"$/,
  ],
  [
    'a rule with a line break',
    { static: { root: '.', cacheControl: [{ pattern: '*', value: 'a\nb' }] } },
    /^static\.cacheControl: the value "a\\nb" of "\*" contains a byte that a field cannot have$/,
  ],
  ['a host that is none', { static: { root: '.', hosts: { 'a/b': '.' } } }, /a host must be a name such as/],
  ['a mount of the root', { static: { root: '.', mounts: { '/': '.' } } }, /at a path such as \/assets, not "\/"/],
  ['a path twice', { static: { root: '.', mounts: { '/a': '.', '//a/': '.' } } }, /a folder is mounted twice at \/a/],
  ['types as a list', { static: { root: '.', types: ['.md'] } }, /^static\.types must be of the form/],
  [
    'a type that splits',
    { static: { root: '.', types: { '.md': 'a/b\r\nX: y' } } },
    /media type of \.md must be of the form/,
  ],
  [
    'a type of two endings',
    { static: { root: '.', types: { '.a.b': 'a/b' } } },
    /needs an extension such as \.md, not "\.a\.b"/,
  ],
  ['an onError that is no function', { handler, log: { error: null } }, /^log\.error must be a function, not null$/],
  ['an error that is no function', { handler, error: 'x' }, /^error must be a function, not "x"$/],
  ['a signal that is none', { handler, signal: {} }, /^signal must be an AbortSignal, not {}$/],
  [
    'a Server field that splits',
    { handler, serverHeader: 'a\r\nb' },
    /^serverHeader must be text without control characters/,
  ],
  ['a Server field that is no text', { handler, serverHeader: 3 }, /^serverHeader must be text .*, not 3$/],
];

test.each(WRONG)('%s', async (_what, options, text) => {
  const error = await Reflect.apply(serve, undefined, [options]).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(EpollServerError);
  expect(error).toMatchObject({ code: 'ERR_OPTION', message: expect.stringMatching(text) });
});

/** The checked value of `port` alone. */
function listenOn(port: number): readonly CheckedListen[] {
  return [{ address: { host: '127.0.0.1', port }, options: {}, tls: undefined }];
}

test('a number may be a string or undefined, as environment variables are', async () => {
  const unset = process.env['NO_SUCH_VARIABLE'];
  const server = await serve({ port: '0', timeouts: { keepAliveMs: '5000' }, limits: { maxFields: unset }, handler });
  onTestFinished(() => server.close({ now: true }));
  expect(server.port ?? 0).toBeGreaterThan(0);
  expect(checkOptions({ handler, port: unset, limits: { maxFields: '7', backlog: unset } })).toMatchObject({
    listen: listenOn(8080),
    limits: { maxFields: 7, backlog: resolveLimits().backlog },
  });
  expect(checkOptions({ handler, port: '00080' })).toMatchObject({ listen: listenOn(80) });
});

test('an unknown back end is ERR_BACKEND, and the message lists the known ones', async () => {
  await expect(serve({ port: 0, handler, backend: 'iocp' })).rejects.toMatchObject({
    code: 'ERR_BACKEND',
    message: expect.stringMatching(/"iocp".*epoll/),
  });
});

test('a root that is missing or not a directory is ERR_ROOT, with its path', async () => {
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

test('a missing folder of a host or mount is ERR_ROOT', async () => {
  const root = await folder();
  for (const own of [{ hosts: { a: `${root}/none` } }, { mounts: { '/a': `${root}/none` } }]) {
    await expect(serve({ port: 0, static: { root, ...own } })).rejects.toMatchObject({ code: 'ERR_ROOT' });
  }
});

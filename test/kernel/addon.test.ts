// Proves where the addon is searched, where it refuses to run, and how system errors are reported.

import { describe, expect, test } from 'vitest';
import { addonCandidates, assertSupported, loadAddon, type Runtime } from '../../src/kernel/addon.ts';
import { EAGAIN } from '../../src/kernel/errno.ts';
import { createNativeFiles } from '../../src/kernel/files.ts';
import { check, NativeError } from '../../src/kernel/native-error.ts';
import { availableBackends, createNativeKernel } from '../../src/kernel/native-kernel.ts';
import { folder } from '../support/folder.ts';

const NODE: Runtime = { platform: 'linux', versions: { node: '20.19.0' } };

test('the addon of this build loads, and only once', () => {
  expect(loadAddon()).toBe(loadAddon());
  expect(loadAddon().backends).toContain('epoll');
  expect(availableBackends()).toEqual(loadAddon().backends);
});

test('the error of a missing addon names every path that was tried, and how to build it', () => {
  const candidates = ['/nowhere/a.node', '/nowhere/b.node'];
  expect(() => loadAddon(candidates)).toThrow(expect.objectContaining({ code: 'ERR_ADDON' }));
  expect(() => loadAddon(candidates)).toThrow(
    /not built: looked for \/nowhere\/a\.node, \/nowhere\/b\.node; run "npm run build"/,
  );
});

test('the error of an addon that does not load names its file and the error of the loader', async () => {
  const path = await folder({ 'broken.node': 'not an ELF file at all' });
  expect(() => loadAddon(['/nowhere.node', `${path}/broken.node`])).toThrow(
    expect.objectContaining({ code: 'ERR_ADDON' }),
  );
  expect(() => loadAddon([`${path}/broken.node`])).toThrow(
    new RegExp(`${path}/broken\\.node does not load: .+; run "npm run build"`),
  );
});

test('builds come before prebuilds', () => {
  const [first = '', ...others] = addonCandidates('/x');
  expect(first).toBe('/x/build/Release/epoll_server.node');
  expect(others.every((path) => path.startsWith('/x/') && path.endsWith('.node'))).toBe(true);
});

describe('an unsupported platform or runtime is an error', () => {
  const refused: readonly (readonly [string, Runtime, RegExp])[] = [
    ['Windows', { platform: 'win32', versions: { node: '22.0.0' } }, /the platform win32 is not supported/],
    ['AIX', { platform: 'aix', versions: { node: '22.0.0' } }, /the platform aix is not supported/],
    ['Bun', { platform: 'linux', versions: { node: '24.0.0', bun: '1.2.0' } }, /Bun is not supported/],
    ['Deno', { platform: 'linux', versions: { node: '24.0.0', deno: '2.0.0' } }, /Deno is not supported/],
    ['Electron', { platform: 'linux', versions: { node: '24.0.0', electron: '33.0.0' } }, /Electron is not supported/],
    ['an old major of Node.js', { platform: 'linux', versions: { node: '18.20.0' } }, /Node\.js 18\.20\.0 is too old/],
    ['an old minor of Node.js', { platform: 'linux', versions: { node: '20.18.9' } }, /Node\.js 20\.18\.9 is too old/],
    ['no Node.js', { platform: 'linux', versions: {} }, /too old/],
  ];

  test.each(refused)('%s', (_name, runtime, text) => {
    expect(() => assertSupported(runtime)).toThrow(text);
    expect(() => assertSupported(runtime)).toThrow(/needs Node\.js 20\.19 or later on Linux or macOS/);
    expect(() => assertSupported(runtime)).toThrow(expect.objectContaining({ code: 'ERR_PLATFORM' }));
  });

  test.each(['20.19.0', '20.20.2', '21.0.0', '22.1.0', '24.0.0', '26.0.0-nightly'])(
    'Node.js %s is supported',
    (node) => {
      expect(() => assertSupported({ ...NODE, versions: { node } })).not.toThrow();
    },
  );
});

test('an unknown back end is ERR_BACKEND; one that the system cannot create is a NativeError', () => {
  expect(() => createNativeKernel('iocp')).toThrow(
    expect.objectContaining({ code: 'ERR_BACKEND', message: expect.stringContaining('epoll') }),
  );
  const refusing = {
    backends: ['epoll'],
    reusePortBalances: true,
    createKernel: () => -24,
    createFiles: createNativeFiles,
  };
  expect(() => createNativeKernel('epoll', refusing)).toThrow(
    expect.objectContaining({ code: 'ERR_SYSTEM_CALL', errnoName: 'EMFILE' }),
  );
});

test('the error of a system call has its name and errno', () => {
  const error = new NativeError('listen', -98, 'the listening socket');
  expect(error).toMatchObject({ code: 'ERR_SYSTEM_CALL', call: 'listen', errno: 98, errnoName: 'EADDRINUSE' });
  expect(error.message).toBe('the listening socket: listen failed: address already in use (EADDRINUSE)');
  expect(new NativeError('x', -9_999).message).toBe('x failed: unknown error (errno 9999)');
  expect(check('wait', 7)).toBe(7);
  expect(() => check('wait', EAGAIN)).toThrow(/^wait failed: .*\(EAGAIN\)$/);
});

// Tests where the addon is searched, which platforms are rejected, and how system errors are reported.

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  ADDON_ABI,
  addonCandidates,
  assertSupported,
  libcOf,
  loadAddon,
  type Runtime,
} from '../../src/kernel/addon.ts';
import { EAGAIN } from '../../src/kernel/errno.ts';
import { check, NativeError } from '../../src/kernel/native-error.ts';
import { availableBackends, createNativeKernel } from '../../src/kernel/native-kernel.ts';
import { packageVersion } from '../../src/package.ts';
import { folder } from '../support/folder.ts';
import { REPOSITORY } from '../support/program.ts';

const NODE: Runtime = { platform: 'linux', versions: { node: '20.19.0' } };
const PLATFORM = `${process.platform}-${process.arch}-${libcOf(process.execPath)}`;
/** The addon that the tests run with: compiled here, or of the package. */
const COMPILED = addonCandidates(REPOSITORY, PLATFORM).find((path) => existsSync(path)) ?? '';

/** The error line of the loader for the addons in `root`. */
function refusal(root: string): string {
  let message = '';
  expect(() => {
    try {
      loadAddon(root);
    } catch (error) {
      if (error instanceof Error) message = error.message;
      throw error;
    }
  }).toThrow(expect.objectContaining({ code: 'ERR_ADDON' }));
  expect(message).not.toContain('\n');
  return message;
}

/** A package whose binary for this platform is `content`, with the sum of `packed`. */
async function packaged(content: string | Buffer, packed: string | Buffer = content): Promise<string> {
  const root = await folder({});
  const file = join(root, 'prebuilds', PLATFORM, 'epoll_server.node');
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
  const sum = createHash('sha256').update(packed).digest('hex');
  await writeFile(join(root, 'prebuilds', 'SHA256SUMS'), `# sources: 0\n${sum}  ${PLATFORM}/epoll_server.node\n`);
  return root;
}

test('the addon of this build is loaded once', () => {
  expect(loadAddon()).toBe(loadAddon());
  expect(loadAddon().backends).toContain('epoll');
  expect(availableBackends()).toEqual(loadAddon().backends);
  expect(loadAddon()).toMatchObject({ version: packageVersion(), abi: ADDON_ABI });
});

test('the binary of a package loads', async () => {
  const root = await packaged(await readFile(COMPILED));
  expect(loadAddon(root).version).toBe(packageVersion());
});

test('without an addon, the error names the platform, each tried file, and the command that compiles', async () => {
  const root = await folder({});
  expect(refusal(root)).toBe(
    `no native addon fits this platform (${PLATFORM}, Node.js ${process.versions.node}): ` +
      `${root}/build/Release/epoll_server.node is not there; ` +
      `${root}/prebuilds/${PLATFORM}/epoll_server.node is not there. ` +
      `Compile it from the package's own sources: node "${root}/scripts/compile.js"`,
  );
});

test('the error of an addon that does not load has its file and cause', async () => {
  const root = await folder({ 'build/Release/epoll_server.node': 'not an ELF file at all' });
  expect(refusal(root)).toMatch(
    /build\/Release\/epoll_server\.node does not load: .*file too short|invalid ELF header/,
  );
});

test('if the compiled addon is for another system, the binary of the package is loaded', async () => {
  const root = await packaged(await readFile(COMPILED));
  await mkdir(join(root, 'build', 'Release'), { recursive: true });
  await writeFile(join(root, 'build', 'Release', 'epoll_server.node'), 'of another system');
  expect(loadAddon(root).version).toBe(packageVersion());
});

test('a damaged binary of the package is not loaded, because it could crash the process', async () => {
  const whole = await readFile(COMPILED);
  const flipped = Buffer.from(whole);
  flipped[whole.length >> 1] = ~(whole[whole.length >> 1] ?? 0) & 0xff;
  for (const content of [whole.subarray(0, whole.length >> 1), flipped, Buffer.alloc(0)]) {
    const root = await packaged(content, whole);
    expect(refusal(root)).toContain(
      `${root}/prebuilds/${PLATFORM}/epoll_server.node is damaged (its SHA-256 is not that of the package)`,
    );
  }
});

test('an outdated addon is an error, even if another one fits', async () => {
  const root = await packaged(await readFile(COMPILED));
  const file = join(root, 'build', 'Release', 'epoll_server.node');
  await mkdir(dirname(file), { recursive: true });
  await copyFile(COMPILED, file);
  const bytes = await readFile(file);
  const version = packageVersion();
  const at = bytes.indexOf(`${version}\0`);
  expect(at).toBeGreaterThan(0);
  bytes.write('0.0.0', at);
  await writeFile(file, bytes);
  expect(refusal(root)).toBe(
    `the native addon ${file} is out of date: it is of version 0.0.0 (interface ${ADDON_ABI}), ` +
      `this package is ${version} (interface ${ADDON_ABI}). Compile it again: node "${root}/scripts/compile.js"`,
  );
});

test('an addon that was compiled here is preferred to the binaries of the package', () => {
  expect(addonCandidates('/x', 'linux-x64-musl')).toEqual([
    '/x/build/Release/epoll_server.node',
    '/x/prebuilds/linux-x64-musl/epoll_server.node',
  ]);
});

test('the C library is detected from the ELF interpreter of the executable', async () => {
  const path = await folder({
    glibc: '\x7fELF .../lib64/ld-linux-x86-64.so.2\0',
    musl: '\x7fELF .../lib/ld-musl-x86_64.so.1\0',
    static: '\x7fELF',
  });
  expect(['glibc', 'musl', 'static'].map((name) => libcOf(join(path, name)))).toEqual(['glibc', 'musl', 'glibc']);
});

test('the C library is that of the first executable that can be read', async () => {
  const path = await folder({ musl: '\x7fELF .../lib/ld-musl-x86_64.so.1\0' });
  expect(libcOf(join(path, 'none'), path, join(path, 'musl'))).toBe('musl');
  expect(libcOf(join(path, 'none'))).toBe('glibc');
});

test('the version in native/version.h is that of the package', async () => {
  const header = await readFile(join(REPOSITORY, 'native', 'version.h'), 'utf8');
  expect(/kVersion\[\] = "(.+)";/.exec(header)?.[1]).toBe(packageVersion());
  expect(/kAbi = (\d+);/.exec(header)?.[1]).toBe(String(ADDON_ABI));
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

test('an unknown back end is ERR_BACKEND, and one that cannot be created is a NativeError', () => {
  expect(() => createNativeKernel('iocp')).toThrow(
    expect.objectContaining({ code: 'ERR_BACKEND', message: expect.stringContaining('epoll') }),
  );
  const refusing = { ...loadAddon(), createKernel: () => -24 };
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

// Binaries for other C libraries than this machine's: the native core tested on each, and the one for musl loaded by
// musl's own loader, in a process that has the names of Node.js and libuv but not what is behind them.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { addonSources, GLIBC_STAT, NODE_SIDE, nodeHeaders } from '../addon.js';
import { prebuildPath, TARGETS } from '../prebuilds.js';
import { runOrFail } from '../programs.js';
import { findZig, zigEnvironment } from '../zig.js';
import { findEmulator, unpackDebian } from './install.js';
import { scratchFile } from './shipped.js';

/** kqueue is tested over a stand-in for the system's calls. */
const STAND_IN = ['native/poller_kqueue.cc'];

/** Compiles the tests of the native core for a platform and runs them, emulated for arm64; returns their last line. */
export function testNativeCore(root, name) {
  const core = addonSources(root, 'linux').filter((file) => !NODE_SIDE.includes(file));
  const tests = readdirSync(join(root, 'test', 'native'))
    .filter((file) => file.endsWith('.cc'))
    .map((file) => `test/native/${file}`);
  const output = join(root, 'build', 'nodes', `native-tests-${name}`);
  const more = name.endsWith('-glibc') ? [GLIBC_STAT] : [];
  runOrFail(
    findZig(root),
    [
      ...['c++', '-target', TARGETS[name].target, '-std=c++17', '-O2', '-pthread'],
      ...['-Inative', '-Itest/native', '-isystem', 'test/native/kqueue', '-isystem', nodeHeaders()],
      ...[...core, ...STAND_IN, ...more, ...tests, '-o', output],
    ],
    { cwd: root, env: zigEnvironment(root) },
  );
  const last = (text) => text.trim().split('\n').at(-1);
  if (!name.includes('-arm64-')) return last(runOrFail(output, [], { cwd: root }));
  // The stand-in for kqueue asks for TCP_INFO, which the emulator does not have.
  return `${last(runOrFail(findEmulator(), [output, 'kqueue: '], { cwd: root }))}, emulated, without kqueue`;
}

/** A program that has each name which the binary asks of Node.js and libuv, and loads it. */
function hostSource(binary) {
  const names = readFileSync(binary, 'latin1').split('\0');
  const asked = new Set(names.filter((name) => /^(?:napi|uv)_\w+$/.test(name)));
  asked.delete('napi_register_module_v1');
  return `#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
${[...asked].map((each) => `void ${each}(void) { abort(); }`).join('\n')}
int main(int count, char** values) {
  void* addon = count < 2 ? NULL : dlopen(values[1], RTLD_NOW);
  if (addon == NULL || dlsym(addon, "napi_register_module_v1") == NULL) {
    puts(dlerror());
    return 1;
  }
  puts("loaded");
}
`;
}

/** musl's loader loads the binary, with every name that it asks for. */
export function loadWithMusl(root) {
  const binary = prebuildPath(root, 'linux-x64-musl');
  const loader = join(unpackDebian(root, 'musl', ['musl']), 'lib', 'ld-musl-x86_64.so.1');
  const source = scratchFile(root, 'musl-host.c', hostSource(binary));
  const program = join(root, 'build', 'nodes', 'musl-host');
  // `zig cc` would link it statically, and static programs load nothing.
  const options = [
    '-target',
    TARGETS['linux-x64-musl'].target,
    '-dynamic',
    '-rdynamic',
    '-lc',
    `-femit-bin=${program}`,
  ];
  runOrFail(findZig(root), ['build-exe', ...options, source], { cwd: root, env: zigEnvironment(root) });
  return runOrFail(loader, [program, binary]).trim();
}

// The framed transport of the native tests (test/native/framed_transport.h) for kernels of this process, in an addon that is
// not published.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { TransportKind } from '../../src/kernel/kernel.ts';
import { REPOSITORY } from './program.ts';

const ADDON = join(REPOSITORY, 'build', 'test-addons', 'framed.node');

const SOURCES = [
  'test/native/addon/framed_addon.cc',
  'test/native/framed_transport.cc',
  'native/socket.cc',
  process.platform === 'linux' ? 'native/system_linux.cc' : 'native/system_bsd.cc',
];

const HEADERS = [
  'test/native/framed_transport.h',
  'native/transport.h',
  'native/transport_handle.h',
  'native/socket.h',
];

const FLAGS = ['-shared', '-fPIC', '-O1', '-std=c++17', '-fvisibility=hidden', '-Inative', '-Itest/native'];

/** The exports of test/native/addon/framed_addon.cc. */
export interface FramedAddon {
  /** The kind whose sockets have a send buffer of that size; 0: the system's. */
  readonly framed: (sendBufferBytes: number) => TransportKind;
  /** Transports of this process that were not destroyed. */
  readonly living: () => number;
}

/** The headers for the build: those of this Node.js installation, or those that node-gyp downloaded. */
function nodeHeaders(): string {
  const beside = join(dirname(dirname(process.execPath)), 'include', 'node');
  if (existsSync(join(beside, 'node_api.h'))) return beside;
  const nodedir = /"nodedir": "([^"]+)"/.exec(readFileSync(join(REPOSITORY, 'build', 'config.gypi'), 'utf8'))?.[1];
  return join(nodedir ?? '', 'include', 'node');
}

/** Compiles changed sources. Other test files may do so at the same time, so each renames its own file. */
function build(): void {
  const builtMs = statSync(ADDON, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if ([...SOURCES, ...HEADERS].every((file) => builtMs > statSync(join(REPOSITORY, file)).mtimeMs)) return;
  mkdirSync(dirname(ADDON), { recursive: true });
  const made = `${ADDON}.${process.pid}`;
  execFileSync(process.env['CXX'] ?? 'g++', [...FLAGS, `-I${nodeHeaders()}`, ...SOURCES, '-o', made], {
    cwd: REPOSITORY,
  });
  renameSync(made, ADDON);
}

export function loadFramedAddon(): FramedAddon {
  build();
  return createRequire(import.meta.url)(ADDON);
}

// Loads the native addon, and checks that this platform and runtime can run it.

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { EpollServerError, messageOf } from '../errors.ts';
import { PACKAGE_ROOT } from '../package.ts';
import type { Files } from './files.ts';
import type { Kernel, KernelMemory } from './kernel.ts';

/** A kind of transport (native/transport.h), made by an addon. It is opaque except to `kernel.attach`. */
export interface TransportKind {
  readonly transport?: never;
}

/** The calls of a kernel of the addon: those of {@link Kernel}, and some that no simulation needs. */
export interface NativeCalls extends Omit<Kernel, keyof KernelMemory | 'now' | 'wallClockMs'> {
  /**
   * Listens on a Unix domain socket. Its file has the permissions `mode`, or those of the umask when `mode` is
   * negative. Returns the descriptor. EADDRINUSE: the file exists.
   */
  readonly listenUnix: (path: string, mode: number, backlog: number) => number;
  /** Connects to a Unix domain socket and closes the connection. ECONNREFUSED: no program listens there. */
  readonly probeUnix: (path: string) => number;
  /** Adopts a listening socket that another program opened. Returns it. EINVAL: it does not listen. */
  readonly adoptListener: (fd: number) => number;
  /** The path that a Unix domain socket is bound to; empty for other sockets. */
  readonly path: (fd: number) => string;
  /** Accepts one client; its descriptor blocks in recv(2), and for 100 ms at most when sending. */
  readonly acceptBlocking: (listener: number) => number;
  /** Adopts a socket that another process or thread opened. Returns it. */
  readonly adopt: (fd: number) => number;
  /** Duplicates a socket that another thread owns, and adopts the copy. Returns the copy's descriptor. */
  readonly adoptCopy: (fd: number) => number;
  /** Makes a descriptor from `acceptBlocking` non-blocking. */
  readonly unblock: (fd: number) => number;
  /**
   * Puts a transport of that kind between the socket of an accepted descriptor and every other call, until it is
   * closed. EEXIST: the descriptor has a transport. EINVAL: `kind` is no kind of transport.
   */
  readonly attach: (fd: number, kind: TransportKind) => number;
}

/** The exports of native/addon.cc. */
export interface Addon {
  /** Names of the back ends in this build, best first. */
  readonly backends: readonly string[];
  /** Whether the system distributes clients among sockets that share a port by SO_REUSEPORT. */
  readonly reusePortBalances: boolean;
  /** A kernel over `memory`, or -errno. */
  readonly createKernel: (backend: string, memory: KernelMemory) => NativeCalls | number;
  readonly createFiles: () => Files;
}

/** The runtime that loads the addon; a parameter so that refusals can be tested. */
export interface Runtime {
  readonly platform: string;
  readonly versions: Readonly<Record<string, string | undefined>>;
}

/** macOS is experimental: its back end is tested over a stand-in, and compiles and links. */
const PLATFORMS = ['linux', 'darwin'];
const MIN_NODE = [20, 19] as const;

/**
 * @throws EpollServerError `ERR_PLATFORM` on another operating system or runtime, or on a Node.js that is too old.
 */
export function assertSupported(runtime: Runtime): void {
  const foreign = [
    ['bun', 'Bun'],
    ['deno', 'Deno'],
    ['electron', 'Electron'],
  ].find(([key]) => key !== undefined && runtime.versions[key] !== undefined);
  const refuse = (what: string): never => {
    throw new EpollServerError(
      'ERR_PLATFORM',
      `${what}: epoll-server needs Node.js ${MIN_NODE.join('.')} or later on Linux or macOS`,
    );
  };
  if (foreign !== undefined) refuse(`${foreign[1]} is not supported (its event loop is not libuv's)`);
  if (!PLATFORMS.includes(runtime.platform)) refuse(`the platform ${runtime.platform} is not supported`);
  const [major = 0, minor = 0] = (runtime.versions['node'] ?? '').split('.').map(Number);
  if (major < MIN_NODE[0] || (major === MIN_NODE[0] && minor < MIN_NODE[1])) {
    refuse(`Node.js ${runtime.versions['node']} is too old`);
  }
}

/** The paths of the addon, in the order in which they are tried. */
export function addonCandidates(root: string = PACKAGE_ROOT): readonly string[] {
  return [
    join(root, 'build', 'Release', 'epoll_server.node'),
    join(root, 'build', 'Debug', 'epoll_server.node'),
    join(root, 'prebuilds', `${process.platform}-${process.arch}`, 'epoll_server.node'),
  ];
}

/**
 * Loads the first candidate that exists.
 * @throws EpollServerError `ERR_ADDON`, with every path that was tried, or with the error of the loader.
 */
export function loadAddon(candidates: readonly string[] = addonCandidates()): Addon {
  assertSupported(process);
  const require = createRequire(import.meta.url);
  const found = candidates.find((path) => existsSync(path));
  if (found === undefined) {
    throw new EpollServerError(
      'ERR_ADDON',
      `the native addon is not built: looked for ${candidates.join(', ')}; run "npm run build" in the package`,
    );
  }
  try {
    return require(found);
  } catch (error) {
    throw new EpollServerError(
      'ERR_ADDON',
      `the native addon ${found} does not load: ${messageOf(error)}; run "npm run build" in the package`,
      { cause: error },
    );
  }
}

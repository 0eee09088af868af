// Loads the native addon, and checks that this platform and runtime can run it.

import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { EpollServerError, messageOf } from '../errors.ts';
import { PACKAGE_ROOT, packageVersion } from '../package.ts';
import type { Files } from './files.ts';
import type { Kernel, KernelMemory, TransportKind } from './kernel.ts';

/** The settings of TLS for some server names, as native/tls_context.h has them. All texts are ASCII. */
export interface TlsEntry {
  /** The same for the same settings and pairs, whatever their names; empty: unknown. */
  readonly id: string;
  /** In lower case; `*.` in front stands for one label. */
  readonly names: readonly string[];
  /** Chains and keys as PEM, without passphrases; one for each type of key. */
  readonly pairs: readonly { readonly cert: string; readonly key: string }[];
  /** The authorities that sign certificates of clients, as PEM; empty: none. */
  readonly ca: string;
  /** Of TLS 1.2; empty: the default. */
  readonly ciphers: string;
  /** Protocols of ALPN, each with its length in front; empty: none. */
  readonly alpn: string;
  /** Sessions are resumed only where this is the same; at most 32 bytes. */
  readonly verification: string;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  readonly requestCert: boolean;
  readonly rejectUnauthorized: boolean;
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
}

/** The exports of native/addon.cc. */
export interface Addon {
  /** Of the package whose sources it was compiled from; addons before 0.1.0 have none. */
  readonly version?: string;
  /** What it and these modules agree on: must be {@link ADDON_ABI}. */
  readonly abi?: number;
  /** Names of the back ends in this build, best first. */
  readonly backends: readonly string[];
  /** Whether the system distributes clients among sockets that share a port by SO_REUSEPORT. */
  readonly reusePortBalances: boolean;
  /** A kernel over `memory`, or -errno. */
  readonly createKernel: (backend: string, memory: KernelMemory) => NativeCalls | number;
  readonly createFiles: () => Files;
  /**
   * Scans the heads in `bytes[start, end)` as a kernel does after each receive, into one slot of
   * {@link KernelMemory.heads}: for tests and measurements. Returns 0 or -errno.
   */
  readonly scanHeads: (bytes: Uint8Array, start: number, end: number, slot: Int32Array) => number;
  /** Why TLS cannot be used; empty: it can. */
  readonly opensslProblem: () => string;
  /**
   * A kind of transport, or why there is none. The first entry is for all other names. `ticketKeys`: TICKET_KEY_BYTES
   * each. `previous`: a kind whose counters continue, and whose entries are shared where their `id` is the same.
   */
  readonly createTls: (
    entries: readonly TlsEntry[],
    ticketKeys: Uint8Array,
    previous: TransportKind | null,
  ) => TransportKind | string;
  /** Replaces the ticket keys of a kind. */
  readonly setTicketKeys: (kind: TransportKind, ticketKeys: Uint8Array) => number;
  /** Handshakes, resumptions, and failures by reason, in the order of native/tls_context.h. */
  readonly tlsCounters: (kind: TransportKind) => readonly number[];
  /** Waits for one child that has ended: its number, 0 while it runs, or -errno. */
  readonly reap: (pid: number) => number;
  /**
   * The system sends `signal` (0: none) to this process when the thread that started it ends, also while it hangs. Only
   * Linux does. Returns 0, or -errno.
   */
  readonly setParentDeathSignal: (signal: number) => number;
  /**
   * Sends one datagram to a Unix domain socket, whose abstract name begins with `@`. Does not block. Returns 0, or
   * -errno.
   */
  readonly sendDatagram: (path: string, bytes: Uint8Array) => number;
}

/** Rises with kAbi in native/version.h, with each change of the calls between the addon and these modules. */
export const ADDON_ABI = 6;

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

/** Enough of an executable for its program headers and the name of its interpreter behind them. */
const ELF_BEGINNING_BYTES = 4096;

/**
 * The C library that an executable runs on, by the interpreter that it names (PT_INTERP in elf(5)). The first of
 * `executables` that can be read counts; glibc if none can.
 */
export function libcOf(...executables: readonly string[]): 'glibc' | 'musl' {
  for (const executable of executables) {
    try {
      return beginningOf(executable).includes('/ld-musl-') ? 'musl' : 'glibc';
    } catch {
      // The next one may be readable.
    }
  }
  return 'glibc';
}

function beginningOf(executable: string): Buffer {
  const beginning = Buffer.alloc(ELF_BEGINNING_BYTES);
  const fd = openSync(executable, 'r');
  try {
    readSync(fd, beginning, 0, ELF_BEGINNING_BYTES, 0);
  } finally {
    closeSync(fd);
  }
  return beginning;
}

/** The binaries of the package are called by what they are for. */
function platformName(): string {
  if (process.platform !== 'linux') return `${process.platform}-${process.arch}`;
  // This user may not be allowed to enter the folder of the program, as after setuid(2); the link of proc(5) needs no path.
  return `linux-${process.arch}-${libcOf(process.execPath, '/proc/self/exe')}`;
}

/** Where the addon may lie, in the order in which they are tried: compiled here, or come with the package. */
export function addonCandidates(root: string, platform: string): readonly string[] {
  return [join(root, 'build', 'Release', 'epoll_server.node'), join(root, 'prebuilds', platform, 'epoll_server.node')];
}

/** Whether a binary of the package is the one that was packed. One that was compiled here has no sum. */
function isDamaged(path: string, root: string): boolean {
  const sums = join(root, 'prebuilds', 'SHA256SUMS');
  if (!existsSync(sums)) return false;
  const wanted = readFileSync(sums, 'utf8')
    .split('\n')
    .map((line) => line.split('  '))
    .find(([, name]) => name !== undefined && join(root, 'prebuilds', name) === path);
  if (wanted === undefined) return false;
  return createHash('sha256').update(readFileSync(path)).digest('hex') !== wanted[0];
}

/** What dlopen(3) said, on one line. */
function loaderText(error: unknown): string {
  const text = messageOf(error).replaceAll(/\s+/g, ' ');
  const isForbidden = text.includes('failed to map segment');
  return isForbidden ? `${text} (is its file system mounted noexec?)` : text;
}

/** The addon in the file `path`, or why it is not to be had, in words. */
function tryAddon(path: string, root: string): Addon | string {
  if (!existsSync(path)) return 'is not there';
  if (isDamaged(path, root)) return 'is damaged (its SHA-256 is not that of the package)';
  try {
    return createRequire(import.meta.url)(path);
  } catch (error) {
    return `does not load: ${loaderText(error)}`;
  }
}

/** @throws EpollServerError `ERR_ADDON`: an addon of other sources than these modules. */
function assertSameVersion({ version = 'unknown', abi = 0 }: Addon, path: string, command: string): void {
  const wanted = packageVersion();
  if (version === wanted && abi === ADDON_ABI) return;
  throw new EpollServerError(
    'ERR_ADDON',
    `the native addon ${path} is out of date: it is of version ${version} (interface ${abi}), ` +
      `this package is ${wanted} (interface ${ADDON_ABI}). Compile it again: ${command}`,
  );
}

const loadedAddons = new Map<string, Addon>();

/**
 * Loads the first addon that fits this platform, once.
 * @throws EpollServerError `ERR_PLATFORM`; `ERR_ADDON`, which names the platform, each file that was tried, and the
 * command that compiles the package's own sources.
 */
export function loadAddon(root: string = PACKAGE_ROOT): Addon {
  const loaded = loadedAddons.get(root);
  if (loaded !== undefined) return loaded;
  assertSupported(process);
  const platform = platformName();
  const command = `node "${join(root, 'scripts', 'compile.js')}"`;
  const failures: string[] = [];
  for (const path of addonCandidates(root, platform)) {
    const addon = tryAddon(path, root);
    if (typeof addon === 'string') {
      failures.push(`${path} ${addon}`);
      continue;
    }
    assertSameVersion(addon, path, command);
    loadedAddons.set(root, addon);
    return addon;
  }
  throw new EpollServerError(
    'ERR_ADDON',
    `no native addon fits this platform (${platform}, Node.js ${process.versions.node}): ${failures.join('; ')}. ` +
      `Compile it from the package's own sources: ${command}`,
  );
}

// The listening sockets of a server: opened, described and removed. Each failure is one message with its cause.

import { lookup } from 'node:dns/promises';
import { type BigIntStats, lstatSync, rmSync, unlinkSync } from 'node:fs';
import { isIP } from 'node:net';
import { pathToFileURL } from 'node:url';
import type { Encryption, ListenerContext, ListenerOptions } from '../connection/context.ts';
import { assert, EpollServerError, messageOf } from '../errors.ts';
import { EADDRINUSE, EAGAIN, ECONNREFUSED, EEXIST, ENOENT } from '../kernel/errno.ts';
import type { Kernel, SocketAddress } from '../kernel/kernel.ts';
import { NativeError } from '../kernel/native-error.ts';
import type { NativeKernel } from '../kernel/native-kernel.ts';
import { logLine } from '../log/log-line.ts';
import {
  bracketed,
  type ListenAddress,
  listenText,
  type TcpAddress,
  type UnixAddress,
} from '../options/listen-address.ts';

/** The specification of a listener. */
export interface ListenerSpec {
  readonly address: ListenAddress;
  /** The address in the options, where an earlier version of this program passed its socket. */
  readonly passedFor?: ListenAddress;
  /** The numeric host of `address`; empty if it has none. */
  readonly ip: string;
  /** Whether other processes listen on the same port (SO_REUSEPORT). */
  readonly isShared: boolean;
  /** Options of the connections accepted here. */
  readonly options: ListenerOptions;
}

/**
 * The listeners that a parent process opened or named, `inherited`: shared ports or descriptors. Their options are
 * those of `specs`. Undefined: this process opens its listeners itself.
 */
export function inheritedSpecs(
  specs: readonly ListenerSpec[],
  inherited: readonly ListenAddress[] | undefined,
): readonly ListenerSpec[] {
  if (inherited === undefined) return specs;
  return inherited.map((address, index) => {
    // The config file may now name fewer listeners.
    const spec = specs[('fd' in address ? address.of : undefined) ?? index] ?? specs[0];
    assert(spec !== undefined, 'a server has a listener');
    const ip = 'host' in address ? address.host : '';
    return { address, ip, isShared: ip !== '', options: spec.options };
  });
}

/** The port of https URLs (RFC 9110 section 4.2.2). */
const HTTPS_PORT = 443;

/** The unspecified addresses of IPv4 and IPv6 (RFC 4291 section 2.5.2). */
const ANY_ADDRESS: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/** One listening socket. */
export class OpenListener implements ListenerContext {
  readonly fd: number;
  readonly spec: ListenerSpec;
  /** The bound address; empty for a Unix domain socket. */
  readonly address: SocketAddress;
  /** The address as the start line shows it: `http://127.0.0.1:8080/`, or `unix:/run/x.sock`. */
  readonly text: string;
  readonly url: URL;
  readonly localAddress: SocketAddress | null;
  readonly listenerOptions: ListenerOptions;
  readonly encryption: Encryption | null;
  /** The file of a Unix domain socket that was created here; null: there is none. */
  #file: SocketFile | null;

  /** `path`: that of a Unix domain socket, empty for a TCP socket. `file`: the file created for it. */
  constructor(
    kernel: Kernel,
    fd: number,
    spec: ListenerSpec,
    encryption: Encryption | null,
    path = '',
    file: SocketFile | null = null,
  ) {
    this.fd = fd;
    this.encryption = encryptionOf(spec, encryption);
    this.spec = spec;
    this.address = kernel.local(fd);
    const { address, port } = this.address;
    this.text =
      path === '' ? `${this.encryption === null ? 'http' : 'https'}://${bracketed(address)}:${port}/` : `unix:${path}`;
    // A path may contain characters that are not allowed in a URL.
    this.url = new URL(path === '' ? this.text : `unix:${pathToFileURL(path).pathname}`);
    this.localAddress = ANY_ADDRESS.has(this.address.address) ? null : Object.freeze({ ...this.address });
    this.listenerOptions = spec.options;
    this.#file = file;
  }

  /** Whether it has a port, which other processes may share. */
  get hasPort(): boolean {
    return 'host' in this.spec.address;
  }

  /** Removes the socket file, so that no client finds it while the server closes. */
  removeFile(): void {
    const file = this.#file;
    this.#file = null;
    file?.remove();
  }
}

/** The first port that speaks TLS: of `listeners`, or of `specs` in a process that only gets clients. */
export function securePortOf(listeners: readonly OpenListener[], specs: readonly ListenerSpec[] = []): number {
  const open = listeners.find(({ encryption, address }) => encryption !== null && address.port !== 0);
  if (open !== undefined) return open.address.port;
  const spec = specs.find(({ address, options }) => 'host' in address && options.isEncrypted);
  return spec !== undefined && 'host' in spec.address ? spec.address.port : HTTPS_PORT;
}

/** A file that bind(2) created. A server that started later may have replaced it with a file of the same name. */
class SocketFile {
  readonly #path: string;
  readonly #made: BigIntStats | undefined;

  constructor(path: string) {
    this.#path = path;
    this.#made = statsOf(path);
  }

  remove(): void {
    try {
      const now = statsOf(this.#path);
      if (now === undefined || now.ino !== this.#made?.ino || now.dev !== this.#made.dev) return;
      unlinkSync(this.#path);
    } catch (error) {
      logLine(`the socket ${this.#path} cannot be removed: ${messageOf(error)}`);
    }
  }
}

function statsOf(path: string): BigIntStats | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false });
}

/** The encryption of a listener's clients; null: they speak plaintext. `encryption`: that of the server. */
export function encryptionOf({ options }: ListenerSpec, encryption: Encryption | null): Encryption | null {
  return options.isEncrypted ? encryption : null;
}

/**
 * Opens all listeners, or none. `encryption`: that of the server; null: it has none.
 * @throws EpollServerError `ERR_LISTEN`.
 */
export function openListeners(
  kernel: NativeKernel,
  specs: readonly ListenerSpec[],
  encryption: Encryption | null,
): readonly OpenListener[] {
  const opened: OpenListener[] = [];
  try {
    for (const spec of specs) opened.push(openListener(kernel, spec, encryption));
    return opened;
  } catch (error) {
    for (const listener of opened) {
      listener.removeFile();
      kernel.close(listener.fd);
    }
    throw error;
  }
}

function openListener(kernel: NativeKernel, spec: ListenerSpec, encryption: Encryption | null): OpenListener {
  const { address } = spec;
  if ('path' in address) {
    const fd = listenUnix(kernel, address, spec.options.backlog);
    return new OpenListener(kernel, fd, spec, encryption, address.path, new SocketFile(address.path));
  }
  if ('host' in address) return openTcpListener(kernel, spec, address, encryption);
  const fd = kernel.adoptListener(address.fd);
  if (fd < 0) throw cannotListen(address, INHERITED_HINTS, fd);
  const path = kernel.path(fd);
  // The file of a socket that was passed on is this program's to remove now.
  const isOwn = spec.passedFor !== undefined && 'path' in spec.passedFor && spec.passedFor.path === path;
  return new OpenListener(kernel, fd, spec, encryption, path, isOwn ? new SocketFile(path) : null);
}

/**
 * Listens on an address and a port. With a negative `backlog` the socket is only bound, which keeps the port.
 * @throws EpollServerError `ERR_LISTEN`.
 */
export function openTcpListener(
  kernel: Kernel,
  spec: ListenerSpec,
  address: TcpAddress,
  encryption: Encryption | null = null,
  backlog: number = spec.options.backlog,
): OpenListener {
  const fd = kernel.listen(spec.ip, address.port, backlog, spec.isShared);
  if (fd < 0) throw cannotListen(address, TCP_HINTS, fd);
  return new OpenListener(kernel, fd, spec, encryption);
}

/**
 * Replaces a socket file that a server left behind when it ended without closing. A socket in use, or another kind of
 * file, stays.
 */
function listenUnix(kernel: NativeKernel, address: UnixAddress, backlog: number): number {
  const { path, mode = -1 } = address;
  let fd = kernel.listenUnix(path, mode, backlog);
  if (fd === EADDRINUSE && isLeftBehind(kernel, address)) {
    removeLeftBehind(address);
    fd = kernel.listenUnix(path, mode, backlog);
  }
  if (fd < 0) throw cannotListen(address, UNIX_HINTS, fd);
  return fd;
}

function isLeftBehind(kernel: NativeKernel, address: UnixAddress): boolean {
  if (statsOf(address.path)?.isSocket() === false) throw cannotListen(address, UNIX_HINTS, EEXIST);
  const probed = kernel.probeUnix(address.path);
  if (probed === 0 || probed === EAGAIN) return false;
  if (probed === ECONNREFUSED || probed === ENOENT) return true;
  throw cannotListen(address, {}, probed);
}

function removeLeftBehind(address: UnixAddress): void {
  try {
    rmSync(address.path, { force: true });
  } catch (error) {
    const why = `the socket that an earlier server left there cannot be removed: ${messageOf(error)}`;
    throw new EpollServerError('ERR_LISTEN', `cannot listen on ${listenText(address)}: ${why}`, { cause: error });
  }
}

type Hints = Readonly<Record<string, string>>;

function cannotListen(address: ListenAddress, hints: Hints, result: number): EpollServerError {
  const error = new NativeError('listen', result);
  const where = 'host' in address ? `${address.host} port ${address.port}` : listenText(address);
  const why = hints[error.errnoName] ?? error.message;
  return new EpollServerError('ERR_LISTEN', `cannot listen on ${where}: ${why}`, { cause: error });
}

const TCP_HINTS: Hints = {
  EADDRINUSE: 'the port is in use: choose another one with --port, or end the program that uses it',
  EACCES:
    'ports below 1024 need a privilege: choose a higher port, grant the privilege (setcap cap_net_bind_service=+ep on ' +
    'node, or AmbientCapabilities=CAP_NET_BIND_SERVICE in systemd), or put a proxy in front',
  EADDRNOTAVAIL: 'this machine does not have that address: choose another with --host',
  EAFNOSUPPORT: 'this machine does not have that address family: choose another with --host',
};

const UNIX_HINTS: Hints = {
  EADDRINUSE: 'another program listens there: choose another path, or end that program',
  EEXIST: 'a file of that name exists and is not a socket: choose another path, or remove the file',
  ENOENT: 'its folder does not exist: create it',
  ENOTDIR: 'its parent path is not a folder: choose another path',
  EACCES: 'this user may not create files in its folder: change its permissions, or choose another path',
};

const INHERITED_HINTS: Hints = {
  EBADF: 'the descriptor is not open: the program that starts this one has to pass it, as systemd does',
  ENOTSOCK: 'it is not a socket',
  EINVAL: 'it is not a listening socket',
};

/** @throws EpollServerError `ERR_LISTEN` when the name is unknown. */
export async function resolveHost(host: string): Promise<string> {
  if (isIP(host) !== 0) return host;
  try {
    return (await lookup(host)).address;
  } catch (error) {
    throw new EpollServerError(
      'ERR_LISTEN',
      `the host "${host}" cannot be resolved: use a name or an address of this machine`,
      { cause: error },
    );
  }
}

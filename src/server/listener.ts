// Where a server listens: names to addresses, and one clear line when it cannot be.

import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { EpollServerError } from '../errors.ts';
import { NativeError } from '../kernel/errno.ts';
import type { Kernel, SocketAddress } from '../kernel/kernel.ts';

/** What to listen on. */
export interface Place {
  /** As it was given, for messages. */
  readonly host: string;
  readonly address: string;
  readonly port: number;
  /** As in listen(2); negative: only bind, which keeps the port. */
  readonly backlog: number;
  /** Other processes listen there too. */
  readonly shared?: boolean;
}

/**
 * The listening descriptor.
 * @throws EpollServerError `ERR_LISTEN`.
 */
export function listen(kernel: Kernel, { host, address, port, backlog, shared = false }: Place): number {
  const fd = kernel.listen(address, port, backlog, shared);
  if (fd >= 0) return fd;
  const error = new NativeError('listen', fd);
  const hint = LISTEN_HINTS[error.errnoName] ?? error.message;
  throw new EpollServerError('ERR_LISTEN', `cannot listen on ${host} port ${port}: ${hint}`, { cause: error });
}

const LISTEN_HINTS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is taken: choose another with --port, or end the program that has it',
  EACCES: 'ports below 1024 need privileges: choose a higher one',
  EADDRNOTAVAIL: 'this machine does not have that address: choose another with --host',
  EAFNOSUPPORT: 'this machine does not have that address family: choose another with --host',
};

/** @throws EpollServerError `ERR_LISTEN` when nobody knows the name. */
export async function resolveHost(host: string): Promise<string> {
  if (isIP(host) !== 0) return host;
  try {
    return (await lookup(host)).address;
  } catch (error) {
    throw new EpollServerError(
      'ERR_LISTEN',
      `the host "${host}" is not known: give a name or an address of this machine`,
      { cause: error },
    );
  }
}

/** `http://127.0.0.1:8080/`. */
export function urlOf({ address, port }: SocketAddress): string {
  return `http://${address.includes(':') ? `[${address}]` : address}:${port}/`;
}

// The listeners that child processes inherit: descriptors, and the addresses of each child.

import type { NativeKernel } from '../kernel/native-kernel.ts';
import type { ListenAddress } from '../options/listen-address.ts';
import { type OpenListener, openTcpListener } from '../server/listener.ts';
import { INHERITED_FD } from './role.ts';

export interface Inheritance {
  /** In the order of the listeners. */
  readonly addresses: readonly ListenAddress[];
  /** The descriptors that the children have from INHERITED_FD on. */
  readonly fds: readonly number[];
}

/** Every child inherits all `listeners`. */
export function inheritAll(listeners: readonly OpenListener[]): Inheritance {
  const fds = listeners.map(({ fd }) => fd);
  return { addresses: fds.map((_, index) => ({ fd: INHERITED_FD + index })), fds };
}

/**
 * Each child opens its own listener for each port, among which the system distributes the clients (SO_REUSEPORT). It
 * inherits the others: Unix domain sockets, and listeners that were inherited before. `listeners` that have a port are
 * closed, and a socket of `kernel` keeps the port.
 */
export function sharePorts(kernel: NativeKernel, listeners: readonly OpenListener[]): Inheritance {
  const fds: number[] = [];
  const addresses = listeners.map(({ spec, address, fd, hasPort }): ListenAddress => {
    if (!hasPort) return { fd: INHERITED_FD + fds.push(fd) - 1 };
    const { port } = address;
    kernel.close(fd);
    openTcpListener(kernel, { ...spec, isShared: true }, { host: spec.ip, port }, null, -1);
    return { host: spec.ip, port };
  });
  return { addresses, fds };
}

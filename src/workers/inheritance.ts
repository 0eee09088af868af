// What the children of a server get of its listeners: descriptors to inherit, and where each child listens.

import type { NativeKernel } from '../kernel/native-kernel.ts';
import type { ListenAddress } from '../options/listen-address.ts';
import { type OpenListener, openTcpListener } from '../server/listener.ts';
import { INHERITED_FD } from './role.ts';

export interface Inheritance {
  /** In the order of the listeners. */
  readonly addresses: readonly ListenAddress[];
  /** What the children find from descriptor INHERITED_FD on. */
  readonly fds: readonly number[];
}

/** Every child inherits all `listeners`. */
export function inheritAll(listeners: readonly OpenListener[]): Inheritance {
  const fds = listeners.map(({ fd }) => fd);
  return { addresses: fds.map((_, index) => ({ fd: INHERITED_FD + index })), fds };
}

/**
 * Every child has a listener of its own for each port, among which the system shares the clients (SO_REUSEPORT), and
 * inherits the others: those of Unix domain sockets, and those that were inherited before. `listeners` that have a port
 * are closed, and a socket of `kernel` keeps the port.
 */
export function sharePorts(kernel: NativeKernel, listeners: readonly OpenListener[]): Inheritance {
  const fds: number[] = [];
  const addresses = listeners.map(({ spec, address, fd, hasPort }): ListenAddress => {
    if (!hasPort) return { fd: INHERITED_FD + fds.push(fd) - 1 };
    const { port } = address;
    kernel.close(fd);
    openTcpListener(kernel, { ...spec, isShared: true }, { host: spec.ip, port }, -1);
    return { host: spec.ip, port };
  });
  return { addresses, fds };
}

// The listeners that child processes inherit: descriptors, and the addresses of each child.

import type { NativeKernel } from '../kernel/native-kernel.ts';
import type { ListenAddress } from '../options/listen-address.ts';
import { type OpenListener, openTcpListener } from '../server/listener.ts';
import type { ListeningParent } from './listening-parent.ts';
import { INHERITED_FD } from './role.ts';

export interface Inheritance {
  /** In the order of the listeners. */
  readonly addresses: readonly ListenAddress[];
  /** The descriptors that the child has from INHERITED_FD on. */
  readonly fds: readonly number[];
}

/** The child inherits all `listeners`. */
export function inheritAll(listeners: readonly OpenListener[]): Inheritance {
  const fds = listeners.map(({ fd }) => fd);
  return { addresses: fds.map((_, index) => ({ fd: INHERITED_FD + index })), fds };
}

/**
 * The sockets of each listener: one for each of `count` children and port, among which the system distributes the
 * clients (SO_REUSEPORT), and one of all others: Unix domain sockets, and listeners that were inherited before. All of
 * them stay open in this process. So no client is lost when a child is replaced: those that wait to be accepted wait for
 * its successor.
 */
export function openSockets(
  kernel: NativeKernel,
  { listeners, passed }: Pick<ListeningParent, 'listeners' | 'passed'>,
  count: number,
): readonly (readonly number[])[] {
  return listeners.map((listener, index) => {
    const given = passed[index] ?? [];
    if (given.length > 0) return given.map((fd) => (fd === listener.fd ? fd : kernel.adoptListener(fd)));
    if (!listener.hasPort || count === 1) return [listener.fd];
    const { spec, address, fd } = listener;
    // A socket that shares its port did not find out that the port is in use. This one has.
    kernel.close(fd);
    const own = { host: spec.ip, port: address.port };
    return Array.from({ length: count }, () => openTcpListener(kernel, { ...spec, isShared: true }, own, null).fd);
  });
}

/** The sockets of the child of that place: every socket belongs to a child, and every child has one of each listener. */
export function inheritPlace(sockets: readonly (readonly number[])[], place: number, count: number): Inheritance {
  const own = sockets.flatMap((fds, of) => {
    const mine = fds.filter((_, at) => at % count === place);
    return (mine.length > 0 ? mine : fds.slice(place % fds.length, (place % fds.length) + 1)).map((fd) => ({ fd, of }));
  });
  return {
    addresses: own.map(({ of }, index) => ({ fd: INHERITED_FD + index, of })),
    fds: own.map(({ fd }) => fd),
  };
}

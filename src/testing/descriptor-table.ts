// The open descriptors of a simulated process: the lowest free number is given out, at once, as Unix does, and
// every life of a number has a generation.

import type { SocketAddress } from '../kernel/kernel.ts';
import { SimulatedListener } from './simulated-listener.ts';
import type { Watched } from './simulated-poller.ts';
import { SimulatedSocket } from './simulated-socket.ts';

/** Below are standard input, output, error, and what a real process has open: a poller, a loop. */
const FIRST_DESCRIPTOR = 7;

const NOBODY: SocketAddress = { address: '', port: 0 };
const ADDRESS = '127.0.0.1';

/** What stands behind a descriptor. */
export interface Opened extends Watched {
  close(nowMs: number): void;
}

interface Entry {
  readonly generation: number;
  readonly object: Opened;
}

export class DescriptorTable {
  /** Descriptors opened and closed so far. */
  opened = 0;
  closed = 0;
  readonly #entries: (Entry | undefined)[] = [];
  /** The last generation of each number. */
  readonly #generations: number[] = [];
  #lowestFree = FIRST_DESCRIPTOR;

  /** Enters what `make` returns under the lowest free number, which it is told. Returns that number. */
  open(make: (fd: number) => Opened): number {
    let fd = this.#lowestFree;
    while (this.#entries[fd] !== undefined) fd++;
    this.#lowestFree = fd + 1;
    const generation = (this.#generations[fd] ?? 0) + 1;
    this.#generations[fd] = generation;
    this.#entries[fd] = { generation, object: make(fd) };
    this.opened++;
    return fd;
  }

  find(fd: number): Entry | undefined {
    return this.#entries[fd];
  }

  socket(fd: number): SimulatedSocket | undefined {
    const object = this.#entries[fd]?.object;
    return object instanceof SimulatedSocket ? object : undefined;
  }

  /** The listener on `port`, or the only one. */
  listener(port?: number): SimulatedListener | undefined {
    for (const entry of this.#entries) {
      if (entry?.object instanceof SimulatedListener && (port === undefined || entry.object.port === port))
        return entry.object;
    }
    return undefined;
  }

  /** Who is at the other end. */
  peer(fd: number): SocketAddress {
    const socket = this.socket(fd);
    return socket === undefined ? NOBODY : { address: ADDRESS, port: socket.port };
  }

  /** What a descriptor is bound to. */
  local(fd: number): SocketAddress {
    const object = this.find(fd)?.object;
    if (object === undefined) return NOBODY;
    return { address: ADDRESS, port: object instanceof SimulatedListener ? object.port : (this.listener()?.port ?? 0) };
  }

  close(fd: number): void {
    this.#entries[fd] = undefined;
    this.#lowestFree = Math.min(this.#lowestFree, fd);
    this.closed++;
  }

  /** Every open descriptor. */
  all(): readonly number[] {
    return [...this.#entries.keys()].filter((fd) => this.#entries[fd] !== undefined);
  }

  /** Every open connection. */
  *sockets(): Generator<SimulatedSocket, void, void> {
    for (const entry of this.#entries) {
      if (entry?.object instanceof SimulatedSocket) yield entry.object;
    }
  }
}

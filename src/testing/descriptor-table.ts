// The open descriptors of a simulated process. As in Unix, a new descriptor gets the lowest free number at once. Each
// use of a number has its own generation.

import type { SocketAddress } from '../kernel/kernel.ts';
import { SimulatedListener } from './simulated-listener.ts';
import type { Watched } from './simulated-poller.ts';
import { SimulatedSocket } from './simulated-socket.ts';

/** Lower numbers are standard input, output and error, and the descriptors of a real process: a poller, a loop. */
const FIRST_DESCRIPTOR = 7;

const NO_ADDRESS: SocketAddress = { address: '', port: 0 };
const ADDRESS = '127.0.0.1';

/** The object behind a descriptor. */
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

  /** Stores the object that `make` returns for the lowest free number. Returns that number. */
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

  /** The address of the other end. */
  peer(fd: number): SocketAddress {
    const socket = this.socket(fd);
    return socket === undefined ? NO_ADDRESS : { address: socket.address, port: socket.port };
  }

  /** The local address of a descriptor. */
  local(fd: number): SocketAddress {
    const object = this.find(fd)?.object;
    if (object === undefined) return NO_ADDRESS;
    return { address: ADDRESS, port: object instanceof SimulatedListener ? object.port : (this.listener()?.port ?? 0) };
  }

  close(fd: number): void {
    this.#entries[fd] = undefined;
    this.#lowestFree = Math.min(this.#lowestFree, fd);
    this.closed++;
  }

  /** All open descriptors. */
  all(): readonly number[] {
    return [...this.#entries.keys()].filter((fd) => this.#entries[fd] !== undefined);
  }

  /** All open connections. */
  *sockets(): Generator<SimulatedSocket, void, void> {
    for (const entry of this.#entries) {
      if (entry?.object instanceof SimulatedSocket) yield entry.object;
    }
  }
}

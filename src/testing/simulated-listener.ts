// A listening socket of the simulated kernel: clients that connected wait here until they are accepted.

import { READABLE } from '../kernel/kernel.ts';
import type { Opened } from './descriptor-table.ts';
import type { SimulatedSocket } from './simulated-socket.ts';

export class SimulatedListener implements Opened {
  readonly fd: number;
  readonly port: number;
  /** Connected clients that were not accepted yet. */
  readonly backlog: SimulatedSocket[] = [];

  constructor(fd: number, port: number) {
    this.fd = fd;
    this.port = port;
  }

  readiness(): number {
    return this.backlog.length > 0 ? READABLE : 0;
  }

  reported(): void {}

  delayed(): void {}

  /** A client that was never accepted is reset. */
  close(nowMs: number): void {
    for (const socket of this.backlog) {
      socket.hurt ||= 'the listener was closed';
      socket.resetsOnClose = true;
      socket.close(nowMs);
    }
    this.backlog.length = 0;
  }
}

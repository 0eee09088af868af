// A listening socket of the simulated kernel, with its backlog of connected clients.

import { READABLE } from '../kernel/kernel.ts';
import type { Opened } from './descriptor-table.ts';
import type { SimulatedSocket } from './simulated-socket.ts';

export class SimulatedListener implements Opened {
  readonly fd: number;
  readonly port: number;
  /** Connected clients that are not accepted yet. */
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

  /** Resets the clients that were never accepted. */
  close(nowMs: number): void {
    for (const socket of this.backlog) {
      socket.injectedFault ||= 'the listener was closed';
      socket.resetsOnClose = true;
      socket.close(nowMs);
    }
    this.backlog.length = 0;
  }
}

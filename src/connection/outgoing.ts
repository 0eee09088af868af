// The connections that handlers make to other programs. Handlers are made before the server runs, and use its connections
// and its loop from then on.

import { assert } from '../errors.ts';
import type { Deadline } from '../reactor/deadline.ts';
import type { Driver } from '../reactor/driver.ts';
import type { Channel } from './channel.ts';
import type { Connections } from './connections.ts';
import type { OutgoingAddress, OutgoingProtocol } from './outgoing-connection.ts';

interface Running {
  readonly connections: Connections;
  readonly driver: Driver;
}

export class Outgoing {
  #running: Running | null = null;

  /** The server runs. */
  follow(connections: Connections, driver: Driver): void {
    this.#running = { connections, driver };
  }

  /** Connects, and speaks what `make` returns. Returns the connection, which may be in progress, or -errno. */
  connect(address: OutgoingAddress, make: OutgoingProtocol): Channel | number {
    return this.#current.connections.connect(address, make);
  }

  /** Monotonic milliseconds. */
  nowMs(): number {
    return this.#current.driver.nowMs();
  }

  /** Calls the owner of `deadline` after `ms`; 0: never. */
  setDeadline(deadline: Deadline, ms: number): void {
    const { driver } = this.#current;
    driver.setDeadline(deadline, ms === 0 ? 0 : driver.tickAfter(ms));
  }

  dropDeadline(deadline: Deadline): void {
    this.#current.driver.dropDeadline(deadline);
  }

  get #current(): Running {
    assert(this.#running !== null, 'requests come when the server runs');
    return this.#running;
  }
}

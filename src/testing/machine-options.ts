// Sizes and delays of a simulated machine.

import type { Dials } from './dials.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** What a simulated kernel is made of; every part has a default. */
export interface SimulatedKernelOptions {
  /** Default: one of its own. */
  readonly clock?: VirtualClock;
  /** Default: nothing goes wrong. */
  readonly dials?: Dials;
  /** Events of one wait. Default: 256. */
  readonly eventCapacity?: number;
  /** Sends of one `sendBatch`. Default: 16. */
  readonly sendOpCapacity?: number;
  /** Bytes that one `recv` can receive. Default: 65,536. */
  readonly receiveBytes?: number;
  /** Bytes of the arena that `send` takes from. Default: 131,072. */
  readonly outputBytes?: number;
  /** Bytes that a connection holds for a client that does not read. Default: 65,536. */
  readonly sendCapacity?: number;
  /** Bytes that a connection holds for a server that does not read. Default: 65,536. */
  readonly receiveCapacity?: number;
  /** Milliseconds for bytes on their way, in each direction. Default: 0. */
  readonly latencyMs?: number;
  /** Connections go through a transport with frames (native/transport.h says what that is). Default: false. */
  readonly transport?: boolean;
}

/** A machine about which nothing is special. */
export const MACHINE_DEFAULTS: Required<Omit<SimulatedKernelOptions, 'clock' | 'dials'>> = {
  eventCapacity: 256,
  sendOpCapacity: 16,
  receiveBytes: 65_536,
  outputBytes: 131_072,
  sendCapacity: 65_536,
  receiveCapacity: 65_536,
  latencyMs: 0,
  transport: false,
};

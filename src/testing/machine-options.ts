// Options of a simulated machine: sizes, delays and faults.

import type { FaultSource } from './fault-source.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** The options of a simulated kernel; each has a default. */
export interface SimulatedKernelOptions {
  /** Default: a new clock. */
  readonly clock?: VirtualClock;
  /** Default: no faults. */
  readonly faults?: FaultSource;
  /** Events of one wait. Default: 256. */
  readonly eventCapacity?: number;
  /** Sends of one `sendBatch`. Default: 16. */
  readonly sendOpCapacity?: number;
  /** Bytes that one `recv` may receive. Default: 65,536. */
  readonly receiveBytes?: number;
  /** Bytes of the arena that `send` reads from. Default: 131,072. */
  readonly outputBytes?: number;
  /** The send buffer of a connection, in bytes. Default: 65,536. */
  readonly sendCapacity?: number;
  /** The receive buffer of a connection, in bytes. Default: 65,536. */
  readonly receiveCapacity?: number;
  /** The latency in each direction, in milliseconds. Default: 0. */
  readonly latencyMs?: number;
  /** Whether connections use a framed transport (see native/transport.h), which may encrypt. Default: false. */
  readonly transport?: boolean | 'encrypted';
}

/** The default machine. */
export const MACHINE_DEFAULTS: Required<Omit<SimulatedKernelOptions, 'clock' | 'faults'>> = {
  eventCapacity: 256,
  sendOpCapacity: 16,
  receiveBytes: 65_536,
  outputBytes: 131_072,
  sendCapacity: 65_536,
  receiveCapacity: 65_536,
  latencyMs: 0,
  transport: false,
};

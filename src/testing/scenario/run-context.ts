// The parts of a run that its clients can use.

import type { Limits } from '../../limits.ts';
import type { PlanSettings } from './plan.ts';

/** The parameters of a run for the behaviours of its clients. */
export interface RunContext {
  readonly limits: Limits;
  readonly requests: PlanSettings;
  /** The maximum number of requests of an eager client. */
  readonly maxRequests: number;
  /** Bytes that the simulated kernel buffers for a client that does not read. */
  readonly sendCapacity: number;
}

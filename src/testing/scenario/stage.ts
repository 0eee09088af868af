// What a client of a run knows of it.

import type { Limits } from '../../limits.ts';
import type { PlanSettings } from './plan.ts';

/** What a behaviour may use of its run. */
export interface Stage {
  readonly limits: Limits;
  readonly requests: PlanSettings;
  /** How many requests an eager client sends at most. */
  readonly maxRequests: number;
  /** Bytes that the simulated kernel takes for a client that does not read. */
  readonly sendCapacity: number;
}

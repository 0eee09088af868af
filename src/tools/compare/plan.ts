// The plan of a comparison: what is measured, how often and for how long. It is made first, so that its duration is
// known.

import { responseSourceOf } from './contender.ts';
import { BASELINE_VARIATION, PARAMETERS, type Variation } from './parameters.ts';

export type Mode = 'quick' | 'full';

/** What the flags of the command request. */
export interface PlanRequest {
  readonly mode: Mode;
  /** Names from {@link PARAMETERS}; empty: those of the mode. */
  readonly parameters: readonly string[];
  /** 0: those of the mode. */
  readonly rounds: number;
  readonly windowMs: number;
}

export interface ComparisonPlan {
  readonly mode: Mode;
  readonly rounds: number;
  readonly variations: readonly Variation[];
  /** How long a started server serves requests before the first measurement. */
  readonly warmUpMs: number;
  /** How long a run goes on before its window; longer while children are being spawned, up to `maxRampMs`. */
  readonly rampMs: number;
  readonly maxRampMs: number;
  /** The window that is measured. */
  readonly windowMs: number;
  /** The window in which system calls are counted. */
  readonly countMs: number;
  /** The window without any connection. */
  readonly restMs: number;
  /** Connections to try when the maximum of clients is measured. */
  readonly mostClients: number;
  /** If no further connection gets a response for this long, the last one was the maximum. */
  readonly stallMs: number;
  /** Rounds that would begin later than this are skipped. */
  readonly maxMs: number;
}

/** The time limit is that of the eight models; more contenders get proportionally more. */
const USUAL_CONTENDERS = 8;

const QUICK = {
  rounds: 2,
  warmUpMs: 300,
  rampMs: 200,
  maxRampMs: 20_000,
  windowMs: 500,
  countMs: 200,
  restMs: 400,
  // More than the 1,024 descriptors of select(2).
  mostClients: 1_100,
  stallMs: 2_000,
  maxMs: 120_000,
} as const;

const FULL = {
  rounds: 3,
  // V8 compiles the last of the hot functions after three to four seconds at full speed.
  warmUpMs: 5_000,
  rampMs: 500,
  maxRampMs: 20_000,
  windowMs: 1_500,
  countMs: 400,
  restMs: 1_500,
  mostClients: 10_000,
  stallMs: 4_000,
  maxMs: 1_800_000,
} as const;

/** Makes the plan for this number of contenders and this limit of descriptors for a process. */
export function planFor(request: PlanRequest, contenders: number, descriptors: number): ComparisonPlan {
  const times = request.mode === 'quick' ? QUICK : FULL;
  const chosen = PARAMETERS.filter(({ name }) => request.parameters.length === 0 || request.parameters.includes(name));
  // A parameter that was requested by name is measured at one position at least.
  const least = request.parameters.length === 0 ? 0 : 1;
  const variations = chosen.flatMap(({ variations: all, quick }) =>
    request.mode === 'quick' ? all.slice(0, Math.max(quick, least)) : all,
  );
  const windowMs = request.windowMs > 0 ? request.windowMs : times.windowMs;
  // A window shorter than the default scales the other times down with it.
  const timeScale = Math.min(1, windowMs / times.windowMs);
  return {
    ...times,
    mode: request.mode,
    rounds: request.rounds > 0 ? request.rounds : times.rounds,
    windowMs,
    warmUpMs: times.warmUpMs * timeScale,
    rampMs: times.rampMs * timeScale,
    countMs: times.countMs * timeScale,
    restMs: times.restMs * timeScale,
    variations: [BASELINE_VARIATION, ...variations.filter(({ setting }) => connectionsOf(setting) <= descriptors)],
    mostClients: Math.min(times.mostClients, descriptors),
    maxMs: times.maxMs * Math.max(1, contenders / USUAL_CONTENDERS),
  };
}

function connectionsOf({ clients, idle, slow }: Variation['setting']): number {
  return clients + idle + slow;
}

/** The variations that {@link planFor} skipped because the limit of descriptors is too low. */
export function skippedFor(request: PlanRequest, descriptors: number): readonly string[] {
  const all = planFor(request, 1, Number.POSITIVE_INFINITY).variations;
  return all
    .filter(({ setting }) => connectionsOf(setting) > descriptors)
    .map(({ parameter, position }) => `${parameter} at ${position}`);
}

/**
 * The time of starting and checking a server, and of reading /proc: what servers and variations cost beside their
 * windows.
 */
const START_MS = 600;
const VARIATION_MS = 150;

/** Estimates the duration; time for spawning children comes on top. */
export function estimateMs(plan: ComparisonPlan, contenders: number): number {
  const { variations, rounds } = plan;
  const sources = new Set(variations.map(({ setting }) => responseSourceOf(setting.response))).size;
  const variation = plan.rampMs + plan.windowMs + plan.countMs + VARIATION_MS;
  const run = sources * (START_MS + plan.warmUpMs) + 2 * plan.restMs + variations.length * variation;
  return Math.min(plan.maxMs, contenders * (rounds * run + plan.stallMs));
}

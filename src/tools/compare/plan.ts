// What is run, how often and for how long: made before anything starts, so that the time it takes is known.

import { answerSourceOf } from './contender.ts';
import { DIALS, MIDDLE_TURN, type Turn } from './dials.ts';

export type Mode = 'quick' | 'full';

/** What the command asks for. */
export interface Wishes {
  readonly mode: Mode;
  /** Of {@link DIALS}; empty: those of the mode. */
  readonly dials: readonly string[];
  /** 0: those of the mode. */
  readonly rounds: number;
  readonly windowMs: number;
}

export interface ComparisonPlan {
  readonly mode: Mode;
  readonly rounds: number;
  readonly turns: readonly Turn[];
  /** A server that was started answers for so long before anything counts. */
  readonly warmUpMs: number;
  /** Every run goes on for so long before its window; longer while children are being spawned, up to `maxRampMs`. */
  readonly rampMs: number;
  readonly maxRampMs: number;
  /** The window that is measured. */
  readonly windowMs: number;
  /** The one that counts system calls. */
  readonly countMs: number;
  /** The one in which nobody is connected. */
  readonly restMs: number;
  /** How many connections are tried when it is asked how many clients a contender takes. */
  readonly mostClients: number;
  /** Nobody answers one more for so long: that was the last one. */
  readonly stallMs: number;
  /** What is not done then is left out. */
  readonly maxMs: number;
}

/** For the eight models; more contenders have as much each. */
const USUAL_CONTENDERS = 8;

const QUICK = {
  rounds: 2,
  warmUpMs: 300,
  rampMs: 200,
  maxRampMs: 20_000,
  windowMs: 500,
  countMs: 200,
  restMs: 400,
  // Beyond the 1,024 descriptors of select(2).
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

/** The plan for so many contenders, on a machine with so many descriptors for a process. */
export function planFor(wishes: Wishes, contenders: number, descriptors: number): ComparisonPlan {
  const times = wishes.mode === 'quick' ? QUICK : FULL;
  const chosen = DIALS.filter(({ name }) => wishes.dials.length === 0 || wishes.dials.includes(name));
  // A dial that was asked for by name is turned at least once.
  const least = wishes.dials.length === 0 ? 0 : 1;
  const turns = chosen.flatMap(({ turns: all, quick }) =>
    wishes.mode === 'quick' ? all.slice(0, Math.max(quick, least)) : all,
  );
  const windowMs = wishes.windowMs > 0 ? wishes.windowMs : times.windowMs;
  // Who wants a shorter look than usual does not want to wait for it longer than that.
  const haste = Math.min(1, windowMs / times.windowMs);
  return {
    ...times,
    mode: wishes.mode,
    rounds: wishes.rounds > 0 ? wishes.rounds : times.rounds,
    windowMs,
    warmUpMs: times.warmUpMs * haste,
    rampMs: times.rampMs * haste,
    countMs: times.countMs * haste,
    restMs: times.restMs * haste,
    turns: [MIDDLE_TURN, ...turns.filter(({ setting }) => connectionsOf(setting) <= descriptors)],
    mostClients: Math.min(times.mostClients, descriptors),
    maxMs: times.maxMs * Math.max(1, contenders / USUAL_CONTENDERS),
  };
}

function connectionsOf({ clients, idle, slow }: Turn['setting']): number {
  return clients + idle + slow;
}

/** What {@link planFor} left out for want of descriptors. */
export function leftOutFor(wishes: Wishes, descriptors: number): readonly string[] {
  const wanted = planFor(wishes, 1, Number.POSITIVE_INFINITY).turns;
  return wanted
    .filter(({ setting }) => connectionsOf(setting) > descriptors)
    .map(({ dial, position }) => `${dial} at ${position}`);
}

/** Starting a server, proving it, looking at /proc: what every server and every turn cost beside their windows. */
const START_MS = 600;
const TURN_MS = 150;

/** About how long it takes; children that have to be spawned come on top. */
export function estimateMs(plan: ComparisonPlan, contenders: number): number {
  const { turns, rounds } = plan;
  const places = new Set(turns.map(({ setting }) => answerSourceOf(setting.answer))).size;
  const turn = plan.rampMs + plan.windowMs + plan.countMs + TURN_MS;
  const run = places * (START_MS + plan.warmUpMs) + 2 * plan.restMs + turns.length * turn;
  return Math.min(plan.maxMs, contenders * (rounds * run + plan.stallMs));
}

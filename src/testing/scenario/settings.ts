// Draws the settings of a run from its seed: faults, sizes of the machine, limits of the server, and clients. Small
// runs find most defects; some runs are large.

import type { Limits } from '../../limits.ts';
import { resolveLimits } from '../../options/resolve-limits.ts';
import { drawSettings, type FaultSettings } from '../fault-source.ts';
import { Random } from '../random.ts';
import { BEHAVIOUR_NAMES, type BehaviourName } from './behaviours.ts';
import type { PlanSettings } from './plan.ts';

/** One client of a run. */
export interface PlannedClient {
  /** Its number in the run, from 0. */
  readonly index: number;
  /** How it behaves. */
  readonly behaviour: BehaviourName;
  /** When it connects, in milliseconds from the start. */
  readonly atMs: number;
}

/** Everything that determines a run: equal settings make equal runs. */
export interface RunSettings {
  /** The seed of all random choices. */
  readonly seed: number;
  /** The level of each fault. */
  readonly faults: FaultSettings;
  /** Sizes in bytes or counts, and the latency: see {@link SimulatedKernelOptions}. */
  readonly machine: {
    readonly receiveBytes: number;
    readonly outputBytes: number;
    readonly sendCapacity: number;
    readonly receiveCapacity: number;
    readonly eventCapacity: number;
    readonly sendOpCapacity: number;
    readonly latencyMs: number;
    /** Absent: false, as in runs that were stored before this setting existed. */
    readonly transport?: boolean | 'encrypted';
  };
  /** The limits and time-outs of the server. */
  readonly limits: Limits;
  /** The kinds of requests. */
  readonly requests: PlanSettings;
  /** The maximum number of requests of one client. */
  readonly maxRequests: number;
  /** The clients. */
  readonly guests: readonly PlannedClient[];
  /** When faults stop and the server has to recover, in milliseconds from the start. */
  readonly healAtMs: number;
}

/** The maximum size of a run. */
export interface Scale {
  /** Default: 40; ten times as many in one of a hundred runs. */
  readonly maxClients?: number;
}

/** Every fifth run uses a transport, by turns one that encrypts. Not drawn: each seed still draws the same values. */
const TRANSPORTS_EVERY = 10;
const FRAMED_AT = 4;
const ENCRYPTED_AT = 9;

/**
 * In two of seven runs every third client has one of these behaviours. They are not drawn either: they were added after
 * the seeds of canaries were stored.
 */
const LATECOMERS: readonly BehaviourName[] = ['talkative', 'upgrading'];
const LATECOMERS_EVERY = 7;
const LATECOMERS_AT: readonly number[] = [0, 6];
const LATECOMER_GUESTS = 3;

const DRAWN = BEHAVIOUR_NAMES.filter((name) => !LATECOMERS.includes(name));

/** Draws the run of `seed`. */
export function drawRun(seed: number, scale: Scale = {}): RunSettings {
  const random = new Random(seed);
  const { maxClients = random.chance(0.01) ? 400 : 40 } = scale;
  const clients = random.magnitude(1, maxClients);
  const spanMs = random.magnitude(1, 5_000);
  const behaviours = drawBehaviours(random);
  const guests = Array.from({ length: clients }, (_, index) => {
    const drawn = random.pick(behaviours);
    return { index, behaviour: latecomerOf(seed, index) ?? drawn, atMs: random.below(spanMs + 1) };
  });
  const machine = { ...drawMachine(random), transport: transportOf(seed) };
  const limits = drawLimits(random, clients);
  return {
    seed,
    faults: drawSettings(random),
    machine,
    limits,
    requests: {
      handlerTimeoutMs: limits.handlerTimeoutMs,
      maxContentBytes: random.magnitude(16, 100_000),
      maxHandlerMs: random.magnitude(1, 300),
      endingShare: random.pick([0, 0.02, 0.2]),
    },
    maxRequests: random.magnitude(1, 60),
    guests,
    healAtMs: random.pick([spanMs >> 1, spanMs + 2_000, spanMs + 60_000]),
  };
}

/** A run of one client with at most two requests, small enough to try every place for a fault. */
export function smallRun(behaviour: BehaviourName): RunSettings {
  const settings = drawRun(1);
  return {
    ...settings,
    faults: {},
    machine: {
      receiveBytes: 512,
      outputBytes: 4_096,
      sendCapacity: 8_192,
      receiveCapacity: 8_192,
      eventCapacity: 256,
      sendOpCapacity: 16,
      latencyMs: 0,
    },
    limits: { ...settings.limits, maxConnections: 65_536, maxUnsentBytes: 1_024 },
    requests: { ...settings.requests, maxContentBytes: 3_000, endingShare: 0.2 },
    maxRequests: 2,
    guests: [{ index: 0, behaviour, atMs: 0 }],
    healAtMs: Number.MAX_SAFE_INTEGER,
  };
}

/** A few kinds of clients in most runs, all kinds in some. */
function drawBehaviours(random: Random): readonly BehaviourName[] {
  if (random.chance(0.3)) return DRAWN;
  return Array.from({ length: random.between(1, 4) }, () => random.pick(DRAWN));
}

function latecomerOf(seed: number, index: number): BehaviourName | undefined {
  if (!LATECOMERS_AT.includes(seed % LATECOMERS_EVERY) || index % LATECOMER_GUESTS !== LATECOMER_GUESTS - 1)
    return undefined;
  return LATECOMERS[Math.floor(index / LATECOMER_GUESTS) % LATECOMERS.length];
}

function transportOf(seed: number): boolean | 'encrypted' {
  const place = seed % TRANSPORTS_EVERY;
  return place === ENCRYPTED_AT ? 'encrypted' : place === FRAMED_AT;
}

function drawMachine(random: Random): RunSettings['machine'] {
  return {
    receiveBytes: random.pick([64, 512, 4_096, 65_536]),
    outputBytes: random.pick([512, 4_096, 32_768, 131_072]),
    sendCapacity: random.pick([1_000, 8_192, 65_536, 262_144]),
    receiveCapacity: random.pick([500, 8_192, 65_536]),
    eventCapacity: random.pick([1, 3, 256]),
    sendOpCapacity: random.pick([1, 3, 16]),
    latencyMs: random.pick([0, 0.5, 5]),
  };
}

/** Limits that correct clients stay within, with room for the effects of faults. */
function drawLimits(random: Random, clients: number): Limits {
  return {
    ...resolveLimits(),
    maxHeaderBytes: random.pick([700, 2_048, 16_384]),
    maxDiscardBytes: random.pick([0, 1_000, 262_144]),
    // In most runs there is room for all clients.
    maxConnections: random.chance(0.2) ? random.between(1, clients) : 65_536,
    handlerTimeoutMs: random.chance(0.5) ? 0 : random.between(5_000, 20_000),
    minReceiveBytesPerSecond: random.pick([0, 240, 2_000]),
    minSendBytesPerSecond: random.pick([0, 240, 2_000]),
    maxFileBytesPerTurn: random.pick([65_536, 1_048_576]),
    maxAcceptsPerTurn: random.pick([1, 4, 64]),
    maxRequestsPerTurn: random.pick([1, 3, 256]),
    maxUnsentBytes: random.pick([1_024, 10_000, 65_536]),
    firstByteTimeoutMs: random.between(3_000, 30_000),
    headerTimeoutMs: random.between(5_000, 20_000),
    bodyTimeoutMs: random.between(4_000, 30_000),
    sendTimeoutMs: random.between(8_000, 30_000),
    keepAliveTimeoutMs: random.between(4_000, 75_000),
    halfClosedTimeoutMs: random.between(5_000, 10_000),
    maxCachedFileBytes: random.pick([0, 1_000, 131_072]),
  };
}

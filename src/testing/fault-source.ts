// The faults of a simulated run, each off, rare or frequent. Every run draws its own levels (swarm testing: a fault is
// found sooner among a few others than among all).

import { Random } from './random.ts';

/** The effect of each fault. The names are stable: stored seeds use them. */
export const FAULTS = {
  partialReceive: 'recv returns only a part of the bytes; the others come later',
  receiveAgain: 'recv fails with EAGAIN after a readable event; the bytes come later',
  shortSend: 'send accepts fewer bytes than there is room for',
  sendAgain: 'send fails with EAGAIN though there is room',
  spuriousEvent: 'an event without a cause',
  separateBits: 'an event reports only changed bits, not all that are true (kqueue); per run',
  mergedArrivals: 'bytes that arrive behind unread ones cause no event; per run',
  lateEvent: 'an event is reported by a later wait than possible',
  smallBatch: 'a wait reports fewer events than there are',
  shuffledBatch: 'the events of a wait come in random order',
  staleEvent: 'an event of a descriptor that was closed, whose number may be in use again',
  interrupted: 'EINTR from recv, send or accept',
  reset: 'the connection is reset (RST) during any call',
  sendFails: 'send fails with ECONNRESET, EPIPE or ENOBUFS',
  abortedAccept: 'accept fails with ECONNABORTED, EPROTO or EPERM: the client is gone',
  exhaustedAccept: 'accept fails with EMFILE, ENFILE, ENOBUFS or ENOMEM for some time',
  addFails: 'registering a descriptor fails (ENOMEM, ENOSPC, EMFILE)',
  closeFails: 'close fails with EINTR or EIO, but closes the descriptor',
  shutdownFails: 'shutdown fails with ENOTCONN: the connection was reset just before',
  lateWait: 'a wait returns up to 300 ms late',
  clockJump: 'the monotonic clock jumps by up to ten minutes (a suspended machine)',
  wallClockStep: 'the wall clock is set forwards or backwards',
} as const;

/** The effect of each fault of a connection that the server makes. They are not drawn: few servers make any. */
const CONNECT_FAULTS = {
  connectFails: 'connect fails at once: no descriptor, no port, no route',
  connectRefused: 'a connection in progress is refused',
  lateConnect: 'a connection is in progress for up to 300 ms',
  fullBacklog: 'connect to a Unix domain socket fails with EAGAIN',
} as const;

/** One of the keys of {@link FAULTS} and {@link CONNECT_FAULTS}. */
export type FaultName = keyof typeof FAULTS | keyof typeof CONNECT_FAULTS;

/**
 * How often a fault happens, for each call that it can affect: never, in 0.5 %, or in 15 %. Those that end a connection
 * or stop everything, such as `reset`, are rarer: never, in 0.03 %, or in 0.5 %.
 */
export type FaultLevel = 'off' | 'rare' | 'frequent';

/** The level of every fault that is not off. */
export type FaultSettings = Readonly<Partial<Record<FaultName, FaultLevel>>>;

/** The name of every fault that is drawn. */
export const FAULT_NAMES: readonly FaultName[] = Object.keys(FAULTS).filter(isFaultName);

/** The name of every fault of {@link CONNECT_FAULTS}. */
export const CONNECT_FAULT_NAMES: readonly FaultName[] = Object.keys(CONNECT_FAULTS).filter(isFaultName);

/** The probability of a rare and of a frequent fault, for each call that it can affect. */
const RATES = { rare: 0.005, frequent: 0.15 } as const;

/** Faults that end a connection or stop everything. At the rates of the others, they would leave nothing to check. */
const GRAVE_RATES = { rare: 0.0003, frequent: 0.005 } as const;

const GRAVE = new Set<FaultName>(['reset', 'sendFails', 'clockJump', 'wallClockStep', 'exhaustedAccept', 'lateWait']);

function isFaultName(name: string): name is FaultName {
  return Object.hasOwn(FAULTS, name) || Object.hasOwn(CONNECT_FAULTS, name);
}

/** Turns half of the faults off; the others are rare or frequent. */
export function drawSettings(random: Random): FaultSettings {
  const settings: Partial<Record<FaultName, FaultLevel>> = {};
  for (const name of FAULT_NAMES) {
    const drawn = random.below(4);
    if (drawn >= 2) settings[name] = drawn === 2 ? 'rare' : 'frequent';
  }
  return settings;
}

/** Decides at each call whether a fault happens, and counts the injected faults. */
export class FaultSource {
  /** The level of each fault. */
  readonly settings: FaultSettings;
  /** Injected faults so far, by name. */
  readonly injected: Map<FaultName, number> = new Map();
  /** The sum of all injected faults. */
  count = 0;
  /** One random sequence per fault: turning one off does not change the others. */
  readonly #sequences = new Map<FaultName, Random>();
  readonly #rates = new Map<FaultName, number>();
  #healed = false;

  /** `random`: determines when faults happen. */
  constructor(settings: FaultSettings, random: Random) {
    this.settings = settings;
    for (const [index, name] of [...FAULT_NAMES, ...CONNECT_FAULT_NAMES].entries()) {
      const setting = settings[name] ?? 'off';
      if (setting === 'off') continue;
      this.#sequences.set(name, random.fork(index));
      this.#rates.set(name, (GRAVE.has(name) ? GRAVE_RATES : RATES)[setting]);
    }
  }

  /** Stops all faults: from here on the server has to recover. */
  heal(): void {
    this.#healed = true;
  }

  /** Whether a fault that applies to a whole run is on. */
  isOn(name: FaultName): boolean {
    return this.#rates.has(name);
  }

  /** Whether the fault happens now. Counts it if it does. */
  strikes(name: FaultName): boolean {
    const rate = this.#rates.get(name);
    if (rate === undefined || this.#healed || !this.draw(name).chance(rate)) return false;
    this.note(name);
    return true;
  }

  /** Counts an injected fault. */
  protected note(name: FaultName): void {
    this.count++;
    this.injected.set(name, (this.injected.get(name) ?? 0) + 1);
  }

  /** The random sequence for the size of a fault. */
  draw(name: FaultName): Random {
    return this.#sequences.get(name) ?? new Random(0);
  }
}

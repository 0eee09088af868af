// The faults of a simulated run, each with a dial: off, rare or frequent. Every run draws its own
// setting (swarm testing: a fault is found sooner among few others than among all).

import { Random } from './random.ts';

/** What each fault does. The names are stable: stored seeds use them. */
export const FAULTS = {
  partialReceive: 'recv gives fewer bytes than came; the others come later',
  receiveAgain: 'recv says EAGAIN though an event promised bytes; they come later',
  shortSend: 'send takes fewer bytes than there is room for',
  sendAgain: 'send takes nothing (EAGAIN) though there is room',
  spuriousEvent: 'an event without a cause',
  separateBits: 'an event says only what changed, not everything that is true (kqueue); per run',
  mergedArrivals: 'bytes that come while others lie unread make no event of their own; per run',
  lateEvent: 'an event is reported by a later wait than the first that could',
  smallBatch: 'a wait reports fewer events than there are',
  shuffledBatch: 'the events of a wait come in any order',
  staleEvent: 'an event of a descriptor that was closed, whose number may be in use again',
  interrupted: 'EINTR from recv, send or accept',
  reset: 'the connection is reset (RST) from outside, at any call',
  sendFails: 'send fails with ECONNRESET, EPIPE or ENOBUFS',
  abortedAccept: 'accept fails with ECONNABORTED, EPROTO or EPERM: that client is gone',
  exhaustedAccept: 'accept fails with EMFILE, ENFILE, ENOBUFS or ENOMEM for some time',
  addFails: 'a descriptor cannot be watched (ENOMEM, ENOSPC, EMFILE)',
  closeFails: 'close reports EINTR or EIO; the descriptor is closed all the same',
  shutdownFails: 'shutdown fails with ENOTCONN: the connection was reset just before',
  lateWait: 'a wait returns up to 300 ms late',
  clockJump: 'the monotonic clock jumps by up to ten minutes (a suspended machine)',
  wallClockStep: 'the wall clock is set forwards or backwards',
} as const;

/** One of the keys of {@link FAULTS}. */
export type FaultName = keyof typeof FAULTS;

export type FaultLevel = 'off' | 'rare' | 'frequent';

/** A setting for every dial that is not off. */
export type FaultSettings = Readonly<Partial<Record<FaultName, FaultLevel>>>;

/** The name of every fault. */
export const FAULT_NAMES: readonly FaultName[] = Object.keys(FAULTS).filter(isFaultName);

/** How often a rare and a frequent fault happens, of all calls that it could befall. */
const RATES = { rare: 0.005, frequent: 0.15 } as const;

/** Faults that end a connection or stop the world: as often as the others they would leave nothing to check. */
const GRAVE_RATES = { rare: 0.0003, frequent: 0.005 } as const;

const GRAVE = new Set<FaultName>(['reset', 'sendFails', 'clockJump', 'wallClockStep', 'exhaustedAccept', 'lateWait']);

export function isFaultName(name: string): name is FaultName {
  return Object.hasOwn(FAULTS, name);
}

/** Half of the dials off, the others rare or frequent. */
export function drawSettings(random: Random): FaultSettings {
  const settings: Partial<Record<FaultName, FaultLevel>> = {};
  for (const name of FAULT_NAMES) {
    const drawn = random.below(4);
    if (drawn >= 2) settings[name] = drawn === 2 ? 'rare' : 'frequent';
  }
  return settings;
}

/** Decides at every call whether a fault happens, and counts those that did. */
export class Dials {
  readonly settings: FaultSettings;
  /** Faults injected so far, by dial. */
  readonly injected: Map<FaultName, number> = new Map();
  /** All of them together. */
  faults = 0;
  /** A sequence for each dial: turning one off leaves the others as they were. */
  readonly #sequences = new Map<FaultName, Random>();
  readonly #rates = new Map<FaultName, number>();
  #healed = false;

  constructor(settings: FaultSettings, random: Random) {
    this.settings = settings;
    for (const [index, name] of FAULT_NAMES.entries()) {
      const setting = settings[name] ?? 'off';
      if (setting === 'off') continue;
      this.#sequences.set(name, random.fork(index));
      this.#rates.set(name, (GRAVE.has(name) ? GRAVE_RATES : RATES)[setting]);
    }
  }

  /** From here on nothing goes wrong any more: what was hurt has to recover. */
  heal(): void {
    this.#healed = true;
  }

  /** Whether a dial that holds for a whole run is on. */
  isOn(name: FaultName): boolean {
    return this.#rates.has(name);
  }

  /** Whether the fault happens now. Counted when it does. */
  strikes(name: FaultName): boolean {
    const rate = this.#rates.get(name);
    if (rate === undefined || this.#healed || !this.draw(name).chance(rate)) return false;
    this.note(name);
    return true;
  }

  /** A fault happens. */
  protected note(name: FaultName): void {
    this.faults++;
    this.injected.set(name, (this.injected.get(name) ?? 0) + 1);
  }

  /** The sequence from which a fault's size is drawn. */
  draw(name: FaultName): Random {
    return this.#sequences.get(name) ?? new Random(0);
  }
}
